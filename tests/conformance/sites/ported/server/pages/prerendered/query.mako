<%! prerender = True %>\
<!DOCTYPE html><p>search=[${page.url.search}] url=${page.url.pathname} method=${page.request.method}</p>\
