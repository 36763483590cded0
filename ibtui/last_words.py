"""What a process that the app started has said on stderr: all of it is logged, and its last line is shown."""

from __future__ import annotations

import logging
import signal

from ibtui.log import log_path

REFUSED = 2
"""The exit status of a command that refuses what it was asked, in one line that says all there is to say."""


def last_line(said: str, status: int) -> str:
    """What is wrong, of all that a command has written on stderr, and where the rest of that is.

    Args:
        said: all that it has written.
        status: its exit status; 0 where nothing is wrong.
    """
    lines = [line for line in said.splitlines() if line.strip()]
    last = lines[-1].strip().removeprefix("ibtui: ") if lines else how_ended(status)
    if not status or (status == REFUSED and len(lines) == 1):
        return last
    if (path := log_path()) is not None:
        return f"{last} (log: {path})"
    return f"{last} (all {len(lines)} lines: start ibtui with --log-file)" if len(lines) > 1 else last


def how_ended(status: int) -> str:
    """How a process ended, in a few words; `status`: its exit status, or the signal that ended it, negative."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"


def log_end(log: logging.Logger, pid: int, status: int, said: str, *, wanted: bool = False) -> None:
    """Log how a process ended, and all that it said where it failed.

    Args:
        log: of the module that started it.
        pid: its number.
        status: its exit status; negative, the signal that ended it.
        said: all that it has written on stderr.
        wanted: whether this process ended it.
    """
    failed = bool(status) and not wanted
    how = "no longer needed" if wanted else how_ended(status)
    log.log(logging.WARNING if failed else logging.INFO, "process %d ended: %s", pid, how)
    if said.strip():
        log.log(logging.WARNING if failed else logging.DEBUG, "process %d has said:\n%s", pid, said.strip())
