import json

from ondemand import Response

NAMES = {"a": "Apple", "b": "Banana"}


def GET(page):
    name = NAMES.get(page.params["id"])
    if name is None:
        return Response(None, 404, status_text="Not found")
    return json.dumps({"name": name}, separators=(",", ":"))


def DELETE(page):
    return f"deleted {page.params['id']}"
