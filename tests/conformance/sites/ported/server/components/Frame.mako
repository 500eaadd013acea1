<!DOCTYPE html><html><head><title><%block name="title"/></title></head><body>\
<%block name="top">no top</%block><main>${self.body()}</main></body></html>\
