"""Whether the process that last wrote a session is still at it.

Each claim to write has a random token. The witnesses, in this order:

1. The lock beside the session (`ibtui_engine.session.lock`): who holds it with this token is at work.
2. The file: a claim names the file that it writes, so that a copy knows that it is one. Numbers of files are compared
   within one boot of one machine, since other machines may number the same files in another way.
3. The process, where its number means something: in the same process namespace of the same boot. A number used again is
   told apart by when the process began. A process that this one may not look at (`hidepid`) says nothing.
4. The heartbeat, for all others.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
import sqlite3
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ibtui_engine.clock import now
from ibtui_engine.session.connection import file_identity
from ibtui_engine.session.format import columns_of, count, number
from ibtui_engine.session.lock import holder

HEARTBEAT_SECONDS = 1.0
"""How often a writer shows that it is alive, at least."""
SILENT_SECONDS = 15.0
"""After this long without a heartbeat, a writer that no other witness knows of counts as gone."""
START_TOLERANCE = 2.0
"""Seconds by which two readings of when a process began may differ (the clock may have been set)."""
CLAIM = ("token", "machine", "file")
"""Columns of `writer` that format version 4 added."""


@dataclass(frozen=True)
class Writer:
    """The process that writes, or last wrote, a session."""

    pid: int
    started: float
    """Seconds since 1970."""
    host: str
    heartbeat: float
    """Seconds since 1970."""
    rate: float | None
    """Epochs per second of the whole run."""
    remaining: float | None
    """Seconds still to go, estimated."""
    token: str | None = None
    """Of this claim alone; none in sessions of earlier versions."""
    machine: str | None = None
    """`this_machine` of the process."""
    file: str | None = None
    """`file_number` of the session that it writes."""

    def at_work(self, path: Path) -> bool:
        """Whether it is writing the session at this path now."""
        if self.token is not None and holder(path) == self.token:
            return True
        if self.machine is not None:
            boot, _, namespace = this_machine().partition(" ")
            its_boot, _, its_namespace = self.machine.partition(" ")
            if boot == its_boot and self.file is not None and self.file != file_number(path):
                return False
            near = (boot, namespace) == (its_boot, its_namespace)
        else:
            near = self.host == socket.gethostname()
        runs = _runs(self.pid, self.started) if near else None
        return abs(now() - self.heartbeat) < SILENT_SECONDS if runs is None else runs


@cache
def this_machine() -> str:
    """Where a process number means the same process: the boot of the kernel, and the namespace. A host name can be
    changed, and containers may share one.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except (OSError, ValueError):  # no Linux
        return f"{socket.gethostname()} "


def file_number(path: Path) -> str:
    """Device and number of a file, in a text; empty where there is none."""
    identity = file_identity(path)
    return "" if identity is None else f"{identity[0]}:{identity[1]}"


def _runs(pid: int, started: float) -> bool | None:
    """Whether the process that began then runs in this namespace; None where this process may not know."""
    began = process_start(pid)
    if began is None:
        return False
    return None if math.isnan(began) else abs(began - started) < START_TOLERANCE


def process_start(pid: int) -> float | None:
    """When that process of this namespace began, in seconds since 1970. None where there is none, or only its end; NaN
    where there is one that this process may not look at.
    """
    import psutil  # 30 ms, and only sessions that say they are running need it

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.AccessDenied:
        return math.nan
    except psutil.NoSuchProcess:
        return math.nan if _is_hidden(pid) else None
    except (ValueError, OverflowError):
        return None


def _is_hidden(pid: int) -> bool:
    """Whether there is a process that /proc does not show (`hidepid`)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def this_process(path: Path) -> Writer:
    """This process as a writer of the file at a path, under a new token."""
    return Writer(
        pid=os.getpid(),
        started=process_start(os.getpid()) or 0.0,
        host=socket.gethostname(),
        heartbeat=now(),
        rate=None,
        remaining=None,
        token=secrets.token_hex(16),
        machine=this_machine(),
        file=file_number(path),
    )


def read_writer(connection: sqlite3.Connection) -> Writer | None:
    """Who wrote last, if the session says. Raises ValueError where that is no process."""
    chosen = columns_of(connection, "writer", CLAIM)
    row = connection.execute(f"SELECT pid, started, host, heartbeat, rate, remaining, {chosen} FROM writer").fetchone()
    if row is None:
        return None
    pid, started, host, heartbeat, rate, remaining, *claim = row
    token, machine, file = (None if value is None else str(value) for value in claim)
    rate, remaining = (None if value is None else number(value) for value in (rate, remaining))
    return Writer(count(pid), number(started), str(host), number(heartbeat), rate, remaining, token, machine, file)
