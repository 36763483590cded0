"""Starting runs from the app: each is the command `ibtui`, in a process of its own that outlives the app.

Where both want a core, the app comes first: it needs little, and somebody is waiting for it.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import tomli_w

from ibtui_engine.children import python_command, python_environment
from ibtui_engine.experiment import Experiment

NICENESS = 10
"""How far a run stands behind other work, in the unit of nice(1)."""


class Started:
    """A run that this app has started."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        self._process = process
        self._errors = errors

    @property
    def ended(self) -> bool:
        """Whether its process has ended."""
        return self._process.poll() is not None

    @property
    def complaint(self) -> str:
        """What it said last on stderr where it failed; empty where it did not."""
        if self._process.poll() in (None, 0):
            return ""
        lines = [line for line in self._errors.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].removeprefix("ibtui: ") if lines else f"exit status {self._process.returncode}"


def start_run(experiment: Experiment, path: Path) -> Started:
    """Begin `ibtui run` with these settings, to be saved as `path`."""
    folder = Path(tempfile.mkdtemp(prefix="ibtui-"))
    settings = folder / "settings.toml"
    settings.write_bytes(tomli_w.dumps(experiment.to_dict()).encode())
    return _start(["run", "--config", str(settings), "--out", str(path)], folder)


def resume_run(path: Path) -> Started:
    """Begin `ibtui resume` on a session."""
    return _start(["resume", str(path.absolute())], Path(tempfile.mkdtemp(prefix="ibtui-")))


def _start(arguments: list[str], folder: Path) -> Started:
    errors = folder / "stderr.txt"
    with errors.open("wb") as file:
        process = subprocess.Popen(
            python_command("-m", "ibtui", *arguments),
            env=python_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,  # a closed terminal, or Ctrl+C in it, is not meant for the run
        )
    give_way(process.pid)
    return Started(process, errors)


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
