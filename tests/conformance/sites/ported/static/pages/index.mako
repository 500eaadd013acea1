<!DOCTYPE html><html><body><h1>Static site</h1></body></html>\
