"""The map in the app: cells that fill in, the chosen one in words, its ensemble, axes, slices, what is shown, marks."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ibtui.commands import Answer
from ibtui.map_charts import rows
from ibtui.messages import ShowMap
from ibtui.screens import map as module
from ibtui.widgets.map_view import MapView
from ibtui_engine.experiment import Experiment
from ibtui_engine.maps.reading import read_map
from ibtui_engine.session.history import SessionReader
from tests.ibtui.app.mapped import GRID, cell_of, keep_cell, write_map


@pytest.fixture(scope="session")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map all of which is known."""
    return write_map(tmp_path_factory.mktemp("mapped") / "map.ibs")


@pytest.fixture
def map_file(mapped: Path, directory: Path) -> Path:
    """A copy of it in the test's directory."""
    path = directory / "map.ibs"
    path.write_bytes(mapped.read_bytes())
    return path


async def _opened(view: Any, path: Path) -> MapView:
    view.app.post_message(ShowMap(path))
    await view.until_screen("MapScreen")
    await view.until(lambda: view.screen.found is not None)
    return view.one("#map", MapView)


def _at(view: Any, **settings: Any) -> int:
    """The index of the ensemble with these settings."""
    return next(
        index
        for index, place in view.screen.found.places.items()
        if all(getattr(place.ensemble.settings, name) == value for name, value in settings.items())
    )


async def test_the_library_and_a_session_lead_to_the_map_and_arrows_read_its_cells(
    open_app: Any, map_file: Path
) -> None:
    async with open_app() as view:
        await view.press("M")
        await view.until_screen("MapScreen")
        await view.until(lambda: view.screen.found is not None)
        chart = view.one("#map", MapView)
        assert "24 of 24 cells · slice 1 of 2" in view.said("#status")
        assert (chart.shown.x_label, chart.shown.y_label) == ("Batch", "Learning rate")
        await view.press("right", "up", "up")
        assert chart.cursor == (1, 2)
        place = view.screen.chosen
        assert place.ensemble.index == _at(view, learning_rate=0.04, batch=128, activation="tanh")
        said = view.said("#cell-said").splitlines()
        assert said[0] == "batch 128, learning rate 0.04, activation tanh"
        assert said[1] == "4 networks, at epoch 300"
        assert said[2].split()[-5:] == ["T2", "0.990", "±", "0.031", "bits"]
        assert "0.330 ± 0.017" in said[3]
        assert any("the session keeps no weights" in line for line in said)
        assert any(line.startswith("+ reproduced (reproduced 97 %, undecided 3 %)") for line in said)
        await view.press("left", "left", "left", "down", "down", "down", "down")
        assert chart.cursor == (0, 0)
        await view.press("end")
        assert chart.cursor == (2, 0)
        await view.press("home", "escape")
        await view.until_screen("LibraryScreen")
    async with open_app("map") as view:
        await view.press("M")
        await view.until_screen("MapScreen")


async def test_enter_opens_the_ensemble_of_the_cell(open_app: Any, map_file: Path) -> None:
    async with open_app() as view:
        await _opened(view, map_file)
        await view.press("right", "up", "enter")
        await view.until_screen("SessionScreen")
        await view.until(lambda: view.screen.current is not None)
        settings = view.screen.current.ensemble.settings
        assert (settings.batch, settings.learning_rate, settings.activation) == (128, 0.02, "tanh")
        await view.press("escape")
        await view.until_screen("MapScreen")
        assert view.one("#map", MapView).cursor == (1, 1)


async def test_what_is_shown_is_found_by_typing(open_app: Any, map_file: Path) -> None:
    async with open_app() as view:
        chart = await _opened(view, map_file)
        await view.press("s")
        await view.until_screen("Picking")
        await view.press(*"drift", "space", *"t1", "enter")
        await view.until_screen("MapScreen")
        assert view.screen._shown.name == "drift-end:T1"
        assert chart.shown.cell(0, 0).value == pytest.approx(1.3 * 210)
        assert chart.shown.logarithmic
        await view.press("s")
        await view.until_screen("Picking")
        await view.press(*"verdict:two-ph")
        assert view.screen.found == ["verdict:two-phases"]
        await view.press("enter")
        await view.until_screen("MapScreen")
        assert chart.shown.verdicts
        assert [chart.shown.cell(0, y).kind for y in range(4)] == ["undecided", "partly", "reproduced", "reproduced"]
        kinds = [cell.kind for cell in chart.shown.every()]
        await view.until(lambda: f"undecided {kinds.count('undecided')}" in view.text())
        await view.press("s")
        await view.until_screen("Picking")
        await view.write("#find", "no such thing")
        await view.press("enter")
        assert view.screen.found == []
        await view.press("escape")
        await view.until_screen("MapScreen")
        assert chart.shown.verdicts


