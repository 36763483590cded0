"""The quick version of every preset, run to its end, and all that is made of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ibtui.charts.chart import render
from ibtui.figures.drawing import picture
from ibtui.figures.registry import FIGURES
from ibtui.figures.table import table
from ibtui.figures.terminal import chart
from ibtui_engine.maps.axes import is_map
from ibtui_engine.presets import PRESETS
from ibtui_engine.rules.image_files import PARTS
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.summary import read_summary


def some_images(directory: Path) -> Path:
    """A directory with 600 images of the size of MNIST's, a noisy spot each, whose place is the label."""
    labels = np.arange(600, dtype=np.uint8) % 10
    images = np.random.default_rng(0).integers(0, 64, (600, 28, 28), np.uint8)
    images.reshape(600, 784)[np.arange(600)[:, None], labels[:, None] * 70 + np.arange(30)] += 150
    for name, array in zip(PARTS["test"], (images, labels), strict=True):
        sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
        (directory / name).write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())
    return directory


@pytest.mark.long
@pytest.mark.parametrize("name", PRESETS)
def test_the_quick_version_of_a_preset_runs_and_makes_all_its_outputs(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.ibs"
    experiment = PRESETS[name].quick
    if experiment.rule == ("mnist",):
        experiment = experiment.override({"rule": f"mnist:{some_images(tmp_path)}"})
    assert Run(begin(path, name, experiment)).execute() == "finished"
    summary = read_summary(path)
    finished = [one for one in summary.ensembles if one.epochs_done == experiment.epochs]
    assert len(finished) == experiment.count or (is_map(experiment) and len(finished) > experiment.count / 2)
    assert {one.snapshots for one in finished} == {experiment.snapshot_epochs}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for figure in FIGURES.values():
        if name in figure.presets:
            content = figure.read([path])
            assert picture(content, "pdf").startswith(b"%PDF")
            assert table(content).count(b"\n") > len(content.panels)
            for panel in content.panels:
                assert "no data" not in render(chart(panel), 100, 22, theme="dark", colour=False).text()
