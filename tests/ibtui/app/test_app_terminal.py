"""The real program in a pseudo-terminal: it shows the chart, hears keys, and gives the terminal back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect
import pytest

PATIENCE = 60

WATCHED = """
import atexit, sys
file = sys.argv.pop(1)
atexit.register(lambda: open(file, "w").write("\\n".join(sys.modules)))
from ibtui.cli import main
main()
"""
"""The program; when it ends, the names of all modules it has imported go to a file."""


@pytest.fixture
def terminal(command_environment: Mapping[str, str], tmp_path: Path) -> Any:
    """Begin `ibtui` in a terminal of 40 rows and 120 columns."""

    def start(*arguments: str) -> Any:
        environment = dict(command_environment) | {"TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path / "state")}
        for name in ("NO_COLOR", "TEXTUAL", "FORCE_COLOR"):
            environment.pop(name, None)
        return pexpect.spawn(
            sys.executable,
            ["-c", WATCHED, str(tmp_path / "modules.txt"), *arguments],
            dimensions=(40, 120),
            env=environment,
            cwd=str(tmp_path),
            encoding="utf-8",
            timeout=PATIENCE,
        )

    return start


def test_a_session_in_a_terminal(terminal: Any, have: Any, directory: Path, tmp_path: Path) -> None:
    have("plain")
    program = terminal("open", "plain", "--sessions-dir", str(directory))
    program.expect_exact("\x1b[?1049h")  # the other screen
    program.expect("I\\(X;Y\\)")
    program.expect("40 of 40")
    program.send(",")
    program.expect("22 of 40")
    program.send("p")
    program.expect("3 networks")
    program.send("\t")
    program.expect("SNR|Gradients")
    program.send("q")
    program.expect("1 session")
    program.send("q")
    program.expect_exact("\x1b[?1049l")  # and back
    program.expect(pexpect.EOF)
    program.close()
    assert (program.exitstatus, program.signalstatus) == (0, None)
    modules = set((tmp_path / "modules.txt").read_text().splitlines())
    assert "textual" in modules
    assert not {"torch", "numba", "scipy", "llvmlite"} & modules


def test_ctrl_q_leaves_from_anywhere(terminal: Any, have: Any) -> None:
    have("plain")
    program = terminal()
    program.expect("1 session")
    program.send("\x11")
    program.expect_exact("\x1b[?1049l")
    program.expect(pexpect.EOF)
    program.close()
    assert program.exitstatus == 0


def test_what_cannot_be_opened_is_said_without_touching_the_terminal(terminal: Any, directory: Path) -> None:
    (directory / "broken.ibs").write_bytes(b"no session")
    program = terminal("open", "broken", "--sessions-dir", str(directory))
    program.expect(pexpect.EOF)
    program.close()
    assert program.exitstatus == 2
    assert "ibtui: " in program.before
    assert "\x1b[?1049h" not in program.before
