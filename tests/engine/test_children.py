"""Python processes started beside this one import what this one does, and nothing from the current directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ibtui
import ibtui_engine
from ibtui_engine.children import python_command, python_environment
from tests.tiers import first

NAMESAKES = ("engine", "json", "torch", "numpy", "numba", "ibtui", "ibtui_engine", "sitecustomize", "usercustomize")
PACKAGES = (Path(ibtui_engine.__file__).parent, Path(ibtui.__file__).parent)

IMPORT_ALL = "import json, ibtui, ibtui_engine.compiled, numpy, torch, numba; print(ibtui.__file__)"


@pytest.fixture
def crowded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, full of someone else's modules of known names: each would end the process."""
    place = tmp_path / "crowded"
    place.mkdir()
    for name in NAMESAKES:
        (place / f"{name}.py").write_text("import os; os.write(2, b'someone else\\'s'); os._exit(99)")
    monkeypatch.chdir(place)
    return place


def child(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        python_command(*arguments), env=python_environment(), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    "entry", ["", *(pytest.param(e, marks=pytest.mark.long) for e in (None, ".", "absolute", "link"))]
)
@pytest.mark.parametrize("arguments", first(1, [("-m", "ibtui", "presets"), ("-c", IMPORT_ALL)]), ids=["-m", "-c"])
def test_nothing_is_imported_from_the_current_directory(
    crowded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str | None, arguments: tuple[str, ...]
) -> None:
    """However it has come onto the path of this process, and into `PYTHONPATH`."""
    (tmp_path / "link").symlink_to(crowded)
    if entry is not None:
        written = {"absolute": str(crowded), "link": str(tmp_path / "link")}.get(entry, entry)
        monkeypatch.setattr(sys, "path", [written, *sys.path])
        monkeypatch.setenv(
            "PYTHONPATH", os.pathsep.join((written, *os.environ.get("PYTHONPATH", "").split(os.pathsep)))
        )
    done = child(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    if arguments[0] == "-c":
        assert Path(done.stdout.strip()) == Path(ibtui.__file__)


def test_the_namesakes_would_be_picked_up(crowded: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import numpy"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 99


def test_places_that_only_this_process_knows_are_handed_over(
    crowded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "only_here.py").write_text("print('found')")
    monkeypatch.setattr(sys, "path", [str(elsewhere), *sys.path])
    assert child("-c", "import only_here").stdout == "found\n"


def test_packages_that_were_imported_from_the_current_directory_are_found_there_behind_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a checkout that is not installed."""
    place = tmp_path / "checkout"
    package = place / "ibtui"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (place / "json.py").write_text("raise SystemExit(99)")
    monkeypatch.chdir(place)
    monkeypatch.setattr(ibtui, "__file__", str(package / "__init__.py"))
    listed = child("-c", "import json, sys; print(*sys.path, sep='\\n')").stdout.splitlines()
    assert str(place) in listed
    assert listed.index(str(place)) > max(k for k, entry in enumerate(listed) if entry in sys.path)


def test_a_current_directory_that_was_deleted_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    place.rmdir()
    assert child("-c", "import ibtui_engine, ibtui").returncode == 0


def test_no_other_place_starts_python() -> None:
    """Neither package runs `sys.executable` by itself; `packages` only tells people to."""
    users = {
        source.relative_to(package.parent).as_posix()
        for package in PACKAGES
        for source in package.rglob("*.py")
        if "sys.executable" in source.read_text(encoding="utf-8")
    }
    assert users == {"ibtui_engine/children.py", "ibtui_engine/packages.py"}
