import json


def GET(page):
    return json.dumps({"message": "static name, live answer"}, separators=(",", ":"))
