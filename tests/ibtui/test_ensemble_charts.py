"""The charts and tables of an ensemble show plain statistics of what the session holds."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui.arrangement import CHARTS
from ibtui.charts.display import Display
from ibtui.charts.palette import Faded
from ibtui.ensemble_charts import EnsembleCharts
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.columns import LayerHistory, LearningHistory
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader

SETTINGS: dict[str, Any] = {"networks": 3, "epochs": 40, "snapshots": 6, "weights": False, "hidden": ((4, 3), (2,))}


def made(path: Path, **settings: Any) -> Path:
    Run(begin(path, "a", Experiment(**{**SETTINGS, **settings})), threads=1).execute()
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("charts") / "a.ibs")


def read(path: Path, index: int = 0) -> tuple[LayerHistory, LearningHistory]:
    with SessionReader(path) as reader:
        ensemble = reader.ensemble(index)
        return reader.layers(ensemble), reader.learning(ensemble)


def charts(path: Path, index: int = 0) -> EnsembleCharts:
    with Follower(path) as follower:
        return EnsembleCharts(follower.recorded_ensemble(index))


def test_the_plane_has_the_mean_paths_up_to_the_playhead(path: Path) -> None:
    layers, _ = read(path)
    for epoch in (0, 3, 22, 30, 40):
        until = layers.epochs <= epoch
        spec = charts(path).chart("plane", epoch=epoch, shown=(0, 1, 2), points=False)
        for layer, series in enumerate(spec.series):
            assert np.allclose(series.x, layers.i_x[until, :, layer].mean(axis=1))
            assert np.allclose(series.y, layers.i_y[until, :, layer].mean(axis=1))
        assert "4-3 at 0.85" in spec.title


def test_hidden_layers_are_left_out_and_the_others_keep_number_and_colour(path: Path) -> None:
    found = charts(path)
    every = found.chart("plane", epoch=40, shown=(0, 1, 2), points=False)
    some = found.chart("plane", epoch=40, shown=(0, 2), points=False)
    assert [mark.text for mark in some.marks] == ["1", "output"]
    assert np.isnan(some.series[1].x).all()
    assert np.array_equal(some.series[2].x, every.series[2].x)
    for name in ("gradients", "snr"):
        spec = found.chart(name, epoch=40, shown=(2,), points=False)
        assert {series.label for series in spec.series} - {"", "noise floor"} == {"output"}


def test_points_are_every_networks_layers_at_the_playhead(path: Path) -> None:
    layers, _ = read(path)
    for epoch, row in ((0, 0), (3, 3), (5, 3), (40, 7)):
        spec = charts(path).chart("plane", epoch=epoch, shown=(0, 1, 2), points=True)
        for layer, series in enumerate(spec.series):
            assert np.array_equal(series.x, layers.i_x[row, :, layer])
            assert np.array_equal(series.y, layers.i_y[row, :, layer])


def test_gradients_are_means_over_networks_and_snr_is_their_geometric_mean(path: Path) -> None:
    layers, _ = read(path)
    gradients = charts(path).chart("gradients", epoch=40, shown=(1,), points=False)
    _, dots, line = gradients.series
    assert np.allclose(line.y[1:], layers.grad_mean[1:, :, 1].mean(axis=1))
    assert np.allclose(dots.y[1:], layers.grad_std[1:, :, 1].mean(axis=1))
    [snr] = charts(path).chart("snr", epoch=40, shown=(1,), points=False).series
    ratio = (layers.grad_mean / layers.grad_std)[1:, :, 1]
    assert np.allclose(snr.y[1:], np.exp(np.log(ratio).mean(axis=1)))
    assert np.isnan(snr.y[0])


def test_the_layer_in_focus_has_its_snr_at_frozen_weights_in_dots(path: Path) -> None:
    layers, _ = read(path)
    batch = 512 / (1 - 512 / 3482)
    focused = charts(path).chart("snr", epoch=40, shown=(0, 1, 2), points=False, display=Display(focus=1))
    (dots,) = [series for series in focused.series if series.kind == "dotted"]
    ratio = layers.frozen_mean[:, :, 1] / layers.frozen_std[:, :, 1]
    assert np.allclose(dots.y, np.sqrt(batch) * np.exp(np.log(ratio).mean(axis=1)))
    assert dots.tell == "T2 at frozen weights"
    assert "Dotted: that of batches at frozen weights." in focused.caption
    low, high = focused.y.low, focused.y.high
    assert (low <= dots.y).all()
    assert (dots.y <= high).all()
    assert focused.readings is not None
    assert [one.name for one in focused.readings.quantities] == ["SNR", "at frozen weights", "noise scale"]
    for display, shown in ((Display(), (0, 1, 2)), (Display(focus=1), (0, 2))):
        plain = charts(path).chart("snr", epoch=40, shown=shown, points=False, display=display)
        assert [series for series in plain.series if series.kind == "dotted"] == []
        assert "Dotted" not in plain.caption


def test_learning_shows_losses_and_accuracies(path: Path) -> None:
    _, learning = read(path)
    spec = charts(path).chart("learning", epoch=40, shown=(), points=False)
    lines = {series.label: series.y for series in spec.series if series.label}
    assert np.allclose(lines["loss inside the sample"], learning.train_loss.mean(axis=1))
    assert np.allclose(lines["accuracy outside"], learning.test_accuracy.mean(axis=1))


def test_the_table_is_numpys(path: Path) -> None:
    layers, _ = read(path)
    for epoch, row in ((0, 0), (3, 3), (11, 4), (40, 7)):
        figures = charts(path).figures(epoch)
        assert [(one.layer, one.width) for one in figures] == [(1, 4), (2, 3), (3, 1)]
        for k, one in enumerate(figures):
            assert one.i_x.mean == pytest.approx(layers.i_x[row, :, k].mean())
            assert one.i_x.deviation == pytest.approx(layers.i_x[row, :, k].std(ddof=1))
            assert one.i_y.mean == pytest.approx(layers.i_y[row, :, k].mean())
            assert one.i_y.deviation == pytest.approx(layers.i_y[row, :, k].std(ddof=1))
            assert one.distinct.mean == pytest.approx(layers.distinct_t[row, :, k].mean())
            if row == 0:
                assert not one.snr.present
            else:
                assert one.snr.mean == pytest.approx(np.exp(np.log(layers.snr[row, :, k]).mean()))


def test_a_path_for_comparing(path: Path) -> None:
    layers, _ = read(path, 1)
    one = charts(path, 1)
    i_x, i_y = one.places(one.shown, 12, (0, 1), points=False)
    until = layers.epochs <= 12
    assert np.allclose(i_x, layers.i_x[until].mean(axis=1))
    assert np.allclose(i_y, layers.i_y[until].mean(axis=1))
    assert charts(path, 1).widths == (2, 1)


def test_measured_again_the_recorded_numbers_stay_behind_in_grey(tmp_path: Path) -> None:
    path = made(tmp_path / "kept.ibs", weights=True, hidden=((4, 3),))
    layers, _ = read(path)
    with Follower(path) as follower:
        one = EnsembleCharts(follower.recorded_ensemble(0))
        again = replace(layers, i_x=layers.i_x / 2, i_y=layers.i_y / 3)
        one.shown = one.recorded.measured_again(again, one.summary.experiment)
        until = layers.epochs <= 12
        paths = one.chart("plane", epoch=12, shown=(0, 2), points=False)
        ghosts = [series for series in paths.series if series.tell in ("T1 as recorded", "output as recorded")]
        assert [series.colour for series in ghosts] == [Faded(), Faded()]
        for series, layer in zip(ghosts, (0, 2), strict=True):
            assert np.allclose(series.x, layers.i_x[until, :, layer].mean(axis=1))
            assert np.allclose(series.y, layers.i_y[until, :, layer].mean(axis=1))
        measured = [series for series in paths.series if series not in ghosts and np.isfinite(series.x).any()]
        assert np.allclose(measured[0].x, layers.i_x[until, :, 0].mean(axis=1) / 2)
        assert "Grey: as recorded." in paths.caption
        points = one.chart("plane", epoch=12, shown=(0, 1, 2), points=True)
        assert [series.kind for series in points.series] == ["points"] * 6
        assert np.allclose(points.series[0].x, layers.i_x[until][-1][:, 0])
        one.shown = one.recorded
        assert "recorded" not in one.chart("plane", epoch=12, shown=(0, 1, 2), points=False).caption


def test_one_network_measured_twice(tmp_path: Path) -> None:
    found = charts(made(tmp_path / "a.ibs", networks=1, snapshots=0, hidden=((),), fraction=(1.0,), batch="full"))
    assert found.epochs == (0, 40)
    assert found.widths == (1,)
    assert found.batches == 1
    for epoch in (0, 40):
        [one] = found.figures(epoch)
        assert np.isnan([one.i_x.deviation, one.i_y.deviation]).all()
        for name in CHARTS:
            for points in (False, True):
                assert found.chart(name, epoch=epoch, shown=(0,), points=points) is not None
    learning = found.chart("learning", epoch=40, shown=(0,), points=False)
    assert {series.label for series in learning.series} == {"loss inside the sample", "accuracy inside"}


def test_networks_that_have_not_come_that_far_do_not_count(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "a.ibs"
    copy.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(copy)) as connection, connection:
        # the third was added later
        connection.execute("UPDATE cohort SET networks = 2 WHERE id = 1")
        connection.execute("INSERT INTO cohort SELECT 9, ensemble, 2, 1, epoch FROM cohort WHERE id = 1")
        connection.execute(
            "INSERT INTO snapshot SELECT id + 99, 9, epoch, time FROM snapshot WHERE cohort = 1 AND id < 9"
        )
        for table in ("layer", "learning"):
            of = "network = 2 AND snapshot IN (SELECT id FROM snapshot WHERE cohort = 1)"
            connection.execute(f"UPDATE {table} SET snapshot = snapshot + 99 WHERE snapshot < 9 AND {of}")
            connection.execute(f"DELETE FROM {table} WHERE {of}")
    layers, _ = read(copy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = charts(copy)
        [one, *_] = found.figures(40)
        spec = found.chart("plane", epoch=40, shown=(0, 1, 2), points=False)
    assert one.i_x.mean == pytest.approx(layers.i_x[-1, :2, 0].mean())
    assert (one.i_x.count, one.i_x.networks) == (2, 3)
    assert spec.series[0].x[-1] == pytest.approx(layers.i_x[-1, :2, 0].mean())


@pytest.mark.parametrize(("epoch", "measured"), [(0, 0), (3, 3), (5, 3), (6, 6), (11, 6), (39, 22), (40, 40), (99, 40)])
def test_an_epoch_that_was_measured_is_itself_and_any_other_the_last_one_before(
    path: Path, epoch: int, measured: int
) -> None:
    found = charts(path)
    layers, _ = read(path)
    assert found.at(epoch) == measured
    row = layers.epochs.tolist().index(measured)
    assert [one.i_x.mean for one in found.figures(epoch)] == pytest.approx(layers.i_x[row].mean(axis=0))


def test_before_the_first_measured_epoch_there_is_nothing_but_where_to_go(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "a.ibs"
    copy.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(copy)) as connection, connection:
        for table in ("layer", "learning"):
            connection.execute(f"DELETE FROM {table} WHERE snapshot IN (SELECT id FROM snapshot WHERE epoch < 3)")
        connection.execute("DELETE FROM snapshot WHERE epoch < 3")
    found = charts(copy)
    assert (found.at(0), found.at(2), found.at(3)) == (3, 3, 3)
    assert found.figures(2) == ()
    assert len(found.figures(3)) == 3


def test_batches_in_an_epoch(path: Path) -> None:
    assert charts(path).batches == 7  # 3482 patterns in batches of 512


def test_an_ensemble_that_is_not_there_yet(path: Path) -> None:
    for index in (-1, 2):
        with pytest.raises(KeyError):
            charts(path, index)
