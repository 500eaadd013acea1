<%!
prerender = True
static_paths = [{"params": {"slug": "known"}}]
%>\
<!DOCTYPE html><p>built ${page.params["slug"]}</p>\
