"""Other programs and other eyes at a session: what locks it, what reads it as it ends, who cannot see who writes it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from ibtui_engine.session.follow import Follower
from ibtui_engine.session.summary import read_summary
from tests.faults.app import App
from tests.faults.runs import (
    DENSE,
    ENDLESS,
    Straight,
    clear,
    require_plain,
    require_same_end,
    require_whole,
    straight,
    until,
)
from tests.faults.sessions import bits, look, snapshots
from tests.faults.table import Row
from tests.faults.warm import ROOT, Warm

# ---- locked


def locked(count: int = 3, seconds: float = 20.0) -> Row:
    """Hold a session's write lock for longer than anybody waits, as an editor, a backup or VACUUM does."""
    row = Row(
        "another program holds a run's session locked for 20 s; SIGTERM meanwhile",
        "the run says so once, goes on and ends in the same bits; SIGTERM ends it in time, and it goes on later",
    )
    waits = []
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        expected = straight(warm, DENSE)
        path = warm.path("it")
        for _ in range(count):
            row.tried += 2
            child = warm.start("run", "--name", "it", *DENSE)
            until(lambda: len(snapshots(path)) >= 5)
            with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                row.require(child.wait(seconds) is None, f"locked: it has ended: {child.err[-300:]}")
                holder.execute("ROLLBACK")
            child.wait(120)
            require_plain(row, child, "locked", statuses=(0,))
            told = child.err.count("locked")
            row.require(told == 1, f"locked: it was said {told} times: {child.err[-300:]}")
            require_whole(row, path, "locked")
            row.require(bits(path) == expected.bits, "locked: other numbers")
            clear(warm)
            child = warm.start("run", "--name", "it", *DENSE)
            until(lambda: len(snapshots(path)) >= 5)
            with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                child.wait(1.0)
                began = time.monotonic()
                child.signal(signal.SIGTERM)
                row.require(child.wait(30) is not None, "SIGTERM while locked: it runs on")
                waits.append(time.monotonic() - began)
                holder.execute("ROLLBACK")
            require_plain(row, child, "SIGTERM while locked", statuses=(128 + signal.SIGTERM,))
            require_same_end(row, warm, path, expected, "SIGTERM while locked")
            clear(warm)
    row.figures = f"SIGTERM: ended {max(waits, default=0.0):.1f} s later at most"
    return row


# ---- endings

VIEWS = """
import sqlite3, sys, time
connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
if sys.argv[2] == "transaction":
    connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM snapshot").fetchone()
print("ready", flush=True)
input()
"""


def endings(count: int = 3) -> Row:
    """Let runs end while somebody has their session open in every way, and copy the file alone."""
    row = Row(
        "a run ends, or is terminated, while its session is open elsewhere, in a transaction, in the app; the viewer "
        "is killed or stopped",
        "`cp` of the file alone is the whole session; it is one plain file after the next look",
    )
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        expected = straight(warm, DENSE)
        for _ in range(count):
            for kind in ("open", "transaction"):
                for then in ("", "killed", "stopped", "terminated"):
                    _ended_while(row, warm, expected, kind, then)
            _ended_in_the_app(row, warm, expected)
    return row


