<!DOCTYPE html><p>nur hier ${page.current_locale}</p>\
