<!DOCTYPE html><p>home ${page.url.pathname} base ${page.root_path}/</p>\
