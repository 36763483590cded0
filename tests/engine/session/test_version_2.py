"""Sessions of the second version, which named no optimiser for each ensemble, are read and gone on with for ever."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import SessionError
from ibtui_engine.remeasure import save_remeasured
from ibtui_engine.runner import Run, reopen
from ibtui_engine.session.format import FORMAT_VERSION
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary
from ibtui_engine.session.tables import added_since
from ibtui_engine.session.writer import SessionWriter
from ibtui_engine.threads import Threads

ORIGINAL = Path(__file__).parent / "data" / "version-2.ibs"
"""Two networks each of 12-3-1 and of 12-1, by momentum, 20 epochs."""


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(ORIGINAL, tmp_path / "old.ibs"))


def test_the_file_kept_here_is_of_version_2_and_has_no_column_of_a_later_one() -> None:
    assert rows(ORIGINAL, "PRAGMA user_version") == [(2,)]
    for table, column in added_since(2):
        assert column.name not in {name for _, name, *_ in rows(ORIGINAL, f"PRAGMA table_info({table})")}


def test_it_is_read_without_a_change_and_its_ensembles_have_the_experiments_optimiser(copy: Path) -> None:
    before = copy.read_bytes()
    with SessionReader(copy) as reader:
        assert reader.summary.experiment.optimizer == ("momentum",)
        for ensemble in reader.summary.ensembles:
            assert ensemble.optimizer == "momentum"
            layers = reader.layers(ensemble)
            assert np.isfinite(layers.saturated).all()
            assert np.isnan(layers.acceptance).all()
    assert copy.read_bytes() == before


def test_who_goes_on_with_it_rewrites_no_page_of_what_was_measured(copy: Path) -> None:
    SessionWriter.reopen(copy).close()
    assert rows(copy, "PRAGMA user_version") == [(FORMAT_VERSION,)]
    assert rows(copy, "SELECT optimizer FROM ensemble") == [(None,), (None,)]
    assert [e.optimizer for e in read_summary(copy).ensembles] == ["momentum", "momentum"]
    size = rows(ORIGINAL, "PRAGMA page_size")[0][0]
    old, new = ORIGINAL.read_bytes(), copy.read_bytes()
    changed = {k // size + 1 for k in range(0, len(old), size) if old[k : k + size] != new[k : k + size]}
    roots = dict(rows(ORIGINAL, "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0"))
    for table in ("rule", "ensemble", "cohort", "network", "snapshot", "layer", "learning", "weights", "checkpoint"):
        assert roots[table] not in changed


def test_it_goes_on_as_a_run_that_had_never_stopped(copy: Path, tmp_path: Path) -> None:
    """But for rounding: kernels have changed since it was recorded, and sum up in another order."""
    assert Run(reopen(copy, epochs=30), threads=1).execute() == "finished"
    from ibtui_engine.runner import begin

    straight = tmp_path / "straight.ibs"
    experiment = read_summary(copy).experiment
    assert Run(begin(straight, "straight", experiment.override({"snapshot_at": (20,)})), threads=1).execute()
    for index in (0, 1):
        ends = []
        for path in (copy, straight):
            with SessionReader(path) as reader:
                ends.append(reader.weights(reader.ensemble(index), 30))
        assert np.allclose(*ends, rtol=0, atol=2e-6)


def test_it_can_be_measured_again_into_a_session_of_this_version(copy: Path, tmp_path: Path) -> None:
    pool = Threads(1)
    new = tmp_path / "new.ibs"
    with SessionReader(copy) as reader:
        save_remeasured(reader, new, "new", reader.summary.experiment, pool)
        before = [reader.layers(ensemble).i_x for ensemble in reader.summary.ensembles]
    pool.close()
    assert rows(new, "PRAGMA user_version") == [(FORMAT_VERSION,)]
    with SessionReader(new) as reader:
        assert [e.optimizer for e in reader.summary.ensembles] == ["momentum", "momentum"]
        for ensemble, i_x in zip(reader.summary.ensembles, before, strict=True):
            assert np.array_equal(reader.layers(ensemble).i_x, i_x)


@pytest.mark.parametrize("named", ["adagrad", "adam", 3])
def test_an_ensemble_of_an_optimiser_that_the_experiment_does_not_have_is_damaged(copy: Path, named: object) -> None:
    SessionWriter.reopen(copy).close()
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("UPDATE ensemble SET optimizer = ? WHERE id = 1", (named,))
    with pytest.raises(SessionError, match=r"its ensemble 1 has 'optimizer' .*, which is not in its experiment"):
        read_summary(copy)
