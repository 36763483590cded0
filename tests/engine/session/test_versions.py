"""A session of every version of the format, kept as it was written, opens and goes on for ever."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine.errors import SessionError
from ibtui_engine.runner import Run, reopen
from ibtui_engine.session.columns import LAYER_COLUMNS, LEARNING_COLUMNS
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.format import FORMAT_VERSION
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.writer import SessionWriter

KEPT = sorted((Path(__file__).parent / "data").glob("version-*.ibs"))


@pytest.fixture(params=KEPT, ids=lambda path: path.stem)
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copy(request.param, tmp_path / request.param.name))


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def numbers(path: Path) -> dict[str, np.ndarray]:
    """All that was measured, and the weights."""
    found: dict[str, Any] = {}
    with SessionReader(path) as reader:
        for e in reader.summary.ensembles:
            layers, learning = reader.layers(e), reader.learning(e)
            found |= {f"{e.index} {name}": getattr(layers, name) for name in ("epochs", *LAYER_COLUMNS)}
            found |= {f"{e.index} {name}": getattr(learning, name) for name in LEARNING_COLUMNS}
            if reader.summary.experiment.weights:
                found |= {f"weights {e.index} {epoch}": reader.weights(e, epoch) for epoch in e.snapshots}
    return found


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k], equal_nan=True) for k in one)


def test_there_is_one_of_every_version_before_this_one() -> None:
    versions = {int(re.findall(r"version-(\d+)", path.name)[0]) for path in KEPT}
    assert versions >= set(range(1, FORMAT_VERSION))
    assert all(version(path) == int(re.findall(r"version-(\d+)", path.name)[0]) for path in KEPT)


def test_it_is_read_and_followed_without_a_change(copy: Path) -> None:
    before = copy.read_bytes()
    found = numbers(copy)
    assert np.isfinite(found["0 i_x"]).all()
    with Follower(copy) as follower:
        assert np.array_equal(follower.layers(0).i_y, found["0 i_y"])
    assert copy.read_bytes() == before
    assert list(copy.parent.iterdir()) == [copy]


def test_it_goes_on_and_keeps_all_that_was_measured(copy: Path) -> None:
    before = numbers(copy)
    last = int(before["0 epochs"][-1])
    assert Run(reopen(copy, epochs=last + 2), threads=1).execute() == "finished"
    assert version(copy) == FORMAT_VERSION
    after = numbers(copy)
    old = after["0 epochs"] <= last
    for name, values in before.items():
        assert np.array_equal(after[name] if name.startswith("weights") else after[name][old], values, equal_nan=True)
    assert after["0 epochs"][-1] == last + 2


@pytest.fixture
def broken_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Every statement ends after that many steps of SQLite's machine, counted over all connections."""
    left = [10**9]
    connect = sqlite3.connect

    def step() -> bool:
        left[0] -= 1
        return left[0] < 0

    def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_progress_handler(step, 1)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    yield left
    monkeypatch.undo()


@pytest.mark.parametrize("places", [12, pytest.param(60, marks=pytest.mark.long)])
def test_an_upgrade_that_is_broken_off_anywhere_leaves_the_earlier_version_whole(
    copy: Path, broken_off: list[int], places: int
) -> None:
    original, before, whole = version(copy), numbers(copy), copy.read_bytes()
    broken_off[0] = 10**9
    SessionWriter.reopen(copy).close()
    steps = 10**9 - broken_off[0]
    left: list[int] = []
    for after in (*range(20, steps, max(steps // places, 1)), steps):
        copy.write_bytes(whole)
        broken_off[0] = after
        with suppress(SessionError):
            SessionWriter.reopen(copy).close()
        broken_off[0] = 10**9
        left.append(version(copy))
        assert same(numbers(copy), before)
    assert set(left) == {original, FORMAT_VERSION}
    assert left.count(original) > places // 3
