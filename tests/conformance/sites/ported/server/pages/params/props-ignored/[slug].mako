<%! static_paths = [{"params": {"slug": "a"}, "props": {"title": "A"}}] %>\
<!DOCTYPE html><p>${page.params["slug"]} ${page.props.get("title", "no title")}</p>\
