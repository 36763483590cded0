"""The session file's schema, version and identity, and how a file is opened.

An SQLite application file (https://sqlite.org/appfileformat.html): `application_id` says that it is a session,
`user_version` which version of the schema. Standard library only: listing sessions must not wait for numpy.

While a run writes, the file is in WAL mode, so that readers never wait for the writer, nor the writer for them; when
the run ends it becomes a single plain file again, which also opens where nothing can be written.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ibtui_engine.errors import SessionError, StorageError

SUFFIX = ".ibs"
APPLICATION_ID = 0x69625331
"""The letters `ibS1`."""
FORMAT_VERSION = 4
ADDED = {
    2: (
        ("layer", "i_x_lower", "REAL"),
        ("layer", "i_y_lower", "REAL"),
        ("layer", "saturated", "REAL"),
        ("layer", "nonlinear", "REAL"),
    ),
    3: (
        ("ensemble", "optimizer", "TEXT"),
        ("layer", "acceptance", "REAL"),
        ("rule", "labels", "INTEGER NOT NULL DEFAULT 2"),
        ("rule", "measured", "BLOB"),
    ),
    4: (("rule", "log_odds", "BLOB"),),
}
"""Columns that each version added: table, column, declaration. Files of earlier versions are read as they are, without
them; who goes on with one makes it this version (`upgrade`). What a file lacks has the declared default, or is NULL."""
BUSY_SECONDS = 10.0
"""How long one connection waits for another's transaction."""

