"""Whether whoever wrote a session last is still at it, and what a session's status is then."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.experiment import Experiment
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.liveness import (
    HEARTBEAT_SECONDS,
    SILENT_SECONDS,
    START_TOLERANCE,
    Writer,
    process_start,
    read_writer,
    this_process,
)
from ibtui_engine.session.summary import STATUSES, read_summary
from ibtui_engine.session.writer import SessionWriter

XOR = Rule("xor", np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8), np.array([0.0, 1.0, 1.0, 0.0]))


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits until it is killed or its input ends."""
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def writer_of(pid: int) -> Writer:
    started = process_start(pid)
    assert started is not None
    return Writer(pid, started, socket.gethostname(), time.time(), None, None)


def test_this_process_is_alive() -> None:
    own = this_process()
    assert own.alive
    assert (own.pid, own.host) == (os.getpid(), socket.gethostname())
    assert 0 < time.time() - own.started < 86_400
    assert abs(own.heartbeat - time.time()) < 60


def test_another_process_is_alive_until_it_ends(child: subprocess.Popen[bytes]) -> None:
    writer = writer_of(child.pid)
    assert writer.alive
    child.kill()
    child.wait()
    assert not writer.alive
    assert process_start(child.pid) is None


def test_a_process_that_has_ended_but_was_not_waited_for_is_not_alive(child: subprocess.Popen[bytes]) -> None:
    writer = writer_of(child.pid)
    child.kill()
    end = time.monotonic() + 30
    while writer.alive and time.monotonic() < end:
        time.sleep(0.01)
    assert not writer.alive
    os.kill(child.pid, 0)  # its number is still taken: it is a zombie


def test_a_number_used_again_by_a_later_process_is_told_apart() -> None:
    own = this_process()
    assert not replace(own, started=own.started - 60).alive
    assert not replace(own, started=own.started + 60).alive
    assert not replace(own, started=0.0).alive
    assert replace(own, started=own.started + START_TOLERANCE / 2).alive  # the clock was set


def test_on_its_own_machine_a_silent_process_is_alive_and_a_dead_one_with_a_heartbeat_is_not() -> None:
    own = this_process()
    assert replace(own, heartbeat=own.heartbeat - 1e6).alive
    assert not replace(own, pid=2**22 + 5, heartbeat=time.time()).alive


def test_on_another_machine_the_heartbeat_decides() -> None:
    own = replace(this_process(), host="elsewhere.example")
    assert own.alive
    assert replace(own, pid=2**22 + 5).alive  # its number means nothing here
    assert not replace(own, heartbeat=time.time() - SILENT_SECONDS - 5).alive
    assert not replace(own, heartbeat=time.time() + SILENT_SECONDS + 60).alive  # nor may a wrong clock hold it forever
    assert SILENT_SECONDS > 5 * HEARTBEAT_SECONDS


@pytest.mark.parametrize("pid", [-1, -(2**40), 2**22 + 5, 2**31, 2**63 - 1])
def test_a_number_that_no_process_has_is_no_process(pid: int) -> None:
    assert process_start(pid) is None


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "session.ibs"
    with SessionWriter.create(path, "session", Experiment(), XOR):
        yield path


def set_in(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None)
    connection.execute(statement, values)
    connection.close()


def test_a_session_says_who_writes_it(session: Path) -> None:
    connection = sqlite3.connect(session)
    writer = read_writer(connection)
    assert writer is not None
    assert (writer.pid, writer.host, writer.rate, writer.remaining) == (os.getpid(), socket.gethostname(), None, None)
    connection.execute("DELETE FROM writer")
    assert read_writer(connection) is None
    connection.close()


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_run_whose_process_has_gone_is_interrupted(session: Path, status: str) -> None:
    set_in(session, "UPDATE session SET status = ?", status)
    assert read_summary(session).status == status
    assert read_summary(session).live
    set_in(session, "UPDATE writer SET started = started - 1000")
    assert read_summary(session).status == "interrupted"
    assert not read_summary(session).live


def test_a_run_without_a_writer_is_interrupted(session: Path) -> None:
    set_in(session, "DELETE FROM writer")
    assert read_summary(session).status == "interrupted"


@pytest.mark.parametrize("status", ["stopped", "finished"])
def test_a_run_that_has_ended_stays_so_whatever_its_process_does_now(session: Path, status: str) -> None:
    set_in(session, "UPDATE session SET status = ?", status)
    assert read_summary(session).status == status
    assert not read_summary(session).live
    set_in(session, "DELETE FROM writer")
    assert read_summary(session).status == status


def test_every_status_but_interrupted_can_be_stored_and_no_other(session: Path) -> None:
    for status in STATUSES:
        if status != "interrupted":
            set_in(session, "UPDATE session SET status = ?", status)
    for status in ("interrupted", "", "Running", None):
        with pytest.raises(sqlite3.IntegrityError):
            set_in(session, "UPDATE session SET status = ?", status)
