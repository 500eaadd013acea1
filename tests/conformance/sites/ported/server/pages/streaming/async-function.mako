<%!
import asyncio

async def load():
    await asyncio.sleep(0.4)
    return ["x", "y"]
%>\
<!DOCTYPE html><html><body><p>now</p><ul>\
% for item in await_(load()):
<li>${item}</li>\
% endfor
</ul></body></html>\
