"""Starting runs from the app: each is the command `ibtui`, in a process of its own that outlives the app.

Where both want a core, the app comes first: it needs little, and somebody is waiting for it.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO

import tomli_w

from ibtui.last_words import last_line, log_end
from ibtui_engine.children import python_command, python_environment
from ibtui_engine.errors import StorageError
from ibtui_engine.experiment import Experiment

NICENESS = 10
"""How far a run stands behind other work, in the unit of nice(1)."""

LEAST_MEMORY = 2**30
"""Bytes that must be free for a process to be started before there is a run for it; it takes a fifth of them."""
MOST_SAID = 100_000
"""Bytes of what a run has said, the last ones, that are logged and that its last words are looked for in."""
_log = logging.getLogger(__name__)


class Started:
    """A run that this app has started."""

    def __init__(self, process: subprocess.Popen[bytes], errors: int) -> None:
        """`errors`: a descriptor, this object's from now on, of the file without a name that takes its stderr."""
        self._process = process
        self._errors = errors
        self._end_logged = False
        weakref.finalize(self, os.close, errors)

    @property
    def ended(self) -> bool:
        """Whether its process has ended; its end, and what it said, are logged when that is first seen."""
        status = self._process.poll()
        if status is not None and not self._end_logged:
            self._end_logged = True
            log_end(_log, self._process.pid, status, self._said())
        return status is not None

    @property
    def complaint(self) -> str:
        """What it said last on stderr where it failed, and where the rest is; empty where it did not fail."""
        status = self._process.poll()
        return last_line(self._said(), status) if status else ""

    def _said(self) -> str:
        """What it has written on stderr."""
        size = os.fstat(self._errors).st_size
        return os.pread(self._errors, MOST_SAID, max(size - MOST_SAID, 0)).decode(errors="replace")


class Standby:
    """A process that has loaded what a run needs, and waits for one (`ibtui.standby`). It ends with the app."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            OSError: no process can be started, or no temporary file made.
        """
        self._process, self._errors = _begin(["-m", "ibtui.standby"], subprocess.PIPE)
        _log.debug("process %d gets ready for the next run", self._process.pid)

    def take(self, arguments: list[str], given: bytes) -> Started | None:
        """Have it become a command, with something to read on stdin; None where it has ended."""
        assert self._process.stdin is not None
        order = json.dumps({"arguments": arguments, "given": given.decode()}).encode() + b"\n"
        try:
            self._process.stdin.write(order)
            self._process.stdin.close()
        except OSError:
            _log.warning("process %d, ready for a run, has ended before it: another is started", self._process.pid)
            self.close()
            return None
        _log.info("process %d becomes: ibtui %s", self._process.pid, " ".join(arguments))
        return Started(self._process, self._errors)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._process.wait()
        os.close(self._errors)


def prepare() -> Standby | None:
    """Have a process ready for the next run; None where there is little memory for one, or none can be started."""
    try:
        if os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < LEAST_MEMORY:
            return None
        return Standby()
    except (OSError, ValueError) as error:
        _log.warning("no process can be made ready for the next run: %s", error)
        return None


def start_run(
    experiment: Experiment, path: Path, *, threads: int | None = None, standby: Standby | None = None
) -> Started:
    """Begin `ibtui run` with these settings, to be saved as `path`, in the process that is ready, if there is one.

    `threads`: None takes all cores.

    Raises:
        StorageError: no process can be started, or no temporary file made.
    """
    limited = [] if threads is None else ["--threads", str(threads)]
    given = tomli_w.dumps(experiment.to_dict()).encode()
    arguments = ["run", "--config", "/dev/stdin", "--out", str(path.absolute()), *limited]
    ready = None if standby is None else standby.take(arguments, given)
    return ready or _start(arguments, given)


def resume_run(path: Path, *, epochs: int | None = None, networks: int | None = None) -> Started:
    """Begin `ibtui resume` on a session: to its end, or further to this many epochs, with this many networks.

    Raises:
        StorageError: no process can be started, or no temporary file made.
    """
    given = {"--epochs": epochs, "--networks": networks}
    further = [text for option, number in given.items() if number is not None for text in (option, str(number))]
    return _start(["resume", str(path.absolute()), *further])


def _start(arguments: list[str], given: bytes = b"") -> Started:
    """Start a command with something to read on stdin.

    What goes in and out are files without a name: nothing is left of them when both processes have ended, and nobody
    who cleans up temporary folders can take them away before.
    """
    try:
        with tempfile.TemporaryFile() as settings:
            settings.write(given)
            settings.seek(0)
            process, errors = _begin(["-m", "ibtui", *arguments], settings)
            _log.info("process %d begins: ibtui %s", process.pid, " ".join(arguments))
            return Started(process, errors)
    except OSError as error:
        raise StorageError(f"the run cannot be started: {error.strerror}") from None


def _begin(arguments: list[str], stdin: int | IO[bytes]) -> tuple[subprocess.Popen[bytes], int]:
    """Start Python behind other work, in a session of its own; the process, and a descriptor of what takes its stderr.

    Raises:
        OSError: no process can be started, or no temporary file made.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            python_command(*arguments),
            env=python_environment(),
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # a closed terminal, or Ctrl+C in it, is not meant for the run
        )
        kept = os.dup(errors.fileno())
    give_way(process.pid)
    return process, kept


def give_way(pid: int) -> None:
    """Put a process that leads a session of its own behind other work.

    Where Linux shares out its cores by sessions first (autogroups, on most desktops), a process's niceness counts
    among those of its session alone; the session has one of its own.
    """
    with suppress(OSError):  # it has ended already, or may not: it is an ordinary process then
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
        sessions = Path(f"/proc/{pid}/autogroup")
        if sessions.exists():
            sessions.write_text(str(NICENESS))
