<%inherit file="/Frame.mako"/>\
<%block name="title">nested</%block>\
<%block name="top"><p>top</p></%block>\
<%include file="/Wait.mako" args="ms=400, label='inside'"/>\
