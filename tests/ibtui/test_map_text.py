"""Cells of a map in words, and those that another process has worked out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ibtui.map_charts import Shown, rows
from ibtui.map_text import answers, cells_of, settings_of, state_of, summed_up, told_of, with_cells
from ibtui_engine.experiment import Experiment
from ibtui_engine.maps.axes import slices
from ibtui_engine.maps.cells import Cell, CellNumber
from ibtui_engine.maps.reading import GIVEN_UP, KNOWN, STOPPED, UNJUDGED, Map, Place, read_map
from ibtui_engine.session.history import SessionReader
from tests.ibtui.app.mapped import GRID, cell_of, write_map


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Map:
    """A map of which 20 of 24 cells are known."""
    path: Path = write_map(tmp_path_factory.mktemp("maps") / "map.ibs", known=20)
    with SessionReader(path) as reader:
        return read_map(reader)


def test_everything_that_can_be_shown_has_a_name_that_a_map_takes(found: Map) -> None:
    told = answers(found)
    assert {"lost", "lost:T1", "lost:T2", "drift-end:T1", "output", "verdict:two-phases"} <= set(told)
    assert "lost:T3" not in told
    assert all(Shown(name).title for name in told)
    assert told["drift-end:T1"] == "End of drift of T1"


def test_a_cell_is_told_of_with_what_is_shown_first(found: Map) -> None:
    place = found.places[0]
    lines = [line for line, _ in told_of(place, "drift-end")]
    assert lines[0].split() == ["End", "of", "drift", "210", "×/÷", "1.12"]
    assert lines[1].split() == ["T1", "273", "×/÷", "1.13"]
    assert sum(line.startswith("  ") for line in lines) == 1
    verdict, style = told_of(place, "verdict:two-phases")[0]
    assert verdict.startswith("? undecided (reproduced 52 %, not 48 %): ")
    assert style == "$text-accent"
    assert told_of(place, "verdict:two-phases")[0] == told_of(place, "lost")[-1]


def test_what_a_cell_lacks_is_said_with_the_reason(found: Map) -> None:
    place = found.places[0]
    lines = [line for line, _ in told_of(place, "lost")]
    assert any(line.startswith("Diffusion exponent") and "keeps no weights" in line for line in lines)
    assert place.cell is not None
    none = replace(place.cell, numbers={"drift-end": CellNumber(None, None, "epoch", 1, 4)})
    lines = [line for line, _ in told_of(replace(place, cell=none), "lost")]
    assert any(line.startswith("End of drift") and line.endswith("– 1 of 4 networks") for line in lines)
    assert told_of(found.places[23], "lost") == []
    gone = Cell(0, 40, 4, {}, {}, {}, "it diverged at epoch 41")
    assert told_of(Place(place.ensemble, GIVEN_UP, gone), "lost") == [("it diverged at epoch 41", "$text-error")]


def test_settings_and_states_are_told(found: Map) -> None:
    laid = slices(Experiment(**GRID))[1]
    assert settings_of(laid, 2, 3) == "batch 256, learning rate 0.08, activation relu"
    assert settings_of(slices(Experiment(batch=(64, 128)))[0], 1, 0) == "batch 128"
    assert state_of(found.places[0]) == "4 networks, at epoch 300"
    assert state_of(found.places[23]) == "4 networks, finished at epoch 300, and not worked out yet"
    assert state_of(replace(found.places[23], state=STOPPED)).startswith("4 networks, stopped at epoch 300")
    assert summed_up(found) == "20 of 24 cells, 4 not judged"


def test_cells_survive_the_way_through_json(found: Map) -> None:
    text = json.dumps({"ensembles": rows(found)})
    cells = cells_of(json.loads(text)["ensembles"])
    assert cells == {index: one.cell for index, one in found.places.items() if one.cell is not None}


def test_cells_of_another_process_fill_only_what_is_not_known_at_their_epoch(found: Map) -> None:
    every = Experiment(**GRID).ensembles
    cells = {one.index: cell_of(one, 300) for one in every[:23]}
    cells[23] = cell_of(every[23], 200)
    cells[0] = cell_of(every[5], 300)
    full = with_cells(found, cells)
    assert [full.places[index].state for index in (20, 21, 22, 23)] == [KNOWN] * 3 + [UNJUDGED]
    assert full.places[22].cell == cells[22]
    assert full.places[0] == found.places[0]
