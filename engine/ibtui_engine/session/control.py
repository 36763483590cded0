"""Asking a run in another process to pause, go on or stop: rows in the session that the run looks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ibtui_engine.clock import now
from ibtui_engine.errors import LockedError, SessionError
from ibtui_engine.session.connection import open_session, transaction
from ibtui_engine.session.summary import Summary, read_summary

COMMANDS = ("pause", "resume", "stop")
TOLD_SECONDS = 2.0
"""After this long, a waiting program says what it waits for."""


def send(path: Path | str, command: str) -> None:
    """Ask the run that writes this session to `pause`, `resume` or `stop`.

    Raises:
        SessionError: nothing is running on it.
    """
    summary = read_summary(path)
    if not summary.live:
        raise SessionError(f"session {summary.name!r} is {summary.status}: no run to {command}")
    with closing(open_session(path, write=True)) as connection, transaction(connection):
        connection.execute("INSERT INTO control (time, command) VALUES (?, ?)", (now(), command))


def wait_until(
    path: Path | str,
    statuses: tuple[str, ...],
    seconds: float,
    *,
    told_after: float = TOLD_SECONDS,
    tell: Callable[[str], None] = lambda text: None,
) -> str:
    """The session's status as soon as it is one of `statuses`, or after that many seconds whatever it is then.

    Args:
        told_after: seconds after which `tell` is called, once, with what is waited for.

    Raises:
        SessionError: the session cannot be read any more.
    """
    began = time.monotonic()
    told = False
    while True:
        try:
            summary = read_summary(path)
            status, awaited = summary.status, _awaited(summary)
        except LockedError as error:
            status, awaited = "locked", str(error)
        waited = time.monotonic() - began
        if status in statuses or waited > seconds:
            return status
        if waited > told_after and not told:
            told = True
            tell(awaited)
        time.sleep(0.05)


def _awaited(summary: Summary) -> str:
    """What a request waits for."""
    writer = summary.writer
    who = f"process {writer.pid} on {writer.host}" if writer is not None else "its process"
    silence = f", and was last heard of {now() - writer.heartbeat:.0f} s ago" if writer is not None else ""
    return (
        f"waiting for {who}, which runs session {summary.path.stem!r}: it looks for requests between epochs, is at "
        f"epoch {summary.epochs_done} of {summary.experiment.epochs}{silence}"
    )
