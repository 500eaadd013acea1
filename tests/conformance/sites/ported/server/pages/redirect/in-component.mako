<!DOCTYPE html><html><body><p>before</p><%include file="/Redirects.mako"/><p>after</p></body></html>\
