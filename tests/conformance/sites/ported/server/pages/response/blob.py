from ondemand import Response


def GET(page):
    headers = {"Content-Type": "text/csv", "Content-Disposition": 'attachment; filename="t.csv"'}
    return Response(b"a,b\n1,2\n", headers=headers)
