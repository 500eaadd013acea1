<!DOCTYPE html><p>no such page</p>\
