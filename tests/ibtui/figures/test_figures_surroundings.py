"""Pictures and films depend on the session alone, and a failing ffmpeg is heard."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

from ibtui.figures.drawing import picture
from ibtui.figures.ffmpeg import find_ffmpeg
from ibtui.figures.film import film, scenes
from ibtui.figures.plain import style
from ibtui.figures.registry import find_figure
from ibtui.surroundings import path_of_programs
from ibtui_engine.errors import StorageError
from tests.faults.surroundings import differences
from tests.tiers import first


@pytest.mark.long
def test_nothing_of_a_directory_is_executed_and_figures_are_the_same_there(small: Path) -> None:
    lines = (
        ("figure", "4", "--session", "it.ibs", "-o", "out.png"),
        ("animate", "it.ibs", "--ensemble", "0", "-o", "out.mp4"),
    )
    assert differences(small.read_bytes(), lines) == []


@pytest.mark.long
def test_settings_of_a_program_that_draws_change_no_figure_and_stay(small: Path) -> None:
    content = find_figure("4").read([small])
    expected = picture(content, "svg")
    with mpl.rc_context({"savefig.bbox": "tight", "lines.linewidth": 9.0, "font.family": "monospace"}):
        assert picture(content, "svg") == expected
        assert mpl.rcParams["lines.linewidth"] == 9.0


def test_all_defaults_hold_inside_a_style() -> None:
    with mpl.rc_context({"axes.facecolor": "red"}), style({"axes.linewidth": 3.0}):
        assert mpl.rcParams["axes.facecolor"] == mpl.rcParamsDefault["axes.facecolor"]
        assert mpl.rcParams["axes.linewidth"] == 3.0


@pytest.mark.parametrize("path", ["", ".", "bin:.::~/bin", os.pathsep])
def test_programs_are_looked_for_in_absolute_directories_alone(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", path)
    assert path_of_programs() == ""
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}/usr/bin{os.pathsep}.")
    assert path_of_programs() == "/usr/bin"


def test_an_ffmpeg_of_the_current_directory_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "exit 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".")
    found = find_ffmpeg()
    assert found is None or not found.startswith((".", str(tmp_path)))
    assert os.environ["PATH"] == "."
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "./ffmpeg")
    assert find_ffmpeg() is None


def fake(directory: Path, does: str) -> Path:
    program = directory / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    return program


FAILURES = {
    "echo 'Unknown encoder h264' >&2; echo 'Conversion failed!' >&2; exit 1": "Unknown encoder h264 Conversion failed!",
    "cat > /dev/null; echo 'No space left on device' >&2; exit 228": "No space left on device",
    "exit 3": "it ended with status 3 and no message",
    "kill -9 $$": "it ended with status -9 and no message",
    "exit 0": "Broken pipe",
}


@pytest.mark.parametrize("does", first(1, FAILURES))
def test_a_failing_ffmpeg_is_heard_in_one_line(
    does: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    program = fake(tmp_path, does)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr("ibtui.figures.film.DPI", 40)
    with pytest.raises(StorageError) as failed:
        film(scenes(small), "mp4", fps=20)
    assert str(failed.value) == f"cannot make the film with {str(program)!r}: {FAILURES[does]}"
    assert capfd.readouterr().err == "", "it is said once"


def test_an_ffmpeg_that_is_no_program_is_told_of(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_bytes(b"\x7fELF and no more")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match=r"cannot make the film with '.*ffmpeg': Exec format error"):
        film(scenes(small), "mp4", fps=20)


def test_importing_the_figures_leaves_directory_and_environment(tmp_path: Path) -> None:
    code = (
        "import os, ibtui.figures.film, matplotlib\n"
        "assert os.getcwd() == os.path.realpath(os.environ['HERE'])\n"
        "assert os.environ['PATH'] == '.:/usr/bin' and os.environ['MPLBACKEND'] == 'svg'\n"
        "assert matplotlib.rcParams['lines.linewidth'] == 1.5\n"
    )
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 7\n")
    environment = {**os.environ, "PATH": ".:/usr/bin", "MPLBACKEND": "svg", "HERE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
