<%!
import asyncio

from ondemand import Redirect
%>\
<%
await_(asyncio.sleep(0.1))
raise Redirect("/cookies/counter")
%>\
<i>never</i>\
