<%! prerender = False %>\
<!DOCTYPE html><p>live ${page.params["id"]} ${page.url.pathname}</p>\