SCHEMA = """
-- One row: what runs here, and how far its life has come.
CREATE TABLE session (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    created REAL NOT NULL,        -- seconds since 1970
    program TEXT NOT NULL,        -- what wrote it, with its version
    experiment TEXT NOT NULL,     -- JSON, the settings by their names
    schedule TEXT NOT NULL,       -- JSON list: the epochs to measure, ascending
    status TEXT NOT NULL CHECK (status IN ('running', 'paused', 'stopped', 'finished'))
);
-- One row while a process writes: who, and a sign of life.
CREATE TABLE writer (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    pid INTEGER NOT NULL,
    started REAL NOT NULL,        -- when that process began, seconds since 1970
    host TEXT NOT NULL,
    heartbeat REAL NOT NULL,      -- seconds since 1970
    rate REAL,                    -- epochs per second of the cohort at work
    remaining REAL                -- seconds still to go, estimated
);
-- One row: the joint distribution P(X,Y), so that the file needs no other.
CREATE TABLE rule (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    parameters TEXT NOT NULL,     -- JSON
    rows INTEGER NOT NULL,
    inputs INTEGER NOT NULL,
    dtype TEXT NOT NULL CHECK (dtype IN ('uint8', 'float32')),
    patterns BLOB NOT NULL,       -- zlib; rows x inputs, little-endian
    p_y BLOB NOT NULL,            -- zlib; float64, little-endian: p(y=1|x) of each row; of more labels rows x labels
    h_x REAL NOT NULL,            -- bits, as the two below of the patterns that information is measured over
    h_y REAL NOT NULL,            -- bits
    i_xy REAL NOT NULL,           -- bits
    digest TEXT NOT NULL,
    labels INTEGER NOT NULL DEFAULT 2,
    measured BLOB,                -- a bit for each pattern: is information measured over it? Absent: over all
    log_odds BLOB                 -- zlib; float64, little-endian: log(p(y=1|x) / p(y=0|x)) of each row, which has the
                                  -- digits of both probabilities; absent of more labels, and in earlier versions
);
CREATE TABLE ensemble (
    id INTEGER PRIMARY KEY,       -- its place in the grid, from 0
    hidden TEXT NOT NULL,         -- 10-8-6-4-2, or none
    fraction REAL NOT NULL,
    inputs INTEGER NOT NULL,
    sample_size INTEGER NOT NULL,
    trainer TEXT NOT NULL CHECK (trainer IN ('fused', 'torch')),
    device TEXT NOT NULL,
    optimizer TEXT                -- absent where it was begun in an earlier version: the experiment's only one
);
-- Networks of an ensemble that are trained in step; more than one cohort where networks were added later.
CREATE TABLE cohort (
    id INTEGER PRIMARY KEY,
    ensemble INTEGER NOT NULL REFERENCES ensemble,
    first INTEGER NOT NULL,       -- number of its first network in the ensemble, from 0
    networks INTEGER NOT NULL,
    epoch INTEGER NOT NULL        -- epochs done
);
CREATE TABLE network (
    ensemble INTEGER NOT NULL REFERENCES ensemble,
    network INTEGER NOT NULL,     -- from 0
    seed INTEGER NOT NULL,
    members BLOB NOT NULL,        -- a bit for each pattern, most significant first: is it in the sample?
    labels BLOB NOT NULL,         -- likewise: its label there; of more than two labels a byte for each pattern
    PRIMARY KEY (ensemble, network)
) WITHOUT ROWID;
CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY,
    cohort INTEGER NOT NULL REFERENCES cohort,
    epoch INTEGER NOT NULL,
    time REAL NOT NULL,           -- seconds since 1970
    UNIQUE (cohort, epoch)
);
CREATE TABLE layer (
    snapshot INTEGER NOT NULL REFERENCES snapshot,
    network INTEGER NOT NULL,
    layer INTEGER NOT NULL,       -- 1 is next to the input, the last is the output
    i_x REAL NOT NULL,            -- bits; an upper bound where there is a lower one
    i_y REAL NOT NULL,            -- bits; likewise
    distinct_t INTEGER NOT NULL,
    low REAL NOT NULL,            -- the bins' range, or that of the outputs
    high REAL NOT NULL,
    grad_mean REAL,               -- norm of the mean batch gradient / weight norm
    grad_std REAL,                -- root of its summed variance / weight norm
    weight_norm REAL NOT NULL,
    i_x_lower REAL,               -- bits; where i_x is an upper bound
    i_y_lower REAL,               -- bits; where i_y is an upper bound
    saturated REAL,               -- share of outputs near the activation's bounds
    nonlinear REAL,               -- share of pre-activations beyond its linear range
    acceptance REAL,              -- share of the last Monte-Carlo moves that were accepted; absent where there are none
    PRIMARY KEY (snapshot, network, layer)
) WITHOUT ROWID;
CREATE TABLE learning (
    snapshot INTEGER NOT NULL REFERENCES snapshot,
    network INTEGER NOT NULL,
    train_loss REAL NOT NULL,     -- nats
    test_loss REAL,               -- nats; absent where the sample is all patterns
    train_accuracy REAL NOT NULL,
    test_accuracy REAL,
    PRIMARY KEY (snapshot, network)
) WITHOUT ROWID;
CREATE TABLE weights (
    snapshot INTEGER PRIMARY KEY REFERENCES snapshot,
    data BLOB NOT NULL            -- zlib of float32, networks x parameters, byte 0 of all, then byte 1, ...
);
-- What each cohort goes on from.
CREATE TABLE checkpoint (
    cohort INTEGER PRIMARY KEY REFERENCES cohort,
    epoch INTEGER NOT NULL,
    data BLOB NOT NULL            -- float32, little-endian: weights, then the optimiser's slots
);
CREATE TABLE control (
    id INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    command TEXT NOT NULL CHECK (command IN ('pause', 'resume', 'stop')),
    done INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
);
"""
TABLES = tuple(re.findall(r"CREATE TABLE (\w+)", SCHEMA))
"""Their names."""


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's exceptions into the engine's, naming the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        said = " ".join(str(error).split())  # of a damaged file's schema, it may be many lines
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise SessionError(f"session {str(path)!r} is locked by another program: try again") from error
        if code == sqlite3.SQLITE_READONLY:
            raise StorageError(f"session {str(path)!r} cannot be written: {said}") from error
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise StorageError(
                f"session {str(path)!r} cannot be written: {said} (it is whole up to its last snapshot)"
            ) from error
        if code == sqlite3.SQLITE_CANTOPEN:
            raise SessionError(f"session {str(path)!r} cannot be opened: {said}") from error
        raise SessionError(f"session {str(path)!r} is damaged: {said}") from error
    except sqlite3.DatabaseError as error:
        said = " ".join(str(error).split())
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB:
            raise SessionError(f"{str(path)!r} is not a session: it is no SQLite file") from error
        raise SessionError(f"session {str(path)!r} is damaged: {said}") from error
    except UnicodeDecodeError as error:  # SQLite quotes damaged names in its messages, and Python cannot read them
        raise SessionError(f"session {str(path)!r} is damaged: its tables have unreadable names") from error


