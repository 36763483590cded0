"""A run of a map: results are kept as each ensemble finishes, and one that diverges does not end the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import TrainingError
from ibtui_engine.experiment import LARGE_GRID, Experiment
from ibtui_engine.maps import reading
from ibtui_engine.maps.reading import complete, read_map, renew
from ibtui_engine.progress import Interrupt, Progress
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session.history import SessionReader
from tests.engine.maps.conftest import SMALL

RATES = (0.01, 0.02, 0.03)
LARGE = Experiment(hidden=((3,),), learning_rate=RATES, batch=(256, "full"), networks=2, epochs=4, snapshots=2)
"""Six ensembles, which is a large grid where `six_are_many`."""


@pytest.fixture
def six_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ibtui_engine.experiment.LARGE_GRID", 6)


def read(path: Path) -> reading.Map:
    with SessionReader(path) as reader:
        return read_map(reader)


def states(path: Path) -> list[str]:
    return [one.state for one in read(path).places.values()]


def test_a_map_has_its_results_when_it_is_finished_and_they_are_those_of_working_them_out(map_file: Path) -> None:
    found = read(map_file)
    assert [one.state for one in found.places.values()] == [reading.KNOWN] * 4
    with SessionReader(map_file) as reader:
        forgotten = replace(
            found, places={k: replace(one, cell=None, state=reading.UNJUDGED) for k, one in found.places.items()}
        )
        again = complete(forgotten, reader, 1)
    assert {k: one.cell for k, one in again.places.items()} == {k: one.cell for k, one in found.places.items()}


def test_ensembles_that_differ_in_one_thing_keep_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"
    Run(begin(path, "a", replace(SMALL, learning_rate=(0.02,), epochs=3, snapshots=1)), threads=1).execute()
    assert states(path) == [reading.UNJUDGED] * 2


@pytest.mark.usefixtures("six_are_many")
@pytest.mark.parametrize("count", [4, 6])
def test_a_large_grid_finishes_one_ensemble_after_the_other_and_small_ones_go_in_step(
    tmp_path: Path, count: int
) -> None:
    path = tmp_path / "large.ibs"
    experiment = replace(LARGE, learning_rate=RATES[: count // 2])
    seen: list[tuple[int, int]] = []
    kept: list[int] = []

    def watch(progress: Progress) -> None:
        if progress.snapshot is not None and progress.ensemble is not None:
            seen.append((progress.ensemble.index, progress.snapshot))
            if progress.snapshot == 0:
                kept.append(states(path).count(reading.KNOWN))

    assert Run(begin(path, "large", experiment), threads=1).execute(watch) == "finished"
    in_step = sorted(seen, key=lambda one: one[1])
    assert experiment.large == (count == 6)
    assert seen == (sorted(seen) if experiment.large else in_step)
    assert kept == (list(range(count)) if experiment.large else [0] * count)
    assert states(path) == [reading.KNOWN] * count


def test_a_large_grid_measures_fewer_epochs_unless_somebody_asks() -> None:
    rates = tuple(0.01 * k for k in range(1, LARGE_GRID // 2 + 1))
    small = replace(LARGE, learning_rate=rates[:-1], epochs=10_000, snapshots=None)
    large = replace(LARGE, learning_rate=rates, epochs=10_000, snapshots=None)
    assert (small.large, large.large, large.count) == (False, True, LARGE_GRID)
    assert (len(small.snapshot_epochs), len(large.snapshot_epochs)) == (len(Experiment().snapshot_epochs), 42)
    assert replace(large, snapshots=120).snapshot_epochs == Experiment().snapshot_epochs


@pytest.mark.usefixtures("six_are_many")
def test_an_ensemble_of_a_large_grid_has_the_bits_that_it_has_in_a_small_one(tmp_path: Path) -> None:
    for name, rates in (("large", RATES), ("small", RATES[2:3])):
        Run(begin(tmp_path / f"{name}.ibs", name, replace(LARGE, learning_rate=rates)), threads=1).execute()
    with SessionReader(tmp_path / "large.ibs") as large, SessionReader(tmp_path / "small.ibs") as small:
        of = {(one.settings.learning_rate, one.settings.batch): one for one in large.summary.ensembles}
        for one in small.summary.ensembles:
            same = of[one.settings.learning_rate, one.settings.batch]
            np.testing.assert_array_equal(large.weights(same, 4), small.weights(one, 4))


DIVERGING = replace(SMALL, activation=("relu",), learning_rate=(0.02, 1e30), batch=(256, 512), epochs=30, snapshots=5)


def test_an_ensemble_that_diverges_is_given_up_and_the_others_are_finished(tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"
    told: list[str] = []

    def watch(progress: Progress) -> None:
        told.extend([progress.note] if progress.note else [])

    assert Run(begin(path, "a", DIVERGING), threads=1).execute(watch) == "finished"
    found = read(path)
    by_rate = {0.02: set(), 1e30: set()}
    for one in found.places.values():
        by_rate[one.ensemble.settings.learning_rate].add(one.state)
    assert by_rate == {0.02: {reading.KNOWN}, 1e30: {reading.GIVEN_UP}}
    for one in found.places.values():
        if one.state == reading.GIVEN_UP:
            assert one.cell is not None
            assert "has diverged by epoch" in one.cell.trouble
            assert (one.cell.numbers, one.cell.verdicts) == ({}, {})
            assert one.cell.trouble in told
    assert found.open == ()
    assert renew(path, threads=1) == 2
    assert states(path).count(reading.GIVEN_UP) == 2


def test_elsewhere_a_network_that_diverges_ends_the_run(tmp_path: Path) -> None:
    alone = replace(DIVERGING, batch=(256,))
    with pytest.raises(TrainingError, match="has diverged"):
        Run(begin(tmp_path / "a.ibs", "a", alone), threads=1).execute()


def test_a_map_that_was_stopped_goes_on_to_the_same_results(map_file: Path, tmp_path: Path) -> None:
    path, interrupt = tmp_path / "a.ibs", Interrupt()

    def watch(progress: Progress) -> None:
        if progress.ensemble is not None and progress.ensemble.index == 2 and progress.epoch > 20:
            interrupt.request()

    assert Run(begin(path, "a", SMALL), threads=1).execute(watch, interrupt) == "stopped"
    assert reading.KNOWN not in states(path)
    assert Run(reopen(path), threads=1).execute() == "finished"
    assert {k: one.cell for k, one in read(path).places.items()} == {
        k: one.cell for k, one in read(map_file).places.items()
    }


def test_a_longer_map_has_results_of_its_new_end(map_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.ibs"
    path.write_bytes(map_file.read_bytes())
    assert Run(reopen(path, epochs=210), threads=1).execute() == "finished"
    assert [(one.state, one.cell and one.cell.epoch) for one in read(path).places.values()] == [
        (reading.KNOWN, 210)
    ] * 4
