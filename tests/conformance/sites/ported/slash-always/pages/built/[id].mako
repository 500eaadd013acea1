<%!
prerender = True
static_paths = [{"params": {"id": "a"}}, {"params": {"id": "b.c"}}]
%>\
<!DOCTYPE html><p>built ${page.params["id"]} ${page.url.pathname}</p>\
