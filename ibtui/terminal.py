"""The terminal around the app: whether there is one, what it sends, and how a signal leaves it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from codecs import getincrementaldecoder
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from ibtui.ending import SIGNALS
from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    from textual.app import App

HANGUP_STATUS = 128 + getattr(signal, "SIGHUP", 1)
"""Exit status where the terminal is gone, whether or not a signal has told so."""

RESTORE = b"\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
"""What undoes every mode that Textual sets: paste, wrapping, mouse, keyboard protocol, other screen, cursor, focus."""

_REPORT = re.compile(rb"\x1b\[M[\s\S]{3}")
_BEGUN_REPORT = re.compile(rb"\x1b\[M[\s\S]{0,2}\Z")


class TerminalDecoder:
    """Turns the bytes that a terminal sends into text, and ignores those that are not UTF-8.

    After a re-attach of tmux, or once an editor has reset the modes of the mouse, terminals report the mouse in the
    manner of X10: `ESC [ M` and three bytes, each 32 more than it means, so that a column beyond 95 is no UTF-8. Such a
    report is left out as a whole: without its first bytes the others would be keys.
    """

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("ignore").decode
        self._begun = b""
        """A report whose end has not come yet."""

    def decode(self, data: bytes) -> str:
        """The text of the next bytes; what is not complete yet comes with the bytes after them."""
        data = _REPORT.sub(b"", self._begun + data)
        begun = _BEGUN_REPORT.search(data)
        self._begun = b"" if begun is None else begun[0]
        return self._decode(data[: len(data) - len(self._begun)])


def require_terminal() -> None:
    """Check that the app has a terminal to be shown on: Textual draws on stderr, and reads keys from stdin.

    Raises:
        InvalidValue: stdin, stdout or stderr is something else.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or not stream.isatty():
            raise InvalidValue(f"the app needs a terminal, but {name} is not one: here, use ibtui show SESSION")


def takes_unicode(stream: TextIO | None) -> bool:
    """Whether a stream can show box characters and Braille: in an encoding such as ASCII or Latin-1 there are none."""
    try:
        "│⣿±".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class Endings:
    """While inside, SIGTERM, SIGHUP and SIGINT end the app: the terminal is restored, the exit status tells the signal.

    The first asks the app to close; a second, while it has not done so, ends the process at once. Signals that the
    process was started to ignore stay ignored.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._before: dict[int, Any] = {}
        self._modes: list[Any] | None = None

    def __enter__(self) -> Endings:
        with suppress(ImportError, OSError):  # no such module, or no such terminal, in Windows
            import termios

            with suppress(termios.error):
                self._modes = termios.tcgetattr(sys.stdin.fileno())
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._first)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _first(self, number: int, _frame: FrameType | None) -> None:
        for each in self._before:
            signal.signal(each, self._second)
        if self._is_gone():
            _write_nowhere()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # the app has not begun, or has ended
            raise SystemExit(128 + number) from None
        loop.call_soon_threadsafe(self._app.exit, None, 128 + number)

    def _second(self, number: int, _frame: FrameType | None) -> None:
        with suppress(OSError):
            os.write(sys.__stderr__.fileno() if sys.__stderr__ is not None else 2, RESTORE)
        if self._modes is not None:
            import termios

            with suppress(termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._modes)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _is_gone(self) -> bool:
        """Whether the terminal has been closed."""
        if self._modes is None:
            return False
        import termios

        try:
            termios.tcgetattr(sys.stdin.fileno())
        except termios.error:
            return True
        return False


def _write_nowhere() -> None:
    """The terminal is gone: what is still read and written goes to the null device, or it would fail."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
