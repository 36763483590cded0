"""Connections to session files: how a file is opened, and how what SQLite raises is told.

Every statement of a `Connection` runs inside one guard, which turns SQLite's exceptions into the engine's, in one line
that names the file. Standard library only: listing sessions must not wait for numpy.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ibtui_engine.errors import EngineError, LockedError, NoLocksError, SessionError, StorageError, damaged
from ibtui_engine.session.format import APPLICATION_ID, FORMAT_VERSION, format_version
from ibtui_engine.session.places import LACKING, locks_work
from ibtui_engine.session.tables import SCHEMA

BUSY_SECONDS = 10.0
"""How long one connection waits for another's transaction."""
HEALING_SECONDS = 0.5
"""How long to wait for a file that nobody else may have open."""
LOCKING = (
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_UNLOCK,
    sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK,
)
"""What SQLite may say where a file system has no locks."""
READING = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_FSTAT)
"""Failures to read."""


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's exceptions into the engine's, naming the file. Mistakes of a program (a closed connection, one of
    another thread) stay what they are.

    Raises:
        LockedError: another program holds the file.
        NoLocksError: its file system has no locks.
        StorageError: it cannot be written, or not be read from its disk.
        SessionError: it cannot be opened, is no session, or is damaged.
    """
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.NotSupportedError):
        raise
    except sqlite3.OperationalError as error:
        raise _of_operation(path, error) from error
    except sqlite3.DatabaseError as error:
        said = " ".join(str(error).split())
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB:
            raise SessionError(f"{str(path)!r} is not a session: it is not an SQLite file") from error
        raise damaged(path, said) from error
    except UnicodeDecodeError as error:  # SQLite quotes damaged names in its messages, and Python cannot read them
        raise damaged(path, "its tables have unreadable names") from error


def _of_operation(path: Path, error: sqlite3.OperationalError) -> EngineError:
    said = " ".join(str(error).split())  # of a damaged file's schema, it may be many lines
    extended: int = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL) or extended in LOCKING:
        if not locks_work(path.resolve().parent):
            return no_locks(path)
        return LockedError(f"session {str(path)!r} is locked by another program: try again")
    if code == sqlite3.SQLITE_READONLY:
        return StorageError(f"session {str(path)!r} cannot be written: {said}")
    if extended in READING:
        return StorageError(f"session {str(path)!r} cannot be read: {said}")
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return StorageError(f"session {str(path)!r} cannot be written: {said} (it is whole up to its last snapshot)")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return SessionError(f"session {str(path)!r} cannot be opened: {said}")
    return damaged(path, said)


def no_locks(path: Path) -> NoLocksError:
    """The message for a session on a file system without locks."""
    return NoLocksError(
        f"session {str(path)!r} cannot be used where it is: its file system has no file locks, which sessions need; "
        "keep sessions on a local disk (--sessions-dir DIR)"
    )


class Cursor(sqlite3.Cursor):
    """Rows of a statement; the guard reports the step that fails."""

    connection: Connection

    def execute(self, *arguments: Any) -> Cursor:
        """Run a statement."""
        with sqlite_errors(self.connection.path), self._let_go_on_failure():
            super().execute(*arguments)
        return self

    def executemany(self, *arguments: Any) -> Cursor:
        """Run a statement for each row of values."""
        with sqlite_errors(self.connection.path), self._let_go_on_failure():
            super().executemany(*arguments)
        return self

    @contextmanager
    def _let_go_on_failure(self) -> Iterator[None]:
        """A statement that has failed would keep a closed connection open for as long as the exception lives."""
        try:
            yield
        except sqlite3.Error:
            self.close()
            raise

    def fetchone(self) -> Any:
        """The next row, or None."""
        with sqlite_errors(self.connection.path):
            return super().fetchone()

    def fetchmany(self, *arguments: Any) -> list[Any]:
        """Some rows."""
        with sqlite_errors(self.connection.path):
            return super().fetchmany(*arguments)

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        with sqlite_errors(self.connection.path):
            return super().fetchall()

    def __next__(self) -> Any:
        with sqlite_errors(self.connection.path):
            return super().__next__()


class Connection(sqlite3.Connection):
    """A connection to a session, no statement of which can raise an exception of SQLite's."""

    path: Path
    """The session that is named where something fails."""
    room: tempfile.TemporaryDirectory[str] | None = None
    """Where the private copy lies that is read in the session's place."""

    def execute(self, *arguments: Any) -> Cursor:
        """Run a statement."""
        return self.cursor(Cursor).execute(*arguments)

    def executemany(self, *arguments: Any) -> Cursor:
        """Run a statement for each row of values."""
        return self.cursor(Cursor).executemany(*arguments)

    def insert(self, table: str, row: Mapping[str, object], *, replace: bool = False) -> Cursor:
        """Insert a row, given by its columns' names; `replace`: in place of one with the same key."""
        return self.execute(insertion(table, row, replace=replace), tuple(row.values()))

    def insert_rows(self, table: str, columns: Mapping[str, Iterable[object]]) -> Cursor:
        """Insert rows, given by the values of each column."""
        return self.executemany(insertion(table, columns), zip(*columns.values(), strict=True))

    def close(self) -> None:
        """Let go of the file."""
        super().close()
        if self.room is not None:
            self.room.cleanup()
            self.room = None


def insertion(table: str, columns: Collection[str], *, replace: bool = False) -> str:
    """The statement that inserts a row of these columns."""
    marks = ", ".join("?" * len(columns))
    return f"INSERT {'OR REPLACE ' if replace else ''}INTO {table} ({', '.join(columns)}) VALUES ({marks})"


