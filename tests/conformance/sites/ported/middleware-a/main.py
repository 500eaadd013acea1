from middleware import on_request

from ondemand import OnDemand, Pages

pages = Pages("pages")
pages.on_request(on_request)
app = OnDemand(pages=pages)
