"""Speaking with commands: lines come in their order, the end is told once, nothing is left of one that is closed."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from typing import Any

import psutil
import pytest

from ibtui.commands import Companion, lines_of, run_python, telling
from ibtui.last_words import last_line

ECHO = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
PATIENCE = 30.0


def children() -> set[int]:
    """Processes that this one has started and that have not ended."""
    return {child.pid for child in psutil.Process().children()}


class Heard:
    """A companion with what it has said."""

    def __init__(self, code: str, **options: Any) -> None:
        self.lines: list[bytes] = []
        self.ends: list[tuple[int, str]] = []
        self.companion = Companion("-c", code, read=bytes, heard=self.lines.append, ended=self._ended, **options)

    def _ended(self, status: int, said: str) -> None:
        self.ends.append((status, said))

    async def until(self, lines: int, ends: int) -> None:
        end = asyncio.get_running_loop().time() + PATIENCE
        while (len(self.lines), len(self.ends)) != (lines, ends):
            assert asyncio.get_running_loop().time() < end, (self.lines, self.ends)
            await asyncio.sleep(0.01)


def test_what_is_said_is_answered_line_by_line_until_it_is_closed() -> None:
    async def go() -> None:
        heard = Heard(ECHO)
        heard.companion.say({"a": 1})
        await heard.until(1, 0)
        heard.companion.say({"b": "é"})
        await heard.until(2, 0)
        assert heard.lines == [b'{"a": 1}\n', b'{"b": "\\u00e9"}\n']
        heard.companion.close()
        await asyncio.sleep(0.1)
        assert heard.ends == []
        heard.companion.say({"c": 1})  # to nobody

    before = children()
    asyncio.run(go())
    assert not [thread for thread in threading.enumerate() if thread.name == "companion"]
    assert children() <= before


def test_an_end_of_its_own_is_told_after_the_last_line() -> None:
    async def go() -> None:
        code = "import sys; print('x'); print('ibtui: it is so', file=sys.stderr); sys.exit(2)"
        heard = Heard(code, given=b"")
        await heard.until(1, 1)
        ((status, said),) = heard.ends
        assert (status, last_line(said, status)) == (2, "it is so")

    asyncio.run(go())
    assert last_line("", 3) == "exit status 3"


def test_a_line_that_cannot_be_read_is_passed_over() -> None:
    def read(line: bytes) -> int:
        return int(line)

    async def go() -> list[int]:
        found: list[int] = []
        ended = asyncio.Event()
        Companion("-c", "print('1\\nx\\n2')", read=read, heard=found.append, ended=lambda *_: ended.set(), given=b"")
        await asyncio.wait_for(ended.wait(), PATIENCE)
        return found

    assert asyncio.run(go()) == [1, 2]


@pytest.mark.long
def test_a_child_that_keeps_the_pipes_open_holds_nobody_up() -> None:
    """A process that is ended may have started another, which has its pipes and goes on."""
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)']); " + (
        "print('begun', flush=True); sys.stdin.read()"
    )

    async def go() -> float:
        heard = Heard(code)
        await heard.until(1, 0)
        began = asyncio.get_running_loop().time()
        heard.companion.close()
        return asyncio.get_running_loop().time() - began

    grandchildren = {child.pid for child in psutil.Process().children(recursive=True)}
    assert asyncio.run(go()) < 10
    for process in psutil.process_iter(["cmdline"]):
        if process.pid not in grandchildren and "import time; time.sleep(20)" in (process.info["cmdline"] or []):
            process.kill()


def test_whoever_waits_no_longer_ends_a_command() -> None:
    async def go() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_python("-c", "import time; time.sleep(60)"), 0.3)

    before = children()
    asyncio.run(go())
    end = time.monotonic() + PATIENCE
    while not children() <= before:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_output_comes_whole_or_line_by_line() -> None:
    async def go() -> None:
        code = "import sys; given = sys.stdin.buffer.read(); sys.stdout.buffer.write(given or bytes(range(256)))"
        code += "; print('e', file=sys.stderr)"
        assert await run_python("-c", code) == (0, bytes(range(256)), "e\n")
        assert [line async for line in lines_of("-c", code, given=b"a\nb\n")] == [b"a\n", b"b\n"]

    asyncio.run(go())


def test_what_a_thread_tells_is_taken_in_the_context_of_whoever_listens() -> None:
    """Textual finds its app by it: without it, a timer that is set then never rings."""
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")

    async def go() -> list[str]:
        who.set("the app")
        tell, found = telling(), asyncio.Queue[str]()
        threading.Thread(target=lambda: tell(lambda: found.put_nowait(who.get()))).start()
        return [await asyncio.wait_for(found.get(), PATIENCE)]

    assert asyncio.run(go()) == ["the app"]
