<%!
import json
%>\
<!DOCTYPE html><p>${json.dumps(dict(page.params), ensure_ascii=False, separators=(",", ":"))}</p>\
