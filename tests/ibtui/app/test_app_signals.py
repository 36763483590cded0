"""The app as a job of a shell, in a pseudo-terminal: odd bytes, signals, suspending, crashes."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pexpect
import psutil
import pyte
import pytest

from ibtui.terminal import RESTORE, TerminalDecoder
from tests.tiers import first

PATIENCE = 60
PROMPT = "ready> "
SIZE = (30, 100)

CRASHING = """
from ibtui.app import IbtuiApp
def crash(self):
    raise RuntimeError("crashed on purpose")
IbtuiApp.action_help = crash
from ibtui.cli import main
main()
"""


class Shell:
    """An interactive bash, with what is on its screen."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.process = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile", "--noediting", "-i"],
            dimensions=SIZE,
            env=dict(environment) | {"PS1": PROMPT, "TERM": "xterm-256color"},
            cwd=str(folder),
            timeout=PATIENCE,
        )
        self.screen = pyte.Screen(SIZE[1], SIZE[0])
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""

    def send(self, keys: str | bytes) -> None:
        self.process.send(keys)

    def run(self, command: str) -> None:
        self.written = b""
        self.send(command + "\n")

    def until_prompt(self) -> None:
        """Until the shell is ready for another command after the one that was run."""
        self.until(lambda: PROMPT.encode() in self.written)

    def until(self, condition: Callable[[], bool]) -> None:
        """Read what is written until something holds, and nothing more comes for a moment."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                data = self.process.read_nonblocking(1 << 16, timeout=0.3)
            except pexpect.TIMEOUT:
                if condition():
                    return
            else:
                self.written += data
                self._stream.feed(data)
        raise TimeoutError("\n".join(self.screen.display))

    def until_shown(self, text: str) -> None:
        self.until(lambda: text in "\n".join(self.screen.display))

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    def answer(self, command: str) -> str:
        """The one line that a command of the shell prints."""
        mark = f"end-{time.monotonic_ns()}"
        self.screen.reset()
        self.run(f"{command}; echo {mark[:4]}''{mark[4:]}")
        self.until_shown(mark)
        lines = self.lines()
        return lines[lines.index(mark) - 1].removeprefix(PROMPT)

    def job(self) -> psutil.Process:
        """The app."""
        [child] = psutil.Process(self.process.pid).children()
        return child


@pytest.fixture
def shell(command_environment: Mapping[str, str], tmp_path: Path) -> Iterator[Shell]:
    kept = {k: v for k, v in command_environment.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TEXTUAL")}
    begun = Shell(kept | {"XDG_STATE_HOME": str(tmp_path / "state")}, tmp_path)
    begun.until_shown(PROMPT.strip())
    yield begun
    with suppress(psutil.NoSuchProcess):  # closing the terminal has ended it
        for process in (*psutil.Process(begun.process.pid).children(recursive=True), psutil.Process(begun.process.pid)):
            process.kill()
    if not begun.process.closed:
        begun.process.close(force=True)


APP = f"{sys.executable} -m ibtui"
LIBRARY = "no sessions of yours yet"
EXAMPLES = 5
"""Sessions in the library of somebody who has none."""


@pytest.mark.long
def test_bytes_that_are_no_text_are_ignored(shell: Shell) -> None:
    """Mouse reports in the manner of X10, whole and in pieces, a key in Latin-1, and what is no character at all."""
    shell.run(APP)
    shell.until_shown(LIBRARY)
    whole = (b"\x1b[M \xf0\x80", b"\xe9", b"\xff\xfe\x80", b"\x1b[M\xe9nn")
    in_pieces = (b"\x1b[M", b"#\xffq", b"\x1b[M#", b"qq")
    for data in (*whole, *in_pieces):
        shell.send(data)
        time.sleep(0.15)
    shell.send("?")
    shell.until_shown("type to search")
    shell.send("\x11")
    shell.until_prompt()
    assert shell.answer("echo status $?") == "status 0"


@pytest.mark.parametrize("number", first(1, [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]))
def test_a_signal_ends_the_app_and_the_terminal_is_as_before(shell: Shell, number: int) -> None:
    before = shell.answer("stty -g")
    shell.run(APP)
    shell.until_shown(LIBRARY)
    shell.job().send_signal(number)
    shell.until_prompt()
    ending = shell.written.rpartition(b"\x1b[?1049h")[2]
    assert shell.answer("echo status $?") == f"status {128 + number}"
    for code in (b"?1000l", b"?1003l", b"?1049l", b"?25h"):
        assert b"\x1b[" + code in ending
    assert shell.answer("stty -g") == before
    assert b"Traceback" not in ending


@pytest.mark.long
def test_what_is_restored_is_all_that_is_set(shell: Shell) -> None:
    """A second signal ends the app at once, with a list of its own of what to undo."""
    shell.run(APP)
    shell.until_shown(LIBRARY)
    for mode in set(re.findall(rb"\x1b\[\?(\d+)h", shell.written)) - {b"2026", b"2048", b"1016", b"25", b"7"}:
        assert b"\x1b[?" + mode + b"l" in RESTORE
    shell.send("\x11")
    shell.until_prompt()


@pytest.mark.long
@pytest.mark.parametrize("ignored", [False, True])
def test_a_terminal_that_is_closed_ends_the_app(shell: Shell, ignored: bool) -> None:
    """Also where nobody tells it so."""
    shell.run(f"trap '' HUP; {APP}" if ignored else APP)
    shell.until_shown(LIBRARY)
    job = shell.job()
    os.close(shell.process.child_fd)
    shell.process.closed = True
    job.wait(PATIENCE)


@pytest.mark.long
def test_ctrl_z_suspends_and_fg_goes_on(shell: Shell) -> None:
    before = shell.answer("stty -g")
    shell.run(APP)
    shell.until_shown("? Help")  # the last line, which comes last
    shell.until(lambda: "\n".join(shell.lines()).count("%") >= EXAMPLES)  # results, which are worked out
    shown = shell.lines()
    shell.screen.reset()
    shell.send("\x1a")
    shell.until_prompt()
    assert b"Stopped" in shell.written
    assert shell.answer("stty -g") == before
    shell.screen.reset()
    shell.run("fg")
    shell.until_shown(LIBRARY)
    assert shell.lines() == shown
    shell.send("?")
    shell.until_shown("type to search")
    shell.send("\x1a")
    shell.until_prompt()
    shell.run("bg")
    shell.until_prompt()
    shell.screen.reset()
    shell.run("fg")
    shell.until_shown("type to search")
    shell.send("\x11")
    shell.until_prompt()
    assert shell.answer("stty -g") == before


@pytest.mark.long
def test_stopped_from_outside_it_goes_on_with_the_terminal_as_it_needs_it(shell: Shell) -> None:
    before = shell.answer("stty -g")
    shell.run(APP)
    shell.until_shown(LIBRARY)
    shell.job().send_signal(signal.SIGSTOP)
    shell.until_prompt()
    shell.screen.reset()
    shell.run("fg")
    shell.until_shown(LIBRARY)
    shell.send("?")
    shell.until_shown("type to search")
    shell.send("\x11")
    shell.until_prompt()
    assert shell.answer("echo status $?") == "status 0"
    assert shell.answer("stty -g") == before


def test_where_no_shell_could_end_the_stop_there_is_none(
    command_environment: Mapping[str, str], tmp_path: Path
) -> None:
    """As in a terminal that was opened for the app alone."""
    program = pexpect.spawn(
        sys.executable,
        ["-m", "ibtui"],
        dimensions=SIZE,
        env=dict(command_environment) | {"TERM": "xterm-256color"},
        cwd=str(tmp_path),
        timeout=PATIENCE,
    )
    program.expect(LIBRARY)
    program.send("\x1a")
    program.expect_exact("\x1b[?1049h")
    program.expect(LIBRARY)
    program.send("\x11")
    program.expect(pexpect.EOF)
    program.close()
    assert program.exitstatus == 0


@pytest.mark.long
def test_after_a_crash_the_exit_status_says_so(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING)
    before = shell.answer("stty -g")
    shell.run(f"IBTUI_LOG=it.log {sys.executable} crashing.py")
    shell.until_shown(LIBRARY)
    shell.send("?")
    shell.until_prompt()
    assert b"crashed on purpose" in shell.written
    log = (tmp_path / "it.log").read_text(encoding="utf-8")
    assert re.search(r"CRITICAL .*the app has crashed\n    Traceback", log)
    assert "    RuntimeError: crashed on purpose\n" in log
    assert shell.answer("echo status $?") == "status 1"
    assert shell.answer("stty -g") == before


@pytest.mark.parametrize("arguments", first(1, ["", "open"]))
@pytest.mark.parametrize(("stream", "redirection"), [("stderr", "2>log"), ("stdin", "</dev/null")])
def test_without_a_terminal_there_is_one_line(
    shell: Shell, tmp_path: Path, arguments: str, stream: str, redirection: str
) -> None:
    if not arguments and stream == "stdin":
        arguments = "open"  # without arguments, and without a terminal, `ibtui` prints its help
    shell.run(f"{APP} {arguments} {redirection} 2>log")
    shell.until_prompt()
    assert shell.answer("echo status $?") == "status 2"
    assert (tmp_path / "log").read_text() == (
        f"ibtui: the app needs a terminal, but {stream} is not one: here, use ibtui show SESSION\n"
    )
    assert b"\x1b[?1049h" not in shell.written


def test_reports_of_the_mouse_are_left_out_wherever_they_are_cut() -> None:
    data = "aé漢".encode() + b"\x1b[M \xf0\x80" + "bé".encode() + b"\x1b[M\x1b[M" + b"\xe9" + b"c\x1b[A\x1b"
    for cut in range(len(data) + 1):
        decoder = TerminalDecoder()
        text = decoder.decode(data[:cut]) + decoder.decode(data[cut:])
        in_the_mark = any(data[cut - k : cut + 3 - k] == b"\x1b[M" for k in (1, 2))
        assert text == "aé漢béc\x1b[A\x1b" or in_the_mark
