"""What Astro does for `routing: { prefixDefaultLocale, redirectToDefaultLocale, fallbackType: "rewrite" }`: the root leads
to English, no page is found without a locale in front of it, and what Italian lacks is shown in English."""

from ondemand import Response


async def on_request(page, next):
    first, _, rest = page.url.pathname[1:].partition("/")
    if not first:
        return page.redirect("/en/")
    if first not in {"en", "de", "it"}:
        return Response(None, 404)
    response = await next()
    if response.status_code == 404 and first == "it":
        return await next(f"/en/{rest}{page.url.search}")
    return response
