<!DOCTYPE html><html><body><p>start</p><%include file="/LateFailure.mako"/></body></html>\
