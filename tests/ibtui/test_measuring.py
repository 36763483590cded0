"""Measuring again beside the app: the real process answers, the shown epoch first, and what it says is numpy's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ibtui.measuring import BINS, MeasuringAgain
from ibtui_engine.errors import EngineError
from ibtui_engine.experiment import ESTIMATORS, Experiment
from ibtui_engine.remeasure import remeasure, with_settings
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.follow import Follower
from ibtui_engine.threads import Threads
from tests.tiers import first

PATIENCE = 60.0


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measuring") / "it.ibs"
    experiment = Experiment(hidden=((4, 3), (5,)), networks=3, epochs=40, snapshots=4)
    Run(begin(path, "it", experiment), threads=1).execute()
    return path


class Watched:
    """`MeasuringAgain` with what it has told."""

    def __init__(self, path: Path) -> None:
        with Follower(path) as follower:
            self.recorded = {index: follower.layers(index) for index in (0, 1)}
            experiment = follower.summary.experiment
        self.order: list[tuple[int, int]] = []
        self.refused: list[str] = []
        self.again = MeasuringAgain(path, experiment, self._changed, self.refused.append)

    def _changed(self) -> None:
        self.order += [key for key in self.again._answers if key not in self.order]

    async def all(self, ensemble: int, shown: int) -> None:
        epochs = self.recorded[ensemble].epochs.tolist()
        self.again.ask(ensemble, shown, epochs)
        end = asyncio.get_running_loop().time() + PATIENCE
        while self.again.missing(ensemble, epochs):
            assert asyncio.get_running_loop().time() < end, self.refused
            await asyncio.sleep(0.02)


def run(path: Path, work: Callable[[Watched], object]) -> Watched:
    async def go() -> Watched:
        watched = Watched(path)
        try:
            await work(watched)  # type: ignore[misc]
        finally:
            watched.again.close()
        return watched

    return asyncio.run(go())


@pytest.mark.parametrize("estimator", first(1, ESTIMATORS))
def test_answers_are_what_the_engine_measures(path: Path, estimator: str) -> None:
    async def work(watched: Watched) -> None:
        for _ in range(ESTIMATORS.index(estimator)):
            watched.again.next_estimator()
        if estimator == "binning":
            watched.again.step_bins(-1)
        await watched.all(1, 3)

    watched = run(path, work)
    epochs = watched.recorded[1].epochs.tolist()
    assert watched.order[0] == (1, 3)
    assert watched.order[1:] == [(1, epoch) for epoch in epochs if epoch != 3]
    found = watched.again.history(1, watched.recorded[1])
    changes = {"estimator": estimator} | ({"bins": 20} if estimator == "binning" else {})
    with Follower(path) as follower:
        reader = follower._reader
        experiment = with_settings(follower.summary.experiment, changes)
        assert watched.again.experiment == experiment
        threads = Threads(1)
        expected = dict(remeasure(reader, reader.ensemble(1), epochs, experiment, threads))
        threads.close()
    for row, epoch in enumerate(epochs):
        assert np.array_equal(found.i_x[row], expected[epoch].i_x, equal_nan=True)
        assert np.array_equal(found.i_y[row], expected[epoch].i_y, equal_nan=True)
        assert np.array_equal(found.distinct_t[row], expected[epoch].distinct)
        assert np.array_equal(found.i_x_lower[row], expected[epoch].i_x_lower, equal_nan=True)
    assert np.array_equal(found.grad_mean, watched.recorded[1].grad_mean, equal_nan=True)


def test_what_is_still_to_come_is_absent_and_the_recorded_comes_back(path: Path) -> None:
    watched = Watched(path)
    again, recorded = watched.again, watched.recorded[0]
    assert again.history(0, recorded) is recorded
    assert again.missing(0, (0, 1)) == 0
    again.step_bins(1)
    assert again.active
    assert again.missing(0, (0, 1)) == 2
    assert np.isnan(again.history(0, recorded).i_x).all()
    again._number = 7
    answer = {"id": 7, "ensemble": 0, "epoch": 0, "estimator": "binning", "i_x": np.ones((3, 3)).tolist()}
    again._take(answer | {"id": 6})  # of an earlier wish
    assert again.missing(0, (0, 1)) == 2
    again._take(answer)
    assert again.missing(0, (0, 1)) == 1
    history = again.history(0, recorded)
    assert (history.i_x[0] == 1).all()
    assert np.isnan(history.i_x[1:]).all()
    again._take({"id": 7, "error": "it cannot"})
    assert watched.refused == ["it cannot"]
    again.as_recorded()
    assert again.history(0, recorded) is recorded


def test_bins_go_up_and_down_to_their_ends(path: Path) -> None:
    again = Watched(path).again
    for _ in range(50):
        again.step_bins(1)
    assert again.experiment.bins == BINS[-1]
    for _ in range(50):
        again.step_bins(-1)
    assert again.experiment.bins == BINS[0]
    while again.experiment.estimator != "kde":
        again.next_estimator()
    with pytest.raises(EngineError, match="kde has no bins"):
        again.step_bins(1)


def test_a_session_that_is_gone_is_told_in_one_line(path: Path, tmp_path: Path) -> None:
    experiment = Experiment()
    refused: list[str] = []

    async def go() -> None:
        again = MeasuringAgain(tmp_path / "gone.ibs", experiment, lambda: None, refused.append)
        again.step_bins(1)
        again.ask(0, 0, (0, 1))
        end = asyncio.get_running_loop().time() + PATIENCE
        while not refused:
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.02)
        again.close()

    asyncio.run(go())
    assert len(refused) == 1
    assert "no session file" in refused[0]
