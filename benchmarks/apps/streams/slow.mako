<%!
from benchmarks.parts import never, part

prerender = False
%>\
${part(0) | n}\
${await_(never())}\
${part(1) | n}
