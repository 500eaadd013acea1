"""The long run: what it is made of, and that it finds what is there to be found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import parsers
from tests.fuzz.__main__ import feed, main


def test_every_parser_has_properties_and_each_is_one() -> None:
    listed = [test for tests in parsers.PARSERS.values() for test in tests]
    assert all(parsers.PARSERS.values())
    assert len(set(listed)) == len(listed)
    assert [test.__name__ for test in listed if not hasattr(test, "hypothesis")] == []


def test_every_property_takes_what_it_is_given_and_is_as_before_then() -> None:
    said: list[str] = []
    before = [vars(test.hypothesis).copy() for tests in parsers.PARSERS.values() for test in tests]
    assert main(["--examples", "10", "--seed", "1"], say=said.append) == 0
    assert [line.partition("  ")[0] for line in said] == [*parsers.PARSERS, "all"]
    counts = [int(line.split()[-2].replace(",", "")) for line in said[:-1]]
    asked = [10 * len(tests) for tests in parsers.PARSERS.values()]
    assert all(count >= least * 0.8 for count, least in zip(counts, asked, strict=True)), said
    assert f" {sum(counts):,} inputs" in said[-1]
    assert [vars(test.hypothesis) for tests in parsers.PARSERS.values() for test in tests] == before


def test_a_defect_is_found_in_as_many_inputs_as_it_takes() -> None:
    @settings(max_examples=5, derandomize=True, database=None)
    @given(st.binary(max_size=5))
    def no_three(data: bytes) -> None:
        assert len(set(data)) < 3 or sum(data) % 97 != 5

    with pytest.raises(AssertionError):
        feed(no_three, 5000, seed=1)
    no_three()  # five inputs, as before, do not suffice


def test_a_parser_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cheese"])
    assert "no such parser: cheese" in capsys.readouterr().err