async def test_axes_change_places_and_the_chosen_ensemble_stays(open_app: Any, map_file: Path) -> None:
    async with open_app() as view:
        chart = await _opened(view, map_file)
        await view.press("right", "up", "up")
        before = view.screen.chosen.ensemble.index
        await view.press("x")
        await view.until_screen("Picking")
        await view.press(*"learning", "enter")
        await view.until_screen("MapScreen")
        assert (chart.shown.x_label, chart.shown.y_label) == ("Learning rate", "Batch")
        assert view.screen.chosen.ensemble.index == before
        assert chart.cursor == (2, 1)
        await view.press("y")
        await view.until_screen("Picking")
        await view.press(*"activation", "enter")
        await view.until_screen("MapScreen")
        assert (chart.shown.x_label, chart.shown.y_label) == ("Learning rate", "Activation")
        assert view.screen.chosen.ensemble.index == before
        assert "slice 2 of 3" in view.said("#status")
        assert "batch 128" in str(chart.border_title)


async def test_slices_are_gone_through_and_chosen(open_app: Any, map_file: Path) -> None:
    async with open_app() as view:
        chart = await _opened(view, map_file)
        await view.press("right", "right_square_bracket")
        assert "activation relu" in str(chart.border_title)
        assert chart.cursor == (1, 0)
        assert view.screen.chosen.ensemble.settings.activation == "relu"
        await view.press("left_square_bracket")
        assert "activation tanh" in str(chart.border_title)
        await view.press("g")
        await view.until_screen("Picking")
        await view.press(*"relu", "enter")
        await view.until_screen("MapScreen")
        assert "activation relu" in str(chart.border_title)


async def test_two_marked_cells_are_compared_also_from_different_slices(open_app: Any, map_file: Path) -> None:
    async with open_app() as view:
        chart = await _opened(view, map_file)
        await view.press("space", "c")
        await view.until(lambda: any("mark two cells" in note for note in view.notes()))
        await view.press("right", "space", "space", "right", "space", "right_square_bracket", "up", "space")
        assert len(view.screen._marks) == 2
        indices = [
            _at(view, learning_rate=0.01, batch=256, activation="tanh"),
            _at(view, learning_rate=0.02, batch=256, activation="relu"),
        ]
        assert view.screen._marks == indices
        assert chart._marks == ((-1, -1), (2, 1))
        await view.press("c")
        await view.until_screen("CompareScreen")
        await view.until(lambda: view.screen._charts)
        assert [index for _, index in view.screen._shown] == indices


async def test_cells_fill_in_while_a_run_goes_on(open_app: Any, directory: Path) -> None:
    path = write_map(directory / "live.ibs", known=5, running=1)
    async with open_app() as view:
        chart = await _opened(view, path)
        assert "5 of 24 cells, 1 running, 18 waiting" in view.said("#status")
        states = [chart.shown.cell(0, y).state for y in range(4)]
        assert states.count("") >= 1
        assert "waiting" in states
        assert not view.screen._asked
        sixth = Experiment(**GRID).ensembles[5]
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE cohort SET epoch = 300 WHERE ensemble = 5")
            keep_cell(connection, cell_of(sixth, 300))
            connection.execute(
                "INSERT INTO snapshot (cohort, epoch, time) SELECT c.id, s.epoch, 0 FROM cohort c, snapshot s"
                " WHERE c.ensemble = 5 AND s.cohort = 1 AND s.epoch >= 120"
            )
        await view.until(lambda: "6 of 24 cells" in view.said("#status"))
        assert view.screen.found.places[5].state == "known"


