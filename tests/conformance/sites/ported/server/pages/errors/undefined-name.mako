<!DOCTYPE html><p>${len(page.params["nothing"])}</p>\