def connect(path: Path, *, mode: str, of: Path | None = None, seconds: float = BUSY_SECONDS) -> Connection:
    """A connection to a file, without a look into it.

    Args:
        mode: `ro`, `rw`, or `immutable`, for a file that nobody can change.
        of: the session that is named where something fails, if not that file.
        seconds: how long a statement waits for others.
    """
    real = path.resolve()  # SQLite keeps what belongs to a file beside the file, not beside a link to it
    query = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    with sqlite_errors(of or path):
        connection = sqlite3.connect(
            f"{real.as_uri()}?{query}",
            uri=True,
            timeout=seconds,
            isolation_level=None,
            check_same_thread=mode == "rw",  # readers keep one for each thread, and close all of them from any
            factory=Connection,
        )
    connection.path = of or path
    return connection


def open_session(path: Path | str, *, write: bool = False) -> Connection:
    """A connection to an existing session.

    What a killed run left beside the file is taken in where it can be written; where it cannot (a directory that is
    only read, a file system without shared memory), a private copy is read.

    Raises:
        SessionError: no such file, not a session, damaged, or of a version that this program does not know.
        StorageError: its disk cannot be read, or has no locks.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise SessionError(f"no session file {str(path)!r}")
        if not path.is_file():
            raise SessionError(f"{str(path)!r} is not a session: it is not a file")
    except OSError as error:
        raise SessionError(f"session {str(path)!r} cannot be opened: {error.strerror}") from None
    mode = "rw" if write else "ro"
    try:
        return _checked(connect(path, mode=mode))
    except (SessionError, StorageError) as error:
        if not _needs_healing(error):
            raise
        if heal(path):
            return _checked(connect(path, mode=mode))
        if write or not _has_log(path):
            raise
    return _private(path)


def _checked(connection: Connection) -> Connection:
    try:
        _require_session(connection, connection.path)
    except BaseException:
        connection.close()
        raise
    return connection


def _needs_healing(error: EngineError) -> bool:
    """Whether what stopped SQLite is something that lies beside the file, and not the file itself."""
    extended: int = getattr(error.__cause__, "sqlite_errorcode", 0)
    return extended in LACKING or extended & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def heal(path: Path) -> bool:
    """Take what a killed run left beside a session into it, without shared memory; whether that could be done.

    The file is held exclusively meanwhile: where anybody else has it open, nothing is changed.
    """
    try:
        with closing(connect(path, mode="rw", seconds=HEALING_SECONDS)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            _require_session(connection, path)
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except EngineError:
        return False
    return bool(mode == "delete")


def beside(path: Path, suffix: str) -> Path:
    """The file that is kept beside a session under this ending."""
    return Path(f"{path.resolve()}{suffix}")


def _has_log(path: Path) -> bool:
    """Whether the file is in WAL mode, or something lies beside it that belongs to it."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:20] == b"\x02\x02" or any(beside(path, s).exists() for s in ("-wal", "-journal"))
    except OSError:
        return False


def _private(path: Path) -> Connection:
    """A connection for reading where nothing can be written beside the file: to the file itself if it is whole, else
    to a copy in a temporary directory, with what lies beside it.
    """
    kept = [suffix for suffix in ("-wal", "-journal") if _size(beside(path, suffix))]
    if not kept:
        return _checked(connect(path, mode="immutable"))
    room = tempfile.TemporaryDirectory(prefix="ibtui-")
    try:
        copy = Path(room.name, "session")
        for suffix in ("", *kept):
            shutil.copyfile(beside(path, suffix), f"{copy}{suffix}")
        with closing(connect(copy, mode="rw", of=path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection = _checked(connect(copy, mode="ro", of=path))
    except BaseException as error:
        room.cleanup()
        if isinstance(error, OSError):
            raise StorageError(f"session {str(path)!r} cannot be read: {error.strerror}") from None
        raise
    connection.room = room
    return connection


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def file_of(connection: Connection) -> Path:
    """The file that a connection has open."""
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


def file_identity(path: Path) -> tuple[int, int] | None:
    """Which file lies under a name: device and number. None where none does, or none can be looked at."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _require_session(connection: Connection, path: Path) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")  # nothing in a stranger's schema may call functions
    identity = connection.execute("PRAGMA application_id").fetchone()[0]
    if identity != APPLICATION_ID:
        raise SessionError(f"{str(path)!r} is not a session: it is another program's SQLite file")
    version = format_version(connection)
    if version > FORMAT_VERSION:
        raise SessionError(
            f"session {str(path)!r} has format version {version}, newer than {FORMAT_VERSION}, which this program "
            "reads: update ibtui"
        )
    if version < 1:
        raise damaged(path, f"it has format version {version}")
    _require_plain_tables(connection, path)


def _require_plain_tables(connection: Connection, path: Path) -> None:
    """Nothing in a stranger's file may compute where it is read or written: no query under the name of a table, which
    may never end, no trigger, no column that is made of others. Further tables and views are nobody's business.
    """
    names = tuple(SCHEMA)
    found = connection.execute(
        "SELECT type, name FROM sqlite_schema WHERE type = 'trigger'"
        f" OR (name IN {names} AND (type <> 'table' OR rootpage = 0))"
        " UNION ALL SELECT 'column', s.name || '.' || x.name FROM sqlite_schema s, pragma_table_xinfo(s.name) x"
        f" WHERE s.name IN {names} AND s.type = 'table' AND s.rootpage > 0 AND x.hidden > 0"
    ).fetchone()
    if found is not None:
        kind, name = found
        raise damaged(path, f"its {kind} {name!r} runs code, which does not belong in a session")


@contextmanager
def one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read inside is of one moment, whatever a run writes meanwhile. May be nested."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside is there whole, or not at all. Whoever else must wait waits before it begins: with a
    rollback journal, nobody reads until it ends.
    """
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
