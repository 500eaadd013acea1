def GET(page):
    return {"current": page.current_locale, "preferred": page.preferred_locale, "list": page.preferred_locale_list}
