from ondemand import StaticPath

static_paths = [StaticPath({"id": "1"}, props={"name": "one"}), StaticPath({"id": "2"}, props={"name": "two"})]


def GET(page):
    return {**page.params, **page.props}
