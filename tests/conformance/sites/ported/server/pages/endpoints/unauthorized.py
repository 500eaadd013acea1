from ondemand import Response


def GET(page):
    token = page.cookies.get("token")
    if token is None:
        return Response(
            "Unauthorized", 401, {"WWW-Authenticate": "Bearer", "content-type": "text/plain; charset=utf-8"}
        )
    return {"token": token.value}
