"""Where a path begins and where it ends: root_path and `base`, taken off at a segment boundary; and who asks, behind proxies."""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondemand import OnDemand, Pages
from ondemand.proxies import Hosts, Proxies, checked_host

some = settings(max_examples=400, deadline=None, derandomize=True)


@cache
def site(base: str, *, has_pages: bool) -> Any:
    pages = Pages()
    pages.page("/x", prerender=False)(lambda page: "x")
    return OnDemand(pages=pages if has_pages else None, base=base, snapshots=False).site()


ROOTS = st.sampled_from(["", "/r", "/r/s", "/é", "/r/", "r"])
BASES = st.sampled_from(["/", "/b", "/b/c"])


@some
@given(ROOTS, BASES, st.text("/rbsxé.", max_size=12) | st.text(max_size=8), st.booleans())
@example("/r", "/b", "/rb/x", False)
def test_a_path_is_cut_between_segments(root: str, base: str, path: str, has_pages: bool) -> None:
    known = site(base, has_pages=has_pages).strip({"type": "http", "path": path, "root_path": root})
    if known is None:
        assert base != "/"
        return
    prefix = base.rstrip("/")
    asked = "/" + path.lstrip("/") if has_pages and path.startswith("//") else path
    whole = {front + prefix + rest for front in ("", root) for rest in ({known, ""} if known == "/" else {known})}
    assert asked in whole, (known, whole)
    assert prefix == "" or known.startswith("/")


@some
@given(
    ROOTS.filter(lambda root: root.startswith("/") or not root), BASES, st.text("/xyé.", max_size=8).map("/".__add__)
)
def test_what_lies_below_root_and_base_is_found_there(root: str, base: str, path: str) -> None:
    front = root.rstrip("/") + base.rstrip("/")
    if front == "" or path.startswith("//"):
        return
    scope = {"type": "http", "path": front + path, "root_path": root.rstrip("/")}
    assert site(base, has_pages=False).strip(scope) == path


FORWARDED = st.sampled_from(
    [b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"host"]
)
SAID = st.binary(max_size=20) | st.sampled_from(
    [
        *(
            b"10.0.0.1",
            b"203.0.113.9",
            b"203.0.113.9, 10.0.0.1",
            b"[2001:db8::1]:80",
            b"1.2.3.4:5",
            b"unknown",
            b"::ffff:10.0.0.1",
        ),
        *(
            b"shop.example",
            b"a.shop.example",
            b"shop.example:8443",
            b"evil.example",
            b"https",
            b"http, https",
            b"8443",
            b"0",
            b",",
        ),
    ]
)
PEERS = st.sampled_from([None, ("10.0.0.9", 1), ("203.0.113.1", 1), ("::ffff:10.0.0.9", 1), ("", 0), ("odd", 1)])
HOSTS = Hosts(["shop.example", "**.shop.example", "shop.example:8443"])


@some
@given(PEERS, st.lists(st.tuples(FORWARDED, SAID), max_size=6), st.booleans())
def test_who_asks_is_the_peer_or_an_address_that_a_trusted_proxy_named(
    peer: Any, headers: list[tuple[bytes, bytes]], trusts: bool
) -> None:
    proxies = Proxies(["10.0.0.0/8", "unix"] if trusts else [], HOSTS)
    scope = {"type": "http", "scheme": "http", "headers": headers, "client": peer, "server": ("127.0.0.1", 80)}
    address, host, scheme = proxies.client_address(scope), proxies.host(scope), proxies.scheme(scope)
    direct = None if peer is None else peer[0] or None
    is_trusted = trusts and direct in (None, "10.0.0.9", "::ffff:10.0.0.9")
    assert scheme in {"http", "https"}
    if address != direct:
        assert is_trusted
        assert address is not None
        ipaddress.ip_address(address)
    named = [value for name, value in headers if name == b"host"]
    own = checked_host(named[0].decode("latin-1")) if len(named) == 1 else None
    if not is_trusted:
        assert (address, host, scheme) == (direct, own, "http")
    elif host != own:
        assert host is not None
        assert HOSTS.covers(*host)
    origin = proxies.origin(scope, "")
    assert checked_host(origin.partition("://")[2]) is not None
