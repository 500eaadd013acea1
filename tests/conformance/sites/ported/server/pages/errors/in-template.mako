<%!
def boom():
    raise RuntimeError("template failure")
%>\
<!DOCTYPE html><html><body><p>before</p>${boom()}<p>after</p></body></html>\
