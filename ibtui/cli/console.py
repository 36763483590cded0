"""Writing to the two streams: data to stdout, everything about it to stderr, nothing raw from outside."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidValue, StorageError

if TYPE_CHECKING:
    from rich.console import Console

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What the system says where the place is right, but cannot take more."""

LONGEST_COMPLAINT = 1000
"""Characters of a message: a damaged file may put a book in it."""


def printable(text: str) -> str:
    """Text from outside without control characters, line breaks or escape sequences: they are shown as code."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def complain(message: str) -> None:
    """One line on stderr that says what is wrong."""
    if message:  # typer has said it already where it has no message: no command was given
        tell(f"ibtui: {' '.join(message.split())[:LONGEST_COMPLAINT]}")


def tell(message: str, *, quiet: bool = False) -> None:
    """One line on stderr about what is going on."""
    if not quiet:
        with suppress(OSError):  # a full disk or a closed pipe under the messages is no reason to end a run
            print(printable(message), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout; numbers that are absent must be None, not NaN."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A JSON document in which characters that do not print are escaped: names come from outside."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    return re.sub(r"[^\n -~]", lambda c: c[0] if c[0].isprintable() else json.dumps(c[0])[1:-1], text)


def output(width_of_files: int = 100) -> Console:
    """Where tables go: stdout, in colour where that is a terminal that wants it. Markup is never interpreted.

    Elsewhere than on a terminal, lines are folded at `width_of_files` columns.
    """
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else width_of_files
    return Console(markup=False, highlight=False, emoji=False, width=width)


def require_place(path: Path) -> None:
    """Refuse early what can never become a file.

    Raises:
        InvalidValue: there is a directory of that name, or none that it could be in.
    """
    if os.path.isdir(path):
        raise InvalidValue(f"cannot write {str(path)!r}: it is a directory")
    if not os.path.isdir(path.parent):
        raise InvalidValue(f"cannot write {str(path)!r}: there is no directory {str(path.parent)!r}")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all; a device or a pipe is written to as it is.

    Raises:
        InvalidValue: the place cannot be written.
        StorageError: the disk is full.
    """
    require_place(path)
    name = None
    try:
        if os.path.exists(path) and not os.path.isfile(path):
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
    except OSError as error:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        kind = StorageError if error.errno in NO_ROOM else InvalidValue
        raise kind(f"cannot write {str(path)!r}: {error.strerror}") from None


def write_output(path: Path | None, data: bytes) -> None:
    """Data to a file, or to stdout where none is named."""
    if path is not None:
        write_whole(path, data)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
