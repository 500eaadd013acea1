<%
page.response.headers["x-from-component"] = "yes"
page.response.status = 418
%>\
<i>component</i>\
