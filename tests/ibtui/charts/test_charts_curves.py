"""Charts over epochs: what is drawn is what was given, marked at the playhead, whatever the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ibtui.charts.chart import render
from ibtui.charts.curves import epoch_axis, gradient_chart, learning_chart, snr_chart
from ibtui.charts.palette import Category
from ibtui.charts.spec import ChartSpec

EPOCHS = np.array([0.0, 1, 3, 10, 30, 100])


def values(layers: int, scale: float = 1.0) -> np.ndarray:
    draw = np.random.default_rng(4)
    found = scale * draw.lognormal(size=(len(EPOCHS), layers))
    found[0] = np.nan  # no gradient before the first epoch
    return found


def moments(spec: ChartSpec) -> list[float]:
    return [guide.value for guide in spec.guides if guide.axis == "x"]


def test_gradients_are_a_line_and_dots_of_one_colour_for_each_layer() -> None:
    mean, std = values(3), values(3, 0.1)
    spec = gradient_chart(EPOCHS, mean, std, shown=(0, 2), last_epoch=100, batches=7, transition=10)
    assert [series.kind for series in spec.series] == ["dotted", *["dotted", "line"] * 2]
    assert [series.colour for series in spec.series] == [None, Category(0), Category(0), Category(2), Category(2)]
    assert [series.label for series in spec.series] == ["noise floor", "", "T1", "", "output"]
    assert np.array_equal(spec.series[4].y, mean[:, 2], equal_nan=True)
    assert np.array_equal(spec.series[3].y, std[:, 2], equal_nan=True)
    for epoch in range(1, len(EPOCHS)):
        assert spec.series[0].y[epoch] == pytest.approx(math.sqrt(std[epoch, 0] * std[epoch, 2] / 7))
    both = np.concatenate([mean[:, [0, 2]], std[:, [0, 2]]])
    assert spec.y.low < np.nanmin(both)
    assert np.nanmax(both) < spec.y.high
    assert spec.x == epoch_axis(100)
    assert moments(spec) == [10]


def test_the_first_epoch_and_none_have_no_mark() -> None:
    for turn in (None, 0, 0.0):
        spec = gradient_chart(EPOCHS, values(1), values(1), shown=(0,), last_epoch=100, batches=7, transition=turn)
        assert moments(spec) == []


def test_one_batch_an_epoch_has_no_noise_floor() -> None:
    spec = gradient_chart(EPOCHS, values(1), values(1) * np.nan, shown=(0,), last_epoch=100, batches=1)
    assert "noise floor" not in [series.label for series in spec.series]


@pytest.mark.parametrize("batches", [1, 7, 100])
def test_snr_shows_where_drift_ends_and_what_noise_alone_gives(batches: int) -> None:
    spec = snr_chart(EPOCHS, values(2, 50), shown=(0, 1), last_epoch=100, batches=batches)
    levels = {guide.label: guide.value for guide in spec.guides}
    assert levels["drift above, diffusion below"] == 1
    if batches > 1:
        assert levels["independent noise"] == pytest.approx(batches**-0.5)
        assert "One batch" not in spec.caption
    else:
        assert "independent noise" not in levels
        assert "One batch" in spec.caption
    assert spec.y.low <= min(levels.values())
    assert spec.y.log


def test_learning_is_the_mean_and_one_standard_deviation_of_each_curve() -> None:
    loss, accuracy = values(4), np.clip(values(4), 0, 1)
    spec = learning_chart(EPOCHS, {"loss": loss, "accuracy": accuracy}, last_epoch=100, transition=3)
    assert [series.label for series in spec.series if series.label] == ["loss", "accuracy"]
    low, high, line = spec.series[:3]
    assert np.allclose(line.y[1:], loss[1:].mean(axis=1))
    assert np.allclose(low.y[1:], (loss.mean(axis=1) - loss.std(axis=1, ddof=1))[1:])
    assert np.allclose(high.y[1:], (loss.mean(axis=1) + loss.std(axis=1, ddof=1))[1:])
    assert spec.y.low == 0
    assert spec.y.high > np.nanmax(loss.mean(axis=1))
    assert moments(spec) == [3]


def test_one_network_has_no_spread() -> None:
    spec = learning_chart(EPOCHS, {"loss": values(1)}, last_epoch=100)
    assert [series.kind for series in spec.series] == ["line"]


def test_networks_without_a_value_do_not_count() -> None:
    loss = values(3)
    loss[2:, 0] = np.nan
    [*_, line] = learning_chart(EPOCHS, {"loss": loss}, last_epoch=100).series
    assert np.allclose(line.y[2:], loss[2:, 1:].mean(axis=1))


@pytest.mark.parametrize("last", [0, 1, 2, 1e8])
def test_the_epoch_axis_is_an_axis(last: float) -> None:
    axis = epoch_axis(last)
    low, high = axis.limits
    assert low == 1
    assert high == max(last, 2)


ODD = {
    "none": np.empty((0, 2)),
    "one": np.ones((1, 2)),
    "constant": np.ones((6, 2)),
    "zero": np.zeros((6, 2)),
    "absent": np.full((6, 2), np.nan),
    "infinite": np.full((6, 2), np.inf),
    "negative": -np.ones((6, 2)),
    "huge": np.full((6, 2), 1e300),
    "tiny": np.full((6, 2), 1e-300),
}


@pytest.mark.parametrize("kind", list(ODD))
@pytest.mark.parametrize("size", [(1, 1), (20, 6), (80, 20)])
def test_all_numbers_can_be_drawn(kind: str, size: tuple[int, int]) -> None:
    found = ODD[kind]
    epochs = EPOCHS[: len(found)]
    for spec in (
        gradient_chart(epochs, found, found, shown=(0, 1), last_epoch=100, batches=8, transition=50),
        snr_chart(epochs, found, shown=(0, 1), last_epoch=100, batches=8),
        snr_chart(epochs, found, shown=(), last_epoch=1, batches=0),
        gradient_chart(epochs, found, found, shown=(), last_epoch=1, batches=1),
        learning_chart(epochs, {"loss": np.abs(found)}, last_epoch=100, transition=50),
        learning_chart(epochs, {}, last_epoch=100),
    ):
        image = render(spec, *size, theme="dark")
        assert len(image.cells) == size[1]
        assert all(len(row) == size[0] for row in image.cells)
