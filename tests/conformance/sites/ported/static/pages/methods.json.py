def GET(page):
    return '{"from":"get"}'


def POST(page):
    return '{"from":"post"}'
