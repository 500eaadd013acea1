<%page args="ms, label"/>\
<%!
import asyncio
%>\
<% await_(asyncio.sleep(ms / 1000)) %>\
<i>${label}</i>\
