"""Whether the process that last wrote a session is still at it.

On the writer's own machine its process is looked up; a process number used again is told apart by when the process
began. From another machine that shares the file, a heartbeat stands for it.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from dataclasses import dataclass

from ibtui_engine.session.format import count, number

HEARTBEAT_SECONDS = 1.0
"""How often a writer shows that it is alive, at least."""
SILENT_SECONDS = 15.0
"""After this long without a heartbeat, a writer on another machine counts as gone."""
START_TOLERANCE = 2.0
"""Seconds by which two readings of when a process began may differ (the clock may have been set)."""


@dataclass(frozen=True)
class Writer:
    """The process that writes, or last wrote, a session."""

    pid: int
    started: float
    host: str
    heartbeat: float
    rate: float | None
    """Epochs per second of the cohort at work."""
    remaining: float | None
    """Seconds still to go, estimated."""

    @property
    def alive(self) -> bool:
        """Whether it is running now."""
        if self.host != socket.gethostname():
            return abs(time.time() - self.heartbeat) < SILENT_SECONDS
        began = process_start(self.pid)
        return began is not None and abs(began - self.started) < START_TOLERANCE


def process_start(pid: int) -> float | None:
    """When that process of this machine began, in seconds since 1970; None where there is none, or only its end."""
    import psutil  # 30 ms, and only sessions that say they are running need it

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError, OverflowError):
        return None


def this_process() -> Writer:
    """This process as a writer."""
    pid = os.getpid()
    started = process_start(pid)
    return Writer(pid, started or 0.0, socket.gethostname(), time.time(), None, None)


def read_writer(connection: sqlite3.Connection) -> Writer | None:
    """Who wrote last, if the session says. Raises ValueError where that is no process."""
    row = connection.execute("SELECT pid, started, host, heartbeat, rate, remaining FROM writer").fetchone()
    if row is None:
        return None
    pid, started, host, heartbeat, *pace = row
    rate, remaining = (None if value is None else number(value) for value in pace)
    return Writer(count(pid), number(started), str(host), number(heartbeat), rate, remaining)
