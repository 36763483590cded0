"""Where a map gets more networks, and when that ends: by made-up verdicts, and in a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.maps import reading
from ibtui_engine.maps.cells import CellVerdict
from ibtui_engine.maps.reading import Map, read_map
from ibtui_engine.maps.refining import MOST_TIMES, next_round, require_claim
from ibtui_engine.refinement import Budget, refine
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader
from tests.engine.maps.conftest import SMALL

YES, NO = CellVerdict("reproduced", {"reproduced": 1.0}), CellVerdict("not", {"not": 1.0})
NEARLY = CellVerdict("reproduced", {"reproduced": 0.9, "not": 0.1})
OPEN = CellVerdict("undecided", {"reproduced": 0.6, "not": 0.4})


@pytest.fixture(scope="module")
def whole(map_file: Path) -> Map:
    with SessionReader(map_file) as reader:
        return read_map(reader)


def with_verdicts(whole: Map, *verdicts: CellVerdict | None, networks: int = 3) -> Map:
    """Of the four cells, whose neighbours are 1 and 2 of 0 and 3, and 0 and 3 of 1 and 2."""
    places = {}
    for (index, place), verdict in zip(whole.places.items(), verdicts, strict=True):
        assert place.cell is not None
        cell = replace(place.cell, verdicts={"dpi": verdict} if verdict else {})
        places[index] = replace(place, cell=cell, ensemble=replace(place.ensemble, networks=networks))
    return replace(whole, places=places)


@pytest.mark.parametrize(
    ("verdicts", "further"),
    [
        ((YES, YES, YES, YES), {}),
        ((YES, NO, NO, YES), {}),  # it changes everywhere, but all resamples agree
        ((NEARLY, YES, YES, YES), {}),  # not all agree, but it changes nowhere
        ((NEARLY, NO, YES, YES), {0: 3}),
        ((NEARLY, YES, YES, NO), {}),  # that cell is diagonal to it
        ((OPEN, YES, YES, YES), {0: 3}),
        ((OPEN, None, None, None), {0: 3}),
        ((None, NEARLY, None, NO), {1: 3}),
        ((NEARLY, OPEN, YES, NO), {1: 3, 0: 3}),
    ],
)
def test_open_cells_double_their_networks(
    whole: Map, verdicts: tuple[CellVerdict | None, ...], further: dict[int, int]
) -> None:
    found = next_round(with_verdicts(whole, *verdicts), "dpi", 1000)
    assert found.further == further
    assert list(found.further) == list(further)  # the least settled first
    assert (found.open, found.networks) == (len(further), sum(further.values()))


def test_the_budget_is_kept_and_the_least_settled_come_first(whole: Map) -> None:
    found = with_verdicts(whole, NEARLY, OPEN, NO, NO)
    assert next_round(found, "dpi", 6).further == {1: 3, 0: 3}
    assert next_round(found, "dpi", 5).further == {1: 3, 0: 2}
    assert next_round(found, "dpi", 3).further == {1: 3}
    assert next_round(found, "dpi", 0).further == {}


def test_a_cell_has_at_most_eight_times_its_networks(whole: Map) -> None:
    for networks, more in ((3, 3), (12, 12), (13, 11), (24, None)):
        found = next_round(with_verdicts(whole, OPEN, YES, YES, YES, networks=networks), "dpi", 1000)
        assert found.further == ({} if more is None else {0: more})
        assert found.open == 1
    assert MOST_TIMES == 8


def test_cells_that_are_not_finished_count_for_nothing(whole: Map) -> None:
    found = with_verdicts(whole, OPEN, OPEN, YES, NO)
    places = dict(found.places)
    places[0] = replace(places[0], state=reading.EARLIER)
    assert list(next_round(replace(found, places=places), "dpi", 1000).further) == [1]


def test_a_claim_that_there_is_not_is_said() -> None:
    require_claim("dpi")
    with pytest.raises(InvalidValue, match=r"refine must be one of dpi, .*, got 'depth'"):
        require_claim("depth")


def test_a_refined_map_has_more_networks_where_it_was_open_with_the_bits_of_a_larger_one(tmp_path: Path) -> None:
    few = replace(SMALL, networks=2, epochs=20, snapshots=4)
    path, told = tmp_path / "few.ibs", []
    Run(begin(path, "few", few), threads=1).execute()
    with SessionReader(path) as reader:
        before = read_map(reader)
    claim = next(
        key
        for key in ("coincidence", "order", "fit-order", "endpoints", "two-phases", "transition", "corner", "dpi")
        if next_round(before, key, 1000).further
    )
    following = next_round(before, claim, 3)
    assert refine(path, claim, Budget(3), threads=1, tell=told.append) == "finished"
    with SessionReader(path) as reader:
        after = read_map(reader)
        grown = {index: one.ensemble.networks for index, one in after.places.items()}
        assert grown == {index: 2 + following.further.get(index, 0) for index in grown}
        assert all(one.state == reading.KNOWN for one in after.places.values())
        index = next(iter(following.further))
        found = reader.layers(reader.ensemble(index)).i_x
    assert told[0].startswith(f"refining {claim}: {following.networks} networks more in ")
    assert told[-1].startswith(f"refined {claim}: {following.networks} networks added, ")
    Run(begin(tmp_path / "many.ibs", "many", replace(few, networks=grown[index])), threads=1).execute()
    with SessionReader(tmp_path / "many.ibs") as reader:
        assert (reader.layers(reader.ensemble(index)).i_x == found).all()


def test_no_round_begins_when_the_time_is_used_up(map_file: Path, tmp_path: Path) -> None:
    path, told = tmp_path / "a.ibs", []
    path.write_bytes(map_file.read_bytes())
    assert refine(path, "coincidence", Budget(1000, seconds=-1.0), threads=1, tell=told.append) == "finished"
    assert len(told) == 1
    assert "0 networks added" in told[0]


def test_only_a_finished_map_is_refined(tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"
    Run(begin(path, "a", replace(SMALL, batch=(256,), epochs=3, snapshots=1)), threads=1).execute()
    with pytest.raises(InvalidValue, match="session 'a' is not a finished map: only such can be refined"):
        refine(path, "dpi", Budget(10))
