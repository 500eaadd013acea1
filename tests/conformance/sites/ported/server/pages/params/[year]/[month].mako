<!DOCTYPE html><p>${page.params["year"]}/${page.params["month"]}</p>\
