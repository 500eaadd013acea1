from ondemand import Response


def GET(page):
    prefs = page.cookies.get("prefs")
    return Response.json(None if prefs is None else prefs.json())
