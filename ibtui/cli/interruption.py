"""Ctrl+C, a closed terminal and a request to terminate: stop cleanly the first time, at once the second.

Whoever asks a process to terminate may wait for a few seconds only before they kill it, and a chunk of training, or a
snapshot, of very many networks takes longer. So where a run has not stopped `GRACE_SECONDS` after SIGTERM or SIGHUP,
what it is at is given up by a KeyboardInterrupt, which `Run.execute` turns into a session that was stopped at its last
checkpoint. After Ctrl+C the user decides, with another one.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from ibtui.ending import SIGNALS
from ibtui_engine.progress import Interrupt

GRACE_SECONDS = 0.5
"""From a request to terminate until what is at work is given up."""


class Interruption:
    """While inside, the first signal asks the run to stop and the second ends the process where it stands.

    Signals that the process was started to ignore stay ignored.
    """

    def __init__(self, quiet: bool) -> None:
        self.interrupt = Interrupt()
        self.status = 0
        """The exit status that tells which signal it was; 0 where it was none."""
        self._quiet = quiet
        self._before: dict[int, object] = {}
        self._alarm_before: object = None

    def _first(self, number: int, _frame: FrameType | None) -> None:
        self.interrupt.request()
        self.status = 128 + number
        for each in self._before:
            signal.signal(each, self._second if sys.stderr.isatty() else signal.SIG_DFL)
        if number == getattr(signal, "SIGHUP", None):
            _write_nowhere()
        if number != signal.SIGINT and hasattr(signal, "setitimer"):
            self._alarm_before = signal.signal(signal.SIGALRM, _give_up)
            signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
        elif number == signal.SIGINT and not self._quiet:
            # print() here could run into a print() that the signal has interrupted
            os.write(2, b"stopping cleanly; Ctrl+C again stops at once\n")

    def _second(self, number: int, _frame: FrameType | None) -> None:
        """End here and now: the session is whole at any moment. Only the terminal needs its cursor back."""
        os.write(2, b"\x1b[?25h\n")
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def __enter__(self) -> Interruption:
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup, and jobs in the background of a script
                self._before[number] = signal.signal(number, self._first)
        return self

    def __exit__(self, *_: object) -> None:
        if self._alarm_before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._alarm_before)  # type: ignore[arg-type]
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


def _give_up(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _write_nowhere() -> None:
    """The terminal is gone: what is still written goes to the null device, or it would fail."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null, stream)
    os.close(null)
