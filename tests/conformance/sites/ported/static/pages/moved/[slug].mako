<%! static_paths = [{"params": {"slug": "here"}}] %>\
<!DOCTYPE html><p>moved ${page.params["slug"]}</p>\
