<!DOCTYPE html><html><body><%include file="/ReadsRequest.mako"/></body></html>\
