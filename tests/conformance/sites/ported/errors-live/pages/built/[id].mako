<%!
prerender = True
static_paths = [{"params": {"id": "a"}}]
%>\
<!DOCTYPE html><p>built ${page.params["id"]}</p>\
