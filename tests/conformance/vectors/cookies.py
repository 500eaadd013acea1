"""cookies-parse and cookies-set: `ondemand.cookies.Cookies`, asked without a request."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ondemand.cookies import Cookie, Cookies, parse_cookies
from tests.conformance.decisions import Area, Decision
from tests.conformance.values import Unreadable, from_json, to_json

__all__ = ["AREAS"]

OPTIONS = {"maxAge": "max_age", "httpOnly": "http_only", "sameSite": "same_site"}
"""Astro's name of an option -> ours, where they differ. An option that Astro does not know keeps its name."""

ENCODE: dict[str, Callable[[str], str]] = {
    "identity": lambda text: text,
    "none": lambda text: text,
    "upper": str.upper,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "add-semicolon": lambda text: f"{text};x",
    "constant-empty": lambda text: "",
}
HAS_IS_GET = "has() is get() is not None"

REFUSED = (ValueError, TypeError)
"""What a wrong cookie raises: `CookieError` is a ValueError, an unknown option a TypeError."""


def named(encode: Any) -> Callable[[str], str]:
    """The function that a case calls so."""
    if encode not in ENCODE:
        raise Unreadable(f"no function is called {encode!r} here")
    return ENCODE[encode]


# --- reading ----------------------------------------------------------------------------------------------------------


def parse(given: Mapping[str, Any]) -> dict[str, Any]:
    jar = Cookies(given["header"] or "", {})
    options = {"decode": named(given["decode"])} if given.get("decode") else {}
    cookie = jar.get(given["key"], **options)
    return {"has": jar.has(given["key"]), "get": None if cookie is None else read(cookie)}


def read(cookie: Cookie) -> dict[str, Any]:
    try:
        parsed = {"value": to_json(cookie.json())}
    except ValueError:
        parsed = {"error": "SyntaxError"}
    return {
        "value": cookie.value,
        "number": to_json(cookie.number()),
        "boolean": cookie.boolean(),
        "json": parsed,
    }


