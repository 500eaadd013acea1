<!DOCTYPE html><p>blog ${page.params["slug"]} ${page.current_locale}</p>\
