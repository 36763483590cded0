"""Tables of layers follow the choice of layers to draw."""

from __future__ import annotations

import pytest

from ibtui.layers_text import chosen_rows
from ibtui_engine.layer_names import MOST_NAMED


def rows(count: int) -> list[tuple[str, ...]]:
    return [(f"{k}", "1.0") for k in range(1, count + 1)]


def test_of_few_layers_all_are_told_and_the_hidden_ones_called_so() -> None:
    found, said = chosen_rows(rows(MOST_NAMED), {1, 3})
    assert [row[0] for row in found][:4] == ["1 hidden", "2", "3 hidden", "4"]
    assert (len(found), said) == (MOST_NAMED, "")


@pytest.mark.parametrize("hidden", [{2}, set(range(2, MOST_NAMED + 2))])
def test_of_many_layers_the_hidden_ones_are_left_out(hidden: set[int]) -> None:
    count = MOST_NAMED + 1
    found, said = chosen_rows(rows(count), hidden)
    assert [int(row[0]) for row in found] == [k for k in range(1, count + 1) if k not in hidden]
    assert said == f"{len(hidden)} of {count} layers are hidden."


@pytest.mark.parametrize("hidden", [set(), {99}, set(range(1, MOST_NAMED + 2))])
def test_where_none_is_hidden_or_none_would_be_left_all_are_told(hidden: set[int]) -> None:
    assert chosen_rows(rows(MOST_NAMED + 1), hidden) == (rows(MOST_NAMED + 1), "")
