"""ondemand.locales: Accept-Language, read as Astro reads it but for what the module says is better; and locales of a path."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondemand import ConfigError, OnDemand, Page
from ondemand.locales import MAX_HEADER, Locales
from tests.asking import ask

some = settings(max_examples=500, deadline=None, derandomize=True)

FOUR = ["en", "fr", "pt-BR", "de"]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, []),
        ("", []),
        ("fr", ["fr"]),
        ("fr, de", ["fr", "de"]),
        ("de,fr", ["de", "fr"]),
        ("ja", []),
        ("ja, de", ["de"]),
        ("fr;q=0.5, de", ["de", "fr"]),
        ("fr;q=0.5,de;q=0.9,en;q=0.7", ["de", "en", "fr"]),
        ("fr;q=0.5, de;q=0.5", ["fr", "de"]),  # equal ones as they came
        ("en;q=1.0, fr;q=1.000", ["en", "fr"]),
        ("fr;q=.5, de;q=.6", ["de", "fr"]),
        ("FR, DE", ["fr", "de"]),
        ("pt_br", ["pt-BR"]),
        ("PT-br", ["pt-BR"]),
        ("fr, fr;q=0.1, de;q=0.5", ["fr", "de"]),
        (" \tfr \t, de ", ["fr", "de"]),
        (",, fr,,", ["fr"]),
        ("fr;", ["fr"]),
        ("fr;level=1", ["fr"]),
        ("fr;level=1;q=0.1, de;q=0.5", ["de", "fr"]),
        # --- better than Astro
        ("fr;q=0, de", ["de"]),
        ("fr;q=0.0, fr", []),
        ("fr ; q = 0.1, de;Q=0.9", ["de", "fr"]),
        ("en-GB", ["en"]),
        ("en-GB, fr", ["en", "fr"]),
        ("de-DE-1996", ["de"]),
        ("pt", ["pt-BR"]),
        ("pt-PT", []),
        ("en-GB, en;q=0", []),
        # --- weights that are none count as missing
        ("fr;q=2, de;q=0.9", ["fr", "de"]),
        ("fr;q=abc, de;q=0.9", ["fr", "de"]),
        ("fr;q=, de;q=0.9", ["fr", "de"]),
        ("fr;q=٠, de;q=0.9", ["fr", "de"]),
        ("fr;q=nan, de;q=0.9", ["fr", "de"]),
        ("fr;q=1e-9, de;q=0.9", ["fr", "de"]),
        # --- anything
        ("fr, *", ["fr"]),
        ("fr, *;q=0.5", ["fr"]),
        ("*, fr", ["fr"]),
        ("*", FOUR),
        ("*;q=0.5", FOUR),
        ("ja, *", FOUR),
    ],
)
def test_a_visitor_is_given_what_they_ask_for(header: str | None, wanted: list[str]) -> None:
    locales = Locales(FOUR)
    assert locales.preferred_list(header) == wanted
    if header is None or "*" not in header:
        assert locales.preferred(header) == (wanted[0] if wanted else None)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("*", None),
        ("*;q=0.5, fr;q=0.1", None),
        ("fr, *", "fr"),
        ("*, fr;q=0.5", "fr"),
        ("fr;q=0.5, *;q=0.9", None),
        ("ja, *", None),
    ],
)
def test_who_wants_anything_most_of_all_prefers_nothing(header: str, wanted: str | None) -> None:
    assert Locales(FOUR).preferred(header) == wanted


def test_who_wants_nothing_else_is_given_nothing() -> None:
    assert Locales(FOUR).preferred_list("*;q=0") == []
    assert Locales(FOUR).preferred("*;q=0") is None


def test_the_nearest_code_is_taken() -> None:
    locales = Locales(["zh", "zh-Hant", "zh-Hant-TW", "en-US", "en-GB"])
    assert locales.preferred("zh-Hant-HK") == "zh-Hant"
    assert locales.preferred("zh-Hant-TW-x-y") == "zh-Hant-TW"
    assert locales.preferred("zh-Hans") == "zh"
    assert locales.preferred_list("en") == ["en-US"]
    assert locales.preferred_list("en-GB, en") == ["en-GB", "en-US"]
    assert locales.preferred("e") is None


def test_a_locale_may_have_a_path_and_several_codes() -> None:
    locales = Locales(["en", {"path": "spanish", "codes": ["es", "es-AR"]}, {"path": "fr", "codes": ["fr-CA"]}])
    assert locales.preferred("es-ar") == "es-AR"
    assert locales.preferred("ES") == "es"
    assert locales.preferred("es-MX") == "es"
    assert locales.preferred_list("*") == ["en", "es", "es-AR", "fr-CA"]
    assert locales.preferred("fr") == "fr-CA"
    assert locales.preferred("spanish") is None


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", "en"),
        ("", "en"),
        ("/fr", "fr"),
        ("/fr/", "fr"),
        ("/FR/about", "fr"),
        ("/shop/fr/about", "fr"),
        ("/france", "en"),
        ("/spanish/x", "es"),
        ("/es", "es"),
        ("/es-AR", "es-AR"),
        ("/es_ar", "es-AR"),
        ("/pt", "en"),
        ("//fr//", "fr"),
        ("/de/fr", "fr"),
        ("/pt-br/fr", "pt-BR"),
    ],
)
def test_a_path_names_its_locale(path: str, code: str) -> None:
    assert Locales(["en", "fr", "pt-BR", {"path": "spanish", "codes": ["es", "es-AR"]}]).current(path) == code


def test_a_site_without_locales_has_none() -> None:
    locales = Locales()
    assert not locales
    assert locales.current("/fr") is None
    assert locales.preferred("fr, *") is None
    assert locales.preferred_list("fr, *") == []
    assert Locales(["en"])


@pytest.mark.parametrize(
    "locale",
    [
        *("", " ", "e n", "fr/", "*", "é", "en-", "-en", "en--us", 1, None, ["en"], b"en", ("en",)),
        *({}, {"path": "x"}, {"codes": ["x"]}, {"path": "x", "codes": []}, {"path": "x", "codes": [""]}),
        *({"path": "", "codes": ["x"]}, {"path": "a/b", "codes": ["x"]}, {"path": 1, "codes": ["x"]}),
        *({"path": "x", "codes": [1]}, {"path": "x", "codes": ["x"], "more": 1}),
    ],
    ids=repr,
)
def test_what_is_no_locale_is_refused(locale: Any) -> None:
    with pytest.raises(ConfigError, match="locales"):
        Locales(["en", locale])


@pytest.mark.parametrize("codes", [None, 1, "es"], ids=repr)
def test_codes_that_are_no_list_are_refused(codes: Any) -> None:
    with pytest.raises(ConfigError, match="locales"):
        Locales([{"path": "spanish", "codes": codes}])


@pytest.mark.parametrize("value", ["en", {"path": "x", "codes": ["x"]}, 1, None])
def test_the_setting_takes_a_list(value: Any) -> None:
    with pytest.raises(ConfigError, match="locales"):
        OnDemand(_page, locales=value)


@some
@given(
    st.text(max_size=60) | st.text("enfrptBR-_*;q=0.159, \t", max_size=60),
    st.lists(st.sampled_from(["en", "fr", "pt-BR", "en-GB", "zh-Hant-TW"]), unique=True, max_size=4),
)
@example("en;q=-1, fr;q=-0", ["en", "fr"])
def test_any_header_is_read(header: str, codes: list[str]) -> None:
    locales = Locales(codes)
    wanted = locales.preferred_list(header)
    assert set(wanted) <= set(codes)
    assert len(set(wanted)) == len(wanted)
    best = locales.preferred(header)
    assert best is None or best == wanted[0]
    assert "*" in header or best == (wanted[0] if wanted else None)


@pytest.mark.parametrize(
    "part", ["en,", ",", ";", "en;", "q=", "en-", "-", " ", "\t,", "*,", "en;q=0,", "en;q=0.1,", "x" * 99 + ",", "0"]
)
def test_no_header_takes_long(part: str) -> None:
    locales = Locales([f"l{number}" for number in range(100)] + ["en"])
    for header in ((part * 65_536)[:65_536], "en;q=" + (part * 65_536)[:65_536], "en" + (part * 65_536)[:65_536]):
        started = time.process_time()
        locales.preferred(header)
        locales.preferred_list(header)
        assert time.process_time() - started < 0.5


def test_a_long_header_is_read_up_to_its_limit() -> None:
    assert Locales(FOUR).preferred("x," * (MAX_HEADER // 2 - 4) + "fr") == "fr"
    assert Locales(FOUR).preferred("x," * MAX_HEADER + "fr") is None


@some
@given(st.text(max_size=60))
def test_any_path_has_a_locale(path: str) -> None:
    assert Locales(FOUR).current(path) in FOUR


# ------------------------------------------------------------------------------------------------------ through a site


async def _page(scope: Any, receive: Any, send: Any) -> None:
    page = Page.of(scope)
    body = f"{page.preferred_locale} {page.preferred_locale_list} {page.current_locale}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_a_page_knows_the_locales_of_its_visitor_and_of_its_path() -> None:
    app = OnDemand(_page, output="server", locales=FOUR)
    assert ask(app, "/fr/x", headers={"accept-language": "de, en-GB;q=0.5"}).text == "de ['de', 'en'] fr"
    assert ask(app, "/").text == "None [] en"
    assert ask(OnDemand(_page, output="server"), "/fr", headers={"accept-language": "fr"}).text == "None [] None"


def test_the_locales_of_two_headers_are_one_list() -> None:
    page = Page.for_test("/", headers={"accept-language": "de;q=0.1, fr"}, locales=FOUR)
    assert page.preferred_locale_list == ["fr", "de"]
