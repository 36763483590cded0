"""What is beside one another: the chosen one always, and no more than there is room for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui.arrangement import CHARTS, HIGH, HUGE, TITLES, WIDE, Arrangement

PANEL = st.sampled_from(tuple(TITLES))
SIZE = st.tuples(st.integers(1, 250), st.integers(1, 80))
LAYOUT = st.lists(PANEL, unique=True, max_size=6).map(tuple)


@given(st.lists(PANEL), LAYOUT, PANEL, SIZE)
def test_the_chosen_one_is_shown_and_none_twice(
    before: list[str], layout: tuple[str, ...], panel: str, size: tuple[int, int]
) -> None:
    one = Arrangement(layout)
    for chosen in (*before, panel):
        one = one.choosing(chosen)
    shown = one.shown(panel, *size)
    assert panel in shown or (panel == "bound" and one.apart(*size))
    assert len(set(shown)) == len(shown)
    assert len(shown) <= (1 if size[0] < WIDE else 6)


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [
        (WIDE - 1, 60, ("snr",)),
        (WIDE, 60, ("plane", "snr")),
        (HUGE - 1, 60, ("plane", "snr")),
        (HUGE, HIGH - 1, ("plane", "gradients", "snr", "learning")),
    ],
)
def test_there_are_as_many_as_there_is_room_for(width: int, height: int, shown: tuple[str, ...]) -> None:
    assert Arrangement().choosing("snr").shown("snr", width, height) == shown


def test_the_bound_has_a_place_of_its_own_on_a_large_screen() -> None:
    one = Arrangement().choosing("bound")
    assert not one.apart(HUGE, HIGH - 1)
    assert one.shown("bound", HUGE, HIGH - 1) == (*CHARTS[:3], "bound")
    assert one.apart(HUGE, HIGH)
    assert one.shown("bound", HUGE, HIGH) == CHARTS[:4]
    assert not Arrangement(("plane", "bound")).apart(HUGE, HIGH)


@pytest.mark.parametrize(("height", "count"), [(27, 2), (28, 4), (54, 4), (55, 6)])
def test_a_chosen_layout_has_rows_of_two(height: int, count: int) -> None:
    layout = ("gradients", "snr", "learning", "bound", "phases", "layers")
    one = Arrangement(layout)
    assert one.shown("gradients", 120, height) == layout[:count]
    assert one.shown("plane", 120, height) == (*layout[: count - 1], "plane")
