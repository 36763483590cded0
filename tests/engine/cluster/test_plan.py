"""Who trains what: parts are given once, taken back, split and put together again."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ibtui_engine.cluster.orders import Piece
from ibtui_engine.cluster.plan import Part, Plan, ToRecord
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.writer import Measured
from ibtui_engine.training.problem import TrainingState

SCHEDULE = (0, 10, 20)


def row(number: int = 1, networks: int = 6, epoch: int = 0) -> CohortRow:
    return CohortRow(number, 0, 0, networks, epoch)


def plan(*cohorts: CohortRow, begun: bool = False, **more: Any) -> Plan:
    return Plan([(one, begun, 1.0) for one in cohorts], SCHEDULE[-1], **more)


def numbers_of(networks: CohortRow) -> np.ndarray:
    """A number for each network of each cohort that nobody else has."""
    return 1000.0 * networks.id + np.arange(networks.first, networks.first + networks.networks)


def piece(part: Part, epoch: int, *, measured: bool = True, **more: Any) -> Piece:
    """What a worker would send of a part at an epoch: numbers that say which networks they are of."""
    assert part.order is not None
    at = part.row._replace(epoch=epoch)
    own = numbers_of(at) + epoch / 100
    state = TrainingState(epoch, np.float32(own)[:, None], np.zeros((1, len(own), 1), np.float32))
    layers = own[:, None]
    information = LayerInformation(*[layers] * 2, np.ones((len(own), 1), np.int64), *[layers] * 6)
    found = Measured(information, Learning(*[own] * 4), layers, layers, layers) if measured else None
    return Piece(part.order, at, found, state, **more)


def all_of(found: ToRecord) -> list[float]:
    return (found.snapshot.measured.information.i_x[:, 0] - found.row.epoch / 100).round().tolist()


def test_the_cohort_that_has_come_least_far_is_given_first() -> None:
    work = Plan([(row(1, epoch=10), True, 1.0), (row(2), False, 1.0), (row(3, epoch=20), True, 1.0)], 20)
    given = [work.give("a"), work.give("b"), work.give("c")]
    assert [one and one.row.id for one in given] == [2, 1, None]
    assert work.done == 6 * 10 + 6 * 20
    assert work.whole == 3 * 6 * 20


def test_a_worker_that_cannot_train_a_cohort_gets_another() -> None:
    work = plan(row(1), row(2))
    found = work.give("a", {2})
    assert found is not None
    assert found.row.id == 2
    assert work.give("a", {2}) is None
    assert work.waiting


def test_what_a_dead_worker_had_waits_again_from_where_it_was() -> None:
    work = plan(row())
    part = work.give("a")
    assert part is not None
    work.arrived(piece(part, 0))
    work.arrived(piece(part, 7, measured=False))
    assert work.take_back("a") == [0]
    again = work.give("b")
    assert again is part
    assert (again.row.epoch, again.order, again.begun) == (7, 1, True)
    assert work.arrived(replace(piece(part, 9, measured=False), order=0))[0] is None  # the void order's
    assert part.row.epoch == 7


def test_a_split_cohort_is_recorded_whole_and_in_order() -> None:
    work = plan(row())
    part = work.give("a")
    assert part is not None
    (found,) = work.arrived(piece(part, 0))[1]
    assert all_of(found) == numbers_of(row()).tolist()
    work.expect(part, 1.0)
    assert work.to_split() == (part, 3)
    assert work.to_split() is None  # asked once
    work.arrived(piece(part, 4, measured=False, kept=2))
    rest = work.give("b")
    assert rest is not None
    assert (part.row.first, part.row.networks, rest.row.first, rest.row.networks) == (0, 2, 2, 4)
    assert rest.state is not None
    assert rest.state.epoch == rest.row.epoch == 4
    assert rest.state.weights[:, 0].round().tolist() == numbers_of(rest.row).tolist()
    assert work.arrived(piece(rest, 10))[1] == []
    assert work.arrived(piece(rest, 20))[1] == []
    (ten,) = work.arrived(piece(part, 10))[1]
    (twenty,) = work.arrived(piece(part, 20))[1]
    for found, epoch in ((ten, 10), (twenty, 20)):
        assert found.row.epoch == found.snapshot.state.epoch == epoch
        assert all_of(found) == numbers_of(row()).tolist()
    for one in (part, rest):
        assert not work.finished
        assert one.order is not None
        work.finish(one.order)
    assert work.finished
    assert work.done == work.whole


def test_an_order_behind_another_is_given_back_whole() -> None:
    work = plan(row(1), row(2))
    first, second = work.give("a"), work.give("a")
    assert first is not None
    assert second is not None
    assert work.to_split() == (second, 0)


@pytest.mark.parametrize(("pace", "networks", "split"), [(0.1, 2, True), (0.099, 2, False), (1.0, 1, False)])
def test_only_what_takes_two_seconds_more_is_split(pace: float, networks: int, split: bool) -> None:
    work = plan(row(networks=networks))
    part = work.give("a")
    assert part is not None
    work.expect(part, pace)  # 20 epochs are left
    assert (work.to_split() is not None) == split


def test_cohorts_whose_networks_are_computed_together_stay_whole() -> None:
    work = plan(row())
    work.keep_whole(1)
    part = work.give("a")
    assert part is not None
    work.expect(part, 100.0)
    assert work.to_split() is None


def test_what_is_computed_twice_is_told_apart_from_what_is_new() -> None:
    work = plan(row())
    part = work.give("a")
    assert part is not None
    work.arrived(piece(part, 0))
    late = piece(part, 10)
    work.take_back("a")
    again = work.give("b")
    assert again is part
    (found,) = work.arrived(late)[1]  # the dead worker was not: it is the first to be there
    assert not found.again
    (found,) = work.arrived(piece(part, 10))[1]
    assert found.again
    work.saved(1, 12)
    assert work.in_file(1).epoch == 12
    work.let_go(part)
    assert part.state is None


@pytest.mark.parametrize(
    ("held", "pace", "enough"), [(1, 9.0, False), (2, 0.05, True), (2, 0.049, False), (64, 0.0, True)]
)
def test_a_worker_has_a_second_of_work_ahead(held: int, pace: float, enough: bool) -> None:
    work = plan(*(row(number) for number in range(1, 70)))
    for _ in range(held):
        part = work.give("a")
        assert part is not None
        work.expect(part, pace)
    assert work.has_enough("a") == enough


@pytest.mark.parametrize("seed", range(5))
def test_whatever_befalls_the_workers_everything_is_recorded_once(seed: int) -> None:
    chance = random.Random(seed)
    cohorts = [row(number, networks=chance.randint(1, 7)) for number in range(1, 6)]
    work = plan(*cohorts)
    workers, recorded, dead = ["a", "b", "c"], {}, 0
    positions: dict[int, int] = {}
    late: list[Piece] = []
    for _ in range(3000):
        if work.finished:
            break
        worker = chance.choice(workers)
        what = chance.random()
        if what < 0.1 and dead < 30:
            dead += 1
            held = [work.part(order) for order in work.orders(worker)]
            late += [
                piece(part, positions.get(part.order or 0, 0) // 10 * 10 + 10) for part in held if part is not None
            ]
            late = [one for one in late if one.row.epoch <= 20]
            work.take_back(worker)
        elif not work.orders(worker):
            if (part := work.give(worker)) is not None:
                assert part.order is not None
                positions[part.order] = part.row.epoch if part.begun else -1
                work.expect(part, 1.0)
            elif (found := work.to_split()) is not None:
                part, keep = found
                assert part.order is not None
                if keep and positions[part.order] >= 0:
                    came = work.arrived(piece(part, positions[part.order], measured=False, kept=keep))[1]
                    assert came == []
        else:
            order = work.orders(worker)[0]
            part = work.part(order)
            assert part is not None
            at = positions[order] = positions[order] + 1
            ready = []
            if at in SCHEDULE or chance.random() < 0.3:
                ready = work.arrived(piece(part, at, measured=at in SCHEDULE))[1]
            if late and chance.random() < 0.3:
                ready += work.arrived(late.pop())[1]
            for found in ready:
                if not found.again:
                    key = found.row.id, found.row.epoch
                    assert key not in recorded
                    recorded[key] = all_of(found)
            if at == SCHEDULE[-1]:
                work.finish(order)
    assert work.finished
    expected = {(one.id, epoch): numbers_of(one).tolist() for one in cohorts for epoch in SCHEDULE}
    assert recorded == expected
