def GET(page):
    return {
        "routePattern": page.route_pattern,
        "isPrerendered": page.is_prerendered,
        "params": dict(page.params),
        "props": dict(page.props),
        "site": page.site,
        "locals": page.locals,
    }
