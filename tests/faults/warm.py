"""The real command in a process of its own, without its second of loading: a process that has loaded all of it forks.

This file, run as a program, is that process. It reads requests on stdin, one JSON object a line, and answers each.
What a command is to suffer beside signals is set up in the child before it begins (`Faults`).
"""

from __future__ import annotations

import atexit
import gc
import itertools
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
WORK = struct.Struct("<ddii")
"""When a piece of training ended, how long it took, the sample size (it tells ensembles apart), the epoch reached."""


@dataclass(frozen=True)
class Faults:
    """What befalls one command."""

    largest_file: int | None = None
    """Bytes beyond which no file grows: the disk is full."""
    die_in_write: bool = False
    """Whether a write beyond `largest_file` kills the process (SIGXFSZ) instead of failing."""
    die_after_steps: int | None = None
    """Steps of SQLite's virtual machine after which the process kills itself, wherever that is in a transaction."""
    clock_jumps: tuple[tuple[float, float], ...] = ()
    """Seconds after the start and by how many the clock is set then."""
    work_log: str | None = None
    """File to which every piece of training is logged."""


class Child:
    """A command that was started; ended with the `Warm` it comes from."""

    def __init__(self, warm: Warm, pid: int, out: Path, err: Path) -> None:
        self.pid = pid
        self.status: int | None = None
        """Exit status; the signal's number, negative, where one ended it."""
        self._warm, self._out, self._err = warm, out, err

    def wait(self, seconds: float = 60.0) -> int | None:
        """The exit status; None where it still runs after that long."""
        end = time.monotonic() + seconds
        while self.status is None:  # a little at a time: another thread may have something to ask
            left = end - time.monotonic()
            self.status = self._warm.ask(do="wait", pid=self.pid, seconds=min(max(left, 0.0), 0.05))
            if left <= 0:
                break
        return self.status

    def end(self, number: int) -> int | None:
        """Send a signal and wait."""
        self.signal(number)
        return self.wait()

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    @property
    def output(self) -> bytes:
        return self._out.read_bytes()

    @property
    def out(self) -> str:
        return self._out.read_text(errors="surrogateescape")

    @property
    def err(self) -> str:
        return self._err.read_text(errors="surrogateescape")


