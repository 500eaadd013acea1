<!DOCTYPE html><html lang="en"><body>own</body></html>\
