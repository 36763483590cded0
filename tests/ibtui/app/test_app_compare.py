"""Comparing: each ensemble in a panel or all in one chart, in step by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import SelectionList

from ibtui.formatting import printable
from ibtui.messages import Compare
from ibtui.widgets.compared_table import ComparedTable
from ibtui_engine.session.history import SessionReader


async def _compare(view: Any, *names: str) -> None:
    view.app.post_message(Compare([view.app.directory / f"{name}.ibs" for name in names]))
    await view.until_screen("CompareScreen")
    await view.until(lambda: view.screen._charts)
    await view.pilot.pause()


def _panels(view: Any) -> list[Any]:
    return list(view.screen.query("#compared ChartView"))


async def test_every_ensemble_has_a_panel_of_its_own_numbers(open_app: Any, have: Any) -> None:
    grid, _ = have("grid"), have("plain")
    async with open_app() as view:
        await _compare(view, "grid", "plain")
        assert [str(panel.border_title) for panel in _panels(view)] == [
            "1 grid: 4-3 at 0.85, pinned",
            "2 grid: 5 at 0.85",
            "3 grid: 3-2-2 at 0.85",
            "4 plain: 4-3 at 0.85",
        ]
        assert "comparing 4 ensembles" in view.text()
        assert all(panel.region.area > 0 for panel in _panels(view))
        with SessionReader(grid) as reader:
            found = reader.layers(reader.ensemble(2), 40)
        marks = _panels(view)[2].spec.marks
        assert [mark.x for mark in marks] == pytest.approx(found.i_x[0].mean(axis=0).tolist())
        assert [mark.y for mark in marks] == pytest.approx(found.i_y[0].mean(axis=0).tolist())


@pytest.mark.long
async def test_more_than_six_are_cut_and_told(open_app: Any, have: Any) -> None:
    for name in ("a", "b", "c"):
        have("grid", name)
    async with open_app() as view:
        await _compare(view, "a", "b", "c")
        assert len(_panels(view)) == 6
        assert "comparing 6 ensembles of 9" in view.text()


async def test_they_move_in_step(open_app: Any, have: Any) -> None:
    have("plain")
    have("lone")  # which has measured 0 and 40 alone
    async with open_app() as view:
        await _compare(view, "plain", "lone")
        await view.press("comma", "comma")
        assert view.screen.playback.epoch == 12
        assert [len(panel.spec.series[0].x) for panel in _panels(view)] == [6, 1]
        await view.press("home")
        assert [len(panel.spec.series[0].x) for panel in _panels(view)] == [1, 1]
        await view.press("space")
        await view.until(lambda: view.screen.playback.epoch == 40 and not view.screen.playback.playing)
        await view.pilot.click("#timeline", offset=(20, 0))
        assert view.screen.playback.epoch < 40


@pytest.mark.long
async def test_overlay_and_points_and_full_screen(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app() as view:
        await view.press("c")  # the ensembles of the chosen one
        await view.until_screen("CompareScreen")
        await view.until(lambda: len(_panels(view)) == 3 and _panels(view)[0].spec)
        await view.press("o")
        overlaid = view.chart("overlaid")
        await view.until(lambda: overlaid.region.area > 0)
        assert [s.label for s in overlaid.spec.series if s.label] == ["1 4-3 at 0.85", "2 5 at 0.85", "3 3-2-2 at 0.85"]
        assert "3 3-2-2 at 0.85" in view.text()
        await view.press("home")
        assert "epoch 0" in overlaid.spec.caption
        await view.press("o", "p")
        assert all(panel.spec.series[0].kind == "points" for panel in _panels(view))
        _panels(view)[1].focus()
        await view.press("f")
        await view.until(lambda: view.screen.maximized is _panels(view)[1])
        await view.press("f")
        await view.until(lambda: view.screen.maximized is None)
        await view.press("escape")
        await view.until_screen("LibraryScreen")


@pytest.mark.long
async def test_following_a_run(open_app: Any, have: Any, live: Any) -> None:
    have("plain")
    run = live()
    run.advance(3)
    async with open_app() as view:
        await _compare(view, "plain", "live")
        assert view.screen.playback.epoch == 40
        await view.press("home", "full_stop", "full_stop")
        before = len(view.screen.playback.epochs)
        run.advance(4)
        await view.until(lambda: len(view.screen.playback.epochs) > before)
        assert view.screen.playback.epoch == 2
        await view.press("end")
        assert len(_panels(view)[1].spec.series[0].x) == 8


@pytest.mark.long
async def test_a_file_that_cannot_be_read_leaves_the_others(open_app: Any, have: Any, directory: Path) -> None:
    have("plain")
    have("plain", "empty", "DELETE FROM layer", "DELETE FROM learning", "DELETE FROM snapshot")
    (directory / "broken.ibs").write_bytes(b"no session")
    async with open_app() as view:
        await _compare(view, "plain", "broken", "empty")
        assert any("broken.ibs" in note for note in view.notes())
        assert _panels(view)[0].spec is not None
        await view.press("o", "comma", "p", "o", "f", "end")


@pytest.mark.long
async def test_strange_names_are_only_text(open_app: Any, have: Any, strange: dict[str, str], directory: Path) -> None:
    names = [text.replace("/", "") for text in strange.values()]
    for name in names:
        have("lone").rename(directory / f"{name}.ibs")
    async with open_app(size=(200, 60)) as view:
        await _compare(view, *names)
        shown = view.text().replace(" ", "")
        assert all(printable(name[:8]).replace(" ", "") in shown for name in names)
        for _ in range(2):
            assert all(character.isprintable() or character == "\n" for character in view.text())
            await view.press("o")
            await view.pilot.pause()


@pytest.mark.long
async def test_at_all_sizes(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app(size=(60, 20)) as view:
        await _compare(view, "grid")
        for size in ((60, 20), (80, 24), (200, 60)):
            await view.pilot.resize_terminal(*size)
            await view.until(lambda: all(panel.region.area > 0 and panel.image is not None for panel in _panels(view)))
            view.text()


@pytest.mark.long
async def test_the_ensembles_are_chosen_two_to_six(open_app: Any, have: Any) -> None:
    for name in ("a", "b", "c"):
        have("grid", name)
    async with open_app() as view:
        await _compare(view, "a", "b", "c")
        await view.press("v")
        await view.until_screen("Several")
        several = view.one("#several", SelectionList)
        assert several.option_count == 9
        assert len(several.selected) == 6
        several.select_all()
        await view.press("enter")
        assert "mark 2 to 6; 9 are marked" in view.said("#trouble")
        several.deselect_all()
        await view.press("space", "enter")
        assert "1 are marked" in view.said("#trouble")
        several.select("2-2")
        await view.press("enter")
        await view.until_screen("CompareScreen")
        await view.until(lambda: len(_panels(view)) == 2 and _panels(view)[1].spec)
        assert [str(panel.border_title) for panel in _panels(view)] == [
            "1 a: 4-3 at 0.85, pinned",
            "2 c: 3-2-2 at 0.85",
        ]
        await view.press("v")
        await view.until_screen("Several")
        await view.press("escape")
        await view.until_screen("CompareScreen")
        assert len(_panels(view)) == 2


@pytest.mark.long
async def test_any_chart_is_compared_on_one_axis_with_one_cross_hair(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app() as view:
        await _compare(view, "grid")
        await view.press("right")
        await view.press("left", "left")
        epochs = [panel.epoch for panel in _panels(view)]
        assert epochs[0] is not None
        assert epochs[1:] == epochs[:1] * 2  # the same epoch is read in all of them
        assert all(panel.values() is not None for panel in _panels(view))
        await view.press("escape")
        assert all(panel.values() is None for panel in _panels(view))
        await view.press("tab", "tab")
        assert all(panel.spec.y.label == "SNR" for panel in _panels(view))
        assert len({panel.spec.y.limits for panel in _panels(view)}) == 1
        assert _panels(view)[0].has_focus
        await view.press("right_square_bracket")
        assert _panels(view)[1].has_focus
        await view.press("shift+tab", "shift+tab")
        assert all(panel.spec.y.label == "I(T;Y) bits" for panel in _panels(view))


@pytest.mark.long
async def test_one_is_pinned_on_top_and_in_the_table(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app(size=(180, 50)) as view:
        await _compare(view, "grid")
        await view.press("right_square_bracket", "right_square_bracket", "k")
        titles = [str(panel.border_title) for panel in _panels(view)]
        assert [title.endswith("pinned") for title in titles] == [False, False, True]
        await view.press("o")
        series = view.chart("overlaid").spec.series
        assert {one.label: one.above for one in series if one.label} == {
            "1 4-3 at 0.85": 0,
            "2 5 at 0.85": 0,
            "3 3-2-2 at 0.85": 1,
        }
        await view.press("k")  # the next one, where there is no panel to choose
        assert view.screen.pinned == 0
        await view.press("shift+tab")
        table = view.one("#differences", ComparedTable)
        await view.until(lambda: table.region.area > 0)
        assert "Epoch 40. Pinned: 1 4-3 at 0.85." in view.text()
        await view.press("k")
        await view.until(lambda: "Pinned: 2 5 at 0.85." in view.text())
        with SessionReader(view.app.directory / "grid.ibs") as reader:
            accuracies = [100 * reader.recorded_ensemble(index).learning.test_accuracy[-1].mean() for index in range(3)]
        shown = view.text()
        assert all(f"{accuracy:.2f}" in shown for accuracy in accuracies)
        assert f"{accuracies[2] - accuracies[1]:+.2f} ± " in shown


@pytest.mark.long
async def test_the_overlay_is_in_every_chart(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app(size=(180, 50)) as view:
        await _compare(view, "grid")
        await view.press("o")
        overlaid = view.chart("overlaid")
        titles = []
        for _ in range(4):
            await view.until(lambda: overlaid.image is not None)
            titles.append(str(overlaid.border_title))
            labels = [one.label for one in overlaid.spec.series if one.label]
            assert labels == ["1 4-3 at 0.85", "2 5 at 0.85", "3 3-2-2 at 0.85"]
            await view.press("tab")
            await view.pilot.pause()
        assert titles == [
            "Information planes",
            "Gradients of the last hidden layer",
            "Gradient SNR of all weights",
            "Learning",
        ]
        await view.press("tab", "tab", "l", "l")  # past the table and the planes: T2 in focus
        await view.pilot.pause()
        assert str(overlaid.border_title) == "Gradients of layer 2"
        told = [one.tell for one in overlaid.spec.series]
        assert told == [
            "1 4-3 at 0.85 T2 mean",
            "1 4-3 at 0.85 T2 sd",
            "2 5 at 0.85 output mean",
            "2 5 at 0.85 output sd",
            "3 3-2-2 at 0.85 T2 mean",
            "3 3-2-2 at 0.85 T2 sd",
        ]
        before = overlaid.spec
        await view.press("comma")
        assert overlaid.spec is before  # the playhead moves over the same chart
        await view.press("right", "c")
        assert view.app.clipboard.split("\t")[1] in {f"{one[0]} {' '.join(one.split()[-2:])}" for one in told}


@pytest.mark.long
async def test_colours_and_axes_of_epochs_are_those_of_the_longest(open_app: Any, have: Any) -> None:
    have("plain")
    have("plain", "long", "UPDATE session SET experiment = json_set(experiment, '$.epochs', 400)")
    async with open_app() as view:
        await _compare(view, "long", "plain")
        assert [panel.spec.bar.stops[-1][1] for panel in _panels(view)] == ["400", "400"]
        await view.press("tab")
        await view.until(lambda: _panels(view)[0].spec.x.label == "epoch")
        assert [panel.spec.x.limits for panel in _panels(view)] == [(1.0, 400.0)] * 2


async def test_a_session_that_is_gone_is_said_and_shown_on(open_app: Any, have: Any) -> None:
    have("grid")
    path = have("plain")
    async with open_app() as view:
        await _compare(view, "grid", "plain")
        path.unlink()
        await view.until(lambda: "plain was deleted or renamed elsewhere" in view.said("#status"))
        await view.press("comma")
        assert len(_panels(view)) == 4
