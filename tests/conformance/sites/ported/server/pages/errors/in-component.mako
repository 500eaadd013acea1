<!DOCTYPE html><html><body><p>before</p><%include file="/WaitStrict.mako" args="ms=400"/><p>after</p></body></html>\
