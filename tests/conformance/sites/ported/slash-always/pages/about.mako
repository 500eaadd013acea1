<%! prerender = True %>\
<!DOCTYPE html><p>about ${page.url.pathname}</p>\
