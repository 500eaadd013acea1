<!DOCTYPE html><p>never seen</p>\
