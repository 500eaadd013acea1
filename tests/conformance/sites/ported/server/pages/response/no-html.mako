<!DOCTYPE html><p>only a paragraph</p>\
