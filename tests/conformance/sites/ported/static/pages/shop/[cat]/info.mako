<%! static_paths = [{"params": {"cat": "lamps"}}] %>\
<!DOCTYPE html><p>prerendered info on ${page.params["cat"]}</p>\
