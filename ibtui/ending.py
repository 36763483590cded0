"""What Ctrl+C and a request to terminate do where no run is at work: they end the command, and nothing is half made."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def end_at_once() -> None:
    """From now on Ctrl+C ends this process by itself, unless it was started to ignore it.

    Python would raise KeyboardInterrupt wherever it is, also in the middle of an import: in a callback there it is
    printed and forgotten, and the command goes on.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def orderly() -> Iterator[Callable[[], None]]:
    """Inside, a signal ends the work as an error would: half a file is removed, a terminal gets its cursor back.

    A signal that comes while C calls back into Python (LLVM does, where it takes a kernel from the disk) raises an
    error that is printed and forgotten there. Call what this gives between pieces of the work: it raises it again.
    """
    asked: list[int] = []

    def leave(number: int, _frame: object) -> None:
        asked.append(number)
        raise SystemExit(128 + number)

    def leave_if_asked() -> None:
        if asked:
            raise SystemExit(128 + asked[0])

    before = {n: signal.signal(n, leave) for n in SIGNALS if signal.getsignal(n) != signal.SIG_IGN}
    try:
        yield leave_if_asked
        leave_if_asked()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
