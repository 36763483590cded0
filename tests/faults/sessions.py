"""What is in a session, as SQLite itself reads it: the numbers to the last bit, and whether all is whole."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

UNLIKE = ("writer", "control", "event")
"""Tables that tell of processes and their times."""
TIMES = ("id", "time", "created", "name", "status", "program")
"""Columns that may differ between a run that was disturbed and one that was not."""


def digest(path: Path) -> str:
    """Of the file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bits(path: Path) -> dict[str, str]:
    """Each table's numbers in a digest, whatever the schema; snapshots go by cohort and epoch, not by number."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in sorted(set(names) - set(UNLIKE)):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = [f"t.{column}" for column in columns if column not in (*TIMES, "snapshot")]
            source = f"{table} t"
            if "snapshot" in columns:
                kept = ["s.cohort", "s.epoch", *kept]
                source += " JOIN snapshot s ON s.id = t.snapshot"
            rows = connection.execute(f"SELECT {', '.join(kept)} FROM {source}").fetchall()
            found[table] = hashlib.sha256(repr(sorted(rows, key=repr)).encode()).hexdigest()
    return found


def differing(path: Path, expected: dict[str, str]) -> str:
    """The tables in which a session is not what it should be; empty where there are none."""
    found = bits(path)
    return ", ".join(sorted(table for table in {*found, *expected} if found.get(table) != expected.get(table)))


def complaint(path: Path) -> str:
    """What SQLite finds wrong with a session; empty where nothing is."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            wrong = connection.execute("PRAGMA integrity_check").fetchall()
            orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.Error as error:
        return str(error)
    return "" if wrong == [("ok",)] and not orphans else f"{wrong[0][0]}, {len(orphans)} orphans"


def look(path: Path, query: str) -> list[tuple]:
    """Rows of a session at this moment, read as a bystander; none where it cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error:
        return []


def snapshots(path: Path) -> list[tuple[int, int]]:
    """Cohort and epoch of what is committed, in the order in which it was recorded."""
    return look(path, "SELECT cohort, epoch FROM snapshot ORDER BY id")
