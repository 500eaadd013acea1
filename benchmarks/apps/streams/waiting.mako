<%!
from benchmarks.parts import COUNT, part, turn

prerender = False
%>\
% for number in range(COUNT):
${await_(turn()) or ""}${part(number) | n}\
% endfor
