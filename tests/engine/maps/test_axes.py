"""How the ensembles of a grid are laid out: each in one place, whatever the axes."""

from __future__ import annotations

import itertools

import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.maps.axes import axes_of, slices

GRID = Experiment(learning_rate=(0.02, 0.005), batch=("full", 512, 64), activation=("tanh", "relu"))


def test_axes_are_what_ensembles_differ_in_with_numbers_ascending() -> None:
    axes = {axis.name: axis.values for axis in axes_of(GRID)}
    assert axes == {"batch": (64, 512, "full"), "learning_rate": (0.005, 0.02), "activation": ("tanh", "relu")}
    assert axes_of(Experiment()) == ()


def test_every_ensemble_has_the_place_of_its_values() -> None:
    for x, y in itertools.permutations(("batch", "learning_rate", "activation"), 2):
        found = slices(GRID, x, y)
        seen = []
        for one in found:
            assert (one.x.name, one.y and one.y.name) == (x, y)
            for at_y, row in zip(one.y.values if one.y else (), one.places, strict=True):
                for at_x, index in zip(one.x.values, row, strict=True):
                    ensemble = GRID.ensemble(index)
                    assert (getattr(ensemble, x), getattr(ensemble, y)) == (at_x, at_y)
                    assert all(getattr(ensemble, axis.name) == value for axis, value in one.fixed)
                    seen.append(index)
        assert sorted(seen) == list(range(GRID.count))


def test_depth_and_width_stand_for_layers_that_differ_in_nothing_else() -> None:
    whole = Experiment(hidden=((4,), (4, 4), (8,), (8, 8)))
    (one,) = slices(whole)
    assert (one.x.name, one.x.values, one.places) == ("depth", (1, 2), ((0, 1), (2, 3)))
    assert one.y is not None
    assert (one.y.name, one.y.values) == ("width", (4, 8))
    assert [axis.name for axis in axes_of(Experiment(hidden=((4,), (4, 4))))] == ["depth"]
    for other in (((4,), (4, 4), (8,)), ((4,), (4, 3), (8,), (8, 8), (2, 4), (2, 8)), ((4, 3), (4, 2))):
        assert [axis.name for axis in axes_of(Experiment(hidden=other))] == ["hidden"]


def test_further_axes_can_be_fixed() -> None:
    one, other = slices(GRID, "learning-rate", "batch")
    assert (one.title, other.title) == ("activation tanh", "activation relu")
    assert slices(GRID, "learning-rate", "batch", {"activation": "relu"}) == (other,)
    (row,) = slices(Experiment(fraction=(0.5, 0.1)))
    assert (row.y, row.places, row.title) == (None, ((1, 0),), "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("seed", None, {}), "axis must be batch, learning-rate or activation, got 'seed'"),
        (("batch", "batch", {}), "x and y must be different, got 'batch' twice"),
        (("batch", None, {"batch": "64"}), "batch is an axis of the map: it cannot be fixed, too"),
        (("batch", "activation", {"learning_rate": "1"}), "learning-rate must be 0.005 or 0.02, got '1'"),
    ],
)
def test_what_there_is_not_is_said(arguments: tuple[str, str | None, dict[str, str]], said: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{said}$"):
        slices(GRID, *arguments)
    with pytest.raises(InvalidValue, match="a map needs a setting with several values"):
        slices(Experiment())
