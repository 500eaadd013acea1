<!DOCTYPE html><p>built 404</p>\
