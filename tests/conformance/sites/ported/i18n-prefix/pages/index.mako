<!DOCTYPE html><p>never shown: the root goes to the default locale</p>\
