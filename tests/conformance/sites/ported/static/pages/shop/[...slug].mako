<%! prerender = False %>\
<!DOCTYPE html><p>live shop ${page.params["slug"] or "front"}</p>\
