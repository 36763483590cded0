"""Asking a run in another process to pause, go on or stop: rows in the session that the run looks for."""

from __future__ import annotations

import time
from pathlib import Path

from ibtui_engine.errors import SessionError
from ibtui_engine.session.format import open_session, sqlite_errors, transaction
from ibtui_engine.session.summary import read_summary

COMMANDS = ("pause", "resume", "stop")


def send(path: Path, command: str) -> None:
    """Ask the run that writes this session to `pause`, `resume` or `stop`.

    Raises:
        SessionError: nothing is running on it.
    """
    summary = read_summary(path)
    if not summary.live:
        raise SessionError(f"session {summary.name!r} is {summary.status}: no run to {command}")
    connection = open_session(path, write=True)
    try:
        with sqlite_errors(path), transaction(connection):
            connection.execute("INSERT INTO control (time, command) VALUES (?, ?)", (time.time(), command))
    finally:
        connection.close()


def wait_until(path: Path, statuses: tuple[str, ...], seconds: float) -> str:
    """The session's status as soon as it is one of `statuses`, or after that many seconds whatever it is then."""
    end = time.monotonic() + seconds
    while True:
        status = read_summary(path).status
        if status in statuses or time.monotonic() > end:
            return status
        time.sleep(0.05)


def settle(path: Path) -> None:
    """Make a session that nobody writes one plain file again, as a run does when it ends and a killed one cannot.

    Raises:
        SessionError: it is in use, or cannot be written.
    """
    connection = open_session(path, write=True)
    try:
        with sqlite_errors(path):
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    finally:
        connection.close()
    if mode != "delete":
        raise SessionError(f"session {str(path)!r} is in use by another program")
