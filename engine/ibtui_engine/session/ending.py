"""How a session becomes one plain file again: when its run ends, and when what a killed one left is found.

While anybody has a file in WAL mode open, SQLite does not take it out of that mode. What was written is copied into the
file itself all the same (a checkpoint), up to where the oldest read transaction began. Where one does not end, the
whole session goes into a new file, which takes the name; whoever is still reading keeps the old one.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from pathlib import Path

from ibtui_engine.errors import EngineError, LockedError, SessionError, StorageError
from ibtui_engine.session.connection import (
    Connection,
    beside,
    connect,
    file_identity,
    open_session,
    sqlite_errors,
    transaction,
)
from ibtui_engine.session.drafting import BESIDE, LOGS, discard
from ibtui_engine.session.liveness import read_writer
from ibtui_engine.session.lock import HeldError, WriterLock, holder

PATIENCE = 2.0
"""Seconds to wait for read transactions, so that all that was written gets into the file."""
STEP = 0.1
"""Seconds between two tries."""
CLOSING_SECONDS = 0.5
"""How long to wait for those who have the file open for a moment, such as the command that has asked a run to stop."""


def leave_plain(connection: Connection, path: Path, token: str, *, patience: float = PATIENCE) -> None:
    """Make the session that this connection has written whole without what lies beside it, and one plain file if nobody
    has it open. What cannot be done (a full disk) is left: SQLite finds all that was written in both files together.
    """
    with suppress(EngineError):
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            return
        if not _checkpointed(connection, patience):
            _copy_over(connection, path, token)
            return
        connection.execute("PRAGMA busy_timeout = 0")
        end = time.monotonic() + min(patience, CLOSING_SECONDS)
        while not _without_log(connection) and time.monotonic() < end:
            time.sleep(STEP / 4)


def _without_log(connection: Connection) -> bool:
    """Take the file out of WAL mode; whether nobody else has it open, so that it could be done."""
    with suppress(LockedError):
        return bool(connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete")
    return False


def leave_moved(connection: Connection, path: Path) -> None:
    """Put all that was written into the file, wherever that is now.

    What lies beside the old name is emptied and not deleted, unless there is no file of that name any more: SQLite
    would take it for a part of whatever file comes there, which may be another session by now.
    """
    with suppress(EngineError):
        if _checkpointed(connection) and file_identity(path) is None:
            with suppress(OSError):
                discard(path)


def _checkpointed(connection: Connection, patience: float = PATIENCE) -> bool:
    """Copy the log into the file and empty it; whether all of it is in the file then."""
    connection.execute(f"PRAGMA busy_timeout = {round(1000 * min(STEP, patience))}")
    end = time.monotonic() + patience
    while True:
        busy, frames, copied = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy or frames == copied >= 0:  # where somebody reads the newest state, the log stays and is not needed
            return True
        if time.monotonic() > end:
            return False


def _copy_over(connection: Connection, path: Path, token: str) -> None:
    """Put a whole copy in the file's place; whoever reads the old one keeps that.

    Raises:
        EngineError: there is no room for it, or somebody else writes the session by now.
    """
    real = path.resolve()
    new = real.with_name(f".{real.name}.{os.getpid()}.whole")
    identity = file_identity(real)
    try:
        with transaction(connection):  # nobody writes meanwhile
            writer = read_writer(connection)
            if writer is None or writer.token != token:
                return
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(connect(path, mode="ro")) as source, closing(connect(new, mode="rw", of=path)) as target:
                with sqlite_errors(path):  # SQLite copies nothing from a connection that is writing
                    source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE").fetchone()
            os.chmod(new, real.stat().st_mode & 0o7777)
            if file_identity(real) == identity:
                os.replace(new, real)
                for suffix in LOGS:
                    beside(real, suffix).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"session {str(path)!r} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            discard(new)


def settle(path: Path | str, *, patience: float = PATIENCE) -> None:
    """Make a session that nobody writes one plain file again, as a run does when it ends and a killed one cannot.

    Args:
        patience: seconds to wait for read transactions.

    Raises:
        SessionError: it is in use, or cannot be written.
    """
    path = Path(path)
    try:
        lock = WriterLock.take(path, "", "")
    except HeldError:
        raise SessionError(f"session {str(path)!r} is in use by another program") from None
    try:
        with closing(open_session(path, write=True)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode == "wal":
                _checkpointed(connection, patience)
                connection.execute("PRAGMA busy_timeout = 0")
                mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        if mode != "wal" and not beside(path, "-wal").exists():
            beside(path, "-shm").unlink(missing_ok=True)  # a log's index, which nobody has without one
    except OSError as error:
        raise StorageError(f"session {str(path)!r} cannot be written: {error.strerror}") from None
    finally:
        lock.release()
    if mode == "wal":
        raise SessionError(f"session {str(path)!r} is in use by another program")


def tidy(path: Path) -> None:
    """Settle what a run left beside a session, if that can be done at once and nobody writes it."""
    if any(beside(path, suffix).exists() for suffix in BESIDE) and holder(path) is None:
        with suppress(EngineError):
            settle(path, patience=0.0)
