"""The map of a session: what is kept, and in which state each cell is."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ibtui_engine.errors import InvalidValue, SessionError
from ibtui_engine.maps import reading
from ibtui_engine.maps.cells import keep
from ibtui_engine.maps.reading import Map, complete, read_map, renew
from ibtui_engine.runner import begin
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.writer import SessionWriter
from tests.engine.maps.conftest import SMALL


@pytest.fixture
def copy(map_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(map_file, tmp_path / "copy.ibs"))


def changed(path: Path, *statements: str) -> Map:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    with SessionReader(path) as reader:
        return read_map(reader)


def states(found: Map) -> list[str]:
    return [one.state for one in found.places.values()]


def test_results_are_earlier_where_the_snapshot_the_networks_or_the_definitions_are_others(copy: Path) -> None:
    before = copy.read_bytes()
    assert states(changed(copy)) == [reading.KNOWN] * 4
    for change in ("definitions = 'other'", "epoch = 199", "networks = 2"):
        copy.write_bytes(before)
        found = changed(copy, f"UPDATE result SET {change} WHERE ensemble = 2")
        assert states(found) == [reading.KNOWN, reading.KNOWN, reading.EARLIER, reading.KNOWN]
        assert found.open == (2,)
        assert found.places[2].cell is not None
    renew(copy, threads=1)
    assert states(changed(copy)) == [reading.KNOWN] * 4


def test_what_is_missing_is_worked_out_and_kept_nowhere(copy: Path) -> None:
    with SessionReader(copy) as reader:
        kept = read_map(reader)
    without = changed(copy, "DELETE FROM result WHERE ensemble != 1")
    assert states(without) == [reading.UNJUDGED, reading.KNOWN, reading.UNJUDGED, reading.UNJUDGED]
    before, told = copy.read_bytes(), []
    with SessionReader(copy) as reader:
        found = complete(without, reader, 1, lambda done, total: told.append((done, total)))
    assert {index: one.cell for index, one in found.places.items()} == {
        index: one.cell for index, one in kept.places.items()
    }
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert found.open == ()
    assert copy.read_bytes() == before


def test_a_session_of_an_earlier_version_has_no_results_until_they_are_kept() -> None:
    with SessionReader(Path(__file__).parents[1] / "session" / "data" / "version-8.ibs") as reader:
        found = read_map(reader)
        assert states(found) == [reading.UNJUDGED] * 4
        done = complete(found, reader, 1)
    assert all(one.cell is not None and one.cell.epoch == 6 for one in done.places.values())


def test_an_earlier_version_becomes_this_one_when_results_are_kept(tmp_path: Path) -> None:
    path = Path(shutil.copy(Path(__file__).parents[1] / "session" / "data" / "version-8.ibs", tmp_path / "old.ibs"))
    assert renew(path, threads=1) == 4
    assert states(changed(path)) == [reading.KNOWN] * 4


def test_cells_of_a_run_wait_train_or_have_stopped(tmp_path: Path) -> None:
    path = tmp_path / "new.ibs"
    writer = begin(path, "new", SMALL)
    try:
        found = changed(path, "UPDATE cohort SET epoch = 50 WHERE id = 2")
        assert states(found) == [reading.WAITING, reading.RUNNING, reading.WAITING, reading.WAITING]
        assert found.open == ()
        keep(writer, 0, threads=1)  # nothing has been measured: the log says so, and the run would go on
        assert states(changed(path)) == states(found)
        writer.set_status("stopped")
    finally:
        writer.close()
    found = changed(path)
    assert states(found) == [reading.STOPPED] * 4
    assert found.open == ()  # of what was never measured nothing can be worked out
    with pytest.raises(InvalidValue, match="nothing has been measured in session 'new'"):
        renew(path, threads=1)


@pytest.mark.parametrize("change", ["data = '{}'", "data = x'00'", "epoch = 'x'", "definitions = x'05'"])
def test_damaged_results_are_told_in_a_line(copy: Path, change: str) -> None:
    with SessionWriter.reopen(copy) as writer:
        keep(writer, 0, threads=1)
    with pytest.raises(SessionError, match="is damaged: "):
        changed(copy, f"UPDATE result SET {change}")
