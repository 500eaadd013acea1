<!DOCTYPE html><p>${", ".join(page.locals["order"])}</p>\
