"""Sessions of the first version of the format, kept as they were written, are read and gone on with for ever."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import SessionError
from ibtui_engine.runner import Run, reopen
from ibtui_engine.session.columns import LAYER_COLUMNS
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.format import FORMAT_VERSION
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.tables import added_since
from ibtui_engine.session.writer import SessionWriter

DATA = Path(__file__).parent / "data"
WITH_WEIGHTS = DATA / "version-1.ibs"
"""Two tanh networks 12-4-3-1, 20 epochs."""
WITHOUT = DATA / "version-1-no-weights.ibs"
"""One relu network 12-3-1, 10 epochs, no weights."""
BOTH = pytest.mark.parametrize("original", [WITH_WEIGHTS, WITHOUT], ids=lambda path: path.stem)
NEW_COLUMNS = tuple(column.name for table, column in added_since(1) if table == "layer")
OLD_COLUMNS = tuple(column for column in LAYER_COLUMNS if column not in NEW_COLUMNS)


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "old.ibs"))


@BOTH
def test_the_files_kept_here_are_of_version_1(original: Path) -> None:
    assert version(original) == 1
    assert {name for _, name, *_ in rows(original, "PRAGMA table_info(layer)")}.isdisjoint(NEW_COLUMNS)


@BOTH
def test_it_is_read_without_a_change_and_what_it_does_not_have_is_absent(original: Path, copy: Path) -> None:
    before = copy.read_bytes()
    with SessionReader(copy) as reader:
        (ensemble,) = reader.summary.ensembles
        layers = reader.layers(ensemble)
        assert reader.summary.experiment.estimator == "binning"
        assert reader.summary.experiment.labels == ("rule",)
        for column in OLD_COLUMNS:
            recorded = rows(copy, f"SELECT {column} FROM layer ORDER BY snapshot, network, layer")
            expected = np.array(recorded, np.float64).reshape(layers.i_x.shape)
            assert np.array_equal(getattr(layers, column), expected, equal_nan=True)
        for column in NEW_COLUMNS:
            assert np.isnan(getattr(layers, column)).all()
    with Follower(copy) as follower:
        assert np.array_equal(follower.layers(0).i_x, layers.i_x)
        assert np.isnan(follower.layers(0).saturated).all()
    assert copy.read_bytes() == before
    assert not list(copy.parent.glob("old.ibs-*"))


@BOTH
def test_who_goes_on_with_it_adds_columns_and_leaves_what_is_recorded(original: Path, copy: Path) -> None:
    SessionWriter.reopen(copy).close()
    assert version(copy) == FORMAT_VERSION
    assert tuple(name for _, name, *_ in rows(copy, "PRAGMA table_info(layer)"))[-len(NEW_COLUMNS) :] == NEW_COLUMNS
    for table in ("session", "rule", "ensemble", "cohort", "network", "snapshot", "learning", "weights", "checkpoint"):
        columns = ", ".join(name for _, name, *_ in rows(original, f"PRAGMA table_info({table})"))
        query = f"SELECT {columns if table != 'session' else 'experiment, schedule, created'} FROM {table}"
        assert rows(copy, query) == rows(original, query)
    assert rows(copy, "SELECT labels, measured FROM rule") == [(2, None)]
    query = f"SELECT snapshot, network, layer, {', '.join(OLD_COLUMNS)} FROM layer"
    assert rows(copy, query) == rows(original, query)
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("original", [WITHOUT], ids=["one"])
def test_adding_columns_rewrites_no_page_of_what_was_measured(original: Path, copy: Path) -> None:
    """The header, the description of the tables, who writes and the status: nothing else."""
    SessionWriter.reopen(copy).close()
    size = rows(original, "PRAGMA page_size")[0][0]
    old, new = original.read_bytes(), copy.read_bytes()
    changed = {k // size + 1 for k in range(0, len(old), size) if old[k : k + size] != new[k : k + size]}
    roots = dict(rows(original, "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0"))
    for table in ("rule", "ensemble", "cohort", "network", "snapshot", "layer", "learning", "weights", "checkpoint"):
        assert roots[table] not in changed


@BOTH
def test_it_goes_on_and_what_is_measured_from_then_on_has_all_columns(original: Path, copy: Path) -> None:
    with SessionReader(copy) as reader, Follower(copy) as follower:
        before = reader.layers(reader.summary.ensembles[0])
        last = reader.summary.experiment.epochs
        assert Run(reopen(copy, epochs=last + 10), threads=1).execute() == "finished"
        after = reader.layers(reader.summary.ensembles[0])  # a reader that was there before
        assert follower.update()
        followed = follower.layers(0)
    old = after.epochs <= last
    assert after.epochs[-1] == last + 10
    for column in LAYER_COLUMNS:
        values = getattr(after, column)
        assert np.array_equal(values[old], getattr(before, column), equal_nan=True)
        assert np.array_equal(values, getattr(followed, column), equal_nan=True)
    assert np.isfinite(after.saturated[~old]).all()
    hidden = np.isnan(after.nonlinear[~old][:, :, :-1])
    assert hidden.all() if original == WITHOUT else not hidden.any()  # relu has no linear range
    assert np.isfinite(after.nonlinear[~old][:, :, -1]).all()
    assert np.isnan(after.i_x_lower).all()


@pytest.mark.parametrize("original", [WITH_WEIGHTS], ids=["one"])
def test_a_forged_one_is_refused_and_stays_of_version_1(original: Path, copy: Path) -> None:
    """Half of the columns are there already: neither half an upgrade nor a claim stays behind."""
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("ALTER TABLE layer ADD COLUMN saturated REAL")
    with pytest.raises(SessionError, match=r"^session '.*' is damaged: duplicate column name: saturated$"):
        SessionWriter.reopen(copy)
    assert version(copy) == 1
    assert rows(copy, "SELECT status FROM session") == [("finished",)]
    assert len(rows(copy, "PRAGMA table_info(layer)")) == 3 + len(OLD_COLUMNS) + 1
    with SessionReader(copy) as reader:
        assert np.isnan(reader.layers(reader.summary.ensembles[0]).saturated).all()  # version 1 knows no such column


@pytest.mark.parametrize("original", [WITH_WEIGHTS], ids=["one"])
def test_one_that_only_says_it_is_newer_is_damaged(original: Path, copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    with SessionReader(copy) as reader, pytest.raises(SessionError, match="is damaged: no such column"):
        reader.layers(reader.summary.ensembles[0])
