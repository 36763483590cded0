"""Whether whoever wrote a session last is still at it, and what a session's status is then."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
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
    this_machine,
    this_process,
)
from ibtui_engine.session.lock import HeldError, WriterLock, holder
from ibtui_engine.session.summary import STATUSES, read_summary
from ibtui_engine.session.writer import SessionWriter

XOR = Rule("xor", np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8), np.array([0.0, 1.0, 1.0, 0.0]))


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits until it is killed or its input ends."""
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What stands for a session that is written."""
    path = tmp_path / "it.ibs"
    path.touch()
    return path


def writer_of(pid: int, file: Path) -> Writer:
    started = process_start(pid)
    assert started is not None
    return replace(this_process(file), pid=pid, started=started)


SILENT = time.time() - 10 * SILENT_SECONDS


def test_this_process_is_at_work(file: Path) -> None:
    own = this_process(file)
    assert own.at_work(file)
    assert (own.pid, own.host) == (os.getpid(), socket.gethostname())
    assert 0 < time.time() - own.started < 86_400
    assert abs(own.heartbeat - time.time()) < 60
    assert own.token != this_process(file).token


def test_another_process_is_at_work_until_it_ends(child: subprocess.Popen[bytes], file: Path) -> None:
    writer = writer_of(child.pid, file)
    assert writer.at_work(file)
    child.kill()
    child.wait()
    assert not writer.at_work(file)
    assert process_start(child.pid) is None


def test_a_process_that_has_ended_but_was_not_waited_for_is_not_at_work(
    child: subprocess.Popen[bytes], file: Path
) -> None:
    writer = writer_of(child.pid, file)
    child.kill()
    end = time.monotonic() + 30
    while writer.at_work(file) and time.monotonic() < end:
        time.sleep(0.01)
    assert not writer.at_work(file)
    os.kill(child.pid, 0)  # its number is still taken: it is a zombie


def test_a_number_used_again_by_a_later_process_is_told_apart(file: Path) -> None:
    own = this_process(file)
    assert not replace(own, started=own.started - 60).at_work(file)
    assert not replace(own, started=own.started + 60).at_work(file)
    assert not replace(own, started=0.0).at_work(file)
    assert replace(own, started=own.started + START_TOLERANCE / 2).at_work(file)  # the clock was set


def test_where_its_number_means_something_the_process_decides_and_not_the_heartbeat(file: Path) -> None:
    own = this_process(file)
    for writer in (own, replace(own, token=None, machine=None, file=None)):  # of earlier versions, too
        assert replace(writer, heartbeat=SILENT).at_work(file)
        assert not replace(writer, pid=2**22 + 5, heartbeat=time.time()).at_work(file)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"machine": "another-boot pid:[1]", "file": "1:2"},  # another machine may number the same files otherwise
        {"machine": f"{this_machine().split()[0]} pid:[1]"},  # another container, under the same host name
        {"machine": None, "token": None, "file": None, "host": "elsewhere.example"},
    ],
    ids=["machine", "container", "earlier version"],
)
def test_where_its_number_means_nothing_the_heartbeat_decides(file: Path, elsewhere: dict[str, Any]) -> None:
    own = replace(this_process(file), **elsewhere)
    assert own.at_work(file)
    assert replace(own, pid=2**22 + 5).at_work(file)
    assert not replace(own, heartbeat=time.time() - SILENT_SECONDS - 5).at_work(file)
    # nor may a wrong clock hold it forever
    assert not replace(own, heartbeat=time.time() + SILENT_SECONDS + 60).at_work(file)
    assert SILENT_SECONDS > 5 * HEARTBEAT_SECONDS


def test_who_holds_the_lock_is_at_work_whatever_else_is_known(file: Path) -> None:
    own = replace(this_process(file), machine=f"{this_machine().split()[0]} pid:[1]", pid=2**22 + 5, heartbeat=SILENT)
    assert not own.at_work(file)
    lock = WriterLock.take(file, own.token or "", "process 1 on a container")
    assert own.at_work(file)
    assert not replace(own, token="another").at_work(file)
    with pytest.raises(HeldError, match="process 1 on a container"):
        WriterLock.take(file, "next", "")
    lock.release()
    assert not own.at_work(file)
    assert list(file.parent.iterdir()) == [file]


def test_a_lock_goes_with_its_process_and_its_file_holds_nobody_up(file: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ibtui_engine.session.lock import WriterLock\n"
        "lock = WriterLock.take(Path(sys.argv[1]), 'its', ''); print('locked', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        assert holder(file) == "its"
        process.kill()
        process.wait()
    assert file.with_name("it.ibs-lock").exists()
    assert holder(file) is None
    WriterLock.take(file, "next", "").release()
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_such_locks_there_is_none_and_nothing_is_left(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fails(handle: int, operation: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr("fcntl.flock", fails)
    lock = WriterLock.take(file, "token", "")
    assert holder(file) is None
    assert list(file.parent.iterdir()) == [file]
    lock.release()


def test_something_else_under_the_name_of_the_lock_holds_nobody_up(file: Path) -> None:
    beside = file.with_name("it.ibs-lock")
    for make in (lambda: os.mkfifo(beside), lambda: beside.symlink_to("nowhere"), beside.mkdir):
        make()
        assert holder(file) is None
        WriterLock.take(file, "token", "").release()
        if beside.is_dir():
            beside.rmdir()
        beside.unlink(missing_ok=True)
    assert list(file.parent.iterdir()) == [file]


def test_a_copy_is_not_at_work_and_a_file_under_another_name_is_the_same(file: Path) -> None:
    own = this_process(file)
    copy = file.with_name("copy.ibs")
    copy.write_bytes(b"")
    assert not own.at_work(copy)
    moved = file.rename(file.with_name("moved.ibs"))
    assert own.at_work(moved)


@pytest.mark.parametrize("how", ["hidepid=2", "hidepid=1"])
def test_a_process_that_may_not_be_looked_at_lives_by_its_heartbeat(
    file: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def hidden(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid) if how == "hidepid=2" else psutil.AccessDenied(pid)

    def denied(pid: int, number: int) -> None:
        raise PermissionError

    own = this_process(file)
    monkeypatch.setattr(psutil, "Process", hidden)
    monkeypatch.setattr(os, "kill", denied)
    assert own.at_work(file)
    assert not replace(own, heartbeat=SILENT).at_work(file)


@pytest.mark.parametrize("pid", [-1, -(2**40), 2**22 + 5, 2**31, 2**63 - 1])
def test_a_number_that_no_process_has_is_no_process(pid: int) -> None:
    assert process_start(pid) is None


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "session.ibs"
    with SessionWriter.create(path, "session", Experiment(), [XOR]):
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
    set_in(session, "UPDATE writer SET started = started - 1000, token = 'of a claim before'")
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
