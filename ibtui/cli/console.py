"""Writing to the two streams: data to stdout, everything about it to stderr, nothing raw from outside."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidValue, StorageError

if TYPE_CHECKING:
    from rich.console import Console


def printable(text: str) -> str:
    """Text from outside without control characters, line breaks or escape sequences: they are shown as code."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def complain(message: str) -> None:
    """One line on stderr that says what is wrong."""
    print(f"ibtui: {printable(' '.join(message.split()))}", file=sys.stderr)


def tell(message: str, *, quiet: bool = False) -> None:
    """One line on stderr about what is going on."""
    if not quiet:
        print(printable(message), file=sys.stderr)


def print_json(value: Any) -> None:
    """One JSON document on stdout; numbers that are absent must be None, not NaN."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def output() -> Console:
    """Where tables go: stdout, in colour where that is a terminal that wants it. Markup is never interpreted."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100
    return Console(markup=False, highlight=False, emoji=False, width=width)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        InvalidValue: the place cannot be written.
        StorageError: the disk is full.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InvalidValue(f"cannot write {str(path)!r}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise StorageError(f"cannot write {str(path)!r}: {error.strerror}") from None


def write_output(path: Path | None, data: bytes) -> None:
    """Data to a file, or to stdout where none is named."""
    if path is not None:
        write_whole(path, data)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
