"""The app in a pseudo-terminal, as a person has it: keys in, and when what they do is on the screen."""

from __future__ import annotations

import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from types import TracebackType

PATIENCE = 60.0


class Terminal:
    """A program in a terminal of so many columns and rows; what it writes is read as it comes."""

    def __init__(self, arguments: Sequence[str], size: tuple[int, int], environment: Mapping[str, str]) -> None:
        self.began = time.perf_counter()
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, "-m", "ibtui", *arguments], dict(environment))
        ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._text = b""

    def press(self, keys: str) -> float:
        """Send keys; when that was."""
        now = time.perf_counter()
        os.write(self._file, keys.encode())
        return now

    def forget(self) -> None:
        """What has been written so far does not count any more."""
        self.wait(0.0)
        self._text = b""

    def taken(self) -> bytes:
        """What has been read and not been taken yet."""
        text, self._text = self._text, b""
        return text

    def until(self, text: str) -> float:
        """Read until this is written; when it was."""
        wanted = text.encode()
        end = time.perf_counter() + PATIENCE
        while wanted not in self._text:
            left = end - time.perf_counter()
            if left <= 0 or not self._read(left):
                raise TimeoutError(f"{text!r} was not written in {PATIENCE:.0f} s")
        now = time.perf_counter()
        self._text = self._text[self._text.index(wanted) + len(wanted) :]
        return now

    def wait(self, seconds: float) -> None:
        """Read for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0 and self._read(left):
            self._text = self._text[-100_000:]

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._file], [], [], seconds)
        if not ready:
            return False
        try:
            self._text += os.read(self._file, 1 << 16)
        except OSError:  # it has ended
            return False
        return True

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        os.write(self._file, b"\x11")
        end = time.monotonic() + 10
        while time.monotonic() < end and os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            self.wait(0.1)
        os.close(self._file)
