<!DOCTYPE html><p>not found ${page.current_locale} ${page.url.pathname}</p>\
