"""The one module that uses names which Textual keeps to itself.

They were seen in Textual 8.2.8, where tests/ibtui/test_textual_private.py looks for them. Where one of them is missing,
the app falls back on Textual's public interface, and loses only what is named here.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import threading
from contextlib import suppress
from typing import Any, cast

from textual.app import App
from textual.driver import Driver
from textual.widgets import Footer

from ibtui.spelling import in_cells
from ibtui.terminal import HANGUP_STATUS, TerminalDecoder

SEEN_IN = "8.2.8"
DRIVER_NAMES = (
    "run_input_thread",
    "process_message",
    "_sigtstp_application",
    "_sigcont_application",
)
"""Of Textual's driver for Linux and macOS, whose objects also have `_file`, `_app`, `_debug`, `fileno`, `exit_event`
and `_key_thread`."""
FOOTER_NAMES = ("_bindings_ready",)
APP_NAMES = ("_exception",)


def footer_is_made(footer: Footer) -> bool:
    """Whether a footer has made its keys; False where Textual does not say, so that it makes them once more."""
    return bool(getattr(footer, "_bindings_ready", False))


def crash_of(app: App[Any]) -> Exception | None:
    """What made an app crash; None where it did not, or Textual does not say."""
    found = getattr(app, "_exception", None)
    return found if isinstance(found, Exception) else None


def terminal_driver() -> type[Driver] | None:
    """What reads and writes the terminal; None for Textual's own choice.

    Textual's own ends the app at a byte that is not UTF-8, stops for good at Ctrl+Z where no shell could let it go on,
    and waits for ever on a terminal that is gone.
    """
    if sys.platform == "win32" or "TEXTUAL_DRIVER" in os.environ:
        return None
    try:
        from textual._xterm_parser import XTermParser
        from textual.drivers.linux_driver import LinuxDriver
    except ImportError:
        return None
    if not all(hasattr(LinuxDriver, name) for name in DRIVER_NAMES):
        return None

    class TerminalDriver(LinuxDriver):
        """Textual's driver, made to last."""

        def __init__(self, app: Any, **options: Any) -> None:
            super().__init__(app, **options)
            self._file = cast(Any, _Forgiving(self._file, ascii=bool(getattr(app, "ascii", False))))
            self._suspended = False

        # keys

        def run_input_thread(self) -> None:
            """Read the terminal until the app ends."""
            parser, decoder = XTermParser(self._debug), TerminalDecoder()
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(0.1):
                        try:
                            data = os.read(self.fileno, 4096)
                        except OSError:
                            data = b""
                        if not data:  # the terminal is gone
                            self._app.call_later(self._app.exit, None, HANGUP_STATUS)
                            break
                        text = decoder.decode(data)
                        for event in parser.feed(text) if text else ():  # an empty text would be the end
                            self.process_message(event)
                    for event in parser.tick():
                        self.process_message(event)
            with suppress(Exception):
                for _event in parser.feed(""):
                    pass

        # suspending

        def _sigtstp_application(self, *_: object) -> None:
            """Give the terminal back and stop; once the shell lets this process go on, take it again.

            The signal is sent on with its usual effect, which is to stop: unlike SIGSTOP, it does nothing where there
            is no shell that could end the stop.
            """
            if not self._suspended:
                self._suspended = True
                self.suspend_application_mode()
            before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, before)
            self._take_back()

        def _sigcont_application(self, *_: object) -> None:
            """This process goes on, perhaps after SIGSTOP, which has left it no time to give the terminal back."""
            if not self._suspended:
                self._suspended = True
                self.suspend_application_mode()
            self._take_back()

        def _take_back(self) -> None:
            if self._suspended:
                self._must_signal_resume = True
                self.resume_application_mode()
                # not so where it goes on in the background: then it has been stopped again
                self._suspended = self._key_thread is None or not self._key_thread.is_alive()

    return TerminalDriver


class _Forgiving:
    """A stream for which a terminal that is gone is no error; with `ascii`, nothing else is written, cell for cell."""

    def __init__(self, stream: Any, *, ascii: bool) -> None:
        self._stream = stream
        self._ascii = ascii

    def write(self, text: str) -> None:
        """Write, if that can be done."""
        with suppress(OSError):
            self._stream.write(in_cells(text) if self._ascii else text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        with suppress(OSError):
            self._stream.flush()

    def fileno(self) -> int:
        """The stream's."""
        return int(self._stream.fileno())

    def isatty(self) -> bool:
        """The stream's."""
        return bool(self._stream.isatty())
