"""Asking a command of `ibtui` something from the app: a process of its own, which ends with the question."""

from __future__ import annotations

import asyncio
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
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *python_command("-m", "ibtui", *arguments),
            env=python_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    )
    try:
        process = await asyncio.shield(starting)
        output, told = await process.communicate()
    except asyncio.CancelledError:
        process = await starting  # a process that is just being started would go on, and its pipes stay open
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
        raise
    assert process.returncode is not None
    lines = told.decode(errors="replace").strip().splitlines()
    said = lines[-1].removeprefix("ibtui: ") if lines else f"exit status {process.returncode}"
    return Answer(process.returncode, output, said)
