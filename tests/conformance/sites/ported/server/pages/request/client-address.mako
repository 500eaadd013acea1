<!DOCTYPE html><p>${page.client_address}</p>\
