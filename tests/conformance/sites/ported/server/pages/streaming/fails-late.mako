<!DOCTYPE html><html><body><p>start</p><%include file="/WaitStrict.mako" args="ms=400"/><p>end</p></body></html>\
