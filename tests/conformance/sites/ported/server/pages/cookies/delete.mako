<%!
def frontmatter(page):
    before = page.cookies.has("gone")
    page.cookies.delete("gone", path="/cookies")
    return {"before": str(before).lower(), "after": str(page.cookies.has("gone")).lower()}
%>\
<!DOCTYPE html><p>before ${before} after ${after}</p>\
