"""ondemand.proxies: who asks and at which address, whatever the headers claim."""

from __future__ import annotations

import ipaddress
import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondemand import ConfigError, OnDemand, Page, PageUnavailable
from ondemand.proxies import Hosts, Proxies, checked_host
from tests.asking import ask, make_scope

some = settings(max_examples=500, deadline=None, derandomize=True)

PEER = ("10.0.0.1", 50000)


def scope(*headers: tuple[str, str], client: Any = PEER, **more: Any) -> dict[str, Any]:
    made = make_scope("/", client=client, **more)
    made["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return made


def forwarded_for(*values: str, client: Any = PEER) -> dict[str, Any]:
    return scope(*[("x-forwarded-for", value) for value in values], client=client)


# ------------------------------------------------------------------------------------------------------------------- host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.com", ("example.com", "")),
        ("Example.COM", ("example.com", "")),
        ("example.com:8080", ("example.com", "8080")),
        ("example.com:080", ("example.com", "80")),
        ("example.com:65535", ("example.com", "65535")),
        ("example.com.", ("example.com.", "")),
        ("my_service:1", ("my_service", "1")),
        ("_x", ("_x", "")),
        ("xn--bcher-kva.example", ("xn--bcher-kva.example", "")),
        ("127.0.0.1", ("127.0.0.1", "")),
        ("[::1]", ("[::1]", "")),
        ("[::1]:8000", ("[::1]", "8000")),
        ("[2001:DB8::A]", ("[2001:db8::a]", "")),
        ("[::ffff:10.0.0.1]", ("[::ffff:10.0.0.1]", "")),
        ("a" * 63 + ".example", ("a" * 63 + ".example", "")),
    ],
)
def test_a_host_is_a_name_and_a_port(text: str, host: tuple[str, str]) -> None:
    assert checked_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "-", ":", ":80", "a:", "a: 80", "a:b", "a:0", "a:65536", "a:100000", "a:-1", "a:+80", "a:８０"),
        *("a:80:80", "a:80/x", "a/b", "a/private?x=", "a?b", "a#b", "a\\b", "a@b", "user:pass@a", "a,b", "a b", "a;b"),
        *(
            "a\r\nX: y",
            "a\n",
            "a\0",
            "\ta",
            "a ",
            "é",
            "bücher.example",
            "日本",
            "%61",
            "a%2f",
            "-a",
            "a-",
            "<a>",
            "'a'",
        ),
        *(
            "[",
            "]",
            "[]",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]:",
            "[::1]:65536",
            "[1.2.3.4]",
            "[::1%25eth0]",
            "[v1.a]",
            "[:::]",
        ),
        *("[12345::]", "[::1::]", "x" * 300, "[" + ":" * 300 + "]"),
    ],
)
def test_what_is_no_host_is_none(text: str) -> None:
    assert checked_host(text) is None


@some
@given(st.binary(max_size=40) | st.text("aZ09.-_:[]@/\\%?# ", max_size=20).map(str.encode))
@example(b"a.:80")
@example(b"[::1]:1")
def test_any_bytes_are_a_host_that_can_stand_in_a_url_or_none(raw: bytes) -> None:
    found = checked_host(raw.decode("latin-1"))
    if found is None:
        return
    name, port = found
    assert re.fullmatch(r"[a-z0-9_.:\[\]-]+", name)
    parts = urlsplit(f"http://{name}:{port or 1}/path?query")
    assert (parts.hostname, parts.port) == (name.strip("[]"), int(port or 1))
    assert (parts.path, parts.query, parts.username) == ("/path", "query", None)
    assert checked_host(f"{name}:{port}" if port else name) == found


