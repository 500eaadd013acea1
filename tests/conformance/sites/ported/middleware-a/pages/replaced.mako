<!DOCTYPE html><p>Hello World</p>\
