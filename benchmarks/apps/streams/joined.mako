<%!
from benchmarks.parts import COUNT, at_once, part

prerender = False
%>\
% for number in range(COUNT):
${await_(at_once()) or ""}${part(number) | n}\
% endfor
