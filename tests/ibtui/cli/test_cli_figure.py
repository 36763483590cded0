"""`ibtui figure` and `ibtui animate`: sessions found or run, files whole or not at all, refusals in one line."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from PIL import Image

from ibtui.cli.animate import animate
from ibtui.cli.figure import figure, require_pictures
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.presets import Preset
from ibtui_engine.progress import Interrupt
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.summary import read_summary

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

TINY = Experiment(hidden=((3, 2),), networks=2, epochs=12, snapshots=4, batch=500)


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty sessions directory; figure 4's experiment is a tiny one, and so is its quick version."""
    tiny = {"figure-4": Preset("figure-4", "Tiny.", TINY, {"networks": 1, "epochs": 6})}
    monkeypatch.setattr("ibtui.cli.run.find_preset", lambda name: tiny[name])
    directory = tmp_path / "sessions"
    directory.mkdir()
    return directory


def test_what_a_figure_needs_is_run_once_and_then_taken(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure("4", sessions_dir=sessions, threads=1)
    drawn, told = capsys.readouterr()
    assert "Gradients: 3-2, 85 % of the patterns" in drawn
    assert "Gradient SNR" in drawn
    (path,) = sessions.iterdir()
    assert f"saved as {path}" in told
    assert read_summary(path).experiment == TINY
    data = tmp_path / "numbers.csv"
    figure("figure-4", sessions_dir=sessions, threads=1, data=data)
    assert f"using session {path.stem}" in capsys.readouterr().err
    assert list(sessions.iterdir()) == [path]
    assert {row["what"] for row in csv.DictReader(data.read_text().splitlines())} >= {"layer", "noise floor"}


def test_quick_and_counts_make_an_experiment_of_their_own(sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure("4", sessions_dir=sessions, threads=1, quick=True)
    assert "quick: 1 networks instead of 2, 6 epochs instead of 12" in capsys.readouterr().err
    figure("4", sessions_dir=sessions, threads=1, quick=True, networks=2)
    assert "quick: 6 epochs instead of 12" in capsys.readouterr().err
    counts = {(s.experiment.networks, s.experiment.epochs) for s in map(read_summary, sessions.iterdir())}
    assert counts == {(1, 6), (2, 6)}


def test_a_run_that_was_stopped_is_gone_on_with(sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sessions / "begun.ibs"
    interrupt = Interrupt()
    interrupt.request()
    assert Run(begin(path, "begun", TINY), threads=1).execute(lambda progress: None, interrupt) == "stopped"
    figure("4", sessions_dir=sessions, threads=1)
    assert "continuing session begun, which is at epoch 0" in capsys.readouterr().err
    assert list(sessions.iterdir()) == [path]
    assert read_summary(path).status == "finished"


def test_a_run_that_is_interrupted_is_saved_and_no_figure_is_made(
    sessions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    execute = Run.execute

    def stopped(self: Run, watch: Any, interrupt: Any, cluster: Any) -> str:
        interrupt.request()
        return execute(self, watch, interrupt, cluster)

    monkeypatch.setattr(Run, "execute", stopped)
    out = tmp_path / "f.png"
    with pytest.raises(typer.Exit):
        figure("4", sessions_dir=sessions, threads=1, out=out)
    assert "resume it with: ibtui resume" in capsys.readouterr().err
    assert not out.exists()
    assert len(list(sessions.iterdir())) == 1


def test_a_picture_of_an_example(program: Program) -> None:
    done = program("figure", "4", "--session", "example-figure-4", "-o", "four.png", "--data", "four.csv")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "wrote figure 4 to four.png" in done.stderr
    with Image.open(program.directory / "four.png") as image:
        assert image.size == (2100, 900)
    assert (program.directory / "four.csv").read_text().startswith("panel,title,what")


def test_a_film_is_written_whole_or_not_at_all(
    made: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ibtui.figures.film.DPI", 40)
    session, out = str(made.path("grid")), tmp_path / "film.gif"

    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patches:
        patches.setattr("ibtui.cli.animate.counting", lambda what, quiet: nullcontext(interrupted))
        with pytest.raises(KeyboardInterrupt):
            animate(session, out, ensemble=0)
    assert list(tmp_path.iterdir()) == []
    animate(session, out, ensemble=0, fps=25)
    frames = len(read_summary(made.path("grid")).ensembles[0].snapshots)
    assert f"wrote {frames} frames, {frames / 25:.3g} s" in capsys.readouterr().err
    with Image.open(io.BytesIO(out.read_bytes())) as image:
        assert (image.n_frames, image.info["duration"]) == (frames, 40)  # type: ignore[attr-defined]


REFUSED: dict[str, Callable[[str, Path], None]] = {
    "choose one of 2, 3, 4": lambda _, here: figure("9"),
    "ends in .png, .svg or .pdf": lambda _, here: figure("3", out=here / "f.jpg"),
    "ends in .csv": lambda _, here: figure("3", data=here / "f.txt"),
    "there is no directory": lambda _, here: figure("3", out=here / "no" / "f.png"),
    "it is a directory": lambda _, here: figure("3", out=here),
    "--quick, --epochs set up a new run": lambda s, here: figure("3", session=[s], quick=True, epochs=3),
    "ends in .gif or .mp4": lambda s, here: animate(s, here / "f.png"),
    "--theme 'blue': choose from light, dark": lambda s, here: animate(s, here / "f.gif", theme="blue"),
    "--seconds and --fps": lambda s, here: animate(s, here / "f.gif", seconds=1, fps=1),
    "--fps must be a number from 0.1 to 50, got nan": lambda s, here: animate(s, here / "f.gif", fps=float("nan")),
    "--seconds must be a number from 0.1 to 3600, got 0": lambda s, here: animate(s, here / "f.gif", seconds=0),
    "ensemble is 9: this session has 0 to 3": lambda s, here: animate(s, here / "f.gif", ensemble=9),
}


@pytest.mark.parametrize("said", REFUSED)
def test_bad_input_is_refused_in_one_line(made: Program, tmp_path: Path, said: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        REFUSED[said](str(made.path("grid")), tmp_path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_one_line_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sessions: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for attempt in (
        lambda: figure("4", out=tmp_path / "f.png", sessions_dir=sessions),
        lambda: require_pictures("PIL"),
    ):
        with pytest.raises(InvalidValue, match=r"^pictures need matplotlib, which is not installed; install with: "):
            attempt()
    assert list(sessions.iterdir()) == [], "refused before anything is run"
