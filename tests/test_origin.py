"""ondemand.origin: forms that another site sends are refused (Astro: `security.checkOrigin`)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondemand import OnDemand, Rule
from ondemand.origin import refusal
from tests.asking import ask, make_scope

some = settings(max_examples=300, deadline=None, derandomize=True)

OWN = "https://shop.example"
FORM = "application/x-www-form-urlencoded"


def asked(*headers: tuple[str, str], method: str = "POST", own: tuple[str, ...] = (OWN,)) -> str | None:
    scope = make_scope("/", method=method)
    scope["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return refusal(scope, own)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_pass(method: str) -> None:
    assert asked(("origin", "https://evil.example"), ("content-type", FORM), method=method) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY", "PROPFIND", "get"])
def test_every_other_method_is_looked_at(method: str) -> None:
    assert asked(("origin", "https://evil.example"), ("content-type", FORM), method=method) is not None
    assert asked(("origin", OWN), ("content-type", FORM), method=method) is None


@pytest.mark.parametrize(
    ("kind", "checked"),
    [
        (None, True),  # what a page can send without asking first
        ("", True),
        (" ", True),
        (FORM, True),
        (FORM.upper(), True),
        (FORM + "; charset=utf-8", True),
        (FORM + ";", True),
        ("\t" + FORM + " ; x", True),
        ("multipart/form-data; boundary=x", True),
        ("text/plain", True),
        ("text/plain;charset=UTF-8", True),
        ("; text/plain", True),
        ("application/json", False),
        ("application/json; x=text/plain", False),
        ("application/octet-stream", False),
        ("text/html", False),
        ("text/plainer", False),
        ("x-text/plain", False),
    ],
)
def test_only_forms_and_bodies_without_a_type_are_checked(kind: str | None, checked: bool) -> None:
    headers = [] if kind is None else [("content-type", kind)]
    assert (asked(("origin", "https://evil.example"), *headers) is not None) is checked
    assert asked(("origin", OWN), *headers) is None


@pytest.mark.parametrize(
    ("kinds", "checked"),
    [
        (["application/json", FORM], True),
        ([FORM, "application/json"], True),
        (["application/json", "application/json"], False),
        (["", ""], True),
    ],
)
def test_of_several_types_none_may_be_a_form(kinds: list[str], checked: bool) -> None:
    found = asked(("origin", "https://evil.example"), *[("content-type", kind) for kind in kinds])
    assert (found is not None) is checked


@pytest.mark.parametrize(
    ("origins", "passes"),
    [
        ([OWN], True),
        ([" " + OWN + "\t"], True),
        ([], False),
        ([""], False),
        (["null"], False),
        (["http://shop.example"], False),
        (["https://shop.example:443"], False),
        (["https://shop.example:8443"], False),
        (["https://shop.example/"], False),
        (["https://SHOP.example"], False),
        (["https://a.shop.example"], False),
        (["https://shop.example.evil.example"], False),
        (["https://evil.example"], False),
        ([OWN, OWN], False),
        ([OWN, "https://evil.example"], False),
        (["https://evil.example", OWN], False),
        ([OWN + " https://evil.example"], False),
        ([OWN + ", https://evil.example"], False),
    ],
)
def test_the_origin_is_the_sites_own(origins: list[str], passes: bool) -> None:
    found = asked(("content-type", FORM), *[("origin", origin) for origin in origins])
    assert (found is None) is passes


@pytest.mark.parametrize(
    ("sites", "passes"),
    [
        (["same-origin"], True),
        (["none"], True),
        (["same-site"], False),
        (["cross-site"], False),
        ([""], False),
        (["SAME-ORIGIN"], False),
        (["same-origin", "cross-site"], False),
        (["same-origin", "same-origin"], False),
        (["same-origin, cross-site"], False),
    ],
)
def test_what_the_browser_says_itself_comes_first(sites: list[str], passes: bool) -> None:
    headers = [("content-type", FORM), *[("sec-fetch-site", site) for site in sites]]
    assert (asked(*headers) is None) is passes
    assert (asked(*headers, ("origin", "https://evil.example")) is None) is passes  # a proxy that ends TLS
    assert asked(*headers, ("origin", OWN)) is None


def test_each_of_the_sites_origins_passes() -> None:
    own = ("http://inner:8000", OWN)
    assert asked(("content-type", FORM), ("origin", OWN), own=own) is None
    assert asked(("content-type", FORM), ("origin", "http://inner:8000"), own=own) is None
    assert asked(("content-type", FORM), ("origin", "http://inner"), own=own) is not None


@pytest.mark.parametrize(
    ("headers", "second"),
    [
        ([("origin", "https://evil.example")], f"The request comes from https://evil.example, this site is {OWN}."),
        ([], f"The request has no Origin header, this site is {OWN}."),
        ([("origin", "")], f"The request has no Origin header, this site is {OWN}."),
        ([("origin", "a"), ("origin", "b")], f"The request has several Origin headers, this site is {OWN}."),
        ([("origin", "a\x1b[31m\xe9\r\n")], f"The request comes from a?[31m???, this site is {OWN}."),
    ],
)
def test_the_refusal_names_both_origins(headers: list[tuple[str, str]], second: str) -> None:
    found = asked(*headers, method="DELETE")
    assert found is not None
    assert found.splitlines() == ["Cross-site DELETE form submissions are forbidden", second]


@some
@given(
    st.lists(
        st.tuples(st.sampled_from([b"origin", b"content-type", b"sec-fetch-site"]), st.binary(max_size=30)), max_size=4
    ),
    st.text(max_size=10),
)
def test_any_headers_pass_or_are_refused_in_plain_words(headers: list[tuple[bytes, bytes]], method: str) -> None:
    found = refusal({"method": method, "headers": headers}, [OWN])
    if found is not None:
        assert found.replace("\n", "").isascii()
        assert found.replace("\n", "").isprintable()
        assert len(found.splitlines()) == 2
        assert len(found) < 1000


# ------------------------------------------------------------------------------------------------------ through a site


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


FOREIGN = {"content-type": FORM, "origin": "https://evil.example"}


def test_a_site_may_check_everything_that_it_stands_in_front_of() -> None:
    app = OnDemand(_answer, output="server", check_origin="all")
    answer = ask(app, "/", method="POST", headers=FOREIGN)
    assert answer.status == 403
    assert (answer.header("content-type") or "").startswith("text/plain")
    assert answer.text.splitlines()[0] == "Cross-site POST form submissions are forbidden"
    assert "https://evil.example" in answer.text
    assert "http://testserver" in answer.text
    assert ask(app, "/", method="POST", headers={**FOREIGN, "origin": "http://testserver"}).text == "done"
    assert ask(app, "/", headers=FOREIGN).text == "done"
    assert ask(app, "/", method="POST", headers={**FOREIGN, "content-type": "application/json"}).text == "done"


@pytest.mark.parametrize("setting", ["pages", False])
def test_the_wrapped_apps_forms_are_its_own_unless_a_site_says_otherwise(setting: Any) -> None:
    assert (
        ask(OnDemand(_answer, output="server", check_origin=setting), "/", method="POST", headers=FOREIGN).text
        == "done"
    )


def test_a_rule_says_it_for_its_paths() -> None:
    app = OnDemand(_answer, output="server", rules={"/account/**": Rule(check_origin=True)})
    assert ask(app, "/account/name", method="POST", headers=FOREIGN).status == 403
    assert ask(app, "/hook", method="POST", headers=FOREIGN).text == "done"
    app = OnDemand(_answer, output="server", check_origin="all", rules={"/hook": Rule(check_origin=False)})
    assert ask(app, "/account/name", method="POST", headers=FOREIGN).status == 403
    assert ask(app, "/hook", method="POST", headers=FOREIGN).text == "done"


def test_the_configured_address_of_a_site_is_its_own_too() -> None:
    app = OnDemand(_answer, output="server", check_origin="all", site="https://shop.example")
    for origin, status in (("https://shop.example", 200), ("http://testserver", 200), ("https://testserver", 403)):
        assert ask(app, "/", method="POST", headers={**FOREIGN, "origin": origin}).status == status
