<%!
from ondemand import Redirect
%>\
<% raise Redirect("/cookies/counter") %>\
<i>never</i>\
