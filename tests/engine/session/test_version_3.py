"""Sessions of the third version, whose rule is p(y=1|x) alone: a built-in rule gets its other tail back by its name."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.bottleneck.source import Source
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.codec import pack_numbers
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary
from ibtui_engine.session.tables import added_since
from ibtui_engine.session.writer import SessionWriter

ORIGINAL = Path(__file__).parent / "data" / "version-3.ibs"
"""Two networks each of 12-3-1 and of 12-1 learn `symmetric`, 20 epochs."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(ORIGINAL, tmp_path / "old.ibs"))


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement, values)


def test_the_file_kept_here_is_of_version_3_and_has_no_column_of_a_later_one() -> None:
    with closing(sqlite3.connect(ORIGINAL)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        for table, column in added_since(3):
            assert column.name not in {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


@pytest.mark.parametrize("upgraded", [False, True])
def test_its_rule_has_the_64_classes_that_its_name_stands_for(copy: Path, upgraded: bool) -> None:
    if upgraded:
        SessionWriter.reopen(copy).close()
    named = load_rule("symmetric")
    with SessionReader(copy) as reader:
        rule = reader.rule(1)
    assert np.array_equal(rule.log_odds, named.log_odds)
    assert rule.classes == 64
    assert Source.of_rule(rule).entropy == pytest.approx(5.5695, abs=5e-5)


def test_a_rule_that_is_not_the_one_of_its_name_keeps_what_the_file_says(copy: Path) -> None:
    with SessionReader(copy) as reader:
        p_y = reader.rule(1).p_y
    change(copy, "UPDATE rule SET p_y = ?", pack_numbers(np.round(p_y)))
    with SessionReader(copy) as reader:
        assert reader.rule(1).classes == 2
    change(copy, "UPDATE rule SET name = 'mine', p_y = ?", pack_numbers(p_y))
    with SessionReader(copy) as reader:
        assert reader.rule(1).classes == len(np.unique(p_y)) == 42


@pytest.mark.parametrize("parameters", ['{"theta": 1e9, "gamma": 128}', '{"theta": 2.3, "gamma": -1}', "{}"])
def test_parameters_that_make_no_rule_change_nothing(copy: Path, parameters: str) -> None:
    change(copy, "UPDATE rule SET parameters = ?", parameters)
    with SessionReader(copy) as reader:
        assert reader.rule(1).classes == 42


def test_a_session_of_this_version_keeps_both_tails_whatever_the_rule_is_called(tmp_path: Path) -> None:
    path = tmp_path / "new.ibs"
    experiment = read_summary(ORIGINAL).experiment.override({"epochs": 2})
    assert Run(begin(path, "new", experiment), threads=1).execute() == "finished"
    change(path, "UPDATE rule SET name = 'mine'")
    with SessionReader(path) as reader:
        rule = reader.rule(1)
    assert np.array_equal(rule.log_odds, load_rule("symmetric").log_odds)
    assert (rule.p_y == 1).any()
