<% page.cookies.set("late", "yes") %>\
<i>component</i>\
