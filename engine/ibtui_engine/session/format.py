"""The session file's schema, version and identity.

An SQLite application file (https://sqlite.org/appfileformat.html): `application_id` says that it is a session,
`user_version` which version of the schema. Standard library only: listing sessions must not wait for numpy.

While a run writes, the file is in WAL mode where the file system allows it (`ibtui_engine.session.places`), so that
readers never wait for the writer, nor the writer for them; when the run ends it becomes a single plain file again,
which also opens where nothing can be written (`ibtui_engine.session.ending`).
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Sequence

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
    4: (
        ("rule", "log_odds", "BLOB"),
        ("writer", "token", "TEXT"),
        ("writer", "machine", "TEXT"),
        ("writer", "file", "TEXT"),
    ),
}
"""Columns that each version added: table, column, declaration. Files of earlier versions are read as they are, without
them; who goes on with one makes it this version (`upgrade`). What a file lacks has the declared default, or is NULL."""

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
    rate REAL,                    -- epochs per second of the whole run
    remaining REAL,               -- seconds still to go, estimated
    token TEXT,                   -- random, of this claim; also in NAME.ibs-lock, which the process keeps locked
    machine TEXT,                 -- boot and process namespace in which pid means something
    file TEXT                     -- device and number of the file that is written: in a copy they are another's
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
