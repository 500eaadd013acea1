<!DOCTYPE html><p>home ${page.current_locale}</p>\
