"""The bound beside the app: one process, no fit given up, what was found last stays until the next is there."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest

from ibtui import bound_fits
from ibtui.bound_fits import BoundFits
from ibtui_engine.bottleneck import kept
from ibtui_engine.bottleneck.partitions import hard_frontier
from ibtui_engine.experiment import Experiment
from ibtui_engine.fit import fit_session
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.runner import Run, begin

PATIENCE = 120.0


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bound") / "it.ibs"
    experiment = Experiment(hidden=((4, 3), (5,)), networks=2, epochs=40, snapshots=6)
    Run(begin(path, "it", experiment), threads=1).execute()
    return path


class Watched:
    """`BoundFits` with what it has told."""

    def __init__(self, path: Path) -> None:
        self.changes = 0
        self.refused: list[str] = []
        self.bound = BoundFits(path, self._changed, self.refused.append)

    def _changed(self) -> None:
        self.changes += 1

    async def until(self, condition: Callable[[], object]) -> None:
        end = asyncio.get_running_loop().time() + PATIENCE
        while not condition():
            assert asyncio.get_running_loop().time() < end, self.refused
            await asyncio.sleep(0.01)


def watch(path: Path, work: Callable[[Watched], Awaitable[None]]) -> Watched:
    """Do something with a bound, and see that nothing is left of it."""

    async def go() -> Watched:
        watched = Watched(path)
        try:
            await work(watched)
        finally:
            watched.bound.close()
        return watched

    watched = asyncio.run(go())
    assert not [thread for thread in threading.enumerate() if thread.name in ("curve", "companion")]
    assert not children()
    return watched


def children() -> list[int]:
    """Processes of fits that this one has started."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            found += [child.pid] if "--stream" in child.cmdline() else []
    return found


def test_a_curve_that_is_known_is_read_before_it_is_wanted(path: Path) -> None:
    async def work(watched: Watched) -> None:
        watched.bound.prepare(0)
        await watched.until(lambda: watched.bound.curve_of(0) is not None)
        watched.bound.want_curve(0)
        assert not children()

    assert watch(path, work).refused == []


def test_nothing_is_computed_or_complained_of_before_somebody_wants_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "kept_curve", lambda rule: None)

    async def work(watched: Watched) -> None:
        watched.bound.prepare(0)
        await watched.until(lambda: watched.bound._unknown)
        assert not children()
        watched.bound.want_curve(0)
        assert children()
        await watched.until(lambda: watched.bound.curve_of(0) is not None)

    assert watch(path, work).refused == []

    async def lacking(watched: Watched) -> None:
        watched.bound.prepare(0)
        await watched.until(lambda: watched.bound._refusal)
        assert watched.refused == []
        watched.bound.want_curve(0)
        assert watched.bound.ended

    assert len(watch(tmp_path / "none.ibs", lacking).refused) == 1


def test_the_curve_of_a_built_in_rule_needs_no_process(path: Path) -> None:
    async def work(watched: Watched) -> None:
        watched.bound.want_curve(0)
        watched.bound.want_curve(0)
        await watched.until(lambda: watched.bound.curve_of(0))
        assert not children()
        assert watched.bound.curve_of(0) is not None
        assert not watched.bound.curve_of(0).coarse

    assert watch(path, work).changes == 1


def test_fits_are_those_of_the_engine_from_one_process_for_all_epochs(path: Path) -> None:
    summary, _, expected = fit_session(path, every=True)
    assert len(summary.ensembles) == 2

    async def work(watched: Watched) -> None:
        pids = set()
        for ensemble, fits in expected:
            watched.bound.want(ensemble.index, fits.epoch)
            await watched.until(lambda: watched.bound.of(ensemble.index, fits.epoch))  # noqa: B023
            pids |= set(children())
            found = watched.bound.of(ensemble.index, fits.epoch)
            assert found is not None
            np.testing.assert_array_equal(found.beta, fits.beta)
            np.testing.assert_array_equal(found.distance, fits.distance)
        assert len(pids) == 1
        assert watched.bound.finding(0) is None

    assert watch(path, work).refused == []


