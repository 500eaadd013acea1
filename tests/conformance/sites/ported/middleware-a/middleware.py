from ondemand import Response

TEXT = {"content-type": "text/plain; charset=utf-8"}


async def on_request(page, next):
    path = page.url.pathname
    cookie = page.cookies.get("user")
    page.locals["user"] = "guest" if cookie is None else cookie.value
    page.locals["trail"] = ["middleware"]
    if path == "/blocked":
        return Response("blocked", 401, {"WWW-Authenticate": "Basic", **TEXT})
    if path == "/moved":
        return page.redirect("/locals", 308)
    if path == "/rewritten":
        return await next("/locals")
    if path == "/rewritten-by-context":
        return page.rewrite("/locals")
    if path == "/no-next":
        return None
    if path == "/virtual":
        return Response("made by middleware", headers=TEXT)
    response = await next()
    response.headers["X-User"] = page.locals["user"]
    if path == "/late-cookie":
        page.cookies.set("from-middleware", "1", path="/")
    if path == "/replaced":
        body = response.body.replace(b"World", b"Middleware")
        return Response(body, response.status_code, response.headers)
    if path == "/status":
        return Response(response.body, 299, response.headers)
    return response
