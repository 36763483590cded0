"""Loggers of the engine. What they record is for whoever sets up a log; only notes are printed on stderr, too."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress


class _OnStderr(logging.Handler):
    """Prints records on stderr, wherever that is by then."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError, ValueError):  # it is closed, or full
            if sys.stderr is not None:
                print(self.format(record), file=sys.stderr, flush=True)


NOTES = logging.getLogger("ibtui_engine.notes")
"""For the few things that people must know without a log."""
NOTES.addHandler(_OnStderr())
logging.getLogger("ibtui_engine").addHandler(logging.NullHandler())  # else Python prints warnings on stderr


def logger(module: str) -> logging.Logger:
    """The logger of a module, by its `__name__`."""
    return logging.getLogger(module)
