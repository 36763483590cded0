"""Loggers of the engine. What they record is for whoever sets up a log; without one it is printed nowhere."""

from __future__ import annotations

import logging

logging.getLogger("ibtui_engine").addHandler(logging.NullHandler())  # else Python prints warnings on stderr


def logger(module: str) -> logging.Logger:
    """The logger of a module, by its `__name__`."""
    return logging.getLogger(module)
