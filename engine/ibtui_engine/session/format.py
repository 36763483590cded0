"""The session file's identity and version. Its tables are in `ibtui_engine.session.tables`.

An SQLite application file (https://sqlite.org/appfileformat.html): `application_id` says that it is a session,
`user_version` which version of the schema. Standard library only: listing sessions must not wait for numpy.

While a run writes, the file is in WAL mode where the file system allows it (`ibtui_engine.session.places`), so that
readers never wait for the writer, nor the writer for them; when the run ends it becomes a single plain file again,
which also opens where nothing can be written (`ibtui_engine.session.ending`).
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence

from ibtui_engine.session.tables import SCHEMA, added_since, tables_since

SUFFIX = ".ibs"
APPLICATION_ID = 0x69625331
"""The letters `ibS1`."""
FORMAT_VERSION = 9
TABLE_EVENT = "table"
"""The kind of the event that says what was read from a table's file."""


def format_version(connection: sqlite3.Connection) -> int:
    """The version of the format that an open session has now."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def columns_of(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> str:
    """These columns for a SELECT on a session of any version; what its version does not have is NULL."""
    absent = lacking(connection, table)
    return ", ".join("NULL" if column in absent else column for column in columns)


def has_table(connection: sqlite3.Connection, table: str) -> bool:
    """Whether an open session is of a version that has a table."""
    return SCHEMA[table].since <= format_version(connection)


def lacking(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """The columns that this version has in a table and an open session, of an earlier one, has not."""
    return frozenset(column.name for of, column in added_since(format_version(connection)) if of == table)


def upgrade(connection: sqlite3.Connection) -> None:
    """Make a session of an earlier version one of this version, inside a transaction of the caller's.

    SQLite adds columns by changing the table's description alone, and further tables are empty: what is recorded stays
    as it is, byte for byte. So
    there is no copy to go back to, which would take as much disk again and have nothing that the session lacks: the
    transaction leaves one of the earlier version or one of this one, whole, wherever it is broken off. Whoever wants to
    go on with it in an earlier program, too, copies the file first.
    """
    version = format_version(connection)
    if version < FORMAT_VERSION:
        for table, column in added_since(version):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column.name} {column.sql}")
        for added in tables_since(version):
            connection.execute(added.statement)
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
