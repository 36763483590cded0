"""Layers have one name each, and the last one is the output wherever people read of it."""

from __future__ import annotations

import pytest

from ibtui_engine.layer_names import MOST_NAMED, headings, layer_name, layer_names, layer_number, marks, short_names


@pytest.mark.parametrize("layers", [1, 2, 6, 12])
def test_the_last_layer_is_the_output_and_the_others_are_counted_from_the_input(layers: int) -> None:
    names = layer_names(layers)
    assert names == (*(f"T{k}" for k in range(1, layers)), "output")
    assert [layer_name(k + 1, layers) for k in range(layers)] == list(names)
    assert [layer_number(k + 1, layers) for k in range(layers)] == [name.removeprefix("T") for name in names]


def test_names_that_are_too_long_lose_their_middle_and_stay_different() -> None:
    names = ("conv1", "x" * 16, "block1.residual.conv2", "a" * 9 + "1" + "b" * 9, "a" * 9 + "2" + "b" * 9, "new\nline")
    short = short_names(names)
    assert short[:2] == names[:2]
    assert short[2] == "block1.r….conv2"[:8] + "…" + "l.conv2"
    assert short[5] == "new\\nline"
    assert all(len(name) <= 16 for name in short)
    assert len(set(short)) == len(names)
    assert [short_names(["y" * 17])[0], short_names(["y" * 16])[0]] == ["y" * 8 + "…" + "y" * 7, "y" * 16]


def test_marks_are_names_where_few_layers_have_some_of_their_own() -> None:
    assert marks(None, 3) == marks(("T1", "T2", "output"), 3) == ("1", "2", "output")
    few = tuple(f"layer {k}" for k in range(MOST_NAMED))
    assert marks(few, len(few)) == few
    many = (*few, "one more")
    assert marks(many, len(many)) == (*(str(k) for k in range(1, len(many))), "output")
    assert headings(many, len(many))[-2:] == (f"{MOST_NAMED} layer {MOST_NAMED - 1}", "output one more")
    assert headings(None, 2) == ("1", "output")
