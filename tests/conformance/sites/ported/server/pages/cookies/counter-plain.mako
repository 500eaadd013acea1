<%!
from math import isnan

def frontmatter(page):
    counter = 0
    if page.cookies.has("visits"):
        counter = page.cookies["visits"].number() + 1
    page.cookies.set("visits", counter)
    return {"counter": "NaN" if isnan(counter) else counter}
%>\
<!DOCTYPE html><html><h1>Counter = ${counter}</h1></html>\