@pytest.mark.parametrize("part", ["a", ".", "a.", "-", "a-", "_", "[", ":", "[:", "1", "a:", "@"])
def test_no_host_takes_long(part: str) -> None:
    started = time.process_time()
    for text in (part * 65_536, "a" + part * 65_536, "[" + part * 65_536 + "]", part * 65_536 + "!"):
        assert checked_host(text) is None
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("host", "")],
        [("host", "a"), ("host", "a")],
        [("host", "a"), ("host", "b")],
        [("host", "evil.example@a")],
        [("host", "a/private?x=")],
    ],
)
def test_a_request_without_one_good_host_has_the_address_of_the_site(headers: list[tuple[str, str]]) -> None:
    proxies = Proxies((), Hosts(()))
    assert proxies.host(scope(*headers)) is None
    assert proxies.origin(scope(*headers), "https://example.com") == "https://example.com"
    assert proxies.origin(scope(*headers), "") == "http://testserver"
    assert proxies.origin(scope(*headers, server=("::1", 8000)), "") == "http://[::1]:8000"
    assert proxies.origin(scope(*headers, server=("/run/app.sock", None)), "") == "http://localhost"
    assert proxies.origin(scope(*headers, server=None), "") == "http://localhost"
    assert proxies.origin(scope(*headers, server=("10.0.0.5", 443), scheme="https"), "") == "https://10.0.0.5"


@pytest.mark.parametrize(
    ("host", "scheme", "origin"),
    [
        ("example.com", "http", "http://example.com"),
        ("EXAMPLE.com:80", "http", "http://example.com"),
        ("example.com:443", "http", "http://example.com:443"),
        ("example.com:443", "https", "https://example.com"),
        ("example.com:80", "https", "https://example.com:80"),
        ("[::1]:80", "http", "http://[::1]"),
        ("example.com", "ws", "http://example.com"),
    ],
)
def test_an_origin_is_made_of_checked_parts(host: str, scheme: str, origin: str) -> None:
    assert Proxies((), Hosts(())).origin(scope(("host", host), scheme=scheme), "https://site.example") == origin


@some
@given(st.lists(st.binary(max_size=20), max_size=2), st.sampled_from(["http", "https", "ws", "x:admin?", ""]))
def test_any_host_gives_an_origin(hosts: list[bytes], scheme: str) -> None:
    made = {**scope(scheme=scheme), "headers": [(b"host", host) for host in hosts]}
    origin = Proxies(("10.0.0.1",), Hosts(("*",))).origin(made, "")
    parts = urlsplit(origin + "/x")
    assert parts.scheme in {"http", "https"}
    assert parts.hostname
    assert (parts.path, parts.username) == ("/x", None)


# ---------------------------------------------------------------------------------------------------------- allowed hosts


@pytest.mark.parametrize(
    ("pattern", "accepted", "refused"),
    [
        (
            "shop.example",
            ["shop.example", "SHOP.example", "shop.example:8443"],
            ["example", "a.shop.example", "xshop.example"],
        ),
        ("Shop.Example", ["shop.example"], ["shop.example."]),
        (
            "*.shop.example",
            ["a.shop.example", "a.shop.example:1"],
            ["shop.example", "a.b.shop.example", "ashop.example"],
        ),
        (
            "**.shop.example",
            ["a.shop.example", "a.b.shop.example"],
            ["shop.example", "ashop.example", "a.shop.example.evil"],
        ),
        ("shop.example:8443", ["shop.example:8443"], ["shop.example", "shop.example:443", "a.shop.example:8443"]),
        ("*.shop.example:8443", ["a.shop.example:8443"], ["a.shop.example", "shop.example:8443"]),
        ("[::1]", ["[::1]", "[::1]:8000"], ["[::2]", "localhost"]),
        ("127.0.0.1:8000", ["127.0.0.1:8000"], ["127.0.0.1"]),
        ("*", ["anything", "a.b:1", "[::1]"], []),
    ],
)
def test_a_pattern_covers_its_hosts(pattern: str, accepted: list[str], refused: list[str]) -> None:
    hosts = Hosts((pattern,))
    assert hosts
    proxies = Proxies((), hosts)
    for host in accepted:
        assert proxies.allows(scope(("host", host)))
    for host in [*refused, "", "a@shop.example", "shop.example/x", "shop.example, evil.example"]:
        assert not proxies.allows(scope(("host", host)))
    assert not proxies.allows(scope())
    assert not proxies.allows(scope(("host", accepted[0]), ("host", accepted[0])))


