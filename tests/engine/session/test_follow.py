"""Following a session gives at every moment what reading all of it gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.errors import SessionError
from ibtui_engine.experiment import Experiment
from ibtui_engine.progress import Interrupt, Progress
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session.columns import LAYER_COLUMNS, LEARNING_COLUMNS
from ibtui_engine.session.follow import Follower, _Table
from ibtui_engine.session.history import SessionReader

SETTINGS: dict[str, Any] = {"networks": 2, "epochs": 30, "snapshots": 8, "weights": False, "hidden": ((4, 3), (2,))}


@pytest.fixture(scope="module", params=[24, 0], ids=["all at once", "each when it is wanted"], autouse=True)
def at_once(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many ensembles a session has at most of which all are read at once."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr("ibtui_engine.session.follow.AT_ONCE", request.param)
        yield request.param


def require_same(follower: Follower, path: Path) -> None:
    """The follower has all that the file has."""
    with SessionReader(path) as reader, reader.moment():
        assert follower.summary.ensembles == reader.summary.ensembles
        for ensemble in reader.summary.ensembles:
            for mine, whole, columns in (
                (follower.layers(ensemble.index), reader.layers(ensemble), LAYER_COLUMNS),
                (follower.learning(ensemble.index), reader.learning(ensemble), LEARNING_COLUMNS),
            ):
                assert np.array_equal(mine.epochs, whole.epochs)
                for column in columns:
                    assert np.array_equal(getattr(mine, column), getattr(whole, column), equal_nan=True), column


def stepwise(path: Path, run: Callable[[], Run], look: Callable[[], None]) -> None:
    """Let a run in a thread record one snapshot after another, and look in between."""
    recorded, gate = threading.Semaphore(0), threading.Semaphore(0)
    over = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.snapshot is not None:
            recorded.release()
            gate.acquire()

    def work() -> None:
        try:
            run().execute(watch)
        finally:
            over.set()
            recorded.release()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while recorded.acquire(timeout=60) and not over.is_set():
            look()
            gate.release()
    finally:
        gate.release(10_000)
        thread.join(60)
    assert not thread.is_alive()


def test_at_every_step_what_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"
    steps = []
    followers: list[Follower] = []

    def look() -> None:
        if not followers:
            followers.append(Follower(path))
        else:
            assert followers[0].update()
        assert followers[0].summary.status == "running"
        require_same(followers[0], path)
        assert not followers[0].update()  # nothing has happened since
        steps.append(sum(len(e.snapshots) for e in followers[0].summary.ensembles))

    stepwise(path, lambda: Run(begin(path, "a", Experiment(**SETTINGS)), threads=1), look)
    assert steps == list(range(1, 21))
    with followers[0] as follower:
        assert follower.update()  # the status
        assert follower.summary.status == "finished"
        assert not follower.update()
        require_same(follower, path)


def test_networks_and_epochs_that_are_added_later(tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"
    Run(begin(path, "a", Experiment(**SETTINGS)), threads=1).execute()
    absent = []
    with Follower(path) as follower:
        require_same(follower, path)
        assert follower.layers(0).i_x.shape == (10, 2, 3)

        def look() -> None:
            follower.update()
            require_same(follower, path)
            absent.append(int(np.isnan(follower.layers(0).i_x).sum()))

        stepwise(path, lambda: Run(reopen(path, networks=4, epochs=60), threads=1), look)
        follower.update()
        require_same(follower, path)
        assert follower.layers(0).i_x.shape[1:] == (4, 3)
        assert not np.isnan(follower.layers(0).i_x).any()
    assert max(absent) > 0


def test_a_follower_begun_at_any_time_has_all(tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"

    def look() -> None:
        with Follower(path) as follower:
            require_same(follower, path)

    stepwise(path, lambda: Run(begin(path, "a", Experiment(**SETTINGS)), threads=1), look)


def test_a_session_without_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"
    with begin(path, "a", Experiment(**SETTINGS)), Follower(path) as follower:
        assert len(follower.summary.ensembles) == 2
        assert not follower.update()
        with pytest.raises(KeyError):
            follower.layers(0)
        with pytest.raises(KeyError):
            follower.learning(0)


def test_a_stopped_run_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"
    interrupt = Interrupt()
    interrupt.request()
    writer = begin(path, "a", Experiment(**SETTINGS))
    with Follower(path) as follower:
        Run(writer, threads=1).execute(interrupt=interrupt)
        assert follower.update()
        assert follower.summary.status == "stopped"
        require_same(follower, path)


def test_what_is_no_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionError):
        Follower(tmp_path / "none.ibs")
    (tmp_path / "a.ibs").write_bytes(b"rubbish" * 500)
    with pytest.raises(SessionError):
        Follower(tmp_path / "a.ibs")


def test_merging_keeps_what_only_one_has_and_prefers_the_newer() -> None:
    nan = np.nan
    old = _Table(np.array([0, 5]), np.array([[[1.0, nan], [2.0, 3.0]]]))
    new = _Table(np.array([0, 5, 9]), np.array([[[nan, 4.0, 5.0], [7.0, nan, nan], [8.0, 9.0, nan]]]))
    merged = old.merged(new)
    assert merged.epochs.tolist() == [0, 5, 9]
    expected = np.array([[[1.0, 4.0, 5.0], [7.0, 3.0, nan], [8.0, 9.0, nan]]])
    assert np.array_equal(merged.values, expected, equal_nan=True)


def test_merging_nothing_changes_nothing() -> None:
    table = _Table(np.array([0, 5]), np.arange(12.0).reshape(1, 2, 2, 3))
    empty = _Table(np.empty(0, np.int64), np.empty((1, 0, 2, 3)))
    for merged in (table.merged(empty), empty.merged(table)):
        assert np.array_equal(merged.epochs, table.epochs)
        assert np.array_equal(merged.values, table.values)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_what_follows_is_appended_and_histories_before_stay_as_they_were(counts: list[int]) -> None:
    whole = np.random.default_rng(0).normal(size=(2, sum(counts), 3, 2))
    table, done, kept = _Table(np.empty(0, np.int64), np.empty((2, 0, 3, 2))), 0, []
    for count in counts:
        part = whole[:, done : done + count].copy()
        table = table.merged(_Table(np.arange(done, done + count), part))
        done += count
        kept.append(table)
    for table in kept:
        length = len(table.epochs)
        assert table.epochs.tolist() == list(range(length))
        assert np.array_equal(table.values, whole[:, :length])


def test_a_file_that_was_moved_away_or_replaced_is_noticed(tmp_path: Path) -> None:
    path, other = tmp_path / "a.ibs", tmp_path / "b.ibs"
    for each in (path, other):
        begin(each, "a", Experiment(**SETTINGS)).close()
    with Follower(path) as follower:
        assert follower.place == "as it was"
        path.rename(tmp_path / "c.ibs")
        assert follower.place == "empty"
        other.rename(path)
        assert follower.place == "taken"
        path.unlink()
        (tmp_path / "c.ibs").rename(path)
        assert follower.place == "as it was"


def test_of_many_ensembles_only_those_are_read_that_somebody_wants(tmp_path: Path, at_once: int) -> None:
    path = tmp_path / "two.ibs"
    Run(begin(path, "two", Experiment(**SETTINGS)), threads=1).execute()
    with Follower(path) as follower:
        assert len(follower._layers) == (0 if at_once == 0 else 2)
        epochs = follower.recorded_ensemble(1).layers.epochs
        assert len(epochs) == len(follower.summary.ensembles[1].snapshots)
        assert len(follower._layers) == (1 if at_once == 0 else 2)
        assert not follower.update()
        with pytest.raises(KeyError):
            follower.layers(2)
        path.unlink()
        if at_once == 0:
            with pytest.raises(KeyError):
                follower.recorded_ensemble(0)
        assert np.array_equal(follower.recorded_ensemble(1).layers.epochs, epochs)
