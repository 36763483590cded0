"""Runs that the app starts: nothing of them is left in the temporary directory, and their last words are heard."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ibtui import runs
from ibtui_engine.errors import EngineError
from ibtui_engine.experiment import Experiment
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