def test_without_patterns_every_host_is_answered() -> None:
    assert not Hosts(())
    assert Proxies((), Hosts(())).allows(scope(("host", "@@@")))


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "*.",
        "**.",
        "**",
        "a.*.example",
        "*a.example",
        "***.example",
        "a b",
        "https://a",
        "a/b",
        "a:0",
        "a:65536",
        "*:80",
        "é",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError, match="allowed_hosts"):
        Hosts((pattern,))
    with pytest.raises(ConfigError, match="allowed_hosts"):
        OnDemand(_say_address, allowed_hosts=[pattern])


@pytest.mark.parametrize(
    "trusted", ["", "localhost", "10.0.0.0/33", "10.0.0.256", "*", "unix:", "::1/129", "10.0.0.1:80"]
)
def test_what_is_no_proxy_is_refused(trusted: str) -> None:
    with pytest.raises(ConfigError, match="trusted_proxies"):
        Proxies((trusted,), Hosts(()))
    with pytest.raises(ConfigError, match="trusted_proxies"):
        OnDemand(_say_address, trusted_proxies=[trusted])


# --------------------------------------------------------------------------------------------------------- X-Forwarded-For

TRUSTED = ("10.0.0.0/8", "192.168.1.1", "2001:db8::/32", "::1")