def without_name(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    return {"has": False, "get": None} if given["key"] == "" else None


def raw_utf8(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    cookie, header = expected["get"], given["header"] or ""
    if cookie is None or header.isascii():
        return None
    try:
        header.encode("latin-1").decode()
        value = cookie["value"].encode("latin-1").decode()
    except UnicodeError:
        return None
    return {**expected, "get": {**cookie, "value": value}}


def exact_numbers(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    cookie = expected["get"]
    if cookie is None or not re.search("[0-9]{16,}", cookie["value"]):
        return None
    exact = dict(cookie)
    if re.fullmatch("[+-]?[0-9]+", cookie["value"]):
        exact["number"] = int(cookie["value"])
    if "value" in cookie["json"]:
        exact["json"] = {"value": to_json(json.loads(cookie["value"]))}
    return {**expected, "get": exact}


def empty_is_there(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    if not (expected["has"] and expected["get"] is None):
        return None
    nothing = {"value": "", "number": 0, "boolean": False, "json": {"error": "SyntaxError"}}
    return {"has": True, "get": nothing}


PARSE = [
    Decision(
        "a pair without a name is no cookie",
        "A cookie that no page can have set is not kept under the empty name.",
        without_name,
    ),
    Decision(
        "raw UTF-8 in a Cookie header is text",
        "Browsers send what scripts set as UTF-8; only what is none is read as ISO-8859-1.",
        raw_utf8,
    ),
    Decision(
        "whole numbers are exact",
        "Python's whole numbers have no limit, so that a long id survives number() and json().",
        exact_numbers,
    ),
    Decision(
        HAS_IS_GET,
        "An empty cookie is there for has() and get() alike.",
        empty_is_there,
        ahead=True,
    ),
]

# --- writing ----------------------------------------------------------------------------------------------------------


def write(given: Mapping[str, Any]) -> dict[str, Any]:
    jar = Cookies(given.get("header") or "", {})
    results: list[Any] = []
    for number, op in enumerate(given["ops"]):
        try:
            results.append(do(jar, op))
        except REFUSED:
            return {"results": results, "error": {"op": number}}
    return {"results": results, "set_cookie": jar.headers()}


def do(jar: Cookies, op: Mapping[str, Any]) -> Any:
    options = {OPTIONS.get(name, name): from_json(value) for name, value in (op.get("options") or {}).items()}
    for name in ("encode", "decode"):
        if options.get(name) is not None:
            options[name] = named(options[name])
    match op["op"]:
        case "set":
            return jar.set(op["key"], from_json(op.get("value")), **options)
        case "delete":
            return jar.delete(op["key"], **options)
        case "has":
            return jar.has(op["key"])
        case "get":
            cookie = jar.get(op["key"], **options)
            return None if cookie is None else {"value": cookie.value}
    raise Unreadable(f"no operation is called {op['op']!r} here")


def plain(expected: Mapping[str, Any]) -> dict[str, Any]:
    """Without the words of an error: which operation is refused counts."""
    if "error" in expected:
        return {"results": expected["results"], "error": {"op": expected["error"]["op"]}}
    return {"results": expected["results"], "set_cookie": expected["set_cookie"]}


Op = Mapping[str, Any]


def refusing(rule: Callable[[Op, Mapping[str, Any]], bool]) -> Callable[[Op, Any, Any], Any]:
    """A decision's rule: the first operation for which `rule` (of the operation and its options) holds is an error."""

    def expect(given: Op, expected: Any, got: Any) -> Any:
        last = expected["error"]["op"] if "error" in expected else len(given["ops"])
        for number, op in enumerate(given["ops"][:last]):
            options = {name: value for name, value in (op.get("options") or {}).items() if from_json(value) is not None}
            if op["op"] in {"set", "delete"} and rule(op, options):
                return {"results": expected["results"][:number], "error": {"op": number}}
        return None

    return expect


def browsers_drop(op: Op, options: Mapping[str, Any]) -> bool:
    name, secure = op["key"].lower(), bool(options.get("secure"))
    if op["op"] == "delete" and name.startswith(("__secure-", "__host-")):
        secure = True  # deleting one adds the flag that it cannot do without
    needs = name.startswith(("__secure-", "__host-")) or bool(options.get("partitioned"))
    needs = needs or str(options.get("sameSite", "")).lower() == "none"
    rooted = options.get("path") == "/" and not options.get("domain")
    return (needs and not secure) or (name.startswith("__host-") and not rooted)


def no_token(op: Op, options: Mapping[str, Any]) -> bool:
    return not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", op["key"])


def relative_path(op: Op, options: Mapping[str, Any]) -> bool:
    return bool(options.get("path")) and not str(options["path"]).startswith("/")


def odd_flag(op: Op, options: Mapping[str, Any]) -> bool:
    return any(not isinstance(options.get(name, False), bool) for name in ("secure", "httpOnly", "partitioned"))


KNOWN = {"domain", "expires", "httpOnly", "maxAge", "path", "sameSite", "secure", "partitioned", "priority", "encode"}


def unknown_option(op: Op, options: Mapping[str, Any]) -> bool:
    return bool(set(op.get("options") or {}) - KNOWN)


def no_value(op: Op, options: Mapping[str, Any]) -> bool:
    return op["op"] == "set" and isinstance(op.get("value"), dict) and "$date" in op["value"]


def lists_as_json(given: Op, expected: Any, got: Any) -> Any:
    """Each list that is set is its JSON text, in the header and for a later `get`."""
    results, lines, held = list(expected["results"]), list(expected.get("set_cookie", [])), {}
    for number, op in enumerate(given["ops"][: len(results)]):
        if op["op"] in {"set", "delete"}:
            is_list = op["op"] == "set" and isinstance(op["value"], list)
            held[op["key"]] = json.dumps(op["value"], ensure_ascii=False, separators=(",", ":")) if is_list else None
        elif op["op"] == "get" and results[number] is not None and held.get(op["key"]) is not None:
            results[number] = {"value": held[op["key"]]}
    for name, text in held.items():
        encoded = next(iter(written({"op": "set", "key": name, "value": text})), "") if text is not None else None
        at = next((at for at, line in enumerate(lines) if line.startswith(f"{name}=")), None)
        if encoded is not None and at is not None:
            _, semicolon, attributes = lines[at].partition(";")
            lines[at] = encoded + semicolon + attributes
    return {**expected, "results": results, **({"set_cookie": lines} if "set_cookie" in expected else {})}


def written(op: Op) -> list[str]:
    """The header of one operation alone."""
    jar = Cookies("", {})
    do(jar, op)
    return jar.headers()


def several_paths(given: Op, expected: Any, got: Any) -> Any:
    """One cookie for each name, path and domain, at the place of its first; without a path it is all of them."""
    if "error" in expected:
        return None
    lines: dict[tuple[str, Any, Any], str] = {}
    for op in given["ops"]:
        if op["op"] not in {"set", "delete"}:
            continue
        options = op.get("options") or {}
        address = (op["key"], options.get("path"), options.get("domain"))
        covered = [one for one in lines if one[0] == op["key"] and (one == address or None in (one[1], address[1]))]
        if covered:
            place = covered[0]
            lines = {(address if one == place else one): line for one, line in lines.items() if one not in covered[1:]}
        lines[address] = written(op)[0]
    wanted = list(lines.values())
    return {**expected, "set_cookie": wanted} if len(wanted) != len(expected["set_cookie"]) else None


def empty_is_given(given: Op, expected: Any, got: Any) -> Any:
    """`get` of a cookie that the request has without a value, as long as nothing else was written."""
    held = parse_cookies(given.get("header") or "")
    results = list(expected["results"])
    for number, op in enumerate(given["ops"][: len(results)]):
        if op["op"] in {"set", "delete"}:
            held.pop(op["key"], None)
        elif op["op"] == "get" and results[number] is None and held.get(op["key"]) == "":
            results[number] = {"value": ""}
    return {**expected, "results": results}


def flag_of_prefix(given: Op, expected: Any, got: Any) -> Any:
    """Secure in each deletion of a cookie whose prefix needs it, at its place among the attributes."""
    lines = list(expected.get("set_cookie", []))
    for at, line in enumerate(lines):
        if re.match(r"__(?:secure|host)-[^=]*=deleted;", line, re.IGNORECASE) and "; Secure" not in line:
            lines[at] = re.sub(r"(?=; (?:Partitioned|Priority|SameSite)|$)", "; Secure", line, count=1)
    return {**expected, "set_cookie": lines} if lines else None


SET = [
    Decision(
        "lists as JSON in cookies",
        "A list is written as JSON, so that json() reads it back (DESIGN.md section 4).",
        lists_as_json,
    ),
    Decision(
        "a date is no value of a cookie",
        "A date is refused instead of being written in the long form of the server's locale.",
        refusing(no_value),
    ),
    Decision(
        "what browsers drop is refused",
        "SameSite=None and Partitioned without Secure, and the prefixes __Host- and __Secure- without what they need.",
        refusing(browsers_drop),
    ),
    Decision("cookie names are tokens", "RFC 6265 section 4.1.1: a comma or slash is none.", refusing(no_token)),
    Decision(
        "a cookie's path starts with a slash",
        "Browsers ignore any other and use the folder of the page.",
        refusing(relative_path),
    ),
    Decision("flags are True or False", "A text such as 'no' is not taken for yes.", refusing(odd_flag)),
    Decision(
        "unknown options are refused",
        "A misspelt option is a TypeError, as everywhere in Python.",
        refusing(unknown_option),
    ),
    Decision(
        "a cookie for each path",
        "Cookies of one name with several paths or domains are several cookies (RFC 6265 section 5.3).",
        several_paths,
    ),
    Decision(HAS_IS_GET, "An empty cookie is there for has() and get() alike.", empty_is_given, ahead=True),
    Decision(
        "deleting keeps what a prefix needs",
        "Browsers ignore the deletion of a __Host- or __Secure- cookie without Secure.",
        flag_of_prefix,
        ahead=True,
    ),
]

AREAS = {"cookies-parse": Area(parse, PARSE), "cookies-set": Area(write, SET, plain)}
