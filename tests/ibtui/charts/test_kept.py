"""What layers keep: bars whose parts are of the label, else of the orbit, and within orbits."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ibtui.charts.kept import BAR, kept_chart
from ibtui.ensemble_charts import EnsembleCharts
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.follow import Follower


def parts(spec: object, layer: int) -> list[tuple[float, float]]:
    """Least and largest y of each part of a layer's bar, which has its place across; absent parts are left out."""
    found = []
    for one in spec.series:  # type: ignore[attr-defined]
        of = abs(one.x - layer) <= BAR / 2 + 1e-9
        if of.any():
            assert (one.x[of].min(), one.x[of].max()) == pytest.approx((layer - BAR / 2, layer + BAR / 2))
            found.append((float(one.y[of].min()), float(one.y[of].max())))
    return found


def test_a_bar_is_stacked_of_its_parts() -> None:
    i_y, i_orbit, i_x = np.array([0.5, 0.0, np.nan]), np.array([2.0, 1.0, np.nan]), np.array([5.0, 1.0, np.nan])
    spec = kept_chart(i_y, i_orbit, i_x, 6.0, shown=(0, 1, 2))
    assert parts(spec, 1) == [(0.0, 0.5), (0.5, 2.0), (2.0, 5.0)]
    assert parts(spec, 2) == [(0.0, 1.0)], "no bits of the label, none within orbits"
    assert parts(spec, 3) == []
    assert [one.label for one in spec.series] == ["of the label", "else of the orbit", "within orbits"]
    assert len({one.key for one in spec.series}) == 3
    assert spec.x.limits == (0.5, 3.5)
    assert spec.y.limits[1] > 6.0
    assert spec.guides[0].value == 6.0


def test_layers_that_are_hidden_have_no_bar() -> None:
    values = np.array([1.0, 2.0])
    spec = kept_chart(values / 4, values / 2, values, 3.0, shown=(1,))
    assert parts(spec, 1) == []
    assert parts(spec, 2) == [(0.0, 0.5), (0.5, 1.0), (1.0, 2.0)]
    assert all(len(one.x) == 0 for one in kept_chart(values, values, values, 3.0, shown=()).series)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "run.ibs"
    experiment = Experiment(networks=2, epochs=8, snapshots=2, hidden=((4, 2),), fraction=(0.5,))
    Run(begin(path, "run", experiment), threads=1).execute()
    return path


def test_the_chart_of_a_session_is_of_the_epoch_and_reads_the_parts(session: Path) -> None:
    with Follower(session) as follower:
        charts = EnsembleCharts(follower.recorded_ensemble(0))
        of = charts.shown
        for epoch in (0, 8):
            spec = charts.chart("kept", epoch=epoch, shown=(0, 1, 2), points=False)
            row = of.row(epoch)
            assert f"Epoch {epoch}." in spec.caption
            assert "binning, 30 bins" in spec.caption.lower()
            for layer in range(3):
                assert parts(spec, layer + 1)[-1][1] == pytest.approx(of.mean("i_x")[row, layer])
                assert parts(spec, layer + 1)[0][1] == pytest.approx(of.mean("i_y")[row, layer])
            assert spec.readings is not None
            assert [one.name for one in spec.readings.quantities] == [
                "I(T;Y) bits", "I(T;orbit) bits", "I(X;T | orbit) bits"
            ]  # fmt: skip
            assert np.array_equal(spec.readings.quantities[2].values, of.layers.i_within)
            assert spec.readings.y.tolist() == [of.mean("i_x")[row].tolist()]


def test_where_it_is_not_known_the_chart_says_why(session: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(session, tmp_path))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE layer SET i_orbit = NULL")  # as of a version that did not record it
    with Follower(path) as follower:
        spec = EnsembleCharts(follower.recorded_ensemble(0)).chart("kept", epoch=8, shown=(0,), points=False)
    assert "measure it again" in spec.caption
    assert spec.readings is None
    assert all(len(one.x) == 0 for one in spec.series)
