"""The app shows recordings as it shows runs, without what only runs have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine.recording.recorder import Recorder
from ibtui_engine.session.history import SessionReader
from tests.recordings import LABELS, make_recording

EVERY_CHART = ("tab",) * 7
FURTHER = ("right_square_bracket", "left_square_bracket", "a", "a", "p", "b", "plus", "l", "home", "comma", "end")


@pytest.mark.parametrize(
    ("estimator", "size"),
    [
        ("gauss", (80, 24)),
        *(
            pytest.param(estimator, size, marks=pytest.mark.long)
            for estimator, size in (
                ("probe", (120, 40)),
                ("gauss", (120, 40)),
                ("gauss", (200, 60)),
                ("probe", (80, 24)),
                ("probe", (200, 60)),
            )
        ),
    ],
)
async def test_every_chart_of_a_recording_is_drawn(
    open_app: Any, directory: Path, estimator: str, size: tuple[int, int]
) -> None:
    make_recording(directory / "own.ibs", estimator=estimator)
    async with open_app("own", size) as view:
        for key in (*EVERY_CHART, *FURTHER):
            await view.press(key)
        assert "recording: finished" in view.text()
        assert "true rule" not in view.text()


async def test_keys_that_need_a_run_are_absent_and_say_why(open_app: Any, directory: Path) -> None:
    make_recording(directory / "own.ibs")
    async with open_app("own") as view:
        shown = {binding.id for binding in view.screen.BINDINGS if view.screen.fits(binding)}
        assert not {"measure.more_bins", "measure.fewer_bins", "measure.estimator", "run.resume"} & shown
        await view.press("e", "R")
        await view.until(lambda: {note.split(":")[0] for note in view.notes()} >= {"not measured again", "not resumed"})
        assert all("it is a recording" in note for note in view.notes())


@pytest.mark.long
async def test_the_estimators_of_a_recording_are_stepped_through(open_app: Any, directory: Path) -> None:
    also = ("binning", {"estimator": "kde", "noise": 0.1})
    make_recording(directory / "own.ibs", also=also)
    told = ("1 of 3: gauss, noise 0.03", "2 of 3: binning, 30 bins", "3 of 3: kde, noise 0.1", "1 of 3: gauss")
    async with open_app("own", (120, 40)) as view:
        shown = {binding.id for binding in view.screen.BINDINGS if view.screen.fits(binding)}
        assert "measure.estimator" in shown
        assert not {"measure.more_bins", "measure.fewer_bins"} & shown
        for place, text in enumerate(told):
            await view.until(lambda text=text: text in view.text())
            with SessionReader(directory / "own.ibs", ("gauss", "binning", "kde")[place % 3]) as reader:
                expected = reader.recorded_ensemble(0)
            charts = view.screen.current
            assert np.array_equal(charts.shown.layers.i_x, expected.layers.i_x)
            assert charts.summary.experiment.estimation == expected.summary.experiment.estimation
            assert "as recorded" not in view.text()
            await view.press("e")
        await view.press("E")
        await view.until(lambda: told[0] in view.text())
        await view.press("left_parenthesis", "W")
        await view.until(lambda: len(view.notes()) == 2)
        assert all(note.startswith("not measured again: it is a recording") for note in view.notes())


@pytest.mark.long
async def test_an_export_has_the_numbers_that_are_shown(
    open_app: Any, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory)
    make_recording(directory / "own.ibs", also=["exact"])
    async with open_app("own") as view:
        await view.press("e", "w")
        await view.until(lambda: "Export own, by exact:" in view.text())
        await view.press("enter", "enter")
        await view.until(lambda: any(note.startswith("wrote") for note in view.notes()))
    found = (directory / "own-information.csv").read_text()
    assert found.count(",exact,") == 3 * 5 * 2 + 1
    assert ",gauss," not in found


@pytest.mark.long
async def test_layers_of_a_recording_have_their_names_in_the_table(open_app: Any, directory: Path) -> None:
    make_recording(directory / "own.ibs")
    async with open_app("own", (200, 60)) as view:
        for _ in EVERY_CHART[1:]:
            await view.press("tab")
        assert "1 [bold]conv\\n1" in view.text()
        assert "output fc" in view.text()


async def test_a_recording_that_grows_is_followed(open_app: Any, directory: Path) -> None:
    with Recorder(directory / "own.ibs", LABELS) as recorder:
        recorder.snapshot(0, {"a": np.random.default_rng(0).normal(size=(60, 3))})
        async with open_app("own") as view:
            await view.until(lambda: view.screen.playback.epoch == 0)
            recorder.snapshot(1, {"a": np.random.default_rng(1).normal(size=(60, 3))})
            await view.until(lambda: tuple(view.screen.playback.epochs) == (0, 1))
            await view.press("S")
            await view.until(lambda: not recorder.snapshot(2, {"a": np.random.default_rng(2).normal(size=(60, 3))}))


async def test_the_library_lists_recordings_and_says_why_they_are_not_resumed(open_app: Any, directory: Path) -> None:
    make_recording(directory / "own.ibs")
    async with open_app() as view:
        await view.until(lambda: "own" in view.text())
        await view.press("r")
        await view.until(lambda: any("it is a recording" in note for note in view.notes()))


@pytest.mark.long
async def test_a_recording_that_says_nothing_of_learning_has_an_empty_chart(open_app: Any, directory: Path) -> None:
    with Recorder(directory / "own.ibs", LABELS) as recorder:
        for epoch in (0, 1):
            recorder.snapshot(epoch, {"a": np.random.default_rng(epoch).normal(size=(60, 3))}, measure=True)
    async with open_app("own", (200, 60)) as view:
        await view.press("tab", "tab", "tab")
        await view.until(lambda: "Learning" in view.text())
        assert view.screen.panel == "learning"
