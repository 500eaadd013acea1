from datetime import UTC, datetime


def GET(page):
    page.cookies.set("plain", "one two")
    page.cookies.set(
        "full",
        "x",
        path="/",
        domain="conformance.test",
        max_age=3600,
        http_only=True,
        secure=True,
        same_site="lax",
    )
    page.cookies.set("until", "x", expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
    return "ok"
