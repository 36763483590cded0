"""Runs that the app starts: nothing of them is left in the temporary directory, and their last words are heard."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from ibtui import runs
from ibtui_engine.errors import EngineError
from ibtui_engine.experiment import Experiment
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary

PATIENCE = 120
TINY = Experiment(hidden=((3,),), networks=1, epochs=3)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for temporary files."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(runs, "give_way", lambda pid: None)  # these tests wait for it
    return place


def ended(run: runs.Started) -> runs.Started:
    end = time.monotonic() + PATIENCE
    while not run.ended:
        assert time.monotonic() < end
        time.sleep(0.05)
    return run


def test_a_run_and_its_resuming_leave_nothing_in_the_temporary_directory(temporary: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.ibs"
    begun = runs.start_run(TINY, path)
    assert list(temporary.glob("ibtui-*")) == []
    assert ended(begun).complaint == ""
    assert read_summary(path).experiment == TINY
    assert "example" not in ended(runs.resume_run(path)).complaint
    assert list(temporary.glob("ibtui-*")) == []


def test_why_a_run_failed_is_known_also_when_temporary_files_were_cleaned_away(temporary: Path, tmp_path: Path) -> None:
    run = runs.start_run(replace(TINY, rule="table:missing.csv"), tmp_path / "no.ibs")
    for file in temporary.iterdir():
        os.unlink(file)
    temporary.rmdir()
    assert "missing.csv" in ended(run).complaint


def test_where_no_temporary_file_can_be_made_it_is_said(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(EngineError, match="the run cannot be started"):
        runs.start_run(TINY, tmp_path / "tiny.ibs")


@pytest.mark.long
def test_a_process_that_is_ready_becomes_the_run(tmp_path: Path) -> None:
    ready = runs.prepare()
    assert ready is not None
    run = runs.start_run(TINY, tmp_path / "it.ibs", standby=ready)
    assert run._process is ready._process
    assert ended(run).complaint == ""
    summary = read_summary(tmp_path / "it.ibs")
    assert (summary.status, summary.experiment) == ("finished", TINY)
    other = runs.start_run(TINY, tmp_path / "other.ibs")
    assert ended(other).complaint == ""
    with SessionReader(tmp_path / "it.ibs") as one, SessionReader(tmp_path / "other.ibs") as two:
        np.testing.assert_array_equal(one.layers(one.ensemble(0)).i_x, two.layers(two.ensemble(0)).i_x)


@pytest.mark.long
def test_what_is_wrong_with_a_run_is_known_of_a_process_that_was_ready(tmp_path: Path) -> None:
    (tmp_path / "it.ibs").write_text("in the way")
    ready = runs.prepare()
    assert ready is not None
    run = runs.start_run(TINY, tmp_path / "it.ibs", standby=ready)
    assert "it.ibs" in ended(run).complaint
    assert (tmp_path / "it.ibs").read_text() == "in the way"


@pytest.mark.long
def test_where_the_ready_process_has_ended_another_is_started(tmp_path: Path) -> None:
    ready = runs.prepare()
    assert ready is not None
    ready._process.kill()
    ready._process.wait()
    run = runs.start_run(TINY, tmp_path / "it.ibs", standby=ready)
    assert run._process is not ready._process
    assert ended(run).complaint == ""


@pytest.mark.long
def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    code = "from ibtui import runs; ready = runs.prepare(); print(ready._process.pid, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = psutil.Process(int(process.stdout.readline()))
        process.kill()
    ready.wait(60)
    kept = runs.prepare()
    assert kept is not None
    kept.close()
    assert kept._process.returncode is not None


def test_it_is_not_started_where_there_is_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LEAST_MEMORY", 2**60)
    assert runs.prepare() is None
