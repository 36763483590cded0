"""Asking a command of `ibtui` something from the app: a process of its own, which ends with the question."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass

from ibtui_engine.children import python_command, python_environment


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
    lines = told.decode(errors="replace").strip().splitlines()
    said = lines[-1].removeprefix("ibtui: ") if lines else f"exit status {status}"
    return Answer(status, output, said)


async def run_python(*arguments: str) -> tuple[int, bytes, bytes]:
    """Run Python beside this process to its end: its exit status, and what it wrote on stdout and on stderr.

    Whoever no longer waits ends it. A thread of its own takes what it writes and closes its pipes, so that nothing is
    left behind where the app, and with it the event loop, ends first.
    """
    process = subprocess.Popen(
        python_command(*arguments),
        env=python_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[bytes, bytes]] = loop.create_future()

    def take(found: tuple[bytes, bytes]) -> None:
        if not answer.done():
            answer.set_result(found)

    def wait() -> None:
        found = process.communicate()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(take, found)

    threading.Thread(target=wait, name="command", daemon=True).start()
    try:
        output, told = await answer
    except asyncio.CancelledError:
        process.kill()
        raise
    return process.returncode, output, told


async def lines_of(*arguments: str, given: bytes = b"") -> AsyncGenerator[bytes]:
    """Run Python beside this process, and yield each line of its stdout as it comes, until it ends.

    Whoever no longer iterates (`aclose`) ends it. As in `run_python`, a thread of its own reads, and nothing is left
    behind where the event loop ends first.

    Args:
        arguments: of Python.
        given: what it reads on stdin.

    Raises:
        OSError: no process can be started, or no temporary file made.
    """
    with tempfile.TemporaryFile() as stdin:  # a pipe would have to be filled while stdout is read
        stdin.write(given)
        stdin.seek(0)
        process = subprocess.Popen(
            python_command(*arguments),
            env=python_environment(),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | None] = asyncio.Queue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout, suppress(RuntimeError):  # the loop is closed: nobody waits any more
            for line in process.stdout:
                loop.call_soon_threadsafe(lines.put_nowait, line)
        process.wait()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="lines of a command", daemon=True).start()
    try:
        while (line := await lines.get()) is not None:
            yield line
    finally:
        process.kill()
