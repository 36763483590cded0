"""Charts over epochs: what is drawn is what was given, marked at the playhead, whatever the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ibtui.charts.chart import render
from ibtui.charts.curves import Learned, epoch_axis, gradient_chart, learning_chart, snr_chart
from ibtui.charts.display import Display, smoothed
from ibtui.charts.palette import Category, Faded, Quantity
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
    curves = [Learned("loss", loss, 0), Learned("accuracy", accuracy, 1, outside=True)]
    spec = learning_chart(EPOCHS, curves, last_epoch=100, transition=3)
    assert [series.label for series in spec.series if series.label] == ["loss", "accuracy"]
    assert [(series.kind, series.colour) for series in spec.series] == [("line", Quantity(0)), ("dotted", Quantity(1))]
    line, band = spec.series[0], spec.bands[0]
    assert np.allclose(line.y[1:], loss[1:].mean(axis=1))
    assert np.allclose(band.low[1:], (loss.mean(axis=1) - loss.std(axis=1, ddof=1))[1:])
    assert np.allclose(band.high[1:], (loss.mean(axis=1) + loss.std(axis=1, ddof=1))[1:])
    assert spec.y.low == 0
    assert spec.y.high > np.nanmax(loss.mean(axis=1))
    assert moments(spec) == [3]


def test_one_network_has_no_spread() -> None:
    spec = learning_chart(EPOCHS, [Learned("loss", values(1), 0)], last_epoch=100)
    assert [series.kind for series in spec.series] == ["line"]
    assert spec.bands == ()


def test_networks_without_a_value_do_not_count() -> None:
    loss = values(3)
    loss[2:, 0] = np.nan
    [*_, line] = learning_chart(EPOCHS, [Learned("loss", loss, 0)], last_epoch=100).series
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
    several = np.stack([found, found], axis=1)
    for spec in (
        gradient_chart(epochs, found, found, shown=(0, 1), last_epoch=100, batches=8, transition=50),
        snr_chart(epochs, found, shown=(0, 1), last_epoch=100, batches=8),
        snr_chart(epochs, found, shown=(), last_epoch=1, batches=0),
        gradient_chart(epochs, found, found, shown=(), last_epoch=1, batches=1),
        *(
            chart
            for display in (Display(), Display(True, True, True, 1), Display(False, True, True, 0))
            for chart in (
                gradient_chart(
                    epochs,
                    found,
                    found,
                    shown=(0, 1),
                    last_epoch=100,
                    batches=8,
                    drift_ends=(9.0, math.nan),
                    networks=(several, several),
                    display=display,
                ),
                snr_chart(epochs, found, shown=(0, 1), last_epoch=100, batches=8, networks=several, display=display),
                learning_chart(epochs, [Learned("loss", np.abs(found), 0)], last_epoch=100, display=display),
                learning_chart(epochs, [], last_epoch=100, display=display),
            )
        ),
    ):
        image = render(spec, *size, theme="dark")
        assert len(image.cells) == size[1]
        assert all(len(row) == size[0] for row in image.cells)


def spread_out(layers: int, networks: int = 5) -> np.ndarray:
    """Values by epoch, network and layer that fall over the epochs."""
    draw = np.random.default_rng(8)
    fall = np.linspace(1, -1, len(EPOCHS))[:, None, None]
    return np.exp(fall + 0.3 * draw.normal(size=(len(EPOCHS), networks, layers)))


def test_one_layer_in_focus_is_in_colour_with_its_band_and_the_place_where_it_crosses() -> None:
    means, stds = spread_out(3), spread_out(3)[::-1]
    mean, std = means.mean(axis=1), stds.mean(axis=1)
    spec = gradient_chart(
        EPOCHS, mean, std, shown=(0, 1, 2), last_epoch=100, batches=7, transition=4, drift_ends=(3, 5, math.nan),
        networks=(means, stds), display=Display(focus=1),
    )  # fmt: skip
    assert {series.colour for series in spec.series if series.end in ("T1", "output")} == {Faded()}
    [line] = [series for series in spec.series if series.end == "T2"]
    assert (line.colour, line.thick, spec.series[-1]) == (Category(1), True, line), "over the others"
    [mark] = spec.marks
    assert (mark.x, mark.text, mark.colour) == (5, "5", Category(1))
    assert min(mean[2:4, 1].min(), std[2:4, 1].min()) < mark.y < max(mean[2:4, 1].max(), std[2:4, 1].max())
    [band] = spec.bands
    assert np.all((band.low < line.y) & (line.y < band.high))
    assert np.allclose(np.log(band.high / line.y), np.log(means[:, :, 1]).std(axis=1, ddof=1))
    assert spec.series[0].y == pytest.approx(std[:, 1] / math.sqrt(7)), "the noise floor is its own"
    hidden = gradient_chart(EPOCHS, mean, std, shown=(0, 2), last_epoch=100, batches=7, display=Display(focus=1))
    assert not any(isinstance(series.colour, Faded) for series in hidden.series), "a hidden layer has no focus"


@pytest.mark.parametrize("log", [True, False])
def test_every_chart_over_epochs_can_be_logarithmic_or_linear(log: bool) -> None:
    display = Display(log=log)
    loss = Learned("loss", spread_out(1)[:, :, 0], 0)
    for spec in (
        gradient_chart(EPOCHS, values(2), values(2), shown=(0, 1), last_epoch=100, batches=7, display=display),
        snr_chart(EPOCHS, values(2), shown=(0, 1), last_epoch=100, batches=7, display=display),
        learning_chart(EPOCHS, [loss], last_epoch=100, display=display),
    ):
        assert spec.y.log is log
        low, high = spec.y.limits
        for series in spec.series:
            if series.label:
                known = series.y[np.isfinite(series.y) & (series.y > 0)]
                assert low <= known.max() <= high
    assert learning_chart(EPOCHS, [loss], last_epoch=100).y.log is False
    assert snr_chart(EPOCHS, values(2), shown=(0,), last_epoch=100, batches=7).y.log is True


def test_smoothing_keeps_constants_and_gaps_and_lessens_noise() -> None:
    epochs = np.round(np.geomspace(1, 1000, 60))
    noise = np.exp(np.random.default_rng(5).normal(size=60))
    for log in (True, False):
        assert np.allclose(smoothed(epochs, np.full(60, 3.0), log=log), 3.0)
        calmer = smoothed(epochs, noise, log=log)
        assert np.std(np.log(calmer)) < 0.6 * np.std(np.log(noise))
        assert noise.min() < calmer.min() < calmer.max() < noise.max()
    holes = noise.copy()
    holes[[3, 40]] = np.nan
    assert np.array_equal(np.isnan(smoothed(epochs, holes, log=True)), np.isnan(holes))
    plain = snr_chart(epochs, noise[:, None], shown=(0,), last_epoch=1000, batches=7)
    calm = snr_chart(epochs, noise[:, None], shown=(0,), last_epoch=1000, batches=7, display=Display(smooth=True))
    assert np.array_equal(plain.series[0].y, noise)
    assert np.allclose(calm.series[0].y, smoothed(epochs, noise, log=True))
    assert "Smoothed" in calm.caption
    assert plain.y == calm.y, "the axis stays"


def test_single_networks_are_faint_lines_behind_a_thick_mean() -> None:
    every = spread_out(2, networks=4)
    for spec in (
        snr_chart(EPOCHS, every.mean(axis=1), shown=(0, 1), last_epoch=100, batches=7, networks=every,
                  display=Display(singles=True)),
        learning_chart(EPOCHS, [Learned("loss", every[:, :, 0], 0)], last_epoch=100, display=Display(singles=True)),
    ):  # fmt: skip
        first = spec.series[0]
        pieces = np.split(first.y, np.flatnonzero(np.isnan(first.y)) + 1)
        assert np.allclose([piece[:-1] for piece in pieces[:4]], every[:, :, 0].T)
        assert first.colour == Faded(spec.series[1].colour)  # type: ignore[arg-type]
        assert spec.series[1].thick
        assert spec.bands == ()


@pytest.mark.parametrize("ascii", [True, False])
def test_inside_and_outside_of_the_sample_differ_without_colour(ascii: bool) -> None:
    falling = spread_out(1)[:, :, 0]
    texts = []
    for outside in (False, True):
        curve = Learned("loss", falling, 0, outside=outside)
        image = render(learning_chart(EPOCHS, [curve], last_epoch=100), 60, 16, theme="dark", colour=False, ascii=ascii)
        texts.append(image.text().replace("L", "l"))
    assert texts[0] != texts[1]
    both = [Learned("loss inside", falling, 0), Learned("loss outside", falling, 0, outside=True)]
    text = render(learning_chart(EPOCHS, both, last_epoch=100), 60, 16, theme="dark", colour=False, ascii=ascii).text()
    foot = next(line for line in text.splitlines() if "loss inside" in line)
    samples = [sample.split()[-1] for sample in foot.replace("loss outside", "loss inside").split("loss inside")[:2]]
    assert samples[0] != samples[1]


def test_lines_are_named_at_their_ends_where_there_is_room_and_in_the_legend_elsewhere() -> None:
    falling = spread_out(6).mean(axis=1) * 3.0 ** np.arange(6)
    spec = snr_chart(EPOCHS, falling, shown=range(6), last_epoch=100, batches=7)
    wide = render(spec, 78, 30, theme="dark")
    assert wide.area is not None
    beyond = [
        "".join(cell[0] for cell in row[wide.area.left + wide.area.width :]).strip()
        for row in wide.cells[: wide.area.height]
    ]
    assert [text for text in beyond if text] == ["output", "T5", "T4", "T3", "T2", "T1"]
    assert "━━ T1" not in wide.text()
    narrow = render(spec, 40, 30, theme="dark").text()
    assert "━━ T1" in narrow
    same = snr_chart(EPOCHS, np.repeat(falling[:, :1], 3, axis=1), shown=range(3), last_epoch=100, batches=7)
    assert "T1–2, output" in render(same, 78, 30, theme="dark").text()


def test_bands_lie_behind_lines_and_between_their_ends() -> None:
    curve = Learned("loss", np.tile([0.2, 0.5, 0.8], (len(EPOCHS), 1)), 0)
    spec = learning_chart(EPOCHS, [curve], last_epoch=100)
    for ascii, colour in ((False, True), (True, False), (False, False)):
        image = render(spec, 60, 30, theme="dark", colour=colour, ascii=ascii)
        area = image.area
        assert area is not None
        rows = {
            row for row in range(area.height) for column in range(area.width)
            if image.cells[area.top + row][area.left + column][0] not in " ┊"
        }  # fmt: skip
        ends = [area.row(float(area.y.to_unit(value)[0])) for value in (0.8, 0.2)]
        assert ends[0] <= min(rows) <= ends[0] + 1
        assert ends[1] - 1 <= max(rows) <= ends[1]
        middle = area.top + area.row(float(area.y.to_unit(0.5)[0]))
        assert image.cells[middle][area.left + 20][0] not in ".·", "the line is over the band"
