"""Text in cells: never wider than its place, never with control characters in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ibtui.charts.lettering import clean, columns, fit, wrap


@given(st.text(max_size=30), st.integers(0, 20), st.booleans())
def test_a_fitted_text_is_never_wider_than_its_place(text: str, width: int, ascii: bool) -> None:
    shown = fit(clean(text, ascii=ascii), width, ascii=ascii)
    assert len(columns(shown)) <= width
    assert shown.isascii() or not ascii


@given(st.text(max_size=60), st.integers(5, 30))
def test_wrapped_lines_fit_and_keep_the_words_in_order(text: str, width: int) -> None:
    lines = wrap(clean(text), width)
    assert all(len(columns(line)) <= width for line in lines)
    words = clean(text).split()
    if all(len(columns(word)) <= width for word in words):
        assert " ".join(lines).split() == words


@given(st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Cn", "Co"]), max_size=20))
def test_control_and_formatting_characters_are_gone(text: str) -> None:
    assert all(character.isprintable() for character in clean(text))


def test_accents_stay_with_their_letter_and_wide_characters_take_two_columns() -> None:
    assert columns("e\u0301a") == ["e\u0301", "a"]
    assert columns("日本") == ["日", "", "本", ""]
    assert fit("日本語", 4) == "日…"
    assert fit("abcdef", 4) == "abc…"
    assert fit("abcdef", 5, ascii=True) == "ab..."
