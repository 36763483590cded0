"""The command on a terminal: a bar that moves, Ctrl+C once and twice, colours that can be refused."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

pexpect = pytest.importorskip("pexpect", reason="there are no pseudo-terminals on this platform")

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

COLOURS = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
PATIENCE = 60

Spawn = Callable[..., "pexpect.spawn"]


@pytest.fixture
def terminal(program: Program) -> Iterator[Spawn]:
    """Run the command on a terminal of 100 x 40."""
    children = []

    def spawn(*arguments: str, **variables: str) -> pexpect.spawn:
        command = program.command(*arguments)
        child = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(program.directory),
            env=program.environment | variables,  # type: ignore[arg-type]
            dimensions=(40, 100),
            encoding="utf-8",
            codec_errors="replace",  # the terminal's own ^C may come in the middle of a character
            timeout=PATIENCE,
        )
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def everything(child: pexpect.spawn) -> str:
    """All that the command writes until it ends."""
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before)


def text_of(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


@pytest.mark.long
def test_the_bar_moves_and_makes_room_for_the_report(program: Program, terminal: Spawn) -> None:
    child = terminal("run", "--name", "it", *program.LONG)
    seen = []
    for _ in range(3):
        child.expect(r"epoch (\d+)/4000  \d+ epochs/s")
        seen.append(int(child.match[1]))
    assert len(set(seen)) > 1
    rest = everything(child)
    assert child.exitstatus == 0
    assert rest.count(SHOW_CURSOR) == 1, "the cursor is back"
    report = rest[rest.index(SHOW_CURSOR) :]
    assert "epochs/s" not in report
    assert "Information plane" in text_of(report)
    assert "saved as" in report
    assert COLOURS.search(report)


def test_ctrl_c_once_stops_cleanly_and_says_how_to_go_on(program: Program, terminal: Spawn) -> None:
    child = terminal("run", "--name", "it", *program.ENDLESS)
    child.expect("epochs/s")
    child.sendintr()
    child.expect("stopping cleanly; Ctrl\\+C again stops at once")
    rest = everything(child)
    assert child.exitstatus == 128 + signal.SIGINT
    assert re.search(r"stopped at epoch \d+ of 10000000", text_of(rest))
    assert "resume it with: ibtui resume it" in text_of(rest)
    assert SHOW_CURSOR in rest
    assert program.status("it") == "stopped"
    program.require_whole("it")


@pytest.mark.long
def test_ctrl_c_twice_stops_at_once_and_gives_the_cursor_back(program: Program, terminal: Spawn) -> None:
    child = terminal("run", "--name", "slow", *program.LONG_EPOCH)
    child.expect(re.escape(HIDE_CURSOR))
    program.deep_in_an_epoch("slow", child.pid)
    child.sendintr()
    child.expect("stopping cleanly", timeout=10)
    child.sendintr()
    rest = everything(child)
    assert child.signalstatus == signal.SIGINT
    assert rest.rstrip().endswith(SHOW_CURSOR)
    assert "go on with" not in rest
    assert program.epoch("slow") == 0, "it did not wait for the epoch"
    program.require_whole("slow")


@pytest.mark.long
def test_a_terminal_that_is_closed_stops_the_run_cleanly(program: Program, terminal: Spawn) -> None:
    child = terminal("run", "--name", "it", *program.ENDLESS)
    child.expect("epochs/s")
    child.close(force=False)  # hangs up
    assert program.until(lambda: program.status("it") == "stopped")
    assert program.until(lambda: [file.name for file in program.sessions.iterdir()] == ["it.ibs"])
    program.require_whole("it")


@pytest.mark.long
def test_quiet_on_a_terminal_is_quiet(program: Program, terminal: Spawn) -> None:
    child = terminal("run", "-q", "--json", "--name", "it", *program.SHORT)
    shown = everything(child)
    assert child.exitstatus == 0
    assert shown.startswith("{")
    assert "\x1b" not in shown


@pytest.mark.long
def test_no_color_is_heeded(made: Program, terminal: Spawn) -> None:
    for arguments in (["show", str(made.path("grid"))], ["list", "--sessions-dir", str(made.sessions)], ["presets"]):
        plain = everything(terminal(*arguments, NO_COLOR="1"))
        assert not COLOURS.search(plain)
        assert "\x1b[38" not in plain
    coloured = everything(terminal("show", str(made.path("grid"))))
    assert COLOURS.search(coloured)


def test_npz_is_not_poured_into_a_terminal(made: Program, terminal: Spawn) -> None:
    child = terminal("export", str(made.path("straight")), "--what", "weights", "--ensemble", "0")
    shown = everything(child)
    assert child.exitstatus == 2
    assert shown == "ibtui: npz is binary and stdout is a terminal: name a file with -o FILE.npz\r\n"


def test_refusals_on_a_terminal_are_one_plain_line(terminal: Spawn) -> None:
    child = terminal("run", "--epochs", "x")
    shown = everything(child)
    assert child.exitstatus == 2
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


@pytest.mark.long
def test_a_narrow_terminal_is_no_obstacle(made: Program, terminal: Spawn) -> None:
    for columns in ("20", "40"):
        child = terminal("show", str(made.path("grid")), COLUMNS=columns, LINES="10")
        shown = everything(child)
        assert child.exitstatus == 0, shown
        assert "Traceback" not in shown


@pytest.mark.long
def test_what_a_terminal_is_sent_is_utf_8(made: Program, terminal: Spawn) -> None:
    assert "±" in everything(terminal("show", str(made.path("grid"))))
    assert sys.getdefaultencoding() == "utf-8"