async def test_cells_without_results_are_worked_out_by_another_process(
    open_app: Any, directory: Path, mapped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_map(directory / "half.ibs", known=20)
    calls: list[tuple[str, ...]] = []

    async def ask(*arguments: str) -> Answer:
        calls.append(arguments)
        with SessionReader(mapped) as reader:
            return Answer(0, json.dumps({"ensembles": rows(read_map(reader))}).encode(), "")

    monkeypatch.setattr(module, "ask", ask)
    async with open_app() as view:
        await _opened(view, path)
        await view.until(lambda: "24 of 24 cells" in view.said("#status"))
        assert calls == [("map", str(path.absolute()), "--json", "--quiet")]
        worked_out = view.screen.found.places[23]
        assert worked_out.cell == cell_of(Experiment(**GRID).ensembles[23], 300)
    with SessionReader(path) as reader:
        assert len(reader.results()) == 20  # nothing is written


async def test_too_many_cells_without_results_are_left_to_a_command(
    open_app: Any, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_map(directory / "half.ibs", known=20)
    monkeypatch.setattr(module, "MOST_ASKED", 3)
    async with open_app() as view:
        await _opened(view, path)
        await view.until(lambda: "4 cells are not worked out: ibtui map half --renew" in view.said("#status"))


async def test_what_another_process_says_is_wrong_is_told(
    open_app: Any, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_map(directory / "half.ibs", known=20)

    async def ask(*_: str) -> Answer:
        return Answer(1, b"", "it cannot be read")

    monkeypatch.setattr(module, "ask", ask)
    async with open_app() as view:
        await _opened(view, path)
        await view.until(lambda: "half: it cannot be read" in view.said("#status"))
        await view.press("up")
        assert "batch 64, learning rate 0.02" in view.said("#cell-said")


async def test_a_session_that_is_no_grid_has_no_map(open_app: Any, have: Any, directory: Path) -> None:
    have("plain")
    (directory / "broken.ibs").write_bytes(b"SQLite format 3\0" + bytes(200))
    async with open_app() as view:
        view.app.post_message(ShowMap(directory / "plain.ibs"))
        await view.until(lambda: any("ensembles differ in a setting" in note for note in view.notes()))
        view.app.post_message(ShowMap(directory / "broken.ibs"))
        await view.until(lambda: len(view.notes()) == 2)
        assert type(view.screen).__name__ == "LibraryScreen"


async def test_a_map_of_one_setting_is_a_row(open_app: Any, directory: Path) -> None:
    path = write_map(directory / "row.ibs", known=3, learning_rate=(0.01,), activation=("tanh",))
    async with open_app() as view:
        chart = await _opened(view, path)
        assert (len(chart.shown.x), len(chart.shown.y)) == (3, 1)
        await view.press("right", "up")
        assert chart.cursor == (1, 0)
        assert view.said("#cell-said").startswith("batch 128\n")
        assert not {"x", "y", "left_square_bracket"} & {
            key for key, active in view.screen.active_bindings.items() if active.binding.id and active.enabled
        }


async def test_a_damaged_map_is_told_in_one_line(open_app: Any, map_file: Path) -> None:
    with closing(sqlite3.connect(map_file)) as connection, connection:
        connection.execute("UPDATE result SET data = '[1]' WHERE ensemble = 3")
    async with open_app() as view:
        view.app.post_message(ShowMap(map_file))
        await view.until_screen("MapScreen")
        await view.until(lambda: "damaged" in view.said("#status"))
        await view.press("enter", "space", "s", "x", "right_square_bracket", "escape")
        await view.until_screen("LibraryScreen")


@pytest.mark.long
async def test_many_rows_fit_where_the_longer_axis_goes_to_the_right(open_app: Any, directory: Path) -> None:
    rates = tuple(0.001 * k for k in range(1, 41))
    batches = tuple(range(10, 260, 10))
    path = write_map(directory / "many.ibs", learning_rate=rates, batch=batches, activation=("tanh",), snapshots=2)
    async with open_app(size=(80, 24)) as view:
        chart = await _opened(view, path)
        assert (len(chart.shown.x), len(chart.shown.y)) == (40, 25)
        assert chart.image.grid is not None


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_a_click_chooses_a_cell(open_app: Any, map_file: Path, size: tuple[int, int]) -> None:
    async with open_app(size=size) as view:
        chart = await _opened(view, map_file)
        grid = chart.image.grid
        offset = (1 + grid.left + 2 * grid.width + 1, 1 + grid.top)
        await view.pilot.click("#map", offset=offset)
        assert chart.cursor == (2, 3)
        await view.pilot.click("#map", offset=(1, 1))
        assert chart.cursor == (2, 3)


async def test_the_cell_gets_the_keys_to_scroll(open_app: Any, map_file: Path) -> None:
    async with open_app(size=(80, 24)) as view:
        await _opened(view, map_file)
        await view.press("tab", "end")
        assert view.screen.focused.id == "cell"
        assert view.one("#cell").scroll_y > 0
        await view.press("tab")
        assert view.screen.focused.id == "map"


def test_a_map_is_shown_without_what_computes() -> None:
    code = (
        "import sys, ibtui.screens.map, ibtui_engine.maps.cells as cells; cells.definitions();"
        "print({'numba', 'torch', 'llvmlite'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "set()"
