"""The real command, as people and scripts use it: in the foreground, in the background, killed and gone on with."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.faults.warm import Warm, plain_environment

PATIENCE = 60.0
"""Seconds after which something that should come has not: these machines are shared."""

# What a shell in the background or nohup made this process ignore, its children would ignore too.
LAUNCH = """
import os, resource, signal, sys
for name in ("SIGINT", "SIGHUP", "SIGTERM"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
if sys.argv[1] != "-":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.executable, [sys.executable, "-m", "ibtui", *sys.argv[2:]])
"""

Texts = dict[str, str]
Process = subprocess.Popen[str]


class Program:
    """`python -m ibtui` in one directory, whose sessions lie in `sessions`."""

    SHORT = ("--networks", "3", "--epochs", "60", "--snapshots", "8")
    """A run of a second."""
    FAR = 4000
    LONG = ("--networks", "3", "--fraction", "0.2", "--fraction", "0.85", "--epochs", str(FAR), "--snapshots", "30",
            "--optimizer", "adam", "--learning-rate", "0.001", "--seed", "5")  # fmt: skip
    """A run of some seconds, of two ensembles, whose optimiser remembers: enough to be interrupted often."""
    ENDLESS = ("--networks", "3", "--epochs", "10000000", "--snapshots", "30", "--threads", "1")
    LONG_EPOCH = ("--networks", "2", "--hidden", "1000-1000", "--batch", "1", "--fraction", "1", "--epochs", "9",
                  "--snapshot-at", "0", "--trainer", "fused", "--threads", "1")  # fmt: skip
    """An epoch takes half a minute and more."""

    def __init__(self, directory: Path, environment: Mapping[str, str], warm: Warm) -> None:
        self.directory = directory
        self._warm = warm
        self.sessions = directory / "sessions"
        self.environment = dict(environment)
        self._started: list[Process] = []

    def elsewhere(self, directory: Path) -> Program:
        """The same in another directory, with sessions of its own."""
        program = Program(directory, self.environment, self._warm)
        program.environment["IBTUI_SESSIONS"] = str(program.sessions)
        return program

    def command(self, *arguments: str | Path, largest_file: int | None = None) -> list[str]:
        """The command line, to be sent signals; with the size in bytes beyond which no file of it can grow."""
        limit = "-" if largest_file is None else str(largest_file)
        return [sys.executable, "-ISc", LAUNCH, limit, *map(str, arguments)]

    def __call__(
        self,
        *arguments: str | Path,
        largest_file: int | None = None,
        environment: Mapping[str, str] | None = None,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; text comes back."""
        changed = self.environment | dict(environment or {})
        late = set(environment or ()) <= {"COLUMNS", "LINES"}  # read when it is needed, not when a module is loaded
        if largest_file is None and late and stdout == stderr == subprocess.PIPE:
            return self._warm.completed(*arguments, cwd=self.directory, environment=changed)
        plain = [sys.executable, "-m", "ibtui", *map(str, arguments)]
        return subprocess.run(
            plain if largest_file is None else self.command(*arguments, largest_file=largest_file),
            stdout=stdout,
            stderr=stderr,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=2 * PATIENCE,
            cwd=self.directory,
            env=changed,
            stdin=subprocess.DEVNULL,
        )

    def good(self, *arguments: str | Path, **options: object) -> str:
        """What a command that must succeed says on stdout."""
        done = self(*arguments, **options)  # type: ignore[arg-type]
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *arguments: str | Path) -> Process:
        """Begin a command in the background; whatever is left of it is killed when the test ends."""
        process = subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
        )
        self._started.append(process)
        return process

    def end(self, process: Process, number: int) -> tuple[int, str]:
        """Send a signal; the exit status and what was said on stderr."""
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def until(self, condition: Callable[[], object], process: Process | None = None) -> bool:
        """Wait until something holds; False where the process has ended without it."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if process is not None and process.poll() is not None:
                return bool(condition())
            assert time.monotonic() < end, "it has not come"
            time.sleep(0.01)
        return True

    def deep_in_an_epoch(self, name: str, pid: int) -> None:
        """Wait until a run of `LONG_EPOCH` has measured epoch 0 and has been computing for a second since."""
        process = psutil.Process(pid)
        assert self.until(lambda: self.snapshots(name) or not process.is_running())
        before = process.cpu_times().user
        assert self.until(lambda: process.cpu_times().user > before + 1)

    def path(self, name: str) -> Path:
        return self.sessions / f"{name}.ibs"

    def look(self, name: str, query: str) -> list[tuple]:
        """What SQLite itself reads in a session at this moment; nothing where there is no session yet."""
        try:
            uri = f"{self.path(name).as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []

    def epoch(self, name: str) -> int:
        """How far those networks have come that have come furthest; -1 before there are any."""
        rows = self.look(name, "SELECT max(epoch) FROM cohort")
        return rows[0][0] if rows and rows[0][0] is not None else -1

    def status(self, name: str) -> str:
        """What the session itself says: `running` also where the process that ran it is gone."""
        rows = self.look(name, "SELECT status FROM session")
        return str(rows[0][0]) if rows else ""

    def snapshots(self, name: str) -> set[tuple[int, int]]:
        """Cohort and epoch of what SQLite has committed."""
        return set(self.look(name, "SELECT cohort, epoch FROM snapshot"))

    def require_whole(self, name: str) -> None:
        """SQLite finds nothing wrong, and each snapshot has all that belongs to it."""
        with closing(sqlite3.connect(self.path(name))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            counts = connection.execute(
                "SELECT c.networks, length(e.hidden) - length(replace(e.hidden, '-', '')) + 2,"
                " (SELECT count(*) FROM layer WHERE snapshot = s.id),"
                " (SELECT count(*) FROM learning WHERE snapshot = s.id),"
                " (SELECT count(*) FROM weights WHERE snapshot = s.id)"
                " FROM snapshot s JOIN cohort c ON c.id = s.cohort JOIN ensemble e ON e.id = c.ensemble"
            ).fetchall()
        for networks, layers, *found in counts:
            assert found == [networks * layers, networks, 1]

    def figures(self, name: str, *arguments: str) -> dict:
        """`show --json`."""
        return json.loads(self.good("show", name, "--json", *arguments))

    def rows(self, name: str, what: str, *arguments: str) -> list[dict[str, str]]:
        """`export --format csv`, one dictionary a row."""
        text = self.good("export", name, "--what", what, "--format", "csv", *arguments)
        return list(csv.DictReader(io.StringIO(text)))

    def weights(self, name: str, *arguments: str) -> dict[str, np.ndarray]:
        """`export --what weights`, from stdout."""
        export = "export", name, "--what", "weights", *arguments
        child = self._warm.start(*export, cwd=self.directory, environment=self.environment)
        assert child.wait(PATIENCE) == 0, child.err
        with np.load(io.BytesIO(child.output), allow_pickle=False) as arrays:
            return dict(arrays)

    def bits(self, name: str) -> Texts:
        """What a session says of its networks, to the last bit: every number, and the weights at the end."""
        found = {what: self.good("export", name, "--what", what) for what in ("information", "gradients", "learning")}
        for (k,) in self.look(name, "SELECT id FROM ensemble ORDER BY id"):
            for array, values in self.weights(name, "--ensemble", str(k)).items():
                found[f"{array} of {k}"] = f"{values.dtype} {values.shape} {values.tobytes().hex()}"
        return found


@pytest.fixture
def program(tmp_path: Path, command_environment: Mapping[str, str], warm: Warm) -> Iterator[Program]:
    """The command in a directory of the test's own."""
    program = Program(tmp_path, plain_environment(command_environment), warm)
    yield program
    program.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Program:
    """Sessions made once, to be read, not written: `grid`, of 2 x 2 ensembles, and `straight`, a `LONG` run that
    nothing has interrupted. The workers of pytest-xdist share them.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    directory = tmp_path_factory.getbasetemp().parent / f"made-{run}" if run else tmp_path_factory.mktemp("made")
    directory.mkdir(exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("IBTUI_", "COLUMNS", "LINES"))}
    places = {"IBTUI_SESSIONS": str(directory / "sessions")}
    places |= {f"XDG_{kind}_HOME": str(directory / kind) for kind in ("DATA", "CONFIG")}
    program = Program(directory, plain_environment(kept | places), warm)
    architectures = ("--hidden", "4-3", "--hidden", "none")
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.sessions.exists():
            program.good(
                "run", "--name", "grid", *architectures, "--fraction", "0.3", "--fraction", "1", *program.SHORT
            )
            program.good("run", "--name", "straight", *program.LONG)
    return program


@pytest.fixture(scope="session")
def straight(made: Program) -> Texts:
    """What an uninterrupted `LONG` run gives, to the last bit."""
    return made.bits("straight")


@pytest.fixture
def full() -> Iterator[int]:
    """A place to write to where there is no room."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this platform")
    with open("/dev/full", "wb") as file:
        yield file.fileno()


@pytest.fixture
def unprintable() -> Callable[[str], list[str]]:
    """Which characters of a text could make a terminal do something: controls, escapes, right-to-left marks."""
    return lambda text: sorted({c for c in text if not c.isprintable() and c != "\n"})
