"""What is said of a session in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ibtui.status import SEPARATOR, status_line
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.liveness import Writer
from ibtui_engine.session.summary import Summary, read_summary


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    path = tmp_path_factory.mktemp("status") / "a-name-of-thirty-three-characters.ibs"
    settings = Experiment(networks=2, epochs=4, hidden=((3,), (2,)), weights=False)
    Run(begin(path, path.stem, settings), threads=1).execute()
    return read_summary(path)


def running(summary: Summary) -> Summary:
    assert summary.writer is None or isinstance(summary.writer, Writer)
    writer = Writer(1, 0.0, "host", 0.0, 468.4, 75.0, "token", "machine", None)
    return replace(summary, status="running", writer=writer)


def test_state_epoch_time_left_pace_and_estimator_in_this_order(summary: Summary) -> None:
    told = status_line(running(summary), "binning, 30 bins", ensemble=1).split(SEPARATOR)
    assert told == [
        summary.path.stem,
        "run: running (P pause, S stop)",
        "epoch 4 of 4",
        "1 min 15 s left",
        "468 epochs/s",
        "ensemble 2/2",
        "binning, 30 bins",
    ]


@pytest.mark.parametrize("status", ["stopped", "interrupted"])
def test_what_can_be_resumed_says_with_which_key(summary: Summary, status: str) -> None:
    assert f"run: {status} (R resume)" in status_line(replace(summary, status=status), "x")


def test_a_finished_run_has_nothing_to_be_asked(summary: Summary) -> None:
    assert status_line(summary, "x") == SEPARATOR.join([summary.path.stem, "run: finished", "4 epochs", "x"])


@pytest.mark.parametrize("width", [60, 80, 100, 150])
def test_a_long_name_gives_way_in_its_middle(summary: Summary, width: int) -> None:
    line = status_line(running(summary), "binning", ensemble=0, width=width)
    name = line.split(SEPARATOR)[0]
    whole = summary.path.stem
    if len(status_line(running(summary), "binning", ensemble=0)) > width:
        begin, end = name.split("…")
        assert whole.startswith(begin)
        assert whole.endswith(end)
        assert begin
        assert end
    else:
        assert name == whole
    assert len(line) <= width or len(name) <= 12
    assert Path(whole).name == whole
