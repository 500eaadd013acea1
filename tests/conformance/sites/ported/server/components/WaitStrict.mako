<%page args="ms"/>\
<%!
import asyncio
%>\
<%
await_(asyncio.sleep(ms / 1000))
raise RuntimeError("late failure")
%>\
<i>never</i>\
