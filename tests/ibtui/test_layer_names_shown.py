"""The names that the layers of a recording were given stand in every report and chart of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ibtui.charts.display import Display
from ibtui.charts.spec import ChartSpec
from ibtui.ensemble_charts import EnsembleCharts
from ibtui.figures.lettering import symbols
from ibtui.overlays import overlaid
from ibtui.phases_text import diffusion_rows, phase_rows, sentences
from ibtui_engine.recording.recorder import Recorder
from ibtui_engine.session.follow import Follower
from tests.conftest import Ibtui

NAMES = ("quartz", "basalt", "encoder.block.7.attention.gneiss")
SHOWN = ("quartz", "basalt", "encoder.….gneiss")
LABELS = np.arange(40) % 2


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Layers that learn, with an SNR that falls."""
    path = tmp_path_factory.mktemp("recordings") / "own.ibs"
    random = np.random.default_rng(0)
    with Recorder(path, LABELS, data="rocks", estimator="binning") as recorder:
        for network in range(2):
            for epoch in (0, 1, 2, 4, 8, 16, 32):
                outputs = {
                    name: random.normal(size=(40, 3)) / (1 + epoch) + LABELS[:, None] * epoch / 8 for name in NAMES
                }
                norms = dict.fromkeys(NAMES, (3 / (1 + epoch), 0.5))
                recorder.snapshot(
                    *(epoch, outputs), gradients=norms if epoch else None, weights=dict.fromkeys(NAMES, 1.0),
                    network=network, batches=9, measure=True,
                )  # fmt: skip
    return path


def texts(spec: ChartSpec) -> str:
    """All that a chart says."""
    told = [spec.caption, *(mark.text for mark in spec.marks), *(mark.tell for mark in spec.marks)]
    for one in spec.series:
        told += [one.label, one.end, one.tell(0) if callable(one.tell) else one.tell]
    return " ".join([*told, *(spec.readings.names if spec.readings else ())])


def charts_of(path: Path) -> EnsembleCharts:
    with Follower(path) as follower:
        follower.update()
        return EnsembleCharts(follower.recorded_ensemble(0))


@pytest.mark.parametrize("panel", ["plane", "gradients", "snr"])
@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("focus", [None, 2])
def test_charts_of_a_recording_have_the_names_of_its_layers(
    recording: Path, panel: str, points: bool, focus: int | None
) -> None:
    charts = charts_of(recording)
    told = texts(charts.chart(panel, epoch=32, shown=(0, 1, 2), points=points, display=Display(focus=focus)))
    assert all(name in told for name in SHOWN)
    assert "T1" not in told
    assert "output" not in told


def test_charts_of_several_have_them_too(recording: Path) -> None:
    charts = charts_of(recording)
    shared = {"epoch": 32, "points": False, "pinned": 0, "display": Display(), "last_epoch": 32}
    plane = overlaid("plane", [(0, "own", charts)], focus=None, **shared)
    assert all(name in texts(plane) for name in SHOWN)
    assert "of layer 2, basalt" in overlaid("snr", [(0, "own", charts)], focus=1, **shared).title


def test_tables_of_phases_have_them(recording: Path) -> None:
    charts = charts_of(recording)
    for rows in (phase_rows(charts.phases, charts.names), diffusion_rows(charts.phases, None, charts.names)):
        assert [row[0] for row in rows] == ["1 quartz", "2 basalt", f"output {SHOWN[2]}"]
    told = "\n".join(sentences(charts.phases, charts.names))
    assert "I(T;Y) rises in the order" in told
    assert "T1" not in told
    assert "output" not in told


@pytest.mark.parametrize("command", ["show", "phases", "fit"])
def test_reports_have_them(ibtui: Ibtui, recording: Path, command: str) -> None:
    found = ibtui(command, recording)
    assert found.returncode == 0, found.stderr
    for name in ("quartz", "basalt", "gneiss"):
        assert found.stdout.count(name) >= 2, name  # in the chart and in the table
    assert "T1" not in found.stdout


def test_figures_have_them(ibtui: Ibtui, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "4.svg"
    for number, options in ((3, ()), (4, ("-o", out))):
        found = ibtui("figure", str(number), "--session", recording, *options)
        assert found.returncode == 0, found.stderr
        told = out.read_text(encoding="utf-8") if options else found.stdout
        assert all(name in told for name in SHOWN), number


def test_no_sign_of_a_name_begins_mathematics() -> None:
    assert symbols(("a$x", "b"), 2) == [r"a\$x", "b"]
    assert symbols(None, 2) == ["$T_{1}$", "output"]


@pytest.mark.parametrize(("command", "where"), [("phases", "ensembles"), ("fit", "fits")])
def test_json_has_every_name_in_full(ibtui: Ibtui, recording: Path, command: str, where: str) -> None:
    found = ibtui(command, recording, "--json")
    assert found.returncode == 0, found.stderr
    (one,) = json.loads(found.stdout)[where]
    assert one["layer_names"] == list(NAMES)
