<!DOCTYPE html><p>other ${page.url.search} ${", ".join(page.locals["order"])}</p>\
