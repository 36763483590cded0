"""New session files: made under a name of their own, they get theirs when they are whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ibtui_engine.clock import now
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.session.connection import Connection, connect, sqlite_errors, transaction
from ibtui_engine.session.format import APPLICATION_ID, FORMAT_VERSION
from ibtui_engine.session.tables import TABLES

LOGS = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a session while it is written."""
BESIDE = (*LOGS, "-lock")
"""Likewise, with the lock of the writer."""


def this_program() -> str:
    """What writes sessions here, with its version."""
    try:
        return f"ibtui {version('ibtui')}"
    except PackageNotFoundError:  # used from a checkout that is not installed
        return "ibtui"


def lay_out(
    connection: Connection, name: str, experiment: Experiment, schedule: str, status: str, kind: str = "run"
) -> None:
    """Make an empty file a session of an experiment, without ensembles yet, inside a transaction of the caller's."""
    for table in TABLES:
        connection.execute(table.statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    connection.insert(
        "session",
        {
            "id": 1,
            "name": name,
            "created": now(),
            "program": this_program(),
            "experiment": json.dumps(experiment.to_dict()),
            "schedule": schedule,
            "status": status,
            "kind": kind,
        },
    )


@contextmanager
def draft(path: Path) -> Iterator[Connection]:
    """A connection to a new file, in a transaction; when that ends, the file becomes the session `path`.

    Nothing is left where it fails.

    Raises:
        InvalidValue: there is a file already, or the directory cannot be written.
        StorageError: the disk is full, or the file system has no locks.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise InvalidValue(f"cannot write the session {str(path)!r}: {error.strerror}") from None
    try:
        with sqlite_errors(path), closing(connect(new, mode="rw", of=path)) as connection, transaction(connection):
            yield connection
        _publish(new, path)
    finally:
        discard(new)


def _publish(new: Path, path: Path) -> None:
    """Give a finished file its name, unless that is taken.

    Whoever deletes a session alone, without what SQLite keeps beside it, leaves that to the next one of the name: to
    SQLite it would be part of it, and the old session's numbers would appear in the new one.
    """
    try:
        try:
            os.link(new, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: claim the name first
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            os.replace(new, path)
    except FileExistsError:
        raise InvalidValue(
            f"{str(path)!r} exists already: choose another name, sessions are never overwritten"
        ) from None
    except OSError as error:
        raise InvalidValue(f"cannot write the session {str(path)!r}: {error.strerror}") from None
    for suffix in BESIDE:  # only now that the name is taken: before, another run could have begun to write them
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def rename(path: Path, new: Path) -> None:
    """Rename a session file that no process is writing (`ibtui_engine.session.ending.settle`), within its directory.

    Raises:
        InvalidValue: there is a file of that name already, or the directory cannot be written.
    """
    _publish(path, new)
    path.unlink(missing_ok=True)


def discard(path: Path) -> None:
    """Remove a session with what SQLite keeps beside it."""
    for suffix in ("", *BESIDE):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
