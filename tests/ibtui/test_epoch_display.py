"""What a viewer chooses of the charts over epochs, and what each chart makes of it."""

from __future__ import annotations

import pytest

from ibtui.charts.display import Display
from ibtui.epoch_display import LOGARITHMIC, EpochDisplay


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_the_other_scale_is_of_the_chosen_charts_and_comes_back(name: str) -> None:
    first = EpochDisplay()
    other = first.rescaled((name, "plane"))
    for chart, own in LOGARITHMIC.items():
        assert other.of(chart, (0, 1), 3).scale(own) is (own if chart != name else not own)
    assert other.rescaled((name,)) == first
    assert first.rescaled(("plane",)) == first


def test_the_focus_goes_over_the_shown_layers_and_then_to_none() -> None:
    display, seen = EpochDisplay(), []
    for _ in range(5):
        display = display.refocused((0, 2, 11))
        seen.append(display.focus)
    assert seen == [0, 2, 11, None, 0]
    assert EpochDisplay(focus=3).refocused(()).focus is None


def test_gradients_show_the_last_hidden_layer_unless_another_is_chosen() -> None:
    assert EpochDisplay().of("gradients", (0, 1, 2, 3), 4) == Display(focus=2)
    assert EpochDisplay().of("gradients", (0, 3), 4) == Display(focus=0), "of those shown"
    assert EpochDisplay().of("gradients", (3,), 4) == Display(), "the output alone"
    assert EpochDisplay(focus=3).of("gradients", (0, 1, 2, 3), 4) == Display(focus=3)
    assert EpochDisplay().of("snr", (0, 1, 2, 3), 4) == Display()
    assert EpochDisplay(focus=2).of("snr", (0, 1), 4) == Display(), "a hidden layer has no focus"
