"""The session screen: the view moves by keys and mouse, follows a run, and leaves the run alone unless asked."""

from __future__ import annotations

import gc
import json
import re
import shutil
import sqlite3
import time
import weakref
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from textual.screen import Screen
from textual.widgets import Input
from textual.widgets._footer import FooterKey

from ibtui.arrangement import HUGE
from ibtui.charts import chart
from ibtui.charts.palette import Faded
from ibtui.formatting import printable
from ibtui.settings import Settings
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.timeline import Timeline
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader

EPOCHS = (0, 1, 2, 3, 6, 12, 22, 40)
"""What the small sessions have measured."""

ALL = ("plane", "gradients", "snr", "learning")


def test_the_small_sessions_are_as_these_tests_take_them(originals: Path) -> None:
    with SessionReader(originals / "plain.ibs") as reader:
        assert reader.summary.ensembles[0].snapshots == EPOCHS


# the playhead


async def test_steps_and_ends(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        assert view.screen.playback.epoch == 40
        await view.press("comma")
        assert view.screen.playback.epoch == 22
        assert "22 of 40" in view.text()
        await view.press("comma", "full_stop", "comma", "comma")
        assert view.screen.playback.epoch == 6
        await view.press("home")
        assert view.screen.playback.epoch == 0
        await view.press("comma")
        assert view.screen.playback.epoch == 0
        await view.press("end")
        assert view.screen.playback.epoch == 40
        assert view.screen.playback.following


@pytest.mark.long
async def test_playing_goes_on_to_the_end_from_the_beginning_and_stops_there(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press(*["less_than_sign"] * 5, "space")
        assert view.screen.playback.playing
        assert view.screen.playback.epoch < 12
        assert "play" in view.text()
        await view.press(*["greater_than_sign"] * 5)
        await view.until(lambda: not view.screen.playback.playing)
        assert view.screen.playback.epoch == 40


@pytest.mark.long
async def test_space_pauses_playing(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        for _ in range(5):
            await view.press("less_than_sign")
        await view.press("space", "space")
        assert not view.screen.playback.playing
        assert view.screen.playback.epoch < 40
        await view.press("space")  # from where it was, not from the beginning
        before = view.screen.playback.epoch
        await view.until(lambda: view.screen.playback.epoch > before)


@pytest.mark.long
async def test_speeds(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        assert "10 a second" in view.text()
        await view.press("greater_than_sign")
        assert view.screen.playback.speed == 20
        assert "20 a second" in view.text()
        await view.press(*["less_than_sign"] * 9)
        assert view.screen.playback.speed == 1
        await view.press(*["greater_than_sign"] * 9)
        assert view.screen.playback.speed == 40


@pytest.mark.long
async def test_jump_to_an_epoch(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("g")
        await view.until_screen("Line")
        await view.write("#line", "x")
        assert "whole number" in view.said("#trouble")
        await view.press("enter")
        assert type(view.screen).__name__ == "Line"
        await view.write("#line", "13")
        assert view.said("#trouble") == ""
        await view.press("enter")
        await view.until_screen("SessionScreen")
        assert view.screen.playback.epoch == 12
        await view.press("g")
        await view.until_screen("Line")
        await view.press("escape")
        await view.until_screen("SessionScreen")
        assert view.screen.playback.epoch == 12


@pytest.mark.long
async def test_a_jump_to_no_number_is_refused(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("g")
        await view.until_screen("Line")
        for text in ("²", "-1", "1.5", "", "9" * 5000):
            view.one("#line").value = text
            await view.until(lambda: "whole number" in view.said("#trouble"))
            await view.press("enter")
            assert type(view.screen).__name__ == "Line"
        view.one("#line").value = "9" * 19
        await view.press("enter")
        await view.until_screen("SessionScreen")
        assert view.screen.playback.epoch == 40


@pytest.mark.long
async def test_a_click_on_the_timeline_goes_there_and_a_drag_along(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        line = view.one("#timeline", Timeline)
        text = line.render_line(0).text
        first = text.index("━")
        await view.pilot.click("#timeline", offset=(first, 0))
        assert view.screen.playback.epoch == 0
        last = line.render_line(0).text.rindex("━")
        await view.pilot.click("#timeline", offset=(last, 0))
        assert view.screen.playback.epoch == 40
        assert not view.screen.playback.following
        await view.pilot.mouse_down("#timeline", offset=(last, 0))
        await view.pilot.hover("#timeline", offset=((first + last) // 2, 0))
        middle = view.screen.playback.epoch
        assert 0 < middle < 22
        await view.pilot.mouse_up("#timeline", offset=((first + last) // 2, 0))
        await view.pilot.hover("#timeline", offset=(last, 0))
        assert view.screen.playback.epoch == middle
        column = line.render_line(0).text.index("●")
        await view.pilot.click("#timeline", offset=(column, 0))
        assert view.screen.playback.epoch == middle  # the playhead is where it says it is


async def test_the_charts_and_the_table_are_of_the_playheads_epoch(open_app: Any, have: Any) -> None:
    path = have("plain")
    with SessionReader(path) as reader:
        found = reader.layers(reader.ensemble(0), 3)
    async with open_app("plain", size=(170, 40)) as view:
        await view.press("home", "full_stop", "full_stop", "full_stop")
        assert view.screen.playback.epoch == 3
        assert "at epoch 3." in view.chart().spec.caption
        rows = layer_rows(view)
        for layer, row in enumerate(rows):
            values = found.i_x[0, :, layer]
            assert row[2] == f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"
            assert row[4] == f"{found.distinct_t[0, :, layer].mean():.0f}"
        assert [row[0] for row in rows] == ["1", "2", "output"]


def layer_rows(view: Any) -> list[list[str]]:
    """The cells of the table of the layers, without its head."""
    cell = re.compile(r"\S+(?: [±–] \S+)?(?: hidden)?")
    return [cell.findall(line) for line in view.said("#side-layers FiguresTable").split("\n")[1:]]


@pytest.mark.parametrize("size", [(120, 40), pytest.param((170, 40), marks=pytest.mark.long)])
async def test_a_step_lays_nothing_out_and_draws_no_chart_but_the_plane(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    have("grid")
    laid_out, drawn = [], []
    async with open_app("grid", size=size) as view:
        await view.press("home", "full_stop", "full_stop", "full_stop")
        await view.until(lambda: not view.screen.behind)
        layout, render = Screen._refresh_layout, chart.render
        monkeypatch.setattr(Screen, "_refresh_layout", lambda *a, **how: laid_out.append(1) or layout(*a, **how))
        monkeypatch.setattr(
            chart, "render", lambda spec, *args, **how: drawn.append(spec) or render(spec, *args, **how)
        )
        table = layer_rows(view)
        await view.press("full_stop")
        await view.until(lambda: not view.screen.behind)
        await view.until(lambda: drawn)
        assert (layer_rows(view) != table) == (size[0] >= HUGE)
        assert [spec.x.label for spec in drawn] == ["I(X;T) bits"]
        assert not laid_out


# what is shown


@pytest.mark.long
async def test_layers_hide_and_come_back(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(170, 40)) as view:
        await view.press("2")
        assert [mark.text for mark in view.chart().spec.marks] == ["1", "output"]
        assert "T2" not in [series.label for series in view.chart("gradients").spec.series]
        assert "hidden" in layer_rows(view)[1][0]
        await view.press("1", "3", "4")  # the last one stays; there is no fourth
        assert view.screen.hidden_layers == {1, 2}
        await view.press("1", "2")
        assert [mark.text for mark in view.chart().spec.marks] == ["1", "2", "output"]
        assert "hidden" not in layer_rows(view)[1][0]


EXAMPLES = Path(__file__).parents[3] / "sessions"


@pytest.mark.long
async def test_a_session_opens_on_the_ensemble_with_most_to_see(open_app: Any) -> None:
    """The largest sample of the example, of which all else is less."""
    async with open_app("example-figure-3", directory=EXAMPLES) as view:
        assert view.screen.current.ensemble.fraction == 0.85
        assert "0.85" in view.chart().spec.title


def _footer(view: Any) -> set[str]:
    return {active.binding.id for active in view.screen.active_bindings.values() if active.binding.show}


@pytest.mark.long
async def test_the_footer_shows_the_keys_that_have_something_to_do(open_app: Any, have: Any) -> None:
    with_weights = "UPDATE session SET experiment = json_set(experiment, '$.weights', json('true'))"
    have("plain", "plain", with_weights)
    have("grid", "grid", with_weights)
    have("plain", "without")
    several = {"session.ensemble", "session.ensemble_back", "session.all"}
    measure = {"measure.more_bins", "measure.fewer_bins", "measure.estimator"}
    async with open_app("plain", size=(80, 24)) as view:
        assert not several & _footer(view)
        assert measure < _footer(view)
        assert {"run.resume", "run.pause", "run.stop"} & _footer(view) == {"run.resume"}
        view.screen.panel = "learning"
        assert not measure & _footer(view)
        await view.until(lambda: "Measure" not in view.text().splitlines()[-1])
    async with open_app("without", size=(80, 24)) as view:
        assert not measure & _footer(view)
    async with open_app("grid", size=(80, 24)) as view:
        assert several < _footer(view)
        assert "session.full" not in _footer(view)
        last = view.text().splitlines()[-1]
        assert all(word in last for word in ("Ensemble", "All", "Measure", "Resume", "Help"))


@pytest.mark.long
async def test_the_footer_follows_the_run(open_app: Any, live: Any) -> None:
    run = live()
    async with open_app("live") as view:
        assert {"run.pause", "run.stop"} < _footer(view)
        assert "run.resume" not in _footer(view)
        await view.press("P")
        run._gate.release()  # it looks for what is asked of it, and measures no more
        await view.until(lambda: "run.resume" in _footer(view) and "run.pause" not in _footer(view))


@pytest.mark.long
async def test_export_asks_what_and_where_and_writes_nothing_unasked(open_app: Any, have: Any, tmp_path: Path) -> None:
    have("plain")
    taken = tmp_path / "taken.json"
    taken.write_text("mine")
    async with open_app("plain") as view:
        await view.press("w")
        await view.until_screen("Exporting")
        assert view.one("#out", Input).value == "plain-information.csv"
        await view.press("down", "down")
        await view.until(lambda: view.one("#out", Input).value == "plain-learning.csv")
        await view.press("escape")
        await view.until_screen("SessionScreen")
        assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".csv", ".json")) == ["taken.json"]
        await view.press("w")
        await view.until_screen("Exporting")
        view.one("#out", Input).value = "plain.ibs"
        view.one("#out").focus()
        await view.until(lambda: "cannot write 'plain.ibs'" in view.said("#trouble"))
        await view.press("enter")
        assert type(view.screen).__name__ == "Exporting"
        view.one("#out", Input).value = "taken.json"
        await view.until(lambda: "exists already" in view.said("#trouble"))
        await view.press("enter")
        await view.until(lambda: "again" in view.said("#trouble"))
        assert taken.read_text() == "mine"
        await view.press("enter")
        await view.until_screen("SessionScreen")
        await view.until(lambda: any("wrote taken.json" in note for note in view.notes()))
    assert json.loads(taken.read_text())


@pytest.mark.long
async def test_export_writes_a_page_for_a_browser(open_app: Any, have: Any, tmp_path: Path) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("w")
        await view.until_screen("Exporting")
        await view.press("end", "up")
        await view.until(lambda: view.one("#out", Input).value == "plain-page.html")
        assert view.said("#where") == "To a .html file"
        await view.press("enter", "enter")
        await view.until(lambda: any("wrote plain-page.html" in note for note in view.notes()))
    assert (tmp_path / "plain-page.html").read_text().startswith("<!doctype html>")


@pytest.mark.long
async def test_export_offers_every_format_of_tables_and_a_directory_for_tensorboard(
    open_app: Any, have: Any, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboardX")
    have("plain")
    (tmp_path / "there").mkdir()
    async with open_app("plain") as view:
        await view.press("w")
        await view.until_screen("Exporting")
        assert view.said("#where") == "To a .csv, .json, .npz, .jsonl, .parquet or .nc file"
        view.one("#out", Input).value = "plain.txt"
        await view.until(lambda: "ends in .csv, .json, .npz, .jsonl, .parquet or .nc" in view.said("#trouble"))
        view.one("#out", Input).value = "plain-information.csv"
        await view.press("down", "down", "down")
        await view.until(lambda: view.one("#out", Input).value == "plain-tensorboard")
        assert view.said("#where") == "To a new directory"
        view.one("#out", Input).value = "there"
        await view.until(lambda: "exists already: choose another name" in view.said("#trouble"))
        await view.press("enter", "enter")
        assert type(view.screen).__name__ == "Exporting"
        view.one("#out", Input).value = "board"
        await view.press("enter")
        await view.until(lambda: any("wrote board" in note for note in view.notes()))
    assert not list((tmp_path / "there").iterdir())
    assert list((tmp_path / "board").rglob("events.out.tfevents.*"))


@pytest.mark.long
async def test_keys_for_the_charts_over_epochs(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(200, 50)) as view:

        def specs() -> dict[str, Any]:
            return {name: view.chart(name).spec for name in ("gradients", "snr", "learning")}

        def grey(spec: Any) -> list[str]:
            return [series.end for series in spec.series if series.colour == Faded()]

        before = specs()
        assert [spec.y.log for spec in before.values()] == [True, True, False]
        assert grey(before["gradients"]) == ["T1", "output"], "the last hidden layer is in focus"
        assert not grey(before["snr"])
        await view.press("y")  # the plane is chosen: all three
        assert [spec.y.log for spec in specs().values()] == [False, False, True]
        view.screen.panel = "learning"
        await view.press("y")
        assert [spec.y.log for spec in specs().values()] == [False, False, False]
        await view.press("l")
        assert [grey(spec) for spec in specs().values()] == [["T2", "output"], ["T2", "output"], []]
        await view.press("l", "l", "l")
        assert not grey(specs()["snr"])
        await view.press("n", "s")
        assert all("Thin lines: single networks." in spec.caption for spec in specs().values())
        assert all("Smoothed." in spec.caption for spec in specs().values())
        await view.press("n", "s")
        assert specs()["learning"].y == before["learning"].y
        assert "Smoothed" not in specs()["snr"].caption


@pytest.mark.long
async def test_a_zoom_ends_where_the_scale_changes(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(80, 30)) as view:
        view.screen.panel = "learning"
        await view.press("plus", "plus")
        zoomed = view.chart("learning").image.area
        assert (zoomed.y.log, zoomed.y.limits) != (False, view.chart("learning").spec.y.limits)
        await view.press("y")
        shown = view.chart("learning").image.area
        assert (shown.y.log, shown.y.limits) == (True, view.chart("learning").spec.y.limits)


async def test_ensembles_one_after_another(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid") as view:
        titles = []
        for _ in range(4):
            titles.append(view.chart().spec.title)
            await view.press("right_square_bracket")
        assert [title.split(": ")[1].split()[0] for title in titles] == ["3-2-2", "4-3", "5", "3-2-2"]
        assert "ensemble 1/3" in view.text()
        await view.press("left_square_bracket")
        assert "3-2-2" in view.chart().spec.title
        assert len(view.chart().spec.marks) == 4


def _layers(view: Any) -> list[str]:
    """The layers with a mark in the plane, by number; the output may be called so."""
    last = str(len(view.screen.current.widths))
    return [last if mark.text == "output" else mark.text for mark in view.chart().spec.marks]


@pytest.mark.long
async def test_hidden_layers_of_a_deeper_ensemble_do_not_empty_a_shallower_one(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid") as view:
        await view.press("right_square_bracket", "1", "2")  # of three
        assert _layers(view) == ["3"]
        await view.press("right_square_bracket")  # of two
        assert _layers(view) == ["1", "2"]
        await view.press("right_square_bracket")  # of four
        assert _layers(view) == ["3", "4"]


@pytest.mark.long
async def test_hidden_layers_that_an_ensemble_does_not_have_do_not_count_there(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid") as view:
        await view.press("3", "4", "left_square_bracket", "1")
        assert _layers(view) == ["2"]


@pytest.mark.long
async def test_all_ensembles_side_by_side(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid") as view:
        await view.press("a")
        await view.until(lambda: all(view.screen.query(f"#each-{k}") for k in range(3)))
        await view.until(lambda: all(view.chart(f"each-{k}").spec for k in range(3)))
        assert view.visible(*ALL) == []
        assert view.visible("each-0", "each-1", "each-2") == ["each-0", "each-1", "each-2"]
        assert [len(view.chart(f"each-{k}").spec.marks) for k in range(3)] == [3, 2, 4]
        await view.press("home")
        assert all("Epoch 0." in view.chart(f"each-{k}").spec.caption for k in range(3))
        await view.press("a")
        await view.until(lambda: view.visible("plane") == ["plane"])
        assert "Epoch 0." in view.chart().spec.caption


async def test_networks_or_means(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        assert view.chart().spec.series[0].kind == "line"
        await view.press("p")
        assert view.chart().spec.series[0].kind == "points"
        assert len(view.chart().spec.series[0].x) == 3
        assert "3 networks" in view.text()
        await view.press("p")
        assert view.chart().spec.series[0].kind == "line"


async def test_full_screen_and_back(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        before = view.chart().size
        await view.press("f")
        await view.until(lambda: view.chart().size.width > before.width)
        assert view.screen.maximized is view.chart()
        await view.press("f")
        await view.until(lambda: view.chart().size == before)
        await view.press("f")
        await view.until(lambda: view.screen.maximized is not None)
        await view.press("escape")
        await view.until(lambda: view.screen.maximized is None)
        assert type(view.screen).__name__ == "SessionScreen"


async def test_tabs_choose_the_chart(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(80, 24)) as view:
        shown = [view.visible(*ALL)]
        for _ in range(8):
            await view.press("tab")
            await view.pilot.pause()
            shown.append(view.visible(*ALL, "kept", "bound", "phases", "layers"))
        assert shown == [[name] for name in (*ALL, "kept", "bound", "phases", "layers", "plane")]
        await view.press(*["shift+tab"] * 5)
        await view.until(lambda: view.visible(*ALL) == ["learning"])
        assert view.chart("learning").has_focus
        await view.pilot.click("#tab-snr")
        await view.until(lambda: view.visible(*ALL) == ["snr"])
        assert "drift above" in view.text()


@pytest.mark.long
async def test_copy_puts_the_chart_as_text_on_the_clipboard(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("c")
        assert "I(X;Y)" in view.app.clipboard
        assert view.app.clipboard == view.chart().text()
        assert "\x1b" not in view.app.clipboard
        await view.press("tab", "c")
        assert "weight norm" in view.app.clipboard


# zoom and cross-hair


@pytest.mark.long
async def test_zoom_and_pan_stay_with_other_data_until_they_are_reset(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        whole = view.chart().image.area.x.limits
        await view.press("plus", "plus")
        near = view.chart().image.area.x.limits
        assert np.diff(near) == pytest.approx(0.64 * np.diff(whole))
        await view.press("shift+right", "shift+up")
        moved = view.chart().image.area.x.limits
        assert np.diff(moved) == pytest.approx(np.diff(near))
        assert moved[0] > near[0]
        await view.press("comma", "comma", "p")
        assert view.chart().image.area.x.limits == moved
        await view.press("minus")
        assert np.diff(view.chart().image.area.x.limits) == pytest.approx(0.8 * np.diff(whole))
        await view.press("0")
        assert view.chart().image.area.x.limits == whole


@pytest.mark.long
async def test_zooming_as_far_as_anybody_may(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(170, 40)) as view:
        for name in ALL:
            view.screen.panel = name
            await view.pilot.pause()
            chart = view.chart(name)
            for zoom, pan in ((1, 0), (0, 1), (-1, 0), (0, -1)):
                for _ in range(60):
                    chart.action_zoom(zoom) if zoom else chart.action_pan(pan, pan)
                await view.pilot.pause()
                view.text()
            await view.press("0")


@pytest.mark.long
async def test_the_wheel_zooms_about_the_cross_hair_and_a_drag_pans(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.pilot.hover("#plane", offset=(20, 10))
        about = view.chart().values()
        assert about is not None
        await view.pilot._post_mouse_events([_wheel()], widget="#plane", offset=(20, 10))
        assert view.chart().values() == pytest.approx(about)
        limits = view.chart().image.area.x.limits
        await view.pilot.mouse_down("#plane", offset=(20, 10))
        await view.pilot.hover("#plane", offset=(25, 10))
        await view.pilot.mouse_up("#plane", offset=(25, 10))
        panned = view.chart().image.area.x.limits
        assert panned[0] < limits[0]  # what was under the mouse has moved with it, to the right
        await view.pilot.hover("#plane", offset=(40, 12))
        assert view.chart().image.area.x.limits == panned


def _wheel() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp


@pytest.mark.long
async def test_the_cross_hair_reads_what_is_there(open_app: Any, have: Any) -> None:
    path = have("plain")
    async with open_app("plain") as view:
        await view.press("2", "3")
        chart = view.chart()
        [mark] = chart.spec.marks
        area = chart.image.area
        cell = tuple(
            origin + place
            for origin, place in (
                (area.left, area.column(float(area.x.to_unit([mark.x])[0]))),
                (area.top, area.row(float(area.y.to_unit([mark.y])[0]))),
            )
        )
        corner = view.one("#plane").content_region.offset
        await view.pilot.hover(None, offset=(corner.x + cell[0] - 2, corner.y + cell[1] + 1))
        assert chart.cursor == cell  # the nearest point
        with SessionReader(path) as reader:
            found = reader.layers(reader.ensemble(0), 40)
        means = [values[0, :, 0].mean() for values in (found.i_x, found.i_y)]
        spreads = [values[0, :, 0].std(ddof=1) for values in (found.i_x, found.i_y)]
        told = [f"{mean:.3f} ± {spread:.3f}" for mean, spread in zip(means, spreads, strict=True)]
        assert str(chart.border_subtitle) == f"I(X;T) bits {told[0]}   I(T;Y) bits {told[1]}   T1, epoch 40"
        assert f"{told[0]} {told[1]} T1" in " ".join(view.text().split())  # in the box
        assert "epoch 40, 3 networks" in view.text()
        await view.press("c")
        copied = view.app.clipboard.split("\t")
        assert copied[:2] == ["40", "T1"]
        assert [float(copied[k]) for k in (2, 5)] == pytest.approx(means, rel=1e-12)
        assert [float(copied[k]) for k in (3, 6)] == pytest.approx(spreads, rel=1e-9)
        assert [copied[k] for k in (4, 7)] == ["3", "3"]
        await view.press("left")
        assert chart.epoch == chart.spec.readings.epochs[-2]
        await view.press(*["left"] * 20)
        assert chart.epoch == 0
        await view.press("m", "right")
        first = int(chart.epoch)
        with SessionReader(path) as reader:
            both = [reader.layers(reader.ensemble(0), epoch).i_x[0, :, 0] for epoch in (0, first)]
        moved = both[1] - both[0]
        assert f"I(X;T) bits {moved.mean():+.3f} ± {moved.std(ddof=1):.3f}" in str(chart.border_subtitle)
        assert f"T1, epoch {first} less epoch 0" in str(chart.border_subtitle)
        await view.press("escape")
        assert chart.cursor is None
        assert "3 networks" not in view.text()


@pytest.mark.long
async def test_layers_of_any_number_are_chosen_in_a_list(open_app: Any, directory: Path) -> None:
    experiment = Experiment(hidden=((3,) * 11,), networks=2, epochs=4, snapshots=2)
    Run(begin(directory / "deep.ibs", "deep", experiment), threads=1).execute()
    async with open_app("deep") as view:
        await view.until(lambda: view.chart().spec)
        await view.press("h")
        await view.until_screen("LayerChoice")
        assert "T11" in view.text()
        await view.press(*["down"] * 10, "space", "down", "space", "enter")
        await view.until_screen("SessionScreen")
        assert view.screen.hidden_layers == {11, 12}
        await view.until(lambda: "output" not in [mark.text for mark in view.chart().spec.marks])
        await view.press("h")
        await view.until_screen("LayerChoice")
        await view.press(*["space", "down"] * 10, "enter")
        await view.until(lambda: "mark at least one layer" in view.text())
        await view.press("escape")
        await view.until_screen("SessionScreen")
        assert view.screen.hidden_layers == {11, 12}


@pytest.mark.long
async def test_charts_to_be_beside_one_another_are_chosen_and_remembered(open_app: Any, have: Any) -> None:
    have("plain")
    have("grid")
    every = ("plane", "gradients", "snr", "learning", "bound", "phases", "layers")
    async with open_app("plain") as view:
        assert view.visible(*every) == ["plane", "gradients"]
        await view.press("v")
        await view.until_screen("Several")
        await view.press("space", "down", "down", "space", "down", "space", "enter")  # the plane, SNR and learning
        await view.until_screen("SessionScreen")
        await view.until(lambda: view.visible(*every) == ["plane", "snr", "learning"])
        view.screen.panel = "gradients"  # not among them: in the place of the last
        await view.until(lambda: view.visible(*every) == ["plane", "gradients", "snr", "learning"])
    async with open_app("grid") as view:  # of all sessions
        await view.until(lambda: view.visible(*every) == ["plane", "snr", "learning"])
        await view.pilot.resize_terminal(80, 24)
        await view.until(lambda: view.visible(*every) == ["plane"])
        await view.pilot.resize_terminal(120, 24)
        await view.until(lambda: view.visible(*every) == ["plane", "snr"])
        await view.press("v")
        await view.until_screen("Several")
        await view.press("space", "down", "down", "space", "down", "space", "enter")
        await view.until_screen("SessionScreen")
        await view.until(lambda: view.visible(*every) == ["plane", "gradients"])


async def test_the_focused_chart_names_its_keys_until_something_is_read(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", settings=Settings(keys={"session.scale": "Y"})) as view:
        await view.until(lambda: "p points" in str(view.chart().border_subtitle))
        await view.press("tab")
        await view.until(lambda: "Y log" in str(view.chart("gradients").border_subtitle))
        assert view.chart().border_subtitle == ""
        await view.press("left")
        assert "batch mean" in str(view.chart("gradients").border_subtitle)
        await view.press("escape")
        assert "Y log" in str(view.chart("gradients").border_subtitle)


@pytest.mark.long
async def test_the_cross_hair_stays_inside_and_goes_with_escape(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        area = view.chart().image.area
        await view.press("right", "down")
        for across, down in ((1, 1), (-1, -1)):
            for _ in range(50):
                view.chart().action_move(across, 0)
                view.chart().action_move(0, down)
                column, row = view.chart().cursor
                assert area.left <= column < area.left + area.width
                assert area.top <= row < area.top + area.height
            assert view.chart().epoch == (40 if across > 0 else 0)
        await view.press("escape")
        assert view.chart().cursor is None
        assert type(view.screen).__name__ == "SessionScreen"
        await view.press("escape")
        await view.until_screen("LibraryScreen")


@pytest.mark.long
async def test_charts_over_epochs_share_the_cross_hair(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(170, 40)) as view:
        await view.press("tab", "left", "left", "left")
        epoch = view.chart("gradients").epoch
        assert epoch is not None
        for other in ("snr", "learning"):
            await view.until(lambda other=other: view.chart(other).epoch == epoch)
            there = view.chart(other).values()[0]
            step = float(np.log(40) / view.chart(other).image.area.width)
            assert abs(np.log(there / epoch)) <= step
        assert view.text().count(f"epoch {epoch}, 3 networks") == 3
        assert view.chart("plane").cursor is None
        await view.press("escape")
        await view.until(lambda: view.chart("snr").cursor is None)


# the run


@pytest.mark.long
async def test_requests_reach_the_run_and_the_view_alone_does_not(open_app: Any, live: Any) -> None:
    run = live()
    run.advance(5)
    async with open_app("live") as view:
        await view.press("space", "comma", "home", "space", "p", "f", "f", "end")
        assert run.requests() == []
        await view.press("P", "R", "S")
        assert run.requests() == [("pause", 0), ("resume", 0), ("stop", 0)]
        assert view.notes() == [f"asked the run to {command}" for command in ("pause", "resume", "stop")]


@pytest.mark.long
async def test_a_request_without_a_run_says_so(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("P", "S")
        assert [note.split(": ")[1] for note in view.notes()] == ["no run to pause", "no run to stop"]


async def test_pausing_and_stopping_a_run_that_goes_on(open_app: Any, live: Any) -> None:
    run = live(epochs=10_000_000, snapshots=30)
    run.free()
    async with open_app("live") as view:
        await view.until(lambda: "run: running" in view.said("#status"))
        await view.press("P")
        await view.until(lambda: "run: paused" in view.said("#status"))
        await view.press("R")
        await view.until(lambda: "run: running" in view.said("#status"))
        await view.press("S")
        await view.until(lambda: "run: stopped" in view.said("#status"))


@pytest.mark.long
async def test_following_a_run_until_the_view_is_moved_and_again_from_its_end(open_app: Any, live: Any) -> None:
    run = live()
    run.advance(4)
    async with open_app("live") as view:
        assert "LIVE" in view.text()
        seen = [view.screen.playback.epoch]
        view.screen.watch(view.screen, "playback", lambda now: seen.append(now.epoch), init=False)
        await view.until(lambda: view.screen.playback.epoch == 4)
        run.advance(3)
        await view.until(lambda: view.screen.playback.epoch == 7)
        assert sorted(set(seen)) == list(range(seen[0], 8))  # every snapshot has been shown
        assert seen == sorted(seen)
        assert len(view.chart().spec.series[0].x) == 8
        await view.press("comma", "comma")
        assert view.screen.playback.epoch == 5
        run.advance(3)
        await view.until(lambda: view.screen.playback.epochs[-1] == 10)
        assert view.screen.playback.epoch == 5
        assert "LIVE" not in view.text()
        await view.press("end")
        assert view.screen.playback.epoch == 10
        assert "LIVE" in view.text()
        run.advance(1)
        await view.until(lambda: view.screen.playback.epoch == 11)


@pytest.mark.long
async def test_playing_to_the_end_of_a_run_goes_over_into_following_it(open_app: Any, live: Any) -> None:
    run = live()
    run.advance(6)
    async with open_app("live") as view:
        await view.until(lambda: view.screen.playback.epoch == 6)  # before, space would hold it where it is
        await view.press("greater_than_sign", "greater_than_sign", "space")
        await view.until(lambda: "LIVE" in view.text())
        run.advance(2)
        await view.until(lambda: view.screen.playback.epoch == 8)


@pytest.mark.long
async def test_a_zoom_stays_while_a_run_goes_on(open_app: Any, live: Any) -> None:
    run = live()
    run.advance(2)
    async with open_app("live") as view:
        await view.press("plus", "plus", "shift+left")
        limits = view.chart().image.area.x.limits
        run.advance(2)
        await view.until(lambda: view.screen.playback.epoch == 4)
        assert view.chart().image.area.x.limits == limits


@pytest.mark.long
async def test_a_session_that_has_measured_nothing(open_app: Any, have: Any) -> None:
    have("plain", "empty", "DELETE FROM layer", "DELETE FROM learning", "DELETE FROM snapshot")
    async with open_app("empty", size=(170, 40)) as view:
        await view.press("space", "comma", "full_stop", "home", "end", "p", "1", "f", "f", "a", "a", "c", "tab", "left")
        await view.press("plus", "minus", "0", "shift+left")
        assert "run: finished" in view.said("#status")


async def test_a_killed_run_shows_as_interrupted(open_app: Any, have: Any, killed: tuple[str, ...]) -> None:
    have("plain", "", *killed)
    async with open_app("plain") as view:
        assert "run: interrupted" in view.said("#status")
        assert "LIVE" not in view.text()


async def test_a_file_that_becomes_unreadable_is_told_not_fatal(open_app: Any, live: Any) -> None:
    run = live()
    run.advance(2)
    async with open_app("live") as view:
        view.screen.follower._reader._connection.set_progress_handler(lambda: 1, 1)  # nothing is read to its end
        run.advance(1)
        await view.until(lambda: "live.ibs" in view.said("#status"))
        await view.press("comma", "home", "end")
        assert view.screen.playback.epochs == (0, 1, 2)


@pytest.mark.long
async def test_the_view_is_remembered(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid") as view:
        await view.press("right_square_bracket", "p", "tab", "tab", "2", "home", "full_stop")
        await view.press("escape")
        await view.until_screen("LibraryScreen")
    async with open_app("grid") as view:
        screen = view.screen
        assert (screen.ensemble, screen.points, screen.panel, screen.hidden_layers) == (0, True, "snr", {2})
        assert screen.playback.epoch == 1
        assert not screen.playback.following


@pytest.mark.long
@pytest.mark.parametrize(
    "kept",
    [
        {"panel": 3, "points": "yes", "ensemble": 99, "hidden": ["x"], "epoch": "late"},
        {"panel": "snr", "ensemble": -1, "hidden": [99], "epoch": -5},
        {"panel": [], "ensemble": True, "hidden": {}, "epoch": True},
        {"hidden": [1, 2, 3]},
        [],
    ],
)
async def test_a_strange_memory_does_no_harm(open_app: Any, have: Any, tmp_path: Path, kept: Any) -> None:
    path = have("plain")
    memory = tmp_path / "state" / "ibtui" / "views.json"
    memory.parent.mkdir(parents=True)
    memory.write_text(json.dumps({str(path.resolve()): kept}))
    async with open_app("plain") as view:
        assert view.screen.ensemble == 0
        assert view.screen.playback.epoch in EPOCHS
        assert view.chart().spec is not None


@pytest.mark.long
async def test_leaving_makes_a_killed_runs_file_whole(
    open_app: Any, live: Any, directory: Path, killed: tuple[str, ...]
) -> None:
    run = live()
    run.advance(3)
    wal = _as_killed(run.path, directory / "dead.ibs", killed)
    async with open_app("dead") as view:
        assert "run: interrupted" in view.said("#status")
        assert view.screen.playback.epochs == (0, 1, 2, 3)
        await view.press("escape")
        await view.until_screen("LibraryScreen")
        await view.until(lambda: not wal.exists())


def _as_killed(path: Path, to: Path, killed: tuple[str, ...]) -> Path:
    """Copy a session as its run would leave it when killed; the write-ahead log comes back."""
    import shutil

    between = to.with_suffix(".between")
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{between}{suffix}")
    with closing(sqlite3.connect(between)) as connection:
        with connection:
            for statement in killed:
                connection.execute(statement)
        for suffix in ("", "-wal"):
            shutil.copy(f"{between}{suffix}", f"{to}{suffix}")
    between.unlink()
    wal = Path(f"{to}-wal")
    assert wal.stat().st_size > 0
    return wal


# layout


@pytest.mark.long
@pytest.mark.parametrize(
    ("size", "shown", "table"),
    [
        ((80, 24), ["plane"], False),
        ((60, 20), ["plane"], False),
        ((120, 40), ["plane", "gradients"], False),
        ((200, 60), list(ALL), True),
    ],
)
async def test_as_many_charts_as_there_is_room_for(
    open_app: Any, have: Any, size: tuple[int, int], shown: list[str], table: bool
) -> None:
    have("plain")
    async with open_app("plain", size=size) as view:
        assert view.visible(*ALL) == shown
        assert (view.one("#side").region.area > 0) == table
        assert all(view.chart(name).image.area is not None for name in shown)
        assert "ibtui needs a terminal" not in view.text()
        await view.press("tab", "tab")
        await view.pilot.pause()
        expected = ["snr"] if len(shown) == 1 else ["plane", "snr"] if len(shown) == 2 else list(ALL)
        assert view.visible(*ALL) == expected


@pytest.mark.long
async def test_too_small_a_terminal_is_told(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(50, 18)) as view:
        for size in ((50, 18), (59, 40), (120, 19)):
            await view.pilot.resize_terminal(*size)
            await view.until(lambda: "ibtui needs a terminal of" in view.text())
            assert "60 columns and 20 rows" in view.text()
            assert "Plane" not in view.text()
        for size in ((10, 3), (1, 1), (120, 40)):
            await view.pilot.resize_terminal(*size)
            await view.pilot.pause()
        await view.until(lambda: view.visible(*ALL) == ["plane", "gradients"])
        assert "needs a terminal" not in view.text()


@pytest.mark.long
async def test_many_quick_resizes(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid") as view:
        draw = np.random.default_rng(1)
        for k in range(200):
            view.app._driver._size = None  # Textual keeps the last
            width, height = int(draw.integers(1, 220)), int(draw.integers(1, 70))
            await _resize(view, width, height)
            if k % 15 == 0:
                await view.press("a")
        await view.pilot.resize_terminal(120, 40)
        if view.screen.everything:
            await view.press("a")
        await view.until(lambda: view.visible(*ALL) == ["plane", "gradients"])


async def _resize(view: Any, width: int, height: int) -> None:
    """Without waiting for what comes of it."""
    from textual.events import Resize
    from textual.geometry import Size

    size = Size(width, height)
    view.app.post_message(Resize(size, size))


@pytest.mark.long
@pytest.mark.parametrize("many", [80, 2000])
async def test_thousands_of_fast_keys(open_app: Any, have: Any, many: int) -> None:
    have("grid")
    keys = ["space", "comma", "full_stop", "home", "end", "left_square_bracket", "right_square_bracket", "p", "tab"]
    keys += ["shift+tab", "left", "right", "up", "down", "plus", "minus", "shift+left", "0", "1", "2", "3", "f", "a"]
    keys += ["less_than_sign", "greater_than_sign", "c", "t"]
    draw = np.random.default_rng(2)
    async with open_app("grid", size=(80, 24)) as view:
        for key in draw.choice(keys, many):
            view.app.simulate_key(str(key))
        await view.pilot.pause()
        await view.press("end")
        assert type(view.screen).__name__ == "SessionScreen"
        assert view.screen.playback.epoch == 40


# sessions of all kinds

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "one snapshot": (
        "plain",
        (
            "DELETE FROM layer WHERE snapshot > 1",
            "DELETE FROM learning WHERE snapshot > 1",
            "DELETE FROM snapshot WHERE id > 1",
        ),
    ),
    "one network": ("lone", ()),
    "constant": (
        "plain",
        (
            "UPDATE layer SET i_x = 12, i_y = 0.5, grad_mean = 1, grad_std = 1",
            "UPDATE learning SET train_loss = 0.7, test_loss = 0.7, train_accuracy = 0.5, test_accuracy = 0.5",
        ),
    ),
    "nothing at all": (
        "plain",
        (
            "UPDATE layer SET i_x = 0, i_y = 0, grad_mean = 0, grad_std = 0",
            "UPDATE learning SET train_loss = 0, test_loss = 0, train_accuracy = 0, test_accuracy = 0",
        ),
    ),
    "absent": (
        "plain",
        (
            "UPDATE layer SET grad_mean = NULL, grad_std = NULL",
            "UPDATE learning SET test_loss = NULL, test_accuracy = NULL",
        ),
    ),
    "huge": (
        "plain",
        ("UPDATE layer SET grad_mean = 1e99, grad_std = 1e-150", "UPDATE learning SET train_loss=1e99"),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("kind", list(KINDS))
async def test_every_kind_of_session_draws(open_app: Any, have: Any, kind: str) -> None:
    origin, changes = KINDS[kind]
    have(origin, "odd", *changes)
    async with open_app("odd", size=(170, 40)) as view:
        assert view.visible(*ALL) == list(ALL)
        for keys in (("home", "p"), ("tab", "left", "plus"), ("end", "a"), ("a",)):
            await view.press(*keys)
            view.text()
        await view.until(lambda: view.visible(*ALL) == list(ALL))
        assert "I(X;T)" in view.text()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["markup", "escapes", "wide", "right to left"])
async def test_strange_names_are_only_text(open_app: Any, have: Any, strange: dict[str, str], kind: str) -> None:
    name = strange[kind]
    settings = json.dumps({"hidden": ["4-3"], "rule": f"table:{name}", "networks": 3, "epochs": 40})
    path = have(
        "plain",
        "odd",
        ("UPDATE session SET name = ?, experiment = ?", (name, settings)),
        ("UPDATE rule SET name = ?", (name,)),
    )
    name = name.replace("/", "")
    path.rename(path.with_name(f"{name}.ibs"))
    async with open_app(name, size=(130, 24)) as view:  # where names need not be shortened
        shown = view.text()
        assert all(character.isprintable() or character == "\n" for character in shown)
        assert printable(name).replace(" ", "") in shown.replace(" ", "")
        await view.press("P")
        await view.until(lambda: view.notes())
        assert all(character.isprintable() or character == "\n" for character in view.text())


@pytest.mark.long
async def test_the_footer_has_help_where_there_is_little_room(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(80, 24)) as view:
        await view.until(lambda: "? Help" in view.text())


@pytest.mark.long
async def test_t_goes_to_where_drift_ends(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("home", "t")
        assert any("no transition" in note for note in view.notes())
        assert view.screen.playback.epoch == 0
    at = "WHERE snapshot IN (SELECT id FROM snapshot WHERE epoch ="
    falling = [
        f"UPDATE layer SET grad_std = 1, grad_mean = {snr} {at} {epoch})"
        for epoch, snr in zip(EPOCHS[1:], (5, 4, 3, 2, 0.4, 0.3, 0.2), strict=True)
    ]
    have("plain", "turning", *falling)
    async with open_app("turning", size=(200, 60)) as view:
        turn = view.screen.current.drift_end
        assert 6 < turn < 12  # between an SNR of 2 and one of 0.4
        turns = [mark for mark in view.chart().spec.marks if mark.dot == "◆"]
        assert len(turns) == 3
        for path, mark in zip(view.chart().spec.series, turns, strict=True):  # each stands on its layer's path
            assert path.x.min() <= mark.x <= path.x.max()
        assert [mark.text for mark in view.chart("snr").spec.marks] == ["1", "2", "output"]
        [crossing] = view.chart("gradients").spec.marks
        assert 6 < crossing.x < 12
        for name in ("gradients", "snr", "learning"):
            assert [guide.value for guide in view.chart(name).spec.guides if guide.axis == "x"] == [turn]
        assert "◆" in view.one("#timeline", Timeline).render_line(0).text
        await view.press("home", "t")
        assert view.screen.playback.epoch in (6, 12)


@pytest.mark.long
async def test_moving_the_playhead_draws_no_chart_over_epochs_again(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(200, 60)) as view:
        images = {name: view.chart(name).image for name in ALL}
        columns = {name: _playhead_column(view.chart(name)) for name in ALL[1:]}
        await view.press("comma", "comma")
        assert view.screen.playback.epoch == 12
        for name in ALL[1:]:
            assert view.chart(name).image is images[name]
            area = view.chart(name).image.area
            expected = area.left + area.column(float(area.x.to_unit(12)[0]))
            assert _playhead_column(view.chart(name)) == expected != columns[name]
        assert view.chart("plane").image is not images["plane"]


def _playhead_column(chart: Any) -> int:
    area = chart.image.area
    rows = [chart.render_line(row).text for row in range(area.top, area.top + area.height)]
    return next(text.index("│", area.left) for text in rows if "│" in text[area.left :])


@pytest.mark.long
async def test_charts_come_back_after_a_terminal_that_had_no_row_for_them(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(180, 50)) as view:
        before = {name: view.chart(name).text() for name in ALL}
        assert all(before.values())
        await view.pilot.resize_terminal(180, 9)
        await view.until(lambda: not view.chart("snr").size)
        await view.pilot.resize_terminal(180, 50)
        await view.until(lambda: {name: view.chart(name).text() for name in ALL} == before)


@pytest.mark.long
async def test_a_session_that_is_left_is_let_go_of(open_app: Any, have: Any) -> None:
    """Though the collector leaves out what the app has loaded, which it does before the first one is made."""
    have("plain")
    try:
        async with open_app() as view:
            view.app.alone = True
            await view.press("enter")
            await view.until_screen("SessionScreen")
            assert gc.get_freeze_count() > 0
            left = weakref.ref(view.screen)
            await view.until(lambda: view.chart().text())
            await view.press("escape")
            await view.until_screen("LibraryScreen")
            await view.until(lambda: gc.collect() and left() is None)
    finally:
        gc.unfreeze()


@pytest.mark.long
async def test_the_footer_holds_no_key_that_it_does_not_show(open_app: Any, have: Any) -> None:
    have("plain")

    def alive() -> int:
        gc.collect()
        return sum(type(one) is FooterKey for one in gc.get_objects())  # asking others their class may warn

    async with open_app("plain") as view:
        footer = view.one(KeysFooter)
        await view.until(lambda: len(footer.query(FooterKey)) > 5)
        others = alive() - len(footer.query(FooterKey))
        for _ in range(10):
            first = footer.query(FooterKey).first()
            footer.refresh(recompose=True)
            await view.until(lambda first=first: footer.query(FooterKey).first() is not first)
        await view.until(lambda: alive() - others <= len(footer.query(FooterKey)) + 1)  # `first` is one


@pytest.mark.long
async def test_the_footer_is_made_anew_only_for_other_keys(
    open_app: Any, have: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    have("plain")
    async with open_app("plain", size=(170, 40)) as view:
        footer = view.one(KeysFooter)
        await view.until(lambda: len(footer.query(FooterKey)) > 5)
        made = []
        recompose = footer.recompose
        monkeypatch.setattr(footer, "recompose", lambda: made.append(1) or recompose())
        await view.press("tab", "tab", "comma", "p")
        await view.until(lambda: not view.screen.behind)
        assert not made
        before = {key.description for key in footer.query(FooterKey)}
        await view.press("escape")
        await view.until_screen("LibraryScreen")
        await view.until(lambda: {key.description for key in view.screen.query(FooterKey)} - before)


@pytest.mark.long
async def test_keys_held_down_move_the_playhead_more_often_than_they_draw(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        drawn = []
        draw = view.screen.draw
        view.screen.draw = lambda: (drawn.append(view.screen.playback.epoch), draw())
        began = time.monotonic()
        for _ in range(10):
            for key in ("comma", "full_stop"):
                view.app.simulate_key(key)
        await view.press("comma", "comma")
        took = time.monotonic() - began
        assert view.screen.playback.epoch == 12
        assert drawn[-1] == 12
        assert len(drawn) <= 10 * took + 2


async def test_a_run_that_has_ended_early_goes_on_with_a_capital_r(
    open_app: Any, have: Any, monkeypatch: Any, killed: tuple[str, ...]
) -> None:
    begun: list[Path] = []

    class Going:
        ended = False
        complaint = ""

    monkeypatch.setattr("ibtui.runs.resume_run", lambda path: begun.append(path) or Going())
    path = have("plain", "dead", *killed)
    async with open_app("dead") as view:
        await view.press("R")
        assert begun == [path]
        assert type(view.screen).__name__ == "SessionScreen"
        assert len([screen for screen in view.app.screen_stack if type(screen).__name__ == "SessionScreen"]) == 1
        view.app._runs.clear()


@pytest.mark.long
async def test_memory_stays_flat_over_hundreds_of_updates(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid", size=(80, 24)) as view:
        used = []
        for k in range(200):
            view.screen._take_in()
            await view.pilot.pause(0)
            view.screen._compositor.render_strips()
            if k in (80, 199):
                gc.collect()
                used.append(psutil.Process().memory_info().rss)
        assert used[1] - used[0] < 3_000_000


@pytest.mark.long
async def test_all_ensembles_in_any_chart_on_one_axis(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid") as view:
        await view.press("a", "tab")
        charts = [view.chart(f"each-{k}") for k in range(3)]
        await view.until(lambda: all(chart.spec and chart.spec.y.label == "norm / weight norm" for chart in charts))
        assert len({chart.spec.y.limits for chart in charts}) == 1
        assert "◆" not in view.text()
        await view.press("right")
        epochs = [chart.values()[0] for chart in charts]
        assert max(epochs) / min(epochs) < 1.2


@pytest.mark.long
async def test_a_screenshot_is_written_where_the_app_was_started(open_app: Any, have: Any, tmp_path: Path) -> None:
    have("plain")
    async with open_app("plain") as view:
        await view.press("f12", "f12")
        assert [note for note in view.notes() if "wrote" in note] == [
            "wrote ibtui-session.svg",
            "wrote ibtui-session-2.svg",
        ]
    assert "plane" in (tmp_path / "ibtui-session.svg").read_text()


@pytest.mark.long
async def test_bins_and_estimator_change_while_one_looks(open_app: Any, have: Any, directory: Path) -> None:
    path = have("kept")
    before = path.read_bytes()
    with SessionReader(path) as reader:
        recorded = reader.layers(reader.ensemble(0), 40).i_x[0].mean(axis=0)
    async with open_app("kept", size=(200, 60)) as view:
        await view.press("right_parenthesis")
        await view.until(lambda: "measured again: binning, 45 bins" in view.text())
        await view.until(lambda: "to come" not in view.said("#status"))
        more = [float(row[2].split()[0]) for row in layer_rows(view)]
        assert all(a >= b - 0.001 for a, b in zip(more, recorded, strict=True))
        assert more != [round(float(value), 3) for value in recorded]
        await view.until(lambda: "45 bins" in view.chart().spec.caption)
        await view.press("e")
        await view.until(lambda: "measured again: adaptive" in view.said("#status"))
        await view.press("W")
        await view.until(lambda: any("saved as" in note for note in view.notes()))
        saved = [file for file in directory.glob("*.ibs") if file != path]
        assert len(saved) == 1
        with SessionReader(saved[0]) as reader:
            assert reader.summary.experiment.estimator == "adaptive"
            assert reader.summary.experiment.bins == 45
        await view.press("E")
        await view.until(lambda: view.said("#status").endswith("binning, 30 bins of [−1, 1]"))
        assert [row[2].split()[0] for row in layer_rows(view)] == [f"{value:.3f}" for value in recorded]
        await view.press("W")
        await view.until(lambda: any("nothing is measured again" in note for note in view.notes()))
    assert path.read_bytes() == before


async def test_without_weights_nothing_is_measured_again(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        for key in ("right_parenthesis", "left_parenthesis", "e"):
            await view.press(key)
            await view.until(lambda: any("keeps no weights" in note for note in view.notes()))
            view.app.clear_notifications()
        assert "measured again" not in view.said("#status")


@pytest.mark.long
@pytest.mark.parametrize(("name", "waiting"), [("kept", ""), ("plain", "no weights: it was run")])
async def test_the_phases_are_told(open_app: Any, have: Any, name: str, waiting: str) -> None:
    have(name)
    async with open_app(name, size=(120, 40)) as view:
        view.screen.panel = "phases"
        await view.until(lambda: view.visible("phases") == ["phases"])
        await view.press("f")
        await view.until(lambda: "drift ends" in view.text())
        view.one("#phases").scroll_end(animate=False)
        if waiting:
            await view.until(lambda: waiting in view.text())
        else:
            await view.until(lambda: view.screen._diffusions._found)
            await view.until(lambda: "reading the weights" not in view.text())
        await view.press("home")  # stays the playhead's
        assert view.screen.playback.epoch == 0


@pytest.mark.long
async def test_layers_at_the_ceiling_are_told(open_app: Any, have: Any) -> None:
    have("plain", "high", "UPDATE layer SET i_x = 12, distinct_t = 4096 WHERE layer = 1")
    async with open_app("high", size=(200, 60)) as view:
        await view.until(lambda: "at the ceiling: T1" in view.text())


@pytest.mark.long
async def test_the_bound_is_found_at_the_playhead(open_app: Any, have: Any) -> None:
    path = have("kept")
    with SessionReader(path) as reader:
        found = {epoch: reader.layers(reader.ensemble(0), epoch) for epoch in (40, 12)}
        i_xy = reader.summary.rules[0].i_xy
    async with open_app("kept", size=(200, 60)) as view:
        view.screen.panel = "bound"
        for epoch in (40, 12):
            view.screen.playback = view.screen.playback.to_epoch(epoch)
            await view.until(lambda epoch=epoch: view.screen._bound.of(0, epoch), patience=90)
            await view.until(lambda epoch=epoch: f"Epoch {epoch}." in view.chart("side-bound-chart").spec.caption)
            spec = view.chart("side-bound-chart").spec
            assert "slope 1/beta*" in spec.caption
            assert [mark.text for mark in spec.marks] == ["1", "2", "output"]
            assert [mark.x for mark in spec.marks] == pytest.approx(found[epoch].i_x[0].mean(axis=0).tolist())
            assert [mark.y for mark in spec.marks] == pytest.approx(found[epoch].i_y[0].mean(axis=0).tolist())
            curve = spec.series[0]
            assert curve.y[-1] == pytest.approx(i_xy, abs=1e-5)
            for mark in spec.marks:  # nothing lies above the bound
                assert mark.y <= np.interp(mark.x, curve.x, curve.y) + 1e-5
        assert "beta*" in view.text()


@pytest.mark.long
async def test_without_weights_there_are_the_curve_and_the_distances_below_it(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain", size=(120, 40)) as view:
        view.screen.panel = "bound"
        await view.until(lambda: "No beta*: beta* needs the weights" in view.text())
        chart = view.chart("bound-chart").spec
        assert chart.marks
        assert "slope" not in chart.caption
        assert chart.series[0].y[-1] == pytest.approx(view.screen.follower.summary.rules[0].i_xy, abs=1e-5)
        assert "below" in view.text()


@pytest.mark.long
async def test_showing_a_run_leaves_the_machine_to_it(open_app: Any, live: Any, monkeypatch: Any) -> None:
    run = live()
    async with open_app("live") as view:
        monkeypatch.setattr("ibtui.draw_budget.SHARE", 1e-9)
        monkeypatch.setattr("ibtui.draw_budget.LONGEST_WAIT", 1e9)
        monkeypatch.setattr("ibtui.screens.session.CARRY_SECONDS", 1e9)
        view.screen._budget.open(-1.0)
        run.advance(5)
        await view.until(lambda: view.screen.playback.behind == 5)
        await view.until(lambda: "5 behind" in view.text())
        assert view.screen.playback.epoch == 0  # nothing is drawn for what is merely new
        await view.press("end")
        assert view.screen.playback.epoch == 5  # but for whoever asks
        run.advance(2)
        await view.until(lambda: view.screen.playback.behind == 2)
        monkeypatch.setattr("ibtui.draw_budget.SHARE", 100.0)
        await view.until(lambda: view.screen.playback.epoch == 7)


@pytest.mark.long
async def test_a_run_is_watched_on_behind_help_and_the_palette(open_app: Any, live: Any) -> None:
    run = live()
    async with open_app("live") as view:
        session = view.screen
        for key, count in (("question_mark", 3), ("ctrl+p", 3)):
            await view.press(key)
            await view.until(lambda: view.screen is not session)
            run.advance(count)
            last = session.playback.epoch + count
            await view.until(lambda last=last: session.playback.epoch == last)
            await view.until(lambda last=last: len(session.query_one("#plane").spec.series[0].x) == last + 1)
            await view.press("escape")
            await view.until(lambda: view.screen is session)


@pytest.mark.long
async def test_a_replay_is_offered_only_once_the_last_snapshot_is_taken_in(open_app: Any, live: Any) -> None:
    run = live(epochs=20, snapshots=18)
    async with open_app("live") as view:
        run.advance(4)
        await view.until(lambda: view.screen.playback.epoch == 4)
        screen, taken_in = view.screen, view.screen._take_in
        screen._take_in = lambda: None  # a look has seen the run's end, and its turn has not come
        run.free()
        await view.until(lambda: not screen.growing and screen._stale)
        assert screen.playback.at_end
        screen._offer_replay()
        assert not view.notes()
        screen._take_in = taken_in
        await view.until(lambda: any("space to replay" in note for note in view.notes()))
        assert screen.playback.epoch == 20


@pytest.mark.long
async def test_the_end_of_a_watched_run_offers_to_replay_it(open_app: Any, live: Any) -> None:
    run = live(epochs=20, snapshots=18)
    async with open_app("live") as view:
        assert not view.notes()
        run.free()
        await view.until(lambda: any("space to replay" in note for note in view.notes()))
        assert view.screen.playback.epoch == 20
        await view.press("space")
        assert view.screen.playback.playing
        assert view.screen.playback.epoch < 20


@pytest.mark.long
async def test_a_run_that_was_watched_goes_on_where_it_was_left(open_app: Any, live: Any, monkeypatch: Any) -> None:
    run = live()
    run.advance(5)
    async with open_app("live") as view:
        await view.until(lambda: view.screen.playback.epoch == 5)
        await view.press("q")
        await view.until_screen("LibraryScreen")
        run.advance(4)
        monkeypatch.setattr("ibtui.draw_budget.SHARE", 1e-9)
        monkeypatch.setattr("ibtui.screens.session.CATCHING_UP_SECONDS", -1.0)
        monkeypatch.setattr("ibtui.screens.session.CARRY_SECONDS", 1e9)
        await view.press("enter")
        await view.until_screen("SessionScreen")
        assert view.screen.playback.epoch == 5
        assert view.screen.playback.behind == 4


@pytest.mark.long
async def test_a_drawing_that_was_put_off_until_the_session_is_left_is_none(open_app: Any, have: Any) -> None:
    have("grid")
    async with open_app("grid") as view:
        session = view.screen
        await view.press("q")
        await view.until_screen("LibraryScreen")
        await view.until(lambda: not session.query("#plane"))
        session.draw()
        session.renew()
        session._take_in()
        session.playback = session.playback.to_index(0)
        assert session.left


@pytest.mark.long
async def test_a_session_deleted_renamed_or_replaced_elsewhere_says_so_and_is_shown_on(
    open_app: Any, have: Any, directory: Path
) -> None:
    path = have("plain")
    async with open_app("plain") as view:
        path.rename(directory / "other.ibs")
        await view.until(lambda: "plain was deleted or renamed elsewhere" in view.said("#status"))
        await view.press("comma")
        assert view.screen.playback.epoch < 40
        for key in ("P", "e", "W", "p", "tab"):
            await view.press(key)
        shutil.copy(directory / "other.ibs", path)
        await view.until(lambda: "another file has taken the place of plain" in view.said("#status"))
        (directory / "other.ibs").rename(path)
        await view.until(lambda: "run: finished" in view.said("#status"))
        await view.press("escape")
        await view.until_screen("LibraryScreen")
