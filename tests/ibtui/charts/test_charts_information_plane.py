"""Charts of the information plane: axes that do not move, both bounds, every layer numbered or in the legend."""

from __future__ import annotations

import numpy as np
import pytest

from ibtui.charts.chart import render
from ibtui.charts.information_plane import information_plane, information_points
from ibtui.charts.palette import Shades

EPOCHS = np.array([0, 1, 3, 10, 30, 100, 300, 1000])


def trajectories(layers: int) -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(0, 1, len(EPOCHS))[:, None]
    depth = np.linspace(0, 1, layers)
    return 12 - 8 * depth * t, 0.3 + 0.6 * t - 0.1 * depth


def test_axes_begin_at_zero_and_end_just_beyond_the_bounds_whatever_the_data() -> None:
    for scale in (1.0, 0.1):
        i_x, i_y = trajectories(4)
        spec = information_plane(EPOCHS, scale * i_x, scale * i_y, 12.0, 0.99)
        assert (spec.x.low, spec.y.low) == (0, 0)
        assert 12.0 < spec.x.high < 13.0
        assert 0.99 < spec.y.high < 1.1
        assert {(guide.axis, guide.value) for guide in spec.guides} == {("x", 12.0), ("y", 0.99)}


@pytest.mark.parametrize("layers", [1, 6, 12])
def test_every_layer_has_its_number_where_its_trajectory_ends(layers: int) -> None:
    i_x, i_y = trajectories(layers)
    spec = information_plane(EPOCHS, i_x, i_y, 12.0, 0.99)
    assert [mark.text for mark in spec.marks] == [*(str(k) for k in range(1, layers)), "output"]
    assert [(m.x, m.y) for m in spec.marks] == list(zip(i_x[-1], i_y[-1], strict=True))
    text = render(spec, 80, 24, theme="dark").text()
    assert "H(X)" in text
    assert "I(X;Y)" in text
    assert "epoch 0 " in text


def test_colour_follows_the_logarithm_of_the_epoch() -> None:
    spec = information_plane(EPOCHS, *trajectories(2), 12.0, 0.99)
    shades = spec.series[0].colour
    assert isinstance(shades, Shades)
    assert np.allclose(shades.places, np.log(EPOCHS + 1) / np.log(1001))
    assert spec.bar is not None
    assert [text for _, text in spec.bar.stops] == ["0", "10", "100", "1000"]


def test_a_number_stands_at_the_last_epoch_that_has_values() -> None:
    i_x, i_y = trajectories(2)
    i_x[-3:, 0] = np.nan
    i_y[:, 1] = np.nan
    [mark] = information_plane(EPOCHS, i_x, i_y, 12.0, 0.99).marks
    assert (mark.x, mark.y) == (i_x[-4, 0], i_y[-4, 0])


@pytest.mark.parametrize("n", [0, 1])
def test_before_there_is_a_trajectory_the_chart_is_there(n: int) -> None:
    i_x, i_y = trajectories(3)
    spec = information_plane(EPOCHS[:n], i_x[:n], i_y[:n], 12.0, 0.99)
    assert spec.bar is None
    assert "I(X;T) bits" in render(spec, 80, 24, theme="light").text()


def test_without_colour_layers_are_drawn_with_their_numbers() -> None:
    i_x, i_y = trajectories(3)
    text = render(information_plane(EPOCHS, i_x, i_y, 12.0, 0.99), 80, 24, theme="dark", colour=False).text()
    assert all(f"[{text_of}]" in text for text_of in ("1", "2", "output"))
    points = information_points(i_x, i_y, 12.0, 0.99, epoch=10)
    assert "1 T1   2 T2   3 output" in render(points, 80, 24, theme="dark", colour=False).text()


def test_points_show_every_network_and_name_every_layer() -> None:
    rng = np.random.default_rng(1)
    i_x, i_y = rng.uniform(0, 12, (40, 5)), rng.uniform(0, 0.99, (40, 5))
    spec = information_points(i_x, i_y, 12.0, 0.99, epoch=275)
    assert [s.label for s in spec.series] == ["T1", "T2", "T3", "T4", "output"]
    assert all(len(s.x) == 40 for s in spec.series)
    text = render(spec, 80, 24, theme="dark").text()
    assert "Epoch 275" in text
    assert "40 networks" in text
    assert "1 network." in information_points(i_x[:1], i_y[:1], 12.0, 0.99, epoch=0).caption


def test_labels_of_light_and_dark_bounds_survive_bounds_of_zero() -> None:
    spec = information_plane(EPOCHS, np.zeros((8, 2)), np.zeros((8, 2)), 0.0, 0.0)
    assert "I(T;Y) bits" in render(spec, 80, 24, theme="dark").text()
