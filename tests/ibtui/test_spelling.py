"""Where a terminal or an encoding lacks characters, stand-ins in ASCII are written: `+-`, never an escape code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ibtui
import ibtui_engine
from ibtui.charts.lettering import columns
from ibtui.spelling import encodable, in_cells, register, spell

register()


def characters() -> set[str]:
    """Every character beyond ASCII in a text of either package, docstrings aside."""
    found: set[str] = set()
    for package in (ibtui, ibtui_engine):
        for source in Path(package.__file__).parent.rglob("*.py"):
            tree = ast.parse(source.read_text(encoding="utf-8"))
            told = {
                id(node.value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                    found |= {c for c in node.value if not c.isascii()}
    return found


def test_every_character_that_is_written_has_a_stand_in() -> None:
    written = characters()
    assert "±" in written
    for character in written:
        spelt = spell(character)
        assert spelt.isascii()
        assert spelt.isprintable()
        assert "?" not in spelt, unicodedata.name(character)
        assert "\\" not in encodable(character, "ascii")


def test_a_spread_is_spelt_with_two_characters() -> None:
    assert spell("1.2 ± 0.3, −1 … Überblick") == "1.2 +- 0.3, -1 ... Uberblick"
    assert encodable("1 ± 2 – 漢", "latin-1") == "1 ± 2 - \\u6f22"
    assert "±→".encode("ascii", "ibtui.spelled") == b"+-->"


@given(st.text())
def test_what_is_laid_out_stays_as_wide(text: str) -> None:
    laid_out = "".join(c for c in text if c.isprintable() and unicodedata.category(c) not in ("Cf", "Mn", "Mc", "Me"))
    assert in_cells(laid_out).isascii()
    assert len(in_cells(laid_out)) == len(columns(laid_out))


@pytest.fixture
def in_ascii(command_environment: Mapping[str, str], tmp_path: Path) -> Any:
    """Run a command whose stdout takes ASCII alone."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ibtui", *arguments],
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env=dict(command_environment) | {"PYTHONIOENCODING": "ascii"},
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )

    return run


COMMANDS = [
    ("presets",),
    ("rule", "committee"),
    ("list", "--examples"),
    ("show", "example-figure-3"),
    ("phases", "example-figure-3"),
    ("run", "--help"),
    ("remeasure", "--help"),
    ("config", "keys"),
]


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_write_nothing_but_ascii_where_there_is_nothing_else(in_ascii: Any, command: tuple[str, ...]) -> None:
    done = in_ascii(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert not re.search(r"\\(x|u|U)[0-9a-f]{2}", done.stdout)


def test_columns_stay_in_line_where_a_stand_in_is_wider(in_ascii: Any) -> None:
    done = in_ascii("show", "example-figure-3").stdout
    lines = done.splitlines()
    head = next(k for k, line in enumerate(lines) if line.lstrip().startswith("layer"))
    column = re.search(r"I\(T;Y\) bits \+- sd", lines[head])
    assert column is not None
    for row in lines[head + 1 : head + 7]:
        (_, i_y) = list(re.finditer(r"\S+ \+- \S+", row))[:2]
        assert i_y.end() == column.end(), done


@pytest.mark.long
def test_the_app_writes_nothing_but_ascii_where_there_is_nothing_else(
    command_environment: Mapping[str, str], tmp_path: Path
) -> None:
    environment = dict(command_environment) | {"TERM": "xterm-256color", "PYTHONIOENCODING": "ascii"}
    program = pexpect.spawn(
        sys.executable,
        ["-m", "ibtui", "open", "example-figure-3"],
        dimensions=(40, 180),
        env=environment | {"XDG_STATE_HOME": str(tmp_path / "state")},
        cwd=str(tmp_path),
        timeout=120,
    )
    written = b""
    for keys, shown in (("", rb"\+- "), ("?", rb"another\s+process"), ("\x1b", b"Gradients"), ("\x11", pexpect.EOF)):
        program.send(keys)
        program.expect(shown)
        written += program.before + (program.after if isinstance(program.after, bytes) else b"")
    program.close()
    assert program.exitstatus == 0
    assert written.isascii()
    assert b"?1049l" in written
