<%! prerender = True %>\
<!DOCTYPE html><p>built for ${page.locals["user"]}</p>\
