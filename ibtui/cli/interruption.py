"""Ctrl+C, a closed terminal and a request to terminate: stop cleanly the first time, at once the second."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from engine.runner import Interrupt
from ibtui.cli.console import tell

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interruption:
    """While inside, the first signal asks the run to stop and the second ends the process where it stands."""

    def __init__(self, quiet: bool) -> None:
        self.interrupt = Interrupt()
        self.status = 0
        """The exit status that tells which signal it was; 0 where it was none."""
        self._quiet = quiet
        self._before: dict[int, object] = {}

    def _first(self, number: int, _frame: FrameType | None) -> None:
        self.interrupt.request()
        self.status = 128 + number
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)  # the session is whole at any moment
        if number == signal.SIGHUP:  # the terminal is gone
            sys.stderr = sys.stdout = open("/dev/null", "w")  # noqa: SIM115
        elif number == signal.SIGINT:
            tell("stopping cleanly; Ctrl+C again stops at once", quiet=self._quiet)

    def __enter__(self) -> Interruption:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._first)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
