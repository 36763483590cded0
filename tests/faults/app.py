"""The app in a pseudo-terminal, with all that it has written and how it ended."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.benchmarks.terminal import Terminal
from tests.faults.warm import Warm

KEPT = 4_000_000
"""Bytes of what it has written last."""


class App(Terminal):
    """`ibtui` on a terminal of 120 x 40."""

    status: int | None = None
    """Exit status, negative where a signal ended it; None where it did not end."""

    def __init__(self, arguments: Sequence[str], warm: Warm) -> None:
        before = Path.cwd()
        os.chdir(warm.directory)  # what it exports is written where it was started
        try:
            super().__init__(arguments, (120, 40), warm.environment)
        finally:
            os.chdir(before)
        self._all = b""

    def _read(self, seconds: float) -> bool:
        known = len(self._text)
        there = super()._read(seconds)
        self._all = (self._all + self._text[known:])[-KEPT:]
        return there

    @property
    def raw(self) -> bytes:
        """What it has written."""
        return self._all

    @property
    def said(self) -> str:
        return self._all.decode(errors="replace")

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        end = time.monotonic() + 15
        while not self.ended and time.monotonic() < end:
            with suppress(OSError):
                os.write(self._file, b"\x11")
            self.wait(0.3)
        if not self.ended:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self._file)
