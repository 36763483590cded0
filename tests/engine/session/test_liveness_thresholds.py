"""How long a silent writer counts as at work, and how far two readings of when it began may differ."""

from __future__ import annotations

import math
import os
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ibtui_engine.session import liveness
from ibtui_engine.session.liveness import Writer, file_number, process_start, read_writer, this_machine, this_process

NOW = 1_000_000.0
Began = Callable[[float | None], None]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "it.ibs"
    path.touch()
    return path


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Began:
    """Sets when the process that wrote began, as it is read now; the clock stands still."""
    monkeypatch.setattr(liveness, "now", lambda: NOW)
    return lambda started: monkeypatch.setattr(liveness, "process_start", lambda pid: started)


def elsewhere(heartbeat: float) -> Writer:
    return Writer(1, 0.0, "elsewhere.example", heartbeat, None, None)


def test_a_writer_elsewhere_may_be_silent_for_fifteen_seconds(file: Path, at: Began) -> None:
    at(NOW)
    for seconds, there in ((14.99, True), (15.0, False), (-14.99, True), (-15.0, False)):
        assert elsewhere(NOW - seconds).at_work(file) is there


def test_two_readings_of_when_a_process_began_differ_by_two_seconds(file: Path, at: Began) -> None:
    own = replace(this_process(file), started=NOW, heartbeat=0.0)
    for seconds, there in ((1.99, True), (2.0, False), (-1.99, True), (-2.0, False)):
        at(NOW + seconds)
        assert own.at_work(file) is there


def test_a_process_that_may_not_be_looked_at_is_known_by_its_heartbeat(file: Path, at: Began) -> None:
    at(math.nan)
    own = this_process(file)
    assert replace(own, heartbeat=NOW - 14.99).at_work(file)
    assert not replace(own, heartbeat=NOW - 15.01).at_work(file)


def test_a_writer_shows_itself_every_second_at_least() -> None:
    assert liveness.HEARTBEAT_SECONDS == 1.0
    assert liveness.SILENT_SECONDS >= 15 * liveness.HEARTBEAT_SECONDS


def test_a_claim_has_a_token_of_its_own_and_says_when_its_process_began(file: Path, at: Began) -> None:
    at(5.0)
    own = this_process(file)
    assert (len(own.token or ""), own.started, own.heartbeat) == (32, 5.0, NOW)
    at(None)  # where this process may not look at itself
    assert this_process(file).started == 0.0


def test_of_an_earlier_version_the_host_says_whether_the_number_means_something(file: Path, at: Began) -> None:
    at(NOW)
    here = replace(elsewhere(0.0), host=socket.gethostname(), started=NOW)
    assert here.at_work(file)
    assert not replace(here, host="another").at_work(file)


def test_another_boot_or_another_namespace_is_not_near(file: Path, at: Began) -> None:
    at(NOW)
    own = replace(this_process(file), started=NOW, heartbeat=0.0)
    boot, _, namespace = this_machine().partition(" ")
    assert own.at_work(file)
    assert not replace(own, machine=f"another {namespace}").at_work(file)
    assert not replace(own, machine=f"{boot} another").at_work(file)
    assert replace(own, file=None).at_work(file)
    assert not replace(own, file="1:1").at_work(file)
    assert replace(own, machine="another", file="1:1", heartbeat=NOW).at_work(file)


def test_this_machine_is_the_boot_and_the_namespace_or_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert this_machine() == f"{boot} {os.readlink('/proc/self/ns/pid')}"

    def missing(*_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "readlink", missing)
    assert this_machine.__wrapped__() == f"{socket.gethostname()} "


def test_a_file_is_known_by_its_device_and_number(file: Path) -> None:
    status = file.stat()
    assert file_number(file) == f"{status.st_dev}:{status.st_ino}"
    assert file_number(file.with_name("none.ibs")) == ""


@pytest.mark.parametrize(
    ("raised", "killing", "found"),
    [
        (psutil.AccessDenied, None, math.nan),
        (psutil.NoSuchProcess, PermissionError, math.nan),
        (psutil.NoSuchProcess, ProcessLookupError, None),
        (psutil.NoSuchProcess, OverflowError, None),
        (psutil.NoSuchProcess, None, None),
        (ValueError, None, None),
        (OverflowError, None, None),
    ],
)
def test_what_can_be_known_of_a_process(
    monkeypatch: pytest.MonkeyPatch,
    raised: type[Exception],
    killing: type[Exception] | None,
    found: float | None,
) -> None:
    def no_process(pid: int) -> psutil.Process:
        raise raised(pid)

    signals: list[int] = []

    def kill(pid: int, number: int) -> None:
        signals.append(number)
        if killing:
            raise killing

    monkeypatch.setattr(psutil, "Process", no_process)
    monkeypatch.setattr(os, "kill", kill)
    assert process_start(5) == pytest.approx(found, nan_ok=True) if found is not None else process_start(5) is None
    assert set(signals) <= {0}  # asks, and ends nothing


def test_what_a_writer_has_not_said_is_absent() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA user_version = 4")
    connection.execute("CREATE TABLE writer (pid, started, host, heartbeat, rate, remaining, token, machine, file)")
    assert read_writer(connection) is None
    connection.execute("INSERT INTO writer VALUES (7, 1.5, 'h', 2.5, NULL, 3.5, 't', NULL, '1:2')")
    assert read_writer(connection) == Writer(7, 1.5, "h", 2.5, None, 3.5, "t", None, "1:2")
    connection.close()
