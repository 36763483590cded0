"""What is shown of estimators with bounds or errors, and of those that no IB curve bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui.charts.information_plane import information_plane
from ibtui.ensemble_charts import EnsembleCharts
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.follow import Follower
from tests.conftest import Ibtui

SMALL = {"hidden": "3-2", "networks": 2, "epochs": 3, "snapshots": 1}


def made(path: Path, **settings: object) -> Path:
    Run(begin(path, path.stem, Experiment.from_dict({**SMALL, **settings})), threads=1).execute()
    return path


def charts_of(path: Path) -> EnsembleCharts:
    with Follower(path) as follower:
        follower.update()
        return EnsembleCharts(follower.recorded_ensemble(0))


def test_bounds_are_a_cross_and_a_path_between_them(tmp_path: Path) -> None:
    charts = charts_of(made(tmp_path / "a.ibs", estimator="kde", noise=0.1))
    plane = charts.chart("plane", epoch=3, shown=(0, 2), points=False)
    layers = charts.recorded.layers
    means = {name: getattr(layers, name).mean(axis=1)[-1] for name in ("i_x", "i_y", "i_x_lower", "i_y_lower")}
    crosses = [one for one in plane.series if len(one.x) == 2 and not one.tell]
    assert len(crosses) == 4  # of two layers: the other one is hidden
    for layer, (across, up) in zip((0, 2), (crosses[:2], crosses[2:]), strict=True):
        assert across.x == pytest.approx([means["i_x_lower"][layer], means["i_x"][layer]])
        assert up.y == pytest.approx([means["i_y_lower"][layer], means["i_y"][layer]])
        end = next(mark for mark in plane.marks if mark.text == ("1" if layer == 0 else "output"))
        assert (end.x, end.y) == pytest.approx((across.x.mean(), up.y.mean()))
    assert "Crosses: between what both lie." in plane.caption
    assert plane.readings is not None
    assert [one.name for one in plane.readings.quantities] == ["I(X;T) from", "to bits", "I(T;Y) from", "to bits"]


def test_a_plane_without_intervals_has_no_crosses() -> None:
    i = np.ones((2, 2))
    nothing = [np.full(2, np.nan)] * 4
    for intervals in (None, nothing):
        plane = information_plane(np.array([0, 1]), i, i, 2.0, 1.0, intervals=intervals)
        assert len(plane.series) == 2
        assert "Crosses" not in plane.caption


@pytest.mark.parametrize(
    ("estimator", "why"),
    [("probe", "probe does not have"), pytest.param("renyi", "renyi gives none", marks=pytest.mark.long)],
)
async def test_no_ib_curve_stands_beside_what_it_does_not_bound(
    open_app: Any, directory: Path, estimator: str, why: str
) -> None:
    made(directory / "a.ibs", estimator=estimator, weights=False)
    async with open_app("a") as view:
        await view.press("b")
        await view.until(lambda: any(note.startswith("no IB curve here: ") and why in note for note in view.notes()))
        assert not view.screen.bound_line
        view.screen.panel = "bound"
        await view.until(lambda: "Not shown" in view.text())


@pytest.mark.long
def test_no_distance_to_the_curve_is_made_up(ibtui: Ibtui, tmp_path: Path) -> None:
    found = ibtui("fit", made(tmp_path / "a.ibs", estimator="renyi", weights=False))
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "has no distance to the IB curve: the IB curve bounds Shannon information" in found.stderr


def test_tables_have_errors_and_what_is_absent(ibtui: Ibtui, tmp_path: Path) -> None:
    path = made(tmp_path / "a.ibs", estimator="binning")
    shown = ibtui("remeasure", path, "--estimator", "gauss", "--noise-samples", "50", "-o", tmp_path / "b.ibs")
    assert shown.returncode == 0, shown.stderr
    assert "MC error" in shown.stdout
    assert "by 50 draws" in " ".join(shown.stdout.split())
    probed = ibtui("remeasure", path, "--estimator", "probe", "--epoch", "3")
    assert probed.returncode == 0, probed.stderr
    rows = [line.split() for line in probed.stdout.splitlines() if line.split()[:1] in (["1"], ["2"], ["output"])]
    assert [row[2] for row in rows] == ["–"] * 3
    exported = ibtui("export", tmp_path / "b.ibs", "--what", "information").stdout.splitlines()
    heading, row = exported[0].split(","), exported[1].split(",")
    told = dict(zip(heading, row, strict=True))
    assert (told["noise"], told["noise_scale"], told["noise_samples"]) == ("0.03", "layer", "50")
    assert float(told["i_x_error"]) > 0
