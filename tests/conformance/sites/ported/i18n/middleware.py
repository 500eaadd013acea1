"""What `i18n.fallback = { fr: "en" }` does in Astro: a page that French lacks is the English one, by a redirect."""


async def on_request(page, next):
    response = await next()
    first, _, rest = page.url.pathname[1:].partition("/")
    if response.status_code == 404 and first == "fr":
        return page.redirect(f"/{rest}{page.url.search}")
    return response
