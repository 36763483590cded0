"""A recorded column is declared in one place, and everything else follows from there."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from ibtui_engine.session.columns import LAYER, LEARNING, MEASURED
from ibtui_engine.session.format import FORMAT_VERSION
from ibtui_engine.session.tables import TABLES, added_since, tables_since

ONE_MORE = r"""
import importlib.util, sys
from dataclasses import make_dataclass
from pathlib import Path

# one field more in the declaration ...
spec = importlib.util.find_spec("ibtui_engine.session.columns")
text = Path(spec.origin).read_text()
field = 'made_up: ByLayer = recorded(REAL, SIZE, "information.made_up", "a number", since=4)'
before, after = text.split("    @property\n    def snr")
module = importlib.util.module_from_spec(spec)
sys.modules["ibtui_engine.session.columns"] = module
exec(before + "    " + field + "\n\n    @property\n    def snr" + after, module.__dict__)

# ... and one number more from the measure
from ibtui_engine.measures import snapshot
import numpy as np

Information = snapshot.LayerInformation
Filled = make_dataclass("Filled", [("made_up", np.ndarray, None)], bases=(Information,), frozen=True, eq=False)

from ibtui_engine.experiment import Experiment
from ibtui_engine.networks import Samples
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.rewrite import rewrite
from ibtui_engine.session.writer import Measured, SessionWriter
from ibtui_engine.training.problem import FrozenGradients, TrainingState

directory = Path(sys.argv[1])
rule = Rule("soft", np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8), np.array([0.0, 1.0, 1.0, 0.25]))
experiment = Experiment(hidden=((3, 2),), fraction=(0.75,), networks=2, epochs=10)
parameters = 3 * 3 + 4 * 2 + 3
half = np.full((2, 3), 0.5)

def information(number):
    return Filled(half, half, np.ones((2, 3), np.int64), half, half, half, half, half, half, made_up=number)

with SessionWriter.create(directory / "one.ibs", "one", experiment, [rule]) as writer:
    writer.add_ensemble(experiment.ensembles[0], 2, 3, "fused", "cpu")
    cohort = writer.add_cohort(0, 0, [0, 1], Samples(np.array([[0, 1, 3]] * 2), np.zeros((2, 3), np.uint8)), 4)
    learning = snapshot.Learning(*[np.full(2, 0.5)] * 4)
    measured = Measured(information(np.arange(6.0).reshape(2, 3)), learning, half, half, half)
    weights = np.zeros((2, parameters), np.float32)
    state = TrainingState(0, weights, np.empty((0, 2, parameters), np.float32))
    writer.record(cohort, measured, state, keep_weights=True)
    writer.set_status("stopped")

again = information(np.full((2, 3), 7.0))
rewrite(directory / "one.ibs", directory / "two.ibs", "two", experiment, lambda index: parameters,
        lambda cohort, weights: again, lambda cohort, weights: FrozenGradients(half, half), lambda done, total: None)

for name, expected in (("one", np.arange(6.0).reshape(1, 2, 3)), ("two", np.full((1, 2, 3), 7.0))):
    with SessionReader(directory / f"{name}.ibs") as reader, Follower(directory / f"{name}.ibs") as follower:
        ensemble = reader.ensemble(0)
        assert np.array_equal(reader.layers(ensemble).made_up, expected)
        assert np.array_equal(reader.recorded_ensemble(0).values("made_up"), expected)
        assert np.array_equal(follower.layers(0).made_up, expected)

from ibtui.cli import main
sys.argv = ["ibtui", "export", str(directory / "two.ibs"), "--what", "information"]
main()
"""


def test_a_further_column_is_in_schema_insert_copy_readers_and_export_by_its_declaration(tmp_path: Path) -> None:
    (tmp_path / "further.py").write_text(ONE_MORE)
    found = subprocess.run(
        [sys.executable, str(tmp_path / "further.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    heading, *lines = [line.split(",") for line in found.stdout.splitlines()]
    assert heading[-4:] == ["made_up", "i_within", "i_x_given_y", "layer_name"]
    assert [line[-4] for line in lines] == ["7.0"] * 6
    with closing(sqlite3.connect(tmp_path / "one.ibs")) as connection:
        assert connection.execute("SELECT made_up FROM layer ORDER BY network, layer").fetchall() == [
            (float(number),) for number in range(6)
        ]
        ((sql,),) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'layer'").fetchall()
    assert "made_up REAL" in sql
    assert "-- a number" in sql


def test_every_column_says_what_it_is_in_the_file_itself() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for table in TABLES:
            connection.execute(table.statement)
            declared = connection.execute(f"SELECT name, type, [notnull] FROM pragma_table_info('{table.name}')")
            for column, (name, kind, needed) in zip(table.columns, declared.fetchall(), strict=True):
                assert (column.name, column.sql.split()[0]) == (name, kind)
                assert column.always == bool(needed) or "PRIMARY KEY" in column.sql
            ((sql,),) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table.name,)).fetchall()
            for column in table.columns:
                assert column.about or column.name == "id"
                assert column.about in sql
                assert column.kind.unit in sql


def test_names_are_in_one_of_both_tables_and_versions_are_known() -> None:
    assert len(MEASURED) == len(LAYER) + len(LEARNING)
    assert all(1 <= column.since <= FORMAT_VERSION for table in TABLES for column in table.columns)
    added = {column.since for _, column in added_since(1)} | {table.since for table in tables_since(1)}
    assert added == set(range(2, FORMAT_VERSION + 1))
    for _, column in added_since(1):  # SQLite adds no column that every row must have and that has no default
        assert not column.always or "DEFAULT" in column.sql
