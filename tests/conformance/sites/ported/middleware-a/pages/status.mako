<!DOCTYPE html><p>status</p>\
