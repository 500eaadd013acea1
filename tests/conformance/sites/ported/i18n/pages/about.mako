<!DOCTYPE html><p>about ${page.current_locale}</p>\