@pytest.mark.long
def test_what_was_found_last_stays_until_the_next_and_none_that_was_begun_is_given_up(path: Path) -> None:
    async def work(watched: Watched) -> None:
        bound = watched.bound
        first, second, *passed, last = fit_epochs
        bound.want(0, first)
        await watched.until(lambda: bound.of(0, first))
        bound.want(0, second)
        assert bound.finding(0) == second
        for epoch in (*passed, last):
            bound.want(0, epoch)  # the one of `second` is at work
            latest = bound.latest(0)
            assert latest is not None
            assert latest.epoch == first
        await watched.until(lambda: bound.of(0, last))
        assert bound.of(0, second) is not None
        assert not any(bound.of(0, epoch) for epoch in passed)
        latest = bound.latest(0)
        assert latest is not None
        assert latest.epoch == last
        bound.want(0, first)  # known: at once
        latest = bound.latest(0)
        assert latest is not None
        assert latest.epoch == first
        assert bound.latest(1) is None

    fit_epochs = fit_session(path)[0].ensembles[0].snapshots
    assert watch(path, work).refused == []


@pytest.mark.long
def test_the_newest_is_what_is_measured_when_the_fit_begins(path: Path) -> None:
    async def work(watched: Watched) -> None:
        bound = watched.bound
        bound.want(0, epochs[1], newest=True)  # all that the app has read so far
        await watched.until(lambda: bound.latest(0))
        found = bound.latest(0)
        assert found is not None
        assert found.epoch == epochs[-1]
        assert bound.of(0, epochs[1]) is None
        assert bound.finding(0) in (None, epochs[-1])  # it is asked for again, as a run would have more by now
        assert bound.said(0, found) == f"beta* at epoch {epochs[-1]}"

    epochs = fit_session(path)[0].ensembles[0].snapshots
    assert watch(path, work).refused == []


def test_a_run_is_followed_by_itself_as_long_as_somebody_looks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound_fits, "REST_SECONDS", 0.1)
    monkeypatch.setattr(bound_fits, "SHOWN_SECONDS", 60.0)

    async def work(watched: Watched) -> None:
        bound, asked = watched.bound, set()
        bound.want(0, epochs[1], newest=True)
        await watched.until(lambda: asked.add(bound._asked_at) or len(asked) > 4)  # the same epoch again and again
        assert watched.changes <= 2  # the curve, and what was found
        times = sorted(asked)[1:]
        assert min(later - one for one, later in pairwise(times)) >= 0.1
        monkeypatch.setattr(bound_fits, "SHOWN_SECONDS", 0.0)
        await watched.until(lambda: bound._asked is None and bound._wanted is None and bound._later is None)
        last = bound._asked_at
        await asyncio.sleep(0.5)
        assert bound._asked_at == last

    epochs = fit_session(path)[0].ensembles[0].snapshots
    assert watch(path, work).refused == []


