<!DOCTYPE html><p>live ${page.params["rest"]}</p>\