class Warm:
    """Starts commands, in one directory, whose sessions lie in `sessions`, unless told otherwise."""

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.sessions = directory / "sessions"
        self.sessions.mkdir(parents=True, exist_ok=True)
        self.environment = environment_in(directory) if environment is None else dict(environment)
        self._numbers = itertools.count(1)
        self._asking = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=directory,
            env=self.environment,
            encoding="utf-8",
        )
        assert self.ask(do="hello") == "ready"

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asking:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that starts commands has ended with {self._process.wait()}")
        return json.loads(answer)

    def start(
        self,
        *arguments: object,
        faults: Faults | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Begin a command, in a directory and with an environment of its own where they are given."""
        number = next(self._numbers)
        out, err = (self.directory / f"{number}.{name}" for name in ("out", "err"))
        pid = self.ask(
            do="start",
            arguments=list(map(str, arguments)),
            out=str(out),
            err=str(err),
            faults=asdict(faults or Faults()),
            cwd=str(cwd or ROOT),
            environment=None if environment is None else dict(environment),
        )
        return Child(self, pid, out, err)

    def __call__(self, *arguments: object, **options: Any) -> Child:
        """Run a command to its end; `options` are those of `start`."""
        child = self.start(*arguments, **options)
        if child.wait(120) is None:
            child.end(signal.SIGKILL)
            raise TimeoutError(f"ibtui {' '.join(map(str, arguments))} has not ended")
        return child

    def completed(
        self, *arguments: object, cwd: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in a directory and with an environment of its own."""
        child = self(*arguments, cwd=cwd, environment=environment)
        assert child.status is not None
        return subprocess.CompletedProcess(arguments, child.status, child.out, child.err)

    def path(self, name: str) -> Path:
        return self.sessions / f"{name}.ibs"

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.communicate()


def environment_in(directory: Path) -> dict[str, str]:
    """Of commands whose sessions, settings and state lie in a directory; compiled kernels stay shared."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("IBTUI_", "COLUMNS", "LINES"))}
    places = {f"XDG_{kind}_HOME": str(directory / kind.lower()) for kind in ("DATA", "CONFIG", "STATE")}
    places |= {"IBTUI_SESSIONS": str(directory / "sessions"), "PYTHONPATH": str(ROOT)}
    return plain_environment(kept | places)


def plain_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what changes the output's colours or encoding."""
    colours = ("FORCE_COLOR", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PYTHONIOENCODING", "COLORFGBG")
    return {key: value for key, value in environment.items() if key not in colours} | {"TERM": "xterm-256color"}


# in the process that forks


def serve() -> None:
    """Answer requests until stdin ends, then end all that was started. A child returns, to run its command."""
    _load()
    children: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        answer: Any = "ready"
        if request["do"] == "start":
            answer = os.fork()
            if answer == 0:
                _become(request)
                return
            children.add(answer)
        elif request["do"] == "wait":
            answer = _wait(request["pid"], request["seconds"])
            if answer is not None:
                children.discard(request["pid"])
        print(json.dumps(answer), flush=True)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os._exit(0)


USUAL = (
    ("run", "--networks", "1", "--epochs", "3", "--hidden", "2", "--fraction", "0.01", "--name", "sgd"),
    ("run", "--networks", "1", "--epochs", "3", "--hidden", "2", "--optimizer", "adam", "--name", "adam", "--quiet"),
    ("list",),
    ("list", "--json"),
    ("show", "sgd"),
    ("show", "sgd", "--json"),
    ("phases", "sgd"),
    ("fit", "sgd"),
    ("export", "sgd", "--format", "csv"),
    ("export", "sgd", "--format", "json"),
    ("presets",),
    ("run", "--help"),
    ("no such command",),
)
"""Commands that have nearly all loaded that any command loads."""


def _load() -> None:
    """Import all that the usual commands need, and load their kernels, by running them in this process."""
    from ibtui.cli import main

    kept = [os.dup(number) for number in (1, 2)]
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with tempfile.TemporaryDirectory() as room, open(os.devnull, "w") as nowhere:
        for number in (1, 2):
            os.dup2(nowhere.fileno(), number)
        os.environ["IBTUI_SESSIONS"], sessions = room, os.environ.get("IBTUI_SESSIONS")
        for command in USUAL:
            sys.argv = ["ibtui", *command]
            with suppress(SystemExit):
                main()
        del os.environ["IBTUI_SESSIONS"]
        if sessions is not None:
            os.environ["IBTUI_SESSIONS"] = sessions
        sys.stdout.flush()
        sys.stderr.flush()
    for number, handler in before.items():
        signal.signal(number, handler)
    for number, descriptor in enumerate(kept, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    gc.collect()
    gc.freeze()  # what all children share is not copied by a collection in one of them


def _wait(pid: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            return None
        time.sleep(0.002)


def _become(request: Mapping[str, Any]) -> None:
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    if request["environment"] is not None:
        os.environ.clear()
        os.environ.update(request["environment"])
    for number, name in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        file = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o666)
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["ibtui", *request["arguments"]]
    _suffer(Faults(**request["faults"]))


def _suffer(faults: Faults) -> None:
    """Arrange what is to happen to this process."""
    if faults.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if faults.die_in_write:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (faults.largest_file, faults.largest_file))
    if faults.die_after_steps is not None:
        _die_after(faults.die_after_steps)
    if faults.clock_jumps:
        _set_clock(faults.clock_jumps)
    if faults.work_log is not None:
        _log_work(faults.work_log)


def _die_after(steps: int) -> None:
    import sqlite3

    connect, left = sqlite3.connect, [steps]

    def step() -> int:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_progress_handler(step, 1)
        return connection

    sqlite3.connect = watched  # type: ignore[assignment]


def _set_clock(jumps: tuple[tuple[float, float], ...]) -> None:
    clock, began = time.time, time.monotonic()
    time.time = lambda: clock() + sum(by for after, by in jumps if time.monotonic() - began > after)


def _log_work(path: str) -> None:
    from ibtui_engine.training.fused import FusedTrainer

    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    advance = FusedTrainer.advance

    def logged(self: FusedTrainer, epochs: int, *, statistics: bool) -> Any:
        began = time.monotonic()
        found = advance(self, epochs, statistics=statistics)
        now = time.monotonic()
        os.write(file, WORK.pack(now, now - began, self._problem.samples.size, self._epoch))
        return found

    FusedTrainer.advance = logged  # type: ignore[assignment, method-assign]


def _run_and_leave() -> NoReturn:
    """Run the command and end as the interpreter does, but for taking apart all modules, which takes far longer than
    most commands, in memory that was shared until then.
    """
    from ibtui.cli import main

    status: object = 1
    try:
        main()
    except SystemExit as leaving:
        status = leaving.code
    except KeyboardInterrupt:
        traceback.print_exc()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]  # waits for the threads that are no daemons
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        status = 120
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


if __name__ == "__main__":
    serve()
    _run_and_leave()
