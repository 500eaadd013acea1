<%!
from math import isnan

from ondemand import Cookie

def frontmatter(page):
    query = page.url.search_params
    number = Cookie(query.get("page") or "1").number()  # JavaScript's Number
    return {"number": "NaN" if isnan(number) else number, "tags": "+".join(query.getlist("tag"))}
%>\
<!DOCTYPE html><p>page ${number} tags ${tags}</p>\
