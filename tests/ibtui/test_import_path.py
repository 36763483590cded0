"""Commands work in a directory full of someone else's modules, whatever those are called."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import ibtui
from ibtui.import_path import leave_out_current_directory

Command = Callable[..., subprocess.CompletedProcess[str]]
KNOWN = {"engine", "json", "torch", "numpy", "numba", "scipy", "rich", "typer", "textual", "ibtui_engine", "sqlite3"}
LINES = (("list", "--examples"), ("show", "example-figure-3", "--json"))
STRANGE = "import os; os.write(2, b'someone else'); os._exit(99)"


@pytest.fixture
def command(tmp_path: Path, command_environment: Mapping[str, str]) -> Command:
    """Run a command line in a directory of the test's own, with `PYTHONPATH` as given."""
    directory = tmp_path / "here"
    directory.mkdir()

    def run(*line: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in command_environment.items() if key != "PYTHONSAFEPATH"}
        if path is not None:
            kept = environment.get("PYTHONPATH")
            environment["PYTHONPATH"] = os.pathsep.join([path, *([kept] if kept else ["/no/such/directory"])])
        return subprocess.run(
            line, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def loaded(done: subprocess.CompletedProcess[str]) -> set[str]:
    """The top-level modules that Python has imported, by its own account (`-X importtime`)."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def crowd(directory: Path, names: set[str]) -> None:
    for name in names:
        (directory / f"{name}.py").write_text(STRANGE)
    (directory / "engine").mkdir()
    (directory / "engine" / "__init__.py").write_text(STRANGE)


@pytest.mark.long
@pytest.mark.parametrize("path", [None, "", "."])
def test_python_m_imports_nothing_from_the_current_directory(
    tmp_path: Path, command: Command, path: str | None
) -> None:
    """Nothing that it would come to import: what Python itself needs before that cannot be helped."""
    (tmp_path / "here" / "probe.py").touch()
    before = loaded(command(sys.executable, "-X", "importtime", "-m", "probe", path=path))
    assert "runpy" in before
    names = set(KNOWN)
    for line in LINES:
        names |= loaded(command(sys.executable, "-X", "importtime", "-m", "ibtui", *line))
    crowd(tmp_path / "here", {name for name in names if name.isidentifier()} - before - {"ibtui"})
    assert command(sys.executable, "-c", "import json").returncode == 99, "they would be imported"
    for line in LINES:
        done = command(sys.executable, "-m", "ibtui", *line, path=path)
        assert (done.returncode, done.stderr) == (0, ""), line


@pytest.mark.parametrize(
    "safe", [pytest.param(True, id="python -P -m ibtui", marks=pytest.mark.long), pytest.param(False, id="ibtui")]
)
def test_the_command_minds_no_name_at_all(tmp_path: Path, command: Command, safe: bool) -> None:
    """Not even its own, or one that Python itself needs."""
    script = Path(sysconfig.get_path("scripts"), "ibtui")
    start = [sys.executable, "-P", "-m", "ibtui"] if safe else [str(script)]
    if not safe and not script.exists():
        pytest.skip("the command is not installed")
    crowd(tmp_path / "here", {*KNOWN, "ibtui", *sys.stdlib_module_names} - {"__main__"})
    for line in LINES:
        done = command(*start, *line)
        assert (done.returncode, done.stderr) == (0, ""), line


@pytest.mark.long
def test_the_command_leaves_relative_places_of_pythonpath_out(tmp_path: Path, command: Command) -> None:
    script = Path(sysconfig.get_path("scripts"), "ibtui")
    if not script.exists():
        pytest.skip("the command is not installed")
    crowd(tmp_path / "here", {*KNOWN, "typing", "signal", "tomllib"})
    for path in ("", "."):
        done = command(str(script), "list", "--examples", path=path)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_package_in_the_current_directory_is_found_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = Path(ibtui.__file__).resolve().parents[1]
    for here, expected in ((tmp_path, ["/a", "/b"]), (own, ["/a", "/b", str(own)])):
        for entry in ("", ".", str(here)):
            monkeypatch.chdir(here)
            monkeypatch.setattr(sys, "path", ["/a", entry, "/b"])
            leave_out_current_directory()
            assert sys.path == expected


def test_a_current_directory_that_is_deleted_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "path", ["", "/a"])
    leave_out_current_directory()
    assert "/a" in sys.path
