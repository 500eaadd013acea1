<%! static_paths = [{"params": {"lang": "en"}}, {"params": {"lang": "fr"}}] %>\
<!DOCTYPE html><p lang="${page.params["lang"]}">home</p>\
