from ondemand import BodyError, Response


async def POST(page):
    try:
        return {"got": await page.request.json()}
    except BodyError:
        return Response.json({"error": "bad json"}, 400)
