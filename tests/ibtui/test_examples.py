"""The sessions that ship with ibtui: whole, small, only read, as their script says, free of where they were made."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
import os
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ibtui.locations import example_files
from ibtui_engine.errors import InvalidValue
from ibtui_engine.presets import PRESETS
from ibtui_engine.remeasure import remeasure
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary
from ibtui_engine.threads import Threads

WITH_WEIGHTS = {"example-figure-2": False, "example-figure-3": True, "example-figure-4": True,
                "example-figure-5": False, "example-figure-8": True}  # fmt: skip
LARGEST = 12_000_000
"""Bytes of all together."""
SCRIPT = Path(__file__).parents[2] / "sessions" / "make_examples.py"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("make_examples", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(sys, "path", [*sys.path])  # it puts the checkout there
        spec.loader.exec_module(module)
    return module


def _path(name: str) -> Path:
    return next(file for file in example_files() if file.stem == name)


def _ask(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def test_there_are_these_and_together_they_are_small() -> None:
    assert [file.stem for file in example_files()] == list(WITH_WEIGHTS)
    assert sum(file.stat().st_size for file in example_files()) < LARGEST


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_each_is_finished_and_is_its_preset_but_for_what_the_script_says(name: str, maker: ModuleType) -> None:
    summary = read_summary(_path(name))
    preset = name.removeprefix("example-")
    assert (summary.name, summary.status, summary.epochs_done) == (name, "finished", 10_000)
    assert summary.experiment == PRESETS[preset].experiment.override(maker.EXAMPLES[preset])
    assert summary.experiment.weights is WITH_WEIGHTS[name]
    assert set(maker.EXAMPLES[preset]) <= {"networks", "snapshots", "weights", "hidden"}
    for ensemble in summary.ensembles:
        assert ensemble.snapshots == summary.experiment.snapshot_epochs
        assert ensemble.networks == summary.experiment.networks


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_weights_are_there_as_said_and_give_the_recorded_numbers_again(name: str) -> None:
    with SessionReader(_path(name)) as reader, closing(Threads(1)) as threads:
        ensemble = reader.ensemble(0)
        if not WITH_WEIGHTS[name]:
            with pytest.raises(InvalidValue, match="keeps no weights"):
                reader.weights(ensemble, 10_000)
            return
        epochs = (0, ensemble.snapshots[30], 10_000)
        for epoch, again in remeasure(reader, ensemble, epochs, reader.summary.experiment, threads):
            recorded = reader.layers(ensemble, epoch)
            # a processor that rounds otherwise may move an output over the edge of a bin
            np.testing.assert_allclose(again.i_x, recorded.i_x[0], atol=0.02)
            np.testing.assert_allclose(again.i_y, recorded.i_y[0], atol=0.02)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_nothing_in_it_says_where_it_was_made(name: str) -> None:
    path = _path(name)
    assert _ask(path, "SELECT * FROM writer") == []
    assert _ask(path, "SELECT * FROM control") == []
    assert _ask(path, "PRAGMA freelist_count") == [(0,)]
    assert _ask(path, "PRAGMA integrity_check") == [("ok",)]
    assert _ask(path, "PRAGMA journal_mode") == [("delete",)]
    content = path.read_bytes()
    assert not [place for place in (b"/home/", b"/root/", b"/Users/", b"/tmp/") if place in content]
    assert sorted(file.name for file in path.parent.glob(f"{name}*")) == [path.name]  # nothing beside it


def test_the_script_makes_one_that_says_nothing_of_this_machine(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a-host-to-be-forgotten")
    monkeypatch.setitem(maker.EXAMPLES, "figure-8", {"networks": 2, "epochs": 6, "snapshots": 2})
    path = maker.make("figure-8", tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "example-figure-8.ibs"]
    summary = read_summary(path)
    assert (summary.name, summary.status, summary.epochs_done) == ("example-figure-8", "finished", 6)
    assert summary.experiment.rule == ("committee",)
    content = path.read_bytes()
    assert b"a-host-to-be-forgotten" not in content
    assert str(tmp_path).encode() not in content
    assert _ask(path, "SELECT * FROM writer") == []
    again = maker.make("figure-8", tmp_path)
    assert again == path
    assert read_summary(again).created > summary.created


def test_the_script_measures_again_what_keeps_its_weights(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(maker.EXAMPLES, "figure-8", {"networks": 2, "epochs": 6, "snapshots": 2})
    path = maker.make("figure-8", tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        frozen = connection.execute("SELECT frozen_mean, frozen_std FROM layer").fetchall()
        connection.execute("UPDATE layer SET i_orbit = NULL, frozen_mean = NULL, frozen_std = NULL")  # as once recorded
    before = _ask(path, "SELECT * FROM layer NATURAL JOIN snapshot ORDER BY epoch, network, layer")
    assert maker.measure_again("figure-8", tmp_path) == path
    after = _ask(path, "SELECT * FROM layer NATURAL JOIN snapshot ORDER BY epoch, network, layer")
    names = [name for _, name, *_ in _ask(path, "PRAGMA table_info(layer)")]
    places = [names.index(name) for name in ("i_orbit", "frozen_mean", "frozen_std")]
    assert all(row[place] is not None for row in after for place in places)
    rest = [place for place in range(len(names)) if place not in places]
    assert [[row[place] for place in rest] for row in after] == [[row[place] for place in rest] for row in before]
    assert _ask(path, "SELECT frozen_mean, frozen_std FROM layer") == frozen
    assert _ask(path, "SELECT * FROM writer") == []
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", WITH_WEIGHTS)
@pytest.mark.parametrize("column", ["i_orbit", "frozen_mean", "frozen_std"])
def test_what_layers_keep_of_orbits_and_gradients_at_frozen_weights_are_recorded_in_each(
    name: str, column: str
) -> None:
    assert _ask(_path(name), f"SELECT count(*) FROM layer WHERE {column} IS NULL") == [(0,)]


@pytest.mark.long
def test_commands_read_them_and_resume_refuses(ibtui: Any, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in example_files()}
    listed = ibtui("list", "--examples", "--json")
    assert {one["name"]: one["status"] for one in json.loads(listed.stdout)} == dict.fromkeys(WITH_WEIGHTS, "finished")
    assert "example-figure-5" in ibtui("list", "--examples").stdout

    shown = ibtui("show", "example-figure-3")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Information plane" in shown.stdout
    assert "10-8-6-4-2 at 0.05" in shown.stdout

    exported = ibtui("export", "example-figure-3", "--what", "information")
    assert exported.returncode == 0
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    experiment = read_summary(_path("example-figure-3")).experiment
    assert len(rows) == 3 * 10 * 6 * len(experiment.snapshot_epochs)
    assert all(0 <= float(row["i_x"]) <= 12 + 1e-9 and math.isfinite(float(row["i_y"])) for row in rows)

    for arguments in (("--epochs", "20000"), ()):
        refused = ibtui("resume", "example-figure-3", *arguments)
        assert refused.returncode == 2
        assert refused.stdout == ""
        assert len(refused.stderr.splitlines()) == 1
        assert "'example-figure-3' is a read-only example" in refused.stderr
    assert {file: file.read_bytes() for file in example_files()} == before
    assert os.listdir(tmp_path) == []
