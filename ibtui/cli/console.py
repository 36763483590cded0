"""Writing to the two streams: data to stdout, everything about it to stderr, nothing raw from outside."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui.files import write_whole
from ibtui.formatting import printable
from ibtui.surroundings import LOG_FILE
from ibtui_engine.errors import shortened

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

LONGEST_COMPLAINT = 1000
"""Characters of a message: a damaged file may put a book in it."""


def complain(message: str) -> None:
    """One line on stderr that says what is wrong."""
    if message:  # typer has said it already where it has no message: no command was given
        line = f"ibtui: {shortened(' '.join(message.split()))[:LONGEST_COMPLAINT]}"
        _say(line)
        _log(line, error=True)


def tell(message: str, *, quiet: bool = False) -> None:
    """One line on stderr about what is going on."""
    if not quiet:
        _say(message)
    _log(message)


def _say(message: str) -> None:
    with suppress(OSError):  # a full disk or a closed pipe under the messages is no reason to end a run
        print(printable(message), file=sys.stderr, flush=True)


def _log(message: str, *, error: bool = False) -> None:
    if message.strip() and LOG_FILE in os.environ:  # else logging would be loaded for nothing
        import logging

        from ibtui.log import log_message

        log_message(logging.ERROR if error else logging.INFO, message)


def print_json(value: Any) -> None:
    """One JSON document on stdout; numbers that are absent must be None, not NaN."""
    text = json_text(value, indent=2)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:  # stand-ins are for people: a program gets the very characters
        text = json.dumps(value, indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")


def or_none(value: float) -> float | None:
    """A number for a JSON document; None for one that is absent."""
    return float(value) if math.isfinite(value) else None


def plain_rows(values: np.ndarray) -> list[list[float | None]]:
    """Rows of numbers for JSON, None where a number is not finite."""
    return [[number if math.isfinite(number) else None for number in row] for row in values.tolist()]


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A JSON document in which characters that do not print are escaped: names come from outside."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    return re.sub(r"[^\n -~]", lambda c: c[0] if c[0].isprintable() else json.dumps(c[0])[1:-1], text)


def output(width_of_files: int = 100) -> Console:
    """Where tables go: stdout, in colour where that is a terminal that wants it. Markup is never interpreted.

    Elsewhere than on a terminal, sentences are folded at `width_of_files` columns, and tables are not.
    """
    from ibtui.cli.tables import TableConsole

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else width_of_files
    return TableConsole(markup=False, highlight=False, emoji=False, width=width)


def write_output(path: Path | None, data: bytes) -> None:
    """Data to a file, or to stdout where none is named."""
    if path is not None:
        write_whole(path, data)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
