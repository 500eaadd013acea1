<!DOCTYPE html><p>prerendered sale</p>\
