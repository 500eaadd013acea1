<!DOCTYPE html><html><body><p>start</p><%include file="/RedirectsLate.mako"/><p>end</p></body></html>\
