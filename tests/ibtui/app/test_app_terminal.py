"""The real program in a pseudo-terminal: it shows the chart, hears keys, and gives the terminal back."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

from ibtui_engine.session.summary import read_summary

PATIENCE = 60

Painted = list[list[tuple[str, str, str]]]
"""Each cell of a terminal: its character and its two colours."""

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
    """Begin `ibtui` in a terminal of 40 rows and 120 columns, or of others."""

    def start(*arguments: str, size: tuple[int, int] = (40, 120)) -> Any:
        environment = dict(command_environment) | {"TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path / "state")}
        for name in ("NO_COLOR", "TEXTUAL", "FORCE_COLOR"):
            environment.pop(name, None)
        return pexpect.spawn(
            sys.executable,
            ["-c", WATCHED, str(tmp_path / "modules.txt"), *arguments],
            dimensions=size,
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


@pytest.mark.long
def test_what_is_painted_piece_by_piece_is_as_if_painted_at_once(terminal: Any, have: Any) -> None:
    """A step of the playhead, and of a cross-hair, paints no more than what has changed."""
    have("plain")
    program = terminal("open", "plain", size=(60, 200))
    screen = pyte.Screen(200, 60)
    stream = pyte.Stream(screen)

    def shown(text: str, keys: str = "", unlike: Painted | None = None) -> Painted:
        """Press keys; what is on the terminal when the text is there, it is not as before, and nothing more comes."""
        program.send(keys)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                stream.feed(program.read_nonblocking(1 << 16, timeout=0.5))
            except pexpect.TIMEOUT:
                rows = (screen.buffer[row] for row in range(screen.lines))
                painted = [[row[column][:3] for column in range(screen.columns)] for row in rows]
                if painted != unlike and text in "\n".join(screen.display):
                    return painted
        raise TimeoutError(f"{text!r} was not shown")

    def at_once(text: str) -> Painted:
        """The same, painted anew: what two changes of the theme end in."""
        light = shown(text, "\x14", unlike=shown(text))
        return shown(text, "\x14", unlike=light)

    first = shown("40 of 40")
    back = shown("22 of 40", ",")
    assert back != first
    assert back == at_once("22 of 40")
    again = shown("40 of 40", ".")  # a column of the tables may have become wider, and stays so
    assert again == at_once("40 of 40") != back
    cross = shown("40 of 40", "\t\x1b[C\x1b[C\x1b[A", unlike=again)  # to the gradients
    assert cross == at_once("40 of 40") != again
    moved = shown("22 of 40", "\x1b[D\x1b[B\x1b[B,")
    assert moved == at_once("22 of 40") != back
    program.send("\x11")
    program.expect(pexpect.EOF)


@pytest.mark.long
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


def leave(program: Any, *keys: str) -> None:
    for key in keys:
        program.send(key)
    program.expect(pexpect.EOF)
    program.close()
    assert (program.exitstatus, program.signalstatus) == (0, None)


@pytest.mark.long
def test_from_nothing_to_a_run_that_is_watched_and_replayed(terminal: Any, directory: Path) -> None:
    program = terminal()
    program.expect("no sessions of yours yet")
    program.send("n")
    program.expect("New experiment")
    program.expect("about .* on this machine")
    program.send("\x13")
    program.expect("epoch [2-9]: drift", timeout=4 * PATIENCE)  # it stands behind all other work
    program.send("S")
    program.expect("run: stopped")
    leave(program, "q", "q")
    [path] = directory.glob("*.ibs")
    last = read_summary(path).ensembles[0].snapshots[-1]
    program = terminal("open", path.stem)
    program.send("\x1b[F")  # end
    program.expect(f"{last} of 4000")
    program.send("\x1b[H")  # home
    program.expect(" 0 of 4000")
    program.send(">" * 4 + " ")
    program.expect("play")
    program.expect(f"{last} of 4000")
    leave(program, "q", "q")


@pytest.fixture
def endless(command_environment: Mapping[str, str], tmp_path: Path) -> Iterator[Any]:
    """A run of the command in the background that does not end by itself; killed when the test ends."""
    settings = ("--networks", "2", "--hidden", "4-3", "--epochs", "9000000", "--snapshots", "60", "--threads", "1")
    command = [sys.executable, "-m", "ibtui", "run", *settings, "--name", "endless", "--quiet"]
    process = subprocess.Popen(command, env=dict(command_environment), cwd=tmp_path, stdout=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.long
def test_two_apps_and_a_command_agree_and_neither_app_matters_to_the_run(
    terminal: Any, endless: Any, ibtui: Any, directory: Path
) -> None:
    path = directory / "endless.ibs"
    until(lambda: path.exists() and read_summary(path).epochs_done > 2000)
    apps = [terminal("open", "endless", size=(60, 200)) for _ in range(2)]
    for app in apps:
        app.expect("run: running")
    assert ibtui("pause", "endless").returncode == 0
    for app in apps:
        app.expect("run: paused")
    shown = json.loads(ibtui("show", "endless", "--json").stdout)
    [ensemble] = shown["ensembles"]
    third = terminal("open", "endless", size=(60, 200))  # paints all at once what the others have painted bit by bit
    for layer in ensemble["layers"]:
        third.expect_exact(f" {layer['i_x_mean']:.3f} ±")
        third.expect_exact(f" {layer['i_y_mean']:.3f} ±")
    for app in apps:
        app.send("\x1b[H")
        app.expect("epoch +0 of")
        app.send("\x1b[F")
        app.expect("LIVE")
        app.expect(f"epoch +{ensemble['epoch']} of 9000000")

    apps[0].kill(signal.SIGKILL)
    apps[1].send("R")
    apps[1].expect("run: running")
    before = read_summary(path).epochs_done
    until(lambda: read_summary(path).epochs_done > before)
    endless.send_signal(signal.SIGKILL)
    for app in (apps[1], third):
        app.expect("run: interrupted")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_settings_with_unknown_keys_are_refused_in_one_line(
    terminal: Any, command_environment: Mapping[str, str]
) -> None:
    file = Path(command_environment["XDG_CONFIG_HOME"]) / "ibtui" / "config.toml"
    file.parent.mkdir(parents=True)
    for text, reason in (
        ('"session.fly" = "x"', "keys.session.fly in the settings is unknown: ibtui config keys"),
        ('"session.play" = "nosuchkey"', "got 'nosuchkey'"),
    ):
        file.write_text(f"[keys]\n{text}\n")
        program = terminal()
        program.expect(pexpect.EOF)
        program.close()
        assert program.exitstatus == 2
        assert reason in program.before
        assert len(program.before.strip().splitlines()) == 1
