"""Sessions on file systems without shared memory, and without locks (NFS, GPFS, Lustre): a preloaded library makes the
system calls fail there.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.app import App
from tests.faults.runs import DENSE, ENDLESS, QUICK, Straight, clear, require_same_end, require_whole, straight, until
from tests.faults.sessions import bits, digest, snapshots
from tests.faults.table import Row
from tests.faults.warm import ROOT, Warm

SOURCE = Path(__file__).with_name("mounts.c")


class Mounted(Warm):
    """Commands whose sessions directory lacks something: `shm` or `locks`."""

    def __init__(self, directory: Path, lacking: str) -> None:
        library = directory / "mounts.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        assert compiler is not None, "a C compiler is needed"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
        self._faults = {
            "LD_PRELOAD": str(library),
            "FAULTY_MOUNT": str((directory / "sessions").resolve()),
            "MOUNT_FAULTS": lacking,
        }
        before = {key: os.environ.get(key) for key in self._faults}
        os.environ |= self._faults
        try:
            super().__init__(directory)
        finally:
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value

    def python(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A program that uses the engine on the same file system."""
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            cwd=ROOT,
            env=self.environment,
        )


FOLLOW = """
import sys
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader
with Follower(sys.argv[1]) as follower, SessionReader(sys.argv[1]) as reader:
    print(follower.summary.status, reader.layers(reader.ensemble(0)).i_x.shape[0])
"""


def mounts(count: int = 3) -> Row:
    """Run, go on, measure again, list, show and open the app without shared memory, and without locks."""
    row = Row(
        "no shared memory on a file system, or no locks: run, killed, resumed, remeasured, listed, shown, in the app",
        "without memory the same bits, and it is said once; without locks one line with the remedy, nothing is changed",
    )
    if sys.platform != "linux":
        row.figures = "only on Linux"
        return row
    with tempfile.TemporaryDirectory() as room:
        with Warm(Path(room, "plain")) as warm:
            quick, dense = straight(warm, QUICK), straight(warm, DENSE)
            kept = Path(room, "kept.ibs")
            assert warm("run", "--name", "kept", *QUICK).status == 0
            shutil.copyfile(warm.path("kept"), kept)
            killed = Path(room, "killed")
            killed.mkdir()
            child = warm.start("run", "--name", "killed", *DENSE)
            until(lambda: len(snapshots(warm.path("killed"))) >= 5)
            child.signal(signal.SIGSTOP)
            time.sleep(0.1)
            for file in warm.sessions.glob("killed*"):
                shutil.copyfile(file, killed / file.name)
            child.end(signal.SIGKILL)
        Path(room, "memory").mkdir()
        Path(room, "locks").mkdir()
        with Mounted(Path(room, "memory"), "shm") as warm:
            for _ in range(count):
                _without_memory(row, warm, quick, dense, killed)
        with Mounted(Path(room, "locks"), "locks") as warm:
            _without_locks(row, warm, kept)
    return row


def _require(row: Row, holds: object, what: str) -> None:
    row.tried += 1
    row.require(holds, what)


def _without_memory(row: Row, warm: Mounted, quick: Straight, dense: Straight, killed: Path) -> None:
    path = warm.path("it")
    done = warm("run", "--name", "it", *QUICK)
    _require(
        row, done.status == 0 and done.err.count("rollback journal") == 1, f"run: {done.status}: {done.err[-300:]}"
    )
    _require(row, bits(path) == quick.bits, "run: other numbers")
    for command in (
        ["list"],
        ["show", "it"],
        ["export", "it", "--what", "learning"],
        ["resume", "it", "--epochs", "220"],
    ):
        done = warm(*command)
        _require(row, done.status == 0, f"{command[0]}: {done.status}: {done.err[-300:]}")
    done = warm("remeasure", "it", "--bins", "12", "--out", warm.path("again"))
    _require(row, done.status == 0, f"remeasure: {done.status}: {done.err[-300:]}")
    clear(warm)
    # killed there, and read before anybody goes on with it
    child = warm.start("run", "--name", "it", *DENSE)
    until(lambda: len(snapshots(path)) >= 5)
    seen = warm.python(FOLLOW, path)
    _require(
        row, seen.returncode == 0 and seen.stdout.startswith("running"), f"followed: {seen.stdout}{seen.stderr[-300:]}"
    )
    child.wait(0.1)
    child.end(signal.SIGKILL)
    for command in (["show", "it"], ["list"]):
        done = warm(*command)
        _require(row, done.status == 0, f"{command[0]}, killed: {done.status}: {done.err[-300:]}")
    require_whole(row, path, "killed")
    require_same_end(row, warm, path, dense, "killed")
    clear(warm)
    # killed elsewhere, with a log that needs shared memory, and copied there
    for file in killed.iterdir():
        shutil.copyfile(file, warm.sessions / file.name)
    for command in (["show", "killed"], ["list"]):
        done = warm(*command)
        _require(row, done.status == 0, f"{command[0]}, with a log: {done.status}: {done.err[-300:]}")
    require_same_end(row, warm, warm.path("killed"), dense, "with a log")
    clear(warm)
    _in_the_app(row, warm)


def _in_the_app(row: Row, warm: Mounted) -> None:
    path = warm.path("it")
    child = warm.start("run", "--name", "it", *ENDLESS)
    until(lambda: len(snapshots(path)) >= 5)
    with App(["open", str(path)], warm) as terminal:
        try:
            terminal.until("epochs/s")
            terminal.press("S")
            terminal.until("run: stopped")
        except TimeoutError as error:
            row.failures.append(f"the app: {error}")
        terminal.press("q")
        terminal.wait(0.5)
    _require(row, terminal.status == 0, f"the app: it left with {terminal.status}")
    child.wait(20)
    _require(row, child.status == 0, f"stopped from the app: {child.status}: {child.err[-300:]}")
    clear(warm)


def _without_locks(row: Row, warm: Mounted, kept: Path) -> None:
    path = warm.path("kept")
    shutil.copyfile(kept, path)
    before = digest(path)
    commands = (
        ["run", "--name", "it", *QUICK],
        ["run", "--name", "kept", "--or-resume", *QUICK],
        ["resume", "kept", "--epochs", "220"],
        ["remeasure", "kept", "--bins", "12", "--out", str(warm.path("again"))],
        ["list"],
        ["show", "kept"],
        ["stop", "kept"],
        ["open", "kept"],
    )
    for command in commands:
        if command[0] == "open":
            with App([*command], warm) as terminal:
                end = time.monotonic() + 30
                while not terminal.ended and time.monotonic() < end:
                    terminal.wait(0.2)
            status, said = terminal.status, terminal.said
        else:
            done = warm(*command)
            status, said = done.status, done.err
        plain = " ".join(said.split())
        told = "no file locks" in plain and "--sessions-dir" in plain and said.strip().count("ibtui: ") == 1
        _require(row, status == 1 and told, f"{command[0]} without locks: {status}: {said[-300:]}")
        left = sorted(file.name for file in warm.sessions.iterdir())
        row.require(left == ["kept.ibs"], f"{command[0]} without locks: {left}")
    row.require(digest(path) == before, "without locks: the file has changed")
    with App([], warm) as terminal:
        terminal.wait(2.0)
    _require(row, terminal.status == 0 and "Traceback" not in terminal.said, f"the library: {terminal.status}")