def open_session(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """A connection to an existing session.

    Raises:
        SessionError: no such file, not a session, damaged, or of a version that this program does not know.
    """
    try:
        if not path.exists():
            raise SessionError(f"no session file {str(path)!r}")
        if not path.is_file():
            raise SessionError(f"{str(path)!r} is not a session: it is no file")
    except OSError as error:
        raise SessionError(f"session {str(path)!r} cannot be opened: {error.strerror}") from None
    mode = "rw" if write else "ro"
    with sqlite_errors(path):
        uri = f"{path.resolve().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _require_session(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def file_identity(path: Path) -> tuple[int, int] | None:
    """Which file lies under a name: device and number. None where none does, or none can be looked at."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _require_session(connection: sqlite3.Connection, path: Path) -> None:
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
        raise SessionError(f"session {str(path)!r} is damaged: it has format version {version}")
    _require_plain_tables(connection, path)


def _require_plain_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Nothing in a stranger's file may compute where it is read or written: no query under the name of a table, which
    may never end, no trigger, no column that is made of others. Further tables and views are nobody's business.
    """
    found = connection.execute(
        "SELECT type, name FROM sqlite_schema WHERE type = 'trigger'"
        f" OR (name IN {TABLES} AND (type <> 'table' OR rootpage = 0))"
        " UNION ALL SELECT 'column', s.name || '.' || x.name FROM sqlite_schema s, pragma_table_xinfo(s.name) x"
        f" WHERE s.name IN {TABLES} AND s.type = 'table' AND s.rootpage > 0 AND x.hidden > 0"
    ).fetchone()
    if found is not None:
        kind, name = found
        raise SessionError(f"session {str(path)!r} is damaged: its {kind} {name!r} computes, and belongs in no session")


def format_version(connection: sqlite3.Connection) -> int:
    """The version of the format that an open session has now."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def added_since(version: int) -> list[tuple[str, str, str]]:
    """Table, name and declaration of the columns that files of an earlier version do not have."""
    return [column for later, columns in sorted(ADDED.items()) if later > version for column in columns]


def columns_of(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> str:
    """These columns for a SELECT on a session of any version; what its version does not have is NULL."""
    absent = lacking(connection, table)
    return ", ".join("NULL" if column in absent else column for column in columns)


def lacking(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """The columns that this version has in a table and an open session, of an earlier one, has not."""
    return frozenset(column for of, column, _ in added_since(format_version(connection)) if of == table)


def upgrade(connection: sqlite3.Connection) -> None:
    """Make a session of an earlier version one of this version, inside a transaction of the caller's.

    SQLite adds columns by changing the table's description alone: what is recorded stays as it is, byte for byte. So
    there is no copy to go back to, which would take as much disk again and have nothing that the session lacks: the
    transaction leaves one of the earlier version or one of this one, whole, wherever it is broken off. Whoever wants to
    go on with it in an earlier program, too, copies the file first.
    """
    version = format_version(connection)
    if version < FORMAT_VERSION:
        for table, column, declaration in added_since(version):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {declaration}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")


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


def number(value: object) -> float:
    """A finite number from a column: SQLite itself lets a stranger put anything there.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise ValueError(f"{value!r:.80} is no number")
    return float(value)


def count(value: object) -> int:
    """A whole number of at least 0 from a column.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside is there whole, or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
