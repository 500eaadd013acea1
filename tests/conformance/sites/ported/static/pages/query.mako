<!DOCTYPE html><p>[${page.url.search_params.get("q", "none")}] prerendered=${str(page.is_prerendered).lower()}</p>\