@pytest.mark.long
def test_a_run_is_spared(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is at work, the next request waits; the newest wish by then is the one that counts."""
    monkeypatch.setattr(bound_fits, "REST_SECONDS", 0.5)

    async def work(watched: Watched) -> None:
        bound, asked = watched.bound, []
        bound.want(0, epochs[0], sparing=True)
        asked.append(bound._asked_at)
        await watched.until(lambda: bound.of(0, epochs[0]))
        bound.want(0, epochs[1], sparing=True)
        bound.want(0, epochs[2], sparing=True)
        await watched.until(lambda: bound.of(0, epochs[2]))
        asked.append(bound._asked_at)
        assert asked[1] - asked[0] >= 0.5

    epochs = fit_session(path)[0].ensembles[0].snapshots
    watch(path, work)


@pytest.mark.long
def test_an_unknown_rule_has_a_coarse_curve_and_then_the_full_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kept.user_cache_path("ibtui") / "kernels"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    session = tmp_path / "mine.ibs"
    experiment = Experiment(rule="symmetric-soft", gamma=5.0, hidden=((3,),), networks=2, epochs=4, snapshots=2)
    Run(begin(session, "mine", experiment), threads=1).execute()

    async def work(watched: Watched) -> None:
        bound = watched.bound
        bound.want_curve(0)
        await watched.until(lambda: bound.curve_of(0))
        assert bound.curve_of(0) is not None
        assert bound.curve_of(0).coarse
        bound.want(0, 4)
        await watched.until(lambda: bound.of(0, 4))
        await watched.until(lambda: bound.curve_of(0) and not bound.curve_of(0).coarse)
        fits = bound.of(0, 4)
        assert fits is not None
        ib_x, _ = bound.curve_of(0).point_at(fits.beta)
        np.testing.assert_array_equal(fits.ib_x, ib_x)

    assert watch(session, work).refused == []


@pytest.mark.long
def test_each_ensemble_is_held_against_the_curve_of_its_own_rule(tmp_path: Path) -> None:
    session = tmp_path / "rules.ibs"
    experiment = Experiment(rule=("symmetric", "symmetric-soft"), hidden=((3,),), networks=2, epochs=2, snapshots=0)
    Run(begin(session, "rules", experiment), threads=1).execute()
    _, curves, fits = fit_session(session, threads=1)
    watched = Watched(session)
    watched.bound = BoundFits(session, watched._changed, watched.refused.append, lambda ensemble: ensemble + 1)

    async def work(_: Watched) -> None:
        bound = watched.bound
        bound.want_curve(1)
        await watched.until(lambda: bound.curve_of(1))
        assert bound.curve_of(0) is None
        for ensemble, expected in fits:
            bound.want(ensemble.index, 2)
            await watched.until(lambda one=ensemble.index: bound.of(one, 2))
            found = bound.of(ensemble.index, 2)
            assert found is not None
            np.testing.assert_allclose(found.distance, expected.distance, rtol=0, atol=1e-6)
            assert bound.curve_of(ensemble.index).i_xy == pytest.approx(curves[ensemble.rule.number].i_xy)
        assert bound.settled
        bound.close()

    assert watch(session, work).refused == []
    assert watched.refused == []


@pytest.mark.long
def test_an_epoch_that_was_not_measured_is_refused_once(path: Path) -> None:
    async def work(watched: Watched) -> None:
        watched.bound.want(0, 39)
        await watched.until(lambda: watched.refused)
        watched.bound.want(0, 39)
        watched.bound.want(0, 0)
        await watched.until(lambda: watched.bound.of(0, 0))

    (said,) = watch(path, work).refused
    assert said.startswith("epoch is 39: measured are")


@pytest.mark.long
def test_a_process_that_ends_by_itself_is_told_of_and_what_is_known_stays(path: Path) -> None:
    async def work(watched: Watched) -> None:
        bound = watched.bound
        bound.want(0, 0)
        await watched.until(lambda: bound.of(0, 0))
        os.kill(children()[0], signal.SIGKILL)
        await watched.until(lambda: watched.refused)
        bound.want(0, 40)
        assert not children()
        assert bound.latest(0) is not None

    (said,) = watch(path, work).refused
    assert said.startswith("no more beta* is found: ")


def test_closed_in_the_midst_nothing_is_left(path: Path) -> None:
    async def work(watched: Watched) -> None:
        watched.bound.want(0, 0)
        await asyncio.sleep(0.05)

    watched = watch(path, work)
    assert watched.refused == []
    assert watched.bound.finding(0) is None or not children()


def test_a_session_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "none.ibs").write_text("no session")

    async def work(watched: Watched) -> None:
        watched.bound.want_curve(0)
        await watched.until(lambda: watched.refused)

    (said,) = watch(tmp_path / "none.ibs", work).refused
    assert "none.ibs" in said


def test_the_frontier_of_hard_partitions_is_known_of_rules_with_few_classes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The symmetric rule has 64 classes."""
    expected = hard_frontier(load_rule("symmetric")).to_dict()

    async def there(watched: Watched) -> None:
        watched.bound.prepare(0)
        await watched.until(lambda: watched.bound.hard_of(0))
        found = watched.bound.hard_of(0)
        assert found is not None
        assert found.to_dict() == expected

    monkeypatch.setattr(bound_fits, "MOST_CLASSES", 64)
    watch(path, there)

    async def absent(watched: Watched) -> None:
        watched.bound.prepare(0)
        await watched.until(lambda: watched.bound.curve_of(0))
        assert watched.bound.hard_of(0) is None

    monkeypatch.setattr(bound_fits, "MOST_CLASSES", 63)
    watch(path, absent)
