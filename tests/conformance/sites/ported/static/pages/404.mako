<!DOCTYPE html><html><body><h1>Nothing at ${page.url.pathname}</h1></body></html>\
