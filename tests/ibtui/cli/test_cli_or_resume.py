"""`ibtui run --or-resume`, for batch queues that run a job again, and what `pause` and `stop` wait for."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from ibtui_engine.errors import SessionError
from ibtui_engine.session import control
from ibtui_engine.session.control import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ibtui.cli.conftest import Program

JOB = ("run", "--name", "job", "--or-resume", "--networks", "2", "--hidden", "4-3", "--fraction", "0.1", "--seed", "3",
       "--threads", "1")  # fmt: skip


@pytest.mark.long
def test_it_begins_then_says_that_it_is_finished_and_refuses_other_settings(program: Program) -> None:
    job = (*JOB, "--epochs", "60", "--snapshots", "6")
    program.good(*job)
    content = program.path("job").read_bytes()
    again = program(*job)
    assert (again.returncode, again.stdout) == (0, "")
    assert "job is finished at epoch 60" in again.stderr
    assert '"status": "finished"' in program.good(*job, "--json", "--quiet")
    other = program(*job, "--learning-rate", "0.5", "--batch", "64")
    assert (other.returncode, other.stdout, other.stderr.count("\n")) == (2, "", 1)
    assert "session 'job' has" in other.stderr
    assert "learning_rate" in other.stderr
    assert "batch" in other.stderr
    assert program.path("job").read_bytes() == content
    assert [file.name for file in program.sessions.iterdir()] == ["job.ibs"]


def test_it_needs_a_name_and_takes_no_file_that_is_no_session(program: Program) -> None:
    unnamed = program("run", "--or-resume", *program.SHORT)
    assert (unnamed.returncode, unnamed.stdout) == (2, "")
    assert "--or-resume needs the session's name: give --name or --out" in unnamed.stderr
    program.sessions.mkdir()
    program.path("job").write_text("no session")
    refused = program(*JOB)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "is not a session" in refused.stderr
    assert program.path("job").read_text() == "no session"


@pytest.mark.long
def test_the_same_line_goes_on_after_every_signal_to_the_same_bits(program: Program) -> None:
    job = (*JOB, "--epochs", "900000", "--snapshots", "6")
    program.good(*("straight" if part == "job" else part for part in job))
    began = 0
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        process = program.start(*job)
        goal = max(program.epoch("job"), 0) + 60_000
        if not program.until(lambda g=goal: program.epoch("job") >= g, process):  # type: ignore[misc]
            break
        second = program(*job)
        assert second.returncode in (0, 2)
        assert "is in use" in second.stderr or "finished" in second.stderr
        program.end(process, number)
        began += 1
    assert began > 0
    program.good(*job)
    assert program.bits("job") == program.bits("straight")


def test_whoever_waits_for_a_run_is_told_once_for_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.runner import begin

    path = tmp_path / "it.ibs"
    told: list[str] = []
    with begin(path, "it", Experiment(networks=1, epochs=7)) as writer:
        assert wait_until(path, ("stopped",), 0.3, told_after=0.0, tell=told.append) == "running"
        assert len(told) == 1
        assert "waiting for process" in told[0]
        assert "session 'it'" in told[0]
        assert "epoch 0 of 7" in told[0]

        def stopped(text: str) -> None:
            told.append(text)
            writer.set_status("stopped")

        assert wait_until(path, ("stopped",), 60.0, told_after=0.0, tell=stopped) == "stopped"
        assert len(told) == 2
    assert control.TOLD_SECONDS == 2.0
    path.unlink()
    with pytest.raises(SessionError, match="no session file"):
        wait_until(path, ("stopped",), 60.0)
