"""The right to write a session: one claim at a time, and how its transactions wait for other programs.

A claim is a row of the table `writer` with a random token, and a lock beside the file (`ibtui_engine.session.lock`). It
is made in one transaction with whatever it is made for, so that one that is refused leaves the session as it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ibtui_engine.clock import now
from ibtui_engine.errors import LockedError, NoLocksError, SessionError, StorageError
from ibtui_engine.logs import logger
from ibtui_engine.session.connection import BUSY_SECONDS, Connection, file_identity
from ibtui_engine.session.ending import leave_moved, leave_plain
from ibtui_engine.session.liveness import Writer, process_start, read_writer
from ibtui_engine.session.lock import HeldError, WriterLock

TRY_SECONDS = 0.1
"""How long SQLite itself waits for another program's lock; between two such tries a request to stop is heeded."""
TOLD_SECONDS = 2.0
"""After this long the run says what it waits for."""
_log = logger(__name__)
LEAVING_SECONDS = 0.5
"""How long a run that is to stop still waits, at each thing that it writes."""


class Waiting:
    """How long a writer waits for other programs' locks: some seconds, or as long as it takes."""

    def __init__(self, tell: Callable[[str], None] | None = None, stopping: Callable[[], bool] = lambda: False) -> None:
        self._tell = tell
        self._stopping = stopping
        self.told = False
        """Whether it has been told; once is enough."""

    def over(self, began: float, path: Path) -> bool:
        """Whether it has waited enough since that moment (of `time.monotonic`)."""
        waited = time.monotonic() - began
        if self._tell is None:
            return waited > BUSY_SECONDS
        if waited > TOLD_SECONDS and not self.told:
            self.told = True
            self._tell(
                f"another program has session {str(path)!r} locked: the run continues when that program releases it"
            )
        return waited > LEAVING_SECONDS and self._stopping()


class Claim:
    """The right of this process to write one session, until it is let go of."""

    def __init__(self, path: Path, connection: Connection, own: Writer, lock: WriterLock) -> None:
        self.path = path
        self.connection = connection
        self.waiting = Waiting()
        self._token = own.token or ""
        self._lock = lock
        self._file = file_identity(path)
        self._released = False

    @contextmanager
    def writing(self, *, patient: bool = True) -> Iterator[None]:
        """All that is written inside is there whole, or not at all. May be nested.

        Args:
            patient: whether to wait for another program that has the file locked.

        Raises:
            LockedError: another program has it locked, for longer than this one waits.
            SessionError: another process has become the writer, because this one gave no sign of life for too long.
            StorageError: the file is no longer where it was, or cannot be written.
        """
        if self.connection.in_transaction:
            yield
            return
        self._begin(patient)
        try:
            self._require_own()
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def _begin(self, patient: bool) -> None:
        began, tries = time.monotonic(), 1
        self.connection.execute(f"PRAGMA busy_timeout = {round(1000 * TRY_SECONDS) if patient else 0}")
        while True:
            if file_identity(self.path) != self._file:
                raise StorageError(
                    f"session {str(self.path)!r} was moved, deleted or replaced while it ran: where the file is now, "
                    "it is complete up to its last snapshot and can be resumed"
                )
            try:
                self.connection.execute("BEGIN EXCLUSIVE")
                if tries > 1:
                    _log.info("session %s was locked: got in at try %d", self.path, tries)
                return
            except (LockedError, NoLocksError) as error:
                if not patient or self.waiting.over(began, self.path):
                    _log.warning("session %s is locked: given up at try %d: %s", self.path, tries, error)
                    raise
                tries += 1
                time.sleep(TRY_SECONDS)

    def _require_own(self) -> None:
        row = self.connection.execute("SELECT token, pid, host FROM writer").fetchone()
        if row is not None and row[0] != self._token:
            raise SessionError(
                f"session {str(self.path)!r} was taken over by process {row[1]} on {row[2]}: this run ends"
            )

    def release(self) -> None:
        """Let go of the file, as one plain file where nobody has it open, and of the right to write it."""
        if self._released:
            return
        self._released = True
        _log.info("session %s is let go of", self.path)
        try:
            if file_identity(self.path) != self._file:
                leave_moved(self.connection, self.path)
                return
            try:
                leave_plain(self.connection, self.path, self._token)
            except KeyboardInterrupt:  # whoever reads the session is not waited for any longer
                leave_plain(self.connection, self.path, self._token, patience=0.0)
                raise
        finally:
            self.connection.close()
            self._lock.release()


def lock_for(path: Path, own: Writer) -> WriterLock:
    """The lock beside a session, for this process.

    Raises:
        SessionError: another process has it.
    """
    try:
        return WriterLock.take(path, own.token or "", f"process {own.pid} on {own.host}")
    except HeldError as error:
        raise _in_use(path, str(error) or "another process") from None


def insert_claim(connection: Connection, path: Path, own: Writer) -> None:
    """Claim the right to write, inside a transaction of the caller's, in a session of this version of the format.

    Raises:
        SessionError: a process is at work on it.
    """
    other = read_writer(connection)
    status = connection.execute("SELECT status FROM session").fetchone()[0]
    if other is not None and status in ("running", "paused") and other.at_work(path):
        raise _in_use(path, f"process {other.pid} on {other.host}")
    _log.info("session %s is claimed (it was %s)", path, status)
    connection.execute(
        "INSERT OR REPLACE INTO writer (id, pid, started, host, heartbeat, token, machine, file)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        (own.pid, own.started, own.host, own.heartbeat, own.token, own.machine, own.file),
    )
    connection.execute("UPDATE session SET status = 'running'")
    connection.execute("UPDATE control SET done = 1")


def show_life(connection: Connection) -> None:
    """The start time of this process depends on the machine's clock: writing it again each time keeps it comparable."""
    started = process_start(os.getpid()) or 0.0
    connection.execute("UPDATE writer SET started = ?, heartbeat = ?", (started, now()))


def _in_use(path: Path, who: str) -> SessionError:
    return SessionError(f"session {str(path)!r} is in use: {who} is running it")
