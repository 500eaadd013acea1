<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Counter</title></head><body>
<h1>Visit ${n}</h1>
<table>
% for number, name, price in rows:
<tr id="row-${number}"><td>${name}</td><td>${price}</td></tr>
% endfor
</table>
</body></html>
