<!DOCTYPE html><p>${"no path" if page.params["path"] is None else page.params["path"]}</p>\
