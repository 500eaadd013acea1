<li>one</li><li>two</li>\
