"""What shells complete, by the environment in which typer's scripts ask, and in bash itself."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pyte
import pytest

from ibtui.cli import completion, main
from ibtui.figures.registry import FIGURES
from ibtui_engine.maps.cells import judged
from ibtui_engine.maps.quantities import QUANTITIES
from ibtui_engine.presets import PRESETS
from ibtui_engine.settings import ESTIMATORS

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

EXAMPLES = [f"example-figure-{number}" for number in (2, 3, 4, 5, 8)]
HEAVY = {"torch", "numba", "numpy", "scipy", "textual", "plotext", "matplotlib"}


@pytest.fixture
def place(made: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory with the sessions that are made once."""
    monkeypatch.chdir(made.directory)
    monkeypatch.setenv("IBTUI_SESSIONS", made.environment["IBTUI_SESSIONS"])
    for name in ("COMP_WORDS", "COMP_CWORD", "_TYPER_COMPLETE_ARGS"):
        monkeypatch.delenv(name, raising=False)


def said(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """What the command tells a shell, in this process; that it leaves in peace."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["ibtui"])
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) as told, pytest.raises(SystemExit) as left:
        main()
    told.seek(0)
    assert left.value.code == 0
    return told.read()


def bash(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """The replies for the last of these words, as bash ends words."""
    environment = {"COMP_WORDS": "\n".join(("ibtui", *words)), "COMP_CWORD": str(len(words))}
    return said(monkeypatch, _IBTUI_COMPLETE="complete_bash", **environment).splitlines()


def test_names_that_are_known_here_are_those_of_the_engine() -> None:
    assert {key: one.by_layer for key, one in QUANTITIES.items()} == dict(completion.QUANTITIES)
    assert [claim.key for claim in judged()] == list(completion.CLAIMS)


@pytest.mark.usefixtures("place")
def test_bash_is_told_what_each_word_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = {
        ("op",): ["open"],
        ("open", ""): ["grid", "straight", *EXAMPLES],
        ("compare", "grid", "str"): ["straight"],
        ("resume", ""): ["grid", "straight"],
        ("open", "--sessions-dir", ".", "g"): [],
        ("figure", "3", "--session", "gr"): ["grid"],
        ("account", "example-figure-8", "gr"): ["grid"],
        ("run", ""): list(PRESETS),
        ("figure", ""): list(FIGURES),
        ("run", "--rule", "sym"): ["symmetric", "symmetric-soft"],
        ("run", "--activation", "s"): ["sigmoid", "softsign"],
        ("curve", "comm"): ["committee"],
        ("refine", "grid", "two"): ["two-phases"],
        ("map", "grid", "--show", "acc"): ["accuracy", "accuracy-inside"],
        ("estimators", "grid", "--estimator", ""): list(ESTIMATORS),
        ("export", "grid", "--what", ""): ["information", "gradients", "learning", "weights"],
        ("animate", "grid", "--theme", "d"): ["dark"],
        ("open", "grid", "more"): [],
    }
    assert {line: bash(monkeypatch, *line) for line in lines} == lines


@pytest.mark.usefixtures("place")
def test_axes_layers_and_values_are_those_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bash(monkeypatch, "map", "example-figure-5", "--x", "") == ["depth"]
    assert {"depth", "width", "batch"} <= set(bash(monkeypatch, "map", "nosuch", "--x", ""))
    assert bash(monkeypatch, "map", "example-figure-5", "--at", "depth", "=", "") == list("123456")
    assert bash(monkeypatch, "map", "example-figure-5", "--at", "nosuch", "=", "") == []
    layers = [*(f"T{layer}" for layer in range(1, 7)), "output"]
    assert bash(monkeypatch, "map", "example-figure-5", "--show", "lost", ":", "") == layers
    assert bash(monkeypatch, "map", "example-figure-5", "--show", "accuracy", ":", "") == []
    assert bash(monkeypatch, "map", "nosuch", "--show", "lost", ":", "") == []


@pytest.mark.usefixtures("place")
def test_what_bash_takes_apart_is_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bash(monkeypatch, "map", "grid", "--show", "verdict", ":", "two") == ["two-phases"]
    assert bash(monkeypatch, "map", "grid", "--show", "verdict", ":") == list(completion.CLAIMS)
    assert bash(monkeypatch, "map", "grid", "--show", "verdict:two") == ["verdict:two-phases"]
    assert bash(monkeypatch, "run", "--rule", "=", "comm") == ["committee"]
    assert bash(monkeypatch, "map", "example-figure-5", "--at", "=", "depth", "=", "3") == ["3"]


@pytest.mark.usefixtures("place")
def test_a_beginning_that_stands_alone_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bash would put a blank behind it."""
    assert bash(monkeypatch, "map", "grid", "--show", "verd")[:2] == ["verdict:dpi", "verdict:orbits"]
    assert bash(monkeypatch, "map", "example-figure-5", "--at", "de")[0] == "depth=1"
    assert bash(monkeypatch, "map", "grid", "--show", "los") == ["lost", "lost:"]


def test_files_are_those_that_a_command_reads(place: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/one.csv", "in/one.ibs", "in/one.toml", "in/two.md"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    assert bash(monkeypatch, "open", "./i") == ["./in/one.ibs"]
    assert bash(monkeypatch, "rule", "table", ":", "in/") == ["in/one.csv"]
    assert bash(monkeypatch, "run", "--rule", "tab") == ["table:in/one.csv"]
    assert bash(monkeypatch, "lesson", "in/") == ["in/one.toml"]


def test_names_with_blanks_are_one_word(place: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ten networks", "$HOME", "it's"):
        (tmp_path / f"{name}.ibs").touch()
    monkeypatch.setenv("IBTUI_SESSIONS", str(tmp_path))
    assert bash(monkeypatch, "open", "")[:3] == [r"\$HOME", r"it\'s", r"ten\ networks"]
    assert bash(monkeypatch, "open", r"ten\ n") == [r"ten\ networks"]
    assert bash(monkeypatch, "open", '"ten n') == ["ten networks"]


@pytest.mark.usefixtures("place")
def test_other_shells_are_told_what_a_word_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told = said(monkeypatch, _IBTUI_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="ibtui figure d")
    assert '"digits":"' in told
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    told = said(monkeypatch, _IBTUI_COMPLETE="complete_fish", _TYPER_COMPLETE_ARGS="ibtui open gr")
    assert told.split() == ["grid"]


@pytest.mark.parametrize("value", ["complete_bash", "complete_zsh", "complete_nosuch", "nosuch"])
def test_whatever_a_shell_asks_nothing_is_complained_of(
    value: str, place: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(monkeypatch, _IBTUI_COMPLETE=value, COMP_WORDS="ibtui\nopen\n", COMP_CWORD="x") == ""


def test_where_sessions_cannot_be_read_there_are_the_examples_or_nothing(
    place: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "damaged.ibs").write_text("no session")
    monkeypatch.setenv("IBTUI_SESSIONS", str(tmp_path))
    assert bash(monkeypatch, "open", "dam") == ["damaged"]
    assert "batch" in bash(monkeypatch, "map", "damaged", "--x", "b")
    monkeypatch.setenv("IBTUI_SESSIONS", str(tmp_path / "damaged.ibs"))
    assert bash(monkeypatch, "open", "") == []
    monkeypatch.setenv("IBTUI_SESSIONS", str(tmp_path / "nosuch"))
    assert bash(monkeypatch, "open", "") == EXAMPLES


LOADED = """
import json, os, sys
from ibtui.cli import main
found = {}
for line in json.loads(sys.argv[1]):
    words = ["ibtui", *line]
    os.environ |= {"_IBTUI_COMPLETE": "complete_bash", "COMP_WORDS": "\\n".join(words)}
    os.environ["COMP_CWORD"] = str(len(words) - 1)
    sys.argv = ["ibtui"]
    try:
        main()
    except SystemExit:
        pass
    found[" ".join(line)] = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps(found))
"""


def test_nobody_waits_for_numbers_nor_for_other_commands(made: Program) -> None:
    lines = [
        ["open", ""], ["map", "grid", "--x", ""], ["map", "grid", "--show", "lost", ":", ""], ["run", ""],
        ["figure", ""], ["refine", "grid", ""], ["run", "--rule", ""], ["map", "grid", "--at", ""], [""],
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(lines)],
        capture_output=True, text=True, cwd=made.directory, env=made.environment, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    assert {line: HEAVY & set(packages) for line, packages in found.items()} == {line: set() for line in found}
    assert len(found) == len(lines)


@pytest.mark.long
def test_bash_itself_completes(made: Program, tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    shutil.copy(Path(made.environment["IBTUI_SESSIONS"]) / "grid.ibs", tmp_path / "two words.ibs")
    program = tmp_path / "bin" / "ibtui"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m ibtui \"$@\"\n")
    program.chmod(0o755)
    place = {"PATH": f"{program.parent}:{made.environment['PATH']}"}
    place |= {"IBTUI_SESSIONS": str(tmp_path), "INPUTRC": os.devnull, "PS1": "> ", "TERM": "vt100"}
    shell = pexpect.spawn(
        "bash", ["--norc", "-i"], env=made.environment | place, cwd=str(made.directory), encoding="utf-8",
        dimensions=(24, 120),
    )  # fmt: skip
    screen = pyte.Screen(120, 24)
    stream = pyte.Stream(screen)

    def until(text: str) -> None:
        while text not in "\n".join(line.rstrip() for line in screen.display):
            stream.feed(shell.read_nonblocking(4096, timeout=20))

    shell.sendline('eval "$(ibtui --show-completion bash)"')
    shell.sendline("complete -p ibtui; echo se''t")
    until("\nset")
    for typed, wanted in {
        "ibtui open tw": r"ibtui open two\ words",
        'ibtui open "tw': 'ibtui open "two words"',
        "ibtui map x --show verdict:tw": "ibtui map x --show verdict:two-phases",
        "ibtui run --rule=comm": "ibtui run --rule=committee",
        "ibtui map example-figure-5 --x d": "ibtui map example-figure-5 --x depth",
    }.items():
        shell.send(f"{typed}\t")
        until(f"> {wanted}")
        shell.send("\x15")
    shell.close(force=True)
