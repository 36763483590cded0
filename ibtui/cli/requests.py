"""Requests as JSON objects, one a line on stdin, and answers to them, one a line on stdout."""

from __future__ import annotations

import json
import math
import queue
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ibtui.cli.console import json_text
from ibtui_engine.errors import InvalidValue

LONGEST_LINE = 10_000_000
"""Characters of a request; more than any list of epochs needs."""


def listen(lines: queue.SimpleQueue[str | None]) -> None:
    """Put every line on stdin into a queue, and None at its end, in a thread that does not keep the process alive."""
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()


def _listen(lines: queue.SimpleQueue[str | None]) -> None:
    try:
        if sys.stdin is None:  # closed by whoever started this
            return
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
        while line := sys.stdin.readline(LONGEST_LINE):
            lines.put(line)
    finally:
        lines.put(None)


def write_answer(answer: Mapping[str, Any]) -> None:
    """Write one answer, which whoever listens has at once.

    Raises:
        BrokenPipeError: nobody listens.
    """
    sys.stdout.write(json_text(answer) + "\n")
    sys.stdout.flush()


def read_request(line: str) -> dict[str, Any]:
    """The JSON object on a line.

    Raises:
        InvalidValue: the line is no JSON object.
    """
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"a request is not JSON: {' '.join(str(error).split())}") from None
    if not isinstance(request, dict):
        raise InvalidValue("a request is a JSON object")
    return request


def require_known(request: Mapping[str, Any], fields: Sequence[str]) -> None:
    """Refuse fields that mean nothing.

    Raises:
        InvalidValue: the request has a field that is not among these.
    """
    for field in request:
        if field not in fields:
            raise InvalidValue(f"unknown field {field!r}: choose from {', '.join(fields)}")


def name_of(request: Mapping[str, Any]) -> int | float | str | None:
    """The `id` of a request, which comes back with every answer.

    Raises:
        InvalidValue: it is neither a number nor a text.
    """
    name = request.get("id")
    if not isinstance(name, int | float | str | None) or (isinstance(name, float) and not math.isfinite(name)):
        raise InvalidValue("id must be a number or a text")
    return name


def is_count(value: object) -> bool:
    """Whether a value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
