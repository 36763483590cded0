"""Speaking with a command of `ibtui` from the app: a process of its own, which ends with whoever asked.

A thread of its own reads what the process says and closes its pipes, so that nothing is left behind, and nobody waits,
where the app, and with it the event loop, ends first.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import subprocess
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Generic, TypeVar

from ibtui.last_words import last_line, log_end
from ibtui_engine.children import python_command, python_environment

END_SECONDS = 2.0
"""For which `close` waits for the thread that reads; it ends with the process, which is killed."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


def telling() -> Callable[..., None]:
    """What has something called in this event loop, from whatever thread, as if it were called from here.

    A thread has a context of its own, in which Textual does not know its app: a timer that is set there never rings.
    """
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()

    def tell(take: Callable[..., None], *found: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(take, *found, context=context)

    return tell


class Companion(Generic[T]):
    """A Python process beside the app that is spoken with in lines, from the event loop."""

    def __init__(
        self,
        *arguments: str,
        read: Callable[[bytes], T],
        heard: Callable[[T], None],
        ended: Callable[[int, str], None],
        given: bytes | None = None,
    ) -> None:
        """Start it.

        Args:
            arguments: of Python.
            read: makes of a line of its stdout what `heard` is given; called in the thread. What it raises a
                ValueError for is passed over.
            heard: called in the event loop with each line as it comes, unless `close` was called before.
            ended: called in the event loop when it has ended by itself, after the last line: its exit status, and what
                it has written on stderr.
            given: what it reads on stdin; None where it is spoken with (`say`).

        Raises:
            OSError: no process can be started, or no temporary file made.
        """
        self._read, self._heard, self._ended = read, heard, ended
        self._closed = False
        self._tell = telling()
        told = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the thread that reads it
        try:
            with tempfile.TemporaryFile() as stdin:  # a pipe would have to be filled while stdout is read
                stdin.write(given or b"")
                stdin.seek(0)
                self._process = subprocess.Popen(
                    python_command(*arguments),
                    env=python_environment(),
                    stdin=subprocess.PIPE if given is None else stdin,
                    stdout=subprocess.PIPE,
                    stderr=told,
                )
        except OSError as error:
            told.close()
            _log.warning("no process can be started for %s: %s", " ".join(arguments), error.strerror)
            raise
        _log.info("process %d begins: python %s", self._process.pid, " ".join(arguments))
        self._thread = threading.Thread(target=self._listen, args=(told,), name="companion", daemon=True)
        self._thread.start()

    def say(self, message: Mapping[str, Any]) -> None:
        """Write an object on its stdin, as a line of JSON; nothing where it has ended, which `ended` tells."""
        assert self._process.stdin is not None
        _log.debug("process %d is asked %s", self._process.pid, message)
        with suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        """End it, and hear nothing more."""
        self._closed = True
        self._process.kill()

    def close(self) -> None:
        """End it, its pipes and its thread."""
        self.kill()
        self._thread.join(END_SECONDS)

    def _listen(self, told: IO[bytes]) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout, told:
            for line in stdout:
                with suppress(ValueError):  # it was ended in the midst of a line
                    self._tell(self._hear, self._read(line))
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()
            status = self._process.wait()
            told.seek(0)
            said = told.read().decode(errors="replace")
        log_end(_log, self._process.pid, status, said, wanted=self._closed)
        self._tell(self._end, status, said)

    def _hear(self, found: T) -> None:
        if not self._closed:
            self._heard(found)

    def _end(self, status: int, said: str) -> None:
        if not self._closed:
            self._ended(status, said)


@dataclass(frozen=True)
class Answer:
    """What a command has answered."""

    status: int
    """Its exit status; 0 where it could do what was asked."""
    output: bytes
    said: str
    """The last line on stderr: what is wrong where the status is not 0."""


async def ask(*arguments: str) -> Answer:
    """Run `ibtui` with these arguments to its end. Whoever no longer waits for the answer ends the command."""
    status, output, told = await run_python("-m", "ibtui", *arguments)
    return Answer(status, output, last_line(told, status))


async def run_python(*arguments: str) -> tuple[int, bytes, str]:
    """Run Python beside this process to its end: its exit status, and what it wrote on stdout and on stderr.

    Whoever no longer waits ends it.
    """
    answer: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
    lines: list[bytes] = []

    def end(status: int, told: str) -> None:
        if not answer.done():  # nobody may wait any more
            answer.set_result((status, told))

    process = Companion(*arguments, read=bytes, heard=lines.append, ended=end, given=b"")
    try:
        status, told = await answer
    finally:
        process.kill()
    return status, b"".join(lines), told


async def lines_of(*arguments: str, given: bytes = b"") -> AsyncGenerator[bytes]:
    """Run Python beside this process, and yield each line of its stdout as it comes, until it ends.

    Whoever no longer iterates (`aclose`) ends it.

    Args:
        arguments: of Python.
        given: what it reads on stdin.

    Raises:
        OSError: no process can be started, or no temporary file made.
    """
    lines: asyncio.Queue[bytes | None] = asyncio.Queue()
    process = Companion(
        *arguments, read=bytes, heard=lines.put_nowait, ended=lambda *_: lines.put_nowait(None), given=given
    )
    try:
        while (line := await lines.get()) is not None:
            yield line
    finally:
        process.kill()
