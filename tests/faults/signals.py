"""SIGTERM, SIGHUP and SIGINT in every phase of a run."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.runs import (
    DENSE,
    ENDLESS,
    QUICK,
    Straight,
    clear,
    require_plain,
    require_same_end,
    require_whole,
    straight,
    until,
)
from tests.faults.sessions import look, snapshots
from tests.faults.table import Row
from tests.faults.warm import ROOT, Child, Warm

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def signals(count: int = 6, seed: int = 1) -> Row:
    """Each signal in each phase, some times at random moments of it."""
    row = Row(
        "SIGTERM, SIGHUP, SIGINT: starting, compiling, training, paused, while the report is written",
        "exit status of the signal, no traceback, nothing or a whole session is left, it ends in the same bits",
    )
    chance = random.Random(seed)
    waits: list[float] = []
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        quick, dense = straight(warm, QUICK), straight(warm, DENSE)
        for number in SIGNALS:
            for _ in range(count):
                _starting(row, warm, number, chance.uniform(0.05, 1.5), quick)
                _training(row, warm, number, chance.uniform(0.1, 0.8) * dense.seconds, dense, waits)
                _reporting(row, warm, number, chance, quick)
            _paused(row, warm, number)
            if count > 1:
                _compiling(row, warm, number, quick)
    row.figures = f"a run in training has ended {max(waits, default=0.0):.2f} s later at most"
    return row


def _require(row: Row, warm: Warm, child: Child, number: int, when: str, *, statuses: tuple[int, ...] = ()) -> None:
    row.tried += 1
    require_plain(row, child, when, statuses=(128 + number, -number, *statuses))
    path = warm.path("it")
    if path.exists():
        require_whole(row, path, when)


def _starting(row: Row, warm: Warm, number: int, moment: float, expected: Straight) -> None:
    """The command itself, which loads for a second."""
    err = warm.directory / "cold.err"
    with err.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "ibtui", "run", "--name", "it", *QUICK],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            cwd=ROOT,
            env=warm.environment,
        )
    time.sleep(moment)
    process.send_signal(number)
    child = Child(warm, process.pid, err, err)
    child.status = process.wait()
    when = f"{signal.Signals(number).name} {moment:.2f} s after the start"
    _require(row, warm, child, number, when, statuses=(0,))
    require_same_end(row, warm, warm.path("it"), expected, when)
    clear(warm)


def _training(row: Row, warm: Warm, number: int, moment: float, expected: Straight, waits: list[float]) -> None:
    child = warm.start("run", "--name", "it", *DENSE)
    until(lambda: len(snapshots(warm.path("it"))) >= 2)
    child.wait(moment)
    if child.status is None:
        began = time.monotonic()
        child.end(number)
        waits.append(time.monotonic() - began)
        when = f"{signal.Signals(number).name} in training"
        _require(row, warm, child, number, when, statuses=(0,))
        left = [file.name for file in warm.sessions.iterdir()]
        row.require(left == ["it.ibs"], f"{when}: {left} are left")
        told = number == signal.SIGHUP or child.status != 128 + number or "ibtui resume it" in child.err
        row.require(told, f"{when}: it does not say how to go on")
        require_same_end(row, warm, warm.path("it"), expected, when)
    clear(warm)


def _paused(row: Row, warm: Warm, number: int) -> None:
    child = warm.start("run", "--name", "it", *ENDLESS)
    until(lambda: len(snapshots(warm.path("it"))) >= 2)
    asked = warm("pause", "it")
    row.require(asked.status == 0, f"pause: {asked.err}")
    child.end(number)
    when = f"{signal.Signals(number).name} while paused"
    _require(row, warm, child, number, when)
    status = look(warm.path("it"), "SELECT status FROM session")
    row.require(status == [("stopped",)], f"{when}: the session says {status}")
    clear(warm)


def _compiling(row: Row, warm: Warm, number: int, expected: Straight) -> None:
    """The first run on a machine: nothing is compiled yet."""
    err = warm.directory / "cold.err"
    with tempfile.TemporaryDirectory() as cache, err.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "ibtui", "run", "--name", "it", *QUICK],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            cwd=ROOT,
            env=warm.environment | {"NUMBA_CACHE_DIR": cache},
        )
        until(lambda: warm.path("it").exists())
        time.sleep(1.0)
        process.send_signal(number)
        child = Child(warm, process.pid, err, err)
        child.status = process.wait()
    when = f"{signal.Signals(number).name} while compiling"
    _require(row, warm, child, number, when)
    require_same_end(row, warm, warm.path("it"), expected, when)
    clear(warm)


def _reporting(row: Row, warm: Warm, number: int, chance: random.Random, expected: Straight) -> None:
    """Its last epoch is measured: what is left is to say so."""
    settings = tuple(option for option in QUICK if option != "--json")
    child = warm.start("run", "--name", "it", *settings)
    until(lambda: look(warm.path("it"), "SELECT status FROM session") == [("finished",)])
    child.wait(chance.uniform(0.0, 0.2))
    child.end(number)
    when = f"{signal.Signals(number).name} while the report is written"
    _require(row, warm, child, number, when, statuses=(0,))
    status = look(warm.path("it"), "SELECT status FROM session")
    row.require(status == [("finished",)], f"{when}: the session says {status}")
    require_same_end(row, warm, warm.path("it"), expected, when)
    clear(warm)
