async def on_request(page, next):
    if page.url.pathname == "/middleware-throws":
        raise RuntimeError("middleware broke")
    response = await next()
    response.headers["X-Through-Middleware"] = str(response.status_code)
    return response
