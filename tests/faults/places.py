"""A directory that cannot be written any more, a file that does not stay where it is: under a run, under the app."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.app import App
from tests.faults.runs import ENDLESS, QUICK, clear, require_plain, require_whole, straight, until
from tests.faults.sessions import bits, digest, look, snapshots
from tests.faults.table import Row
from tests.faults.warm import Child, Warm

Happening = Callable[[Path, Path], object]
"""Does something to a session; another one lies beside it."""


def _moved(path: Path, other: Path) -> None:
    path.rename(path.with_name("away.ibs"))


def _deleted(path: Path, other: Path) -> None:
    path.unlink()


def _all_deleted(path: Path, other: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def _replaced(path: Path, other: Path) -> None:
    shutil.copyfile(other, path.with_name("new"))
    path.with_name("new").rename(path)


def _directory_moved(path: Path, other: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))
    path.parent.with_name("sessions").mkdir()


HAPPENINGS: dict[str, Happening] = {
    "moved": _moved,
    "deleted": _deleted,
    "deleted with all beside it": _all_deleted,
    "replaced": _replaced,
    "moved with its directory": _directory_moved,
}


def places(count: int = 3) -> Row:
    """Take files and directories from under runs and from under the app."""
    row = Row(
        "a file moved, deleted or replaced, a directory moved or made read-only, under a run and under the app",
        "one clear line, exit status 1, no traceback, other sessions unchanged, what was moved is whole and goes on",
    )
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        expected = straight(warm, QUICK)
        for _ in range(count):
            for name, happen in HAPPENINGS.items():
                _under_a_run(row, warm, name, happen)
            _successor(row, warm, expected.bits)
            _read_only(row, warm, expected.bits)
        for name, happen in HAPPENINGS.items():
            _under_the_app(row, warm, name, happen)
    return row


def _begin(warm: Warm) -> tuple[Child, Path, Path]:
    clear(warm)
    other = warm.path("other")
    assert warm("run", "--name", "other", *QUICK).status == 0
    child = warm.start("run", "--name", "it", *ENDLESS)
    until(lambda: len(snapshots(warm.path("it"))) >= 5)
    return child, warm.path("it"), other


def _under_a_run(row: Row, warm: Warm, name: str, happen: Happening) -> None:
    child, path, other = _begin(warm)
    row.tried += 1
    before = digest(other)
    happen(path, other)
    child.wait(20)
    row.require(child.status is not None, f"{name}: it runs on")
    child.end(9)
    require_plain(row, child, name, statuses=(1,))
    row.require("moved, deleted or replaced" in child.err, f"{name}: {child.err[-300:]}")
    elsewhere = warm.directory / "elsewhere"
    for file in (*warm.sessions.glob("*.ibs"), *elsewhere.glob("*.ibs")):
        require_whole(row, file, f"{name}: {file.name}")
        if file.name == other.name or name == "replaced":
            row.require(digest(file) == before, f"{name}: {file.name} has changed")
        elif file.name != other.name:
            row.require(len(snapshots(file)) >= 5, f"{name}: {file.name} has lost snapshots")
            before_it = _epoch(file)
            again = warm.start("resume", file)
            row.require(until(lambda f=file, e=before_it: _epoch(f) > e, 30), f"{name}: it does not go on")
            row.require(again.end(15) == 128 + 15, f"{name}: resume: {again.err[-300:]}")
    if elsewhere.exists():
        shutil.rmtree(elsewhere)


def _epoch(path: Path) -> int:
    found = look(path, "SELECT max(epoch) FROM cohort")
    return int(found[0][0]) if found else -1


def _successor(row: Row, warm: Warm, expected: dict[str, str]) -> None:
    """The file is deleted under a run, and a new run takes its name before the old one has noticed."""
    child, path, _ = _begin(warm)
    row.tried += 1
    path.unlink()
    new = warm("run", "--name", "it", *QUICK)
    row.require(new.status == 0, f"a new run of the name: {new.err[-300:]}")
    child.wait(20)
    require_plain(row, child, "the old run of the name", statuses=(1,))
    if require_whole(row, path, "a new run of the name"):
        row.require(bits(path) == expected, "a new run of the name: other numbers")


def _read_only(row: Row, warm: Warm, expected: dict[str, str]) -> None:
    """SQLite has its files open, and needs the directory only in the end."""
    clear(warm)
    row.tried += 1
    child = warm.start("run", "--name", "it", *ENDLESS)
    until(lambda: len(snapshots(warm.path("it"))) >= 5)
    if not _made_read_only(warm.sessions):
        child.end(9)
        return
    try:
        for command in (["pause", "it"], ["show", "it"], ["list"], ["run", "--name", "new", *QUICK], ["resume", "it"]):
            done = warm(*command)
            require_plain(row, done, f"read-only: {command[0]}", statuses=(0, 1, 2))
        child.wait(1)
        child.end(15)
        require_plain(row, child, "read-only: the run", statuses=(1, 128 + 15))
    finally:
        child.end(9)
        subprocess.run(["umount", str(warm.sessions)], check=True)
    require_whole(row, warm.path("it"), "read-only")
    row.require(len(snapshots(warm.path("it"))) >= 5, "read-only: it has lost snapshots")


def _made_read_only(directory: Path) -> bool:
    """Whether it could be done; what is open stays open. Only root can."""
    place = str(directory)
    if subprocess.run(["mount", "--bind", place, place], capture_output=True).returncode != 0:
        return False
    return subprocess.run(["mount", "-o", "remount,ro,bind", place]).returncode == 0


def _under_the_app(row: Row, warm: Warm, name: str, happen: Happening) -> None:
    """The app shows a run's session; then it is gone."""
    child, path, other = _begin(warm)
    row.tried += 1
    with App(["open", str(path)], warm) as terminal:
        try:
            terminal.until("epochs/s")
            happen(path, other)
            terminal.until("open it again" if name == "replaced" else "No such file")
        except TimeoutError as error:
            row.failures.append(f"the app: {name}: {error}")
        terminal.press("\t+-aP")
        terminal.wait(0.5)
        terminal.press("q")
        time.sleep(0.5)
    row.require("Traceback" not in terminal.said, f"the app: {name}: {terminal.said[-500:]}")
    row.require(terminal.status == 0, f"the app: {name}: it left with {terminal.status}")
    child.wait(20)
    child.end(9)
    if (elsewhere := warm.directory / "elsewhere").exists():
        shutil.rmtree(elsewhere)
