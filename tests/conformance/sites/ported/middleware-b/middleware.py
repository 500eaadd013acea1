"""The guard of the fourth place and its two pages wait for sessions."""

from ondemand import Response, sequence


async def first(page, next):
    page.locals["order"] = ["first in"]
    response = await next()
    page.locals["order"].append("first out")
    response.headers.append("X-Order", "first")
    response.headers["X-Trail"] = ", ".join(page.locals["order"])
    return response


async def second(page, next):
    page.locals["order"].append("second in")
    if "stop" in page.url.search_params:
        return Response("stopped by second", headers={"content-type": "text/plain; charset=utf-8"})
    if "fail" in page.url.search_params:
        raise RuntimeError("second broke")
    response = await (next("/order/other?from=second") if "go" in page.url.search_params else next())
    page.locals["order"].append("second out")
    response.headers.append("X-Order", "second")
    return response


async def third(page, next):
    page.locals["order"].append(f"third {page.url.pathname}")
    return await next()


on_request = sequence(first, second, third)
