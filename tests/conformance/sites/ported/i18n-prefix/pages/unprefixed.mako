<!DOCTYPE html><p>not reachable?</p>\