@pytest.mark.parametrize(
    ("values", "address"),
    [  # the peer is 10.0.0.1
        ([], "10.0.0.1"),
        ([""], "10.0.0.1"),
        (["203.0.113.7"], "203.0.113.7"),
        (["1.1.1.1, 203.0.113.7"], "203.0.113.7"),  # what stands further left may be invented
        (["1.1.1.1", "203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (["203.0.113.7,10.0.0.2 ,\t192.168.1.1"], "203.0.113.7"),
        (["1.1.1.1, 203.0.113.7", "10.0.0.2, 10.0.0.3"], "203.0.113.7"),
        (["10.0.0.2, 10.0.0.3"], "10.0.0.2"),  # nobody else is named
        (["203.0.113.7:1234"], "203.0.113.7"),
        (["[2001:db9::1]:1234"], "2001:db9::1"),
        (["[2001:db9::1]"], "2001:db9::1"),
        (["2001:DB9:0::1"], "2001:db9::1"),
        (["203.0.113.7, [2001:db8::5]:99"], "203.0.113.7"),
        (["203.0.113.7, unknown"], "10.0.0.1"),
        (["unknown, 203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7, , 10.0.0.2"], "10.0.0.2"),
        (["<script>, 10.0.0.2"], "10.0.0.2"),
        (["<script>"], "10.0.0.1"),
        (["203.0.113.7:"], "10.0.0.1"),
        (["[203.0.113.7]x"], "10.0.0.1"),
        (["203.0.113.07"], "10.0.0.1"),
        (["203.0.113"], "10.0.0.1"),
        (["3405803783"], "10.0.0.1"),
        (["1.1.1.1;2.2.2.2"], "10.0.0.1"),
        (["for=1.1.1.1"], "10.0.0.1"),
        (["١.١.١.١"], "10.0.0.1"),
    ],
)
def test_the_visitor_is_the_last_that_is_no_proxy_of_ours(values: list[str], address: str) -> None:
    raw = [value.encode("utf-8" if "١" in value else "latin-1") for value in values]
    made = {**scope(), "headers": [(b"x-forwarded-for", value) for value in raw]}
    assert Proxies(TRUSTED, Hosts(())).client_address(made) == address


@pytest.mark.parametrize("value", ["fe80::1%<script>", "fe80::1%eth0", "[fe80::1%25x]:80", "::1%\"'"])
def test_an_address_holds_nothing_but_an_address(value: str) -> None:
    found = Proxies(TRUSTED, Hosts(())).client_address(forwarded_for(value))
    assert found is not None
    assert re.fullmatch(r"[0-9a-f.:]+", found)


@pytest.mark.parametrize(
    ("client", "trusted", "counts"),
    [
        (("10.0.0.1", 1), ("10.0.0.1",), True),
        (("10.0.0.2", 1), ("10.0.0.1",), False),
        (("10.9.9.9", 1), ("10.0.0.1/8",), True),
        (("::ffff:10.0.0.1", 1), ("10.0.0.0/8",), True),
        (("::ffff:11.0.0.1", 1), ("10.0.0.0/8",), False),
        (("2001:db8::1", 1), ("2001:db8::/32",), True),
        (("127.0.0.1", 1), ("unix",), False),
        (("testclient", 1), ("0.0.0.0/0", "::/0"), False),
        (("", 0), ("0.0.0.0/0",), False),
        (("", 0), ("unix",), True),  # how granian calls the peer of a Unix socket
        (None, ("unix",), True),
        (None, ("0.0.0.0/0", "::/0"), False),
        (None, (), False),
        (("10.0.0.1", 1), (), False),
    ],
)
def test_only_a_trusted_peer_is_believed(client: Any, trusted: tuple[str, ...], counts: bool) -> None:
    proxies = Proxies(trusted, Hosts(("shop.example",)))
    made = scope(
        ("host", "inner"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example"),
        client=client,
    )
    assert proxies.client_address(made) == ("203.0.113.7" if counts else client[0] or None if client else None)
    assert proxies.origin(made, "") == ("https://shop.example" if counts else "http://inner")
    assert proxies.allows(made) is counts


def test_a_peer_without_an_address_and_without_a_word_of_the_proxy_is_unknown() -> None:
    assert Proxies(("unix",), Hosts(())).client_address(scope(client=None)) is None
    assert Proxies(("unix",), Hosts(())).client_address(forwarded_for("nonsense", client=None)) is None


@pytest.mark.parametrize("entry", ["10.0.0.2", "203.0.113.7", "unknown", "", "[::1]:80", "1" * 50])
def test_ten_thousand_entries_are_read_at_once(entry: str) -> None:
    proxies = Proxies(TRUSTED, Hosts(()))
    started = time.process_time()
    proxies.client_address(forwarded_for(", ".join([entry] * 10_000)))
    proxies.client_address(forwarded_for(*[entry] * 10_000))
    assert time.process_time() - started < 1


@some
@given(st.lists(st.binary(max_size=30) | st.text("0123456789abcdef.:[]%, ", max_size=20).map(str.encode), max_size=3))
def test_any_bytes_are_an_address_or_none(values: list[bytes]) -> None:
    made = {**scope(), "headers": [(b"x-forwarded-for", value) for value in values]}
    found = Proxies(TRUSTED, Hosts(())).client_address(made)
    assert found is not None
    assert str(ipaddress.ip_address(found)) == found
    assert "%" not in found


# ----------------------------------------------------------------------------- X-Forwarded-Host, -Port and -Proto


@pytest.mark.parametrize(
    ("allowed", "headers", "origin"),
    [
        ((), {"x-forwarded-host": "shop.example"}, "http://inner"),  # nobody said which hosts are ours
        (("shop.example",), {"x-forwarded-host": "shop.example"}, "http://shop.example"),
        (("shop.example",), {"x-forwarded-host": "SHOP.example:8080"}, "http://shop.example:8080"),
        (("shop.example",), {"x-forwarded-host": "evil.example"}, "http://inner"),
        (("shop.example",), {"x-forwarded-host": "evil.example, shop.example"}, "http://shop.example"),
        (("shop.example",), {"x-forwarded-host": "shop.example, evil.example"}, "http://inner"),
        (("shop.example",), {"x-forwarded-host": "shop.example:80/evil?"}, "http://inner"),
        (("shop.example",), {"x-forwarded-host": "evil.example@shop.example"}, "http://inner"),
        (("shop.example",), {"x-forwarded-host": ""}, "http://inner"),
        (("shop.example",), {"x-forwarded-host": "shop.example", "x-forwarded-port": "8443"}, "http://shop.example"),
        (
            ("shop.example:8443",),
            {"x-forwarded-host": "shop.example", "x-forwarded-port": "8443"},
            "http://shop.example:8443",
        ),
        (("shop.example:8443",), {"x-forwarded-host": "shop.example", "x-forwarded-port": "9"}, "http://inner"),
        (("shop.example:8443",), {"x-forwarded-host": "shop.example", "x-forwarded-port": "8443/x"}, "http://inner"),
        (
            ("shop.example:8443",),
            {"x-forwarded-host": "shop.example:9", "x-forwarded-port": "8443"},
            "http://inner",
        ),
        ((), {"x-forwarded-port": "8443"}, "http://inner"),
        ((), {"x-forwarded-proto": "https"}, "https://inner"),
        ((), {"x-forwarded-proto": "HTTPS"}, "https://inner"),
        ((), {"x-forwarded-proto": "http, https"}, "https://inner"),
        ((), {"x-forwarded-proto": "https, http"}, "http://inner"),
        ((), {"x-forwarded-proto": "x:admin?"}, "http://inner"),
        ((), {"x-forwarded-proto": "https://evil.example/"}, "http://inner"),
        ((), {"x-forwarded-proto": "wss"}, "http://inner"),
        ((), {"x-forwarded-proto": ""}, "http://inner"),
    ],
)
def test_what_a_proxy_says_of_the_address_is_checked(
    allowed: tuple[str, ...], headers: dict[str, str], origin: str
) -> None:
    made = scope(("host", "inner"), *headers.items())
    assert Proxies(("10.0.0.1",), Hosts(allowed)).origin(made, "") == origin


def test_a_proxy_may_say_that_a_secure_connection_was_none() -> None:
    made = scope(("host", "a"), ("x-forwarded-proto", "http"), scheme="https")
    assert Proxies(("10.0.0.1",), Hosts(())).scheme(made) == "http"
    assert Proxies((), Hosts(())).scheme(made) == "https"


# ------------------------------------------------------------------------------------------------------ through a site


async def _say_address(scope: Any, receive: Any, send: Any) -> None:
    page = Page.of(scope)
    try:
        address = page.client_address
    except PageUnavailable as error:
        address = f"unknown: {error}"
    body = f"{page.url} {address}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_a_page_knows_its_address_and_its_visitor() -> None:
    app = OnDemand(_say_address, output="server", trusted_proxies=["10.0.0.0/8"], allowed_hosts=["shop.example"])
    headers = {
        "host": "inner",
        "x-forwarded-host": "shop.example",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-proto": "https",
    }
    assert ask(app, "/a", headers=headers, client=PEER).text == "https://shop.example/a 203.0.113.7"
    assert ask(app, "/a", headers={"host": "shop.example"}).text == "http://shop.example/a 127.0.0.1"
    assert ask(app, "/a", headers=headers).status == 400  # not from a proxy of ours


@pytest.mark.parametrize(
    "host", ["evil.example", "", "shop.example@evil", "shop.example/x", "shop.example:1:2", "x" * 300]
)
def test_a_site_answers_to_its_hosts_only(host: str) -> None:
    app = OnDemand(_say_address, output="server", allowed_hosts=["shop.example", "*.shop.example"])
    answer = ask(app, "/", headers={"host": host})
    assert answer.status == 400
    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert "evil" not in answer.text
    assert ask(app, "/", headers={"host": "a.shop.example"}).status == 200


def test_a_bad_host_is_answered_under_the_sites_own_address() -> None:
    app = OnDemand(_say_address, output="server", site="https://example.com")
    assert ask(app, "/private", headers={"host": "a/public?x="}).text.startswith("https://example.com/private ")


def test_a_visitor_without_an_address_is_told_of() -> None:
    app = OnDemand(_say_address, output="server")
    assert "Unix socket" in ask(app, "/", client=None).text
