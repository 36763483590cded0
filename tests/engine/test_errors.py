"""Messages show values and names of any length and kind, in one line that can be read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.errors import LONGEST_VALUE, LONGEST_WORD, InvalidValue, shortened, shown


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    "value",
    [
        *("x" * 10_000_000, "\x1b[2J" * 50, 10**400, 16**9999, -(16**9999), nested(50_000), {"a": nested(50_000)}),
        *(
            b"\x00" * 10_000_000,
            list(range(10_000)),
            tuple("abc") * 10_000,
            {str(k): k for k in range(10_000)},
            object(),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_in_a_few_printable_characters(value: object) -> None:
    said = shown(value)
    assert len(said) <= LONGEST_VALUE + 2
    assert said.isprintable()


@given(st.one_of(st.integers(-(10**18), 10**18), st.floats(), st.text(max_size=20), st.booleans(), st.none()))
def test_a_short_value_is_shown_as_python_writes_it(value: object) -> None:
    assert shown(value) == repr(value)


def test_the_beginning_and_the_end_of_a_long_text_are_shown() -> None:
    said = shown("first " + "x" * 10_000 + " last")
    assert said.startswith("'first x")
    assert said.endswith("x last'")


@pytest.mark.parametrize("long", ["x" * 50_000, "a name with spaces " * 400, "/a/path" * 1000])
def test_a_message_keeps_its_sense_whatever_name_is_in_it(long: str) -> None:
    said = str(InvalidValue(f"no session {long!r} in '/home/me/sessions': it holds one, two"))
    assert said.startswith("no session '")
    assert said.endswith("' in '/home/me/sessions': it holds one, two")
    assert len(said) < LONGEST_WORD + 150


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=40), max_size=7).map(" ".join))
def test_a_message_of_short_words_stays_as_it_is(text: str) -> None:
    assert shortened(text[:LONGEST_WORD]) == text[:LONGEST_WORD]