def _ended_while(row: Row, warm: Warm, expected: Straight, kind: str, then: str) -> None:
    row.tried += 1
    path, when = warm.path("it"), f"{kind} {then}"
    child = warm.start("run", "--name", "it", *DENSE)
    until(lambda: len(snapshots(path)) >= 3)
    viewer = subprocess.Popen(
        [sys.executable, "-c", VIEWS, str(path), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert viewer.stdout is not None
        viewer.stdout.readline()
        if then == "stopped":
            viewer.send_signal(signal.SIGSTOP)
        if then == "terminated":
            child.signal(signal.SIGTERM)
        child.wait(120)
        require_plain(row, child, when, statuses=(0, 128 + signal.SIGTERM) if then == "terminated" else (0,))
        if then == "killed":
            viewer.kill()
            viewer.wait()
        _require_copy(row, warm, expected, when, finished=child.status == 0)
    finally:
        viewer.kill()
        viewer.communicate()
    require_plain(row, warm("list"), f"{when}: list", statuses=(0,))
    left = [file.name for file in warm.sessions.iterdir()]
    row.require(left == ["it.ibs"], f"{when}: {left} are left")
    require_same_end(row, warm, path, expected, when)
    clear(warm)


def _ended_in_the_app(row: Row, warm: Warm, expected: Straight) -> None:
    row.tried += 1
    path = warm.path("it")
    child = warm.start("run", "--name", "it", *DENSE)
    until(lambda: len(snapshots(path)) >= 1)
    with App(["open", str(path)], warm) as terminal, Follower(path) as follower:
        child.wait(120)
        _require_copy(row, warm, expected, "in the app")
        try:
            terminal.until("run: finished")
        except TimeoutError as error:
            row.failures.append(f"the app: {error}")
        follower.update()
        terminal.wait(2.0)
        left = [file.name for file in warm.sessions.iterdir()]
        row.require(left == ["it.ibs"], f"while the app shows it: {left} are left")
        terminal.press("q")
        terminal.wait(0.5)
    require_whole(row, path, "in the app")
    clear(warm)


def _require_copy(row: Row, warm: Warm, expected: Straight, when: str, *, finished: bool = True) -> None:
    """The file alone is all of the session."""
    copy = warm.directory / "copy.ibs"
    shutil.copyfile(warm.path("it"), copy)
    if require_whole(row, copy, f"copy, {when}"):
        status = read_summary(copy).status
        row.require(status == ("finished" if finished else "stopped"), f"copy, {when}: it is {status}")
        row.require(snapshots(copy) == snapshots(warm.path("it")), f"copy, {when}: it lacks snapshots")
        row.require(not finished or bits(copy) == expected.bits, f"copy, {when}: other numbers")
    for file in warm.directory.glob("copy.ibs*"):
        file.unlink()


# ---- who writes


def claims(count: int = 2) -> Row:
    """Let others look at running sessions that cannot see the process that writes them, and copy them."""
    row = Row(
        "a run in another container of the same host name, of another user under `hidepid`, on a host that is renamed; "
        "copies of running sessions",
        "it is running for all, nobody else gets in; a copy is interrupted at once and goes on, to the same bits",
    )
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        expected = straight(warm, DENSE)
        done = set()
        for _ in range(count):
            _copied(row, warm, expected)
            for name, around in AROUND.items():
                if _seen_from(row, warm, name, around):
                    done.add(name)
    missing = set(AROUND) - done
    row.figures = f"not here: {', '.join(sorted(missing))}" if missing else ""
    return row


def _copied(row: Row, warm: Warm, expected: Straight) -> None:
    path, copy = warm.path("it"), warm.path("copy")
    row.tried += 1
    child = warm.start("run", "--name", "it", *DENSE)
    until(lambda: len(snapshots(path)) >= 5)
    with closing(sqlite3.connect(path, timeout=60)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    status = read_summary(copy).status
    row.require(status == "interrupted", f"a copy is {status}")
    began = time.monotonic()
    refused = warm("stop", "copy")
    row.require(refused.status == 2 and "no run to stop" in refused.err, f"stop of a copy: {refused.err[-300:]}")
    row.require(time.monotonic() - began < 30, "stop of a copy waits")
    require_same_end(row, warm, copy, expected, "a copy")
    child.wait(120)
    require_plain(row, child, "a run that was copied", statuses=(0,))
    row.require(bits(path) == expected.bits, "a run that was copied: other numbers")
    clear(warm)


def _unshared(*options: str) -> Sequence[str]:
    return ("unshare", *options, "--", *COMMAND)


COMMAND = (sys.executable, "-P", "-m", "ibtui")
HIDDEN = "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups "
AROUND: dict[str, Callable[[], Sequence[str]]] = {
    "another container": lambda: _unshared("--pid", "--fork", "--mount-proc"),
    "hidepid": lambda: ("unshare", "--mount", "sh", "-c", HIDDEN + '"$@"', "sh", *COMMAND),
    "another host name": lambda: ("unshare", "--uts", "sh", "-c", 'hostname elsewhere; "$@"', "sh", *COMMAND),
}
"""Commands that see the machine otherwise than the run does."""


def _seen_from(row: Row, warm: Warm, name: str, around: Callable[[], Sequence[str]]) -> bool:
    """Whether it could be tried."""
    if subprocess.run([*around(), "--version"], capture_output=True, env=warm.environment).returncode != 0:
        return False
    row.tried += 1
    path = warm.path("it")
    child = warm.start("run", "--name", "it", *ENDLESS)
    until(lambda: len(snapshots(path)) >= 5)
    for folder in (*warm.directory.parents, warm.directory, warm.sessions):
        if folder.stat().st_uid == os.getuid() and str(folder).startswith(tempfile.gettempdir() + "/"):
            folder.chmod(0o777)
    for file in warm.sessions.iterdir():
        file.chmod(0o666)

    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*around(), *arguments], capture_output=True, encoding="utf-8", env=warm.environment, cwd=ROOT
        )

    shown = ask("list", "--json")
    row.require('"status": "running"' in shown.stdout, f"{name}: list: {shown.stdout[-300:]}{shown.stderr[-300:]}")
    refused = ask("resume", "it", "--quiet")
    row.require(refused.returncode == 2 and "is in use" in refused.stderr, f"{name}: resume: {refused.stderr[-300:]}")
    row.require(child.wait(0.5) is None, f"{name}: the run has ended: {child.err[-300:]}")
    before = look(path, "SELECT max(epoch) FROM cohort")
    row.require(until(lambda: look(path, "SELECT max(epoch) FROM cohort") != before, 60), f"{name}: it does not go on")
    stopped = ask("stop", "it")
    row.require(stopped.returncode == 0, f"{name}: stop: {stopped.stderr[-300:]}")
    child.wait(60)
    require_plain(row, child, name, statuses=(0,))
    require_whole(row, path, name)
    clear(warm)
    return True
