"""Files that a user named: what may be written where is decided here, and each is written whole or not at all.

No output takes the place of a session, under whatever name one lies, nor of another program's database.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ibtui_engine.errors import InvalidValue, StorageError, either
from ibtui_engine.session.format import APPLICATION_ID, SUFFIX

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What the system says where the place is right, but cannot take more."""
SQLITE = b"SQLite format 3\0"
"""How every SQLite file begins."""
IDENTITY = slice(68, 72)
"""Where the application id lies in an SQLite file (https://sqlite.org/fileformat.html), the highest byte first."""

FORMATS = {"csv": ".csv", "json": ".json", "npz": ".npz", "jsonl": ".jsonl", "parquet": ".parquet", "netcdf": ".nc"}
"""Formats of exported numbers that are one file, with its ending."""
PAGE = "html"
"""The format that is a page for a browser, which has all kinds of numbers in it."""
TENSORBOARD = "tensorboard"
"""The format that is a directory."""


def is_stream(path: Path) -> bool:
    """Whether a path is a device or a pipe: nothing there is replaced, and its name says nothing of a format."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def require_output(path: Path, endings: Sequence[str], *, source: Path | None = None) -> str:
    """Refuse early what must not or cannot be written; the format that the name asks for, such as `csv`.

    `endings`: those that are allowed, such as `.csv`. `source`: a file that the output is made from, and must not
    replace.

    Raises:
        InvalidValue: the name ends otherwise, there is a session or another database, the place is a directory or in
            none, or the output would replace its source.
    """
    require_place(path)
    ending = require_ending(path, endings)
    if source is not None and os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
        raise InvalidValue(f"cannot write {str(path)!r}: it is made from this very file; choose another name")
    return ending[1:]


def require_ending(path: Path, endings: Sequence[str]) -> str:
    """The ending of a file's name, in small letters.

    Raises:
        InvalidValue: it is not one of `endings`.
    """
    ending = path.suffix.lower()
    if ending not in endings:
        raise InvalidValue(f"cannot write {str(path)!r}: give a name that ends in {either(endings)}")
    return ending


def require_new(path: Path, ending: str) -> None:
    """Refuse a file that exists, or whose name does not end as it should; whether it can be written shows later.

    Raises:
        InvalidValue: there is a file, directory or link of that name, or the name ends otherwise.
    """
    if os.path.lexists(path):
        raise InvalidValue(f"{str(path)!r} exists already: choose another name, nothing is overwritten")
    require_ending(path, (ending,))


def require_vacant(path: Path) -> None:
    """Refuse a directory that is to be made, and is there, or cannot be.

    Raises:
        InvalidValue: there is something of that name, or no directory that it could be in.
    """
    if os.path.lexists(path):
        raise InvalidValue(f"{str(path)!r} exists already: choose another name, nothing is overwritten")
    if not os.path.isdir(path.parent):
        raise InvalidValue(f"cannot write {str(path)!r}: there is no directory {str(path.parent)!r}")


def require_place(path: Path) -> None:
    """Refuse early what can never become a file, and what must not be replaced.

    Raises:
        InvalidValue: there is a session, another database or a directory of that name, or no directory that it could
            be in.
    """
    if os.path.isdir(path):
        raise InvalidValue(f"cannot write {str(path)!r}: it is a directory")
    if not os.path.isdir(path.parent):
        raise InvalidValue(f"cannot write {str(path)!r}: there is no directory {str(path.parent)!r}")
    _require_no_database(path)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all; a device or a pipe is written to as it is.

    Raises:
        InvalidValue: the place cannot be written, or holds what must not be replaced.
        StorageError: the disk is full.
    """
    require_place(path)  # once more: making the data may have taken hours
    name = None
    try:
        if is_stream(path):
            path.write_bytes(data)
            return
        target = path.resolve()  # through a link, rather than in its place
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}."[:200])
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
        name = None
    except OSError as error:
        kind = StorageError if error.errno in NO_ROOM else InvalidValue
        raise kind(f"cannot write {str(path)!r}: {error.strerror}") from None
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)


def _require_no_database(path: Path) -> None:
    from ibtui_engine.session.drafting import BESIDE

    name = os.path.realpath(path).lower()
    if name.endswith(tuple(SUFFIX + ending for ending in BESIDE)):
        raise InvalidValue(f"cannot write {str(path)!r}: such names are for files that SQLite keeps beside sessions")
    if name.endswith(SUFFIX):
        raise InvalidValue(f"cannot write {str(path)!r}: names that end in {SUFFIX} are for sessions")
    if not os.path.isfile(path):
        return
    try:
        with open(path, "rb") as file:
            head = file.read(IDENTITY.stop)
    except OSError:  # whether it can be replaced shows when that is tried
        return
    if head.startswith(SQLITE):
        session = int.from_bytes(head[IDENTITY]) == APPLICATION_ID
        what = "a session" if session else "a database of another program"
        raise InvalidValue(f"cannot write {str(path)!r}: it is {what}, which is never overwritten")
