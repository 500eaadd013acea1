<!DOCTYPE html><p>built 500</p>\
