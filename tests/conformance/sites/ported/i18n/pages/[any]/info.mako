<!DOCTYPE html><p>info ${page.params["any"]} ${page.current_locale}</p>\
