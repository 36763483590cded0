"""A cluster beyond this machine, simulated: what home and the scheduler cost is measured here, the rest is counted.

Workers take orders of the paper's networks for about ten seconds each. Home and the scheduler are each one server that
serves what comes in turn; a worker whose pieces home does not take goes on until it has as many waiting as it may have.
"""

from __future__ import annotations

import heapq
import pickle
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from ibtui_engine.cluster import worker
from ibtui_engine.cluster.bench import MOST_BYTES
from ibtui_engine.cluster.connecting import connected
from ibtui_engine.cluster.link import MOST_PIECES, exchange_seconds
from ibtui_engine.cluster.orders import Order, Piece, Said
from ibtui_engine.cohort import Cohort, Snapshot, Study
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import begin, load_rules
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.threads import Threads
from tests.benchmarks.timing import Row

NETWORKS, WORKERS = 1_000_000, 1_000
COHORT = 12
"""Networks of figure-3 that a core trains in ten seconds."""
SNAPSHOTS = 40
ORDER_SECONDS = 10.0
TRIED = 200


@dataclass(frozen=True)
class Costs:
    """Seconds of a processor, and bytes, measured on this machine."""

    record: float
    """Of home, for a snapshot of a cohort, without its weights."""
    record_weights: float
    """With them."""
    task: float
    """Of scheduler and client, for a task."""
    exchange: float
    """Of scheduler and client, for an exchange without pieces."""
    order_bytes: int
    piece_bytes: int


def cluster_scale() -> list[Row]:
    """What is the bottleneck of a million networks on a thousand workers."""
    costs = measured()
    none = float("nan")
    rows = [
        Row("a cohort of 12 networks", "home records a snapshot", 1e3 * costs.record, "ms", none),
        Row("a cohort of 12 networks", "the same with weights", 1e3 * costs.record_weights, "ms", none),
        Row("a cohort of 12 networks", "scheduler and client, a task", 1e3 * costs.task, "ms", none),
        Row("a cohort of 12 networks", "scheduler and client, an exchange", 1e3 * costs.exchange, "ms", none),
        Row("a cohort of 12 networks", "an order", costs.order_bytes / 1e3, "kB", none),
        Row("a cohort of 12 networks", "a snapshot with its state", costs.piece_bytes / 1e3, "kB", none),
    ]
    ideal = NETWORKS / COHORT * ORDER_SECONDS / WORKERS
    for what, record, snapshots in (
        ("40 snapshots with weights", costs.record_weights, SNAPSHOTS),
        ("40 snapshots without weights", costs.record, SNAPSHOTS),
        ("8 snapshots without weights", costs.record, 8),
    ):
        took, home, scheduler = simulated(costs, record, snapshots)
        rows.append(
            Row(f"10^6 networks, 1000 workers, {what}", "wall clock, beside 1000 cores alone", took, "s", took / ideal)
        )
        rows.append(Row(f"10^6 networks, 1000 workers, {what}", "home busy, of that", home, "s", home / took))
        rows.append(
            Row(f"10^6 networks, 1000 workers, {what}", "scheduler busy, of that", scheduler, "s", scheduler / took)
        )
    return rows


def measured() -> Costs:
    """What home and a scheduler do for a cohort, timed."""
    experiment = Experiment(hidden=((10, 8, 6, 4, 2),), networks=COHORT, epochs=30, snapshot_at=tuple(range(30)))
    rules = load_rules(experiment)
    pool = Threads(1)
    cohort = Cohort(
        Study(experiment, rules, dict.fromkeys(rules)), CohortRow(1, 0, 0, COHORT, 0), "fused", "cpu", None, pool
    )
    snapshot = cohort.snapshot()
    row = cohort.row
    pool.close()
    piece = Piece(0, row, snapshot.measured, snapshot.state)
    order = Order("0" * 32, 0, row, "fused", "cpu", snapshot.state)
    with tempfile.TemporaryDirectory() as folder:
        record = [_recording(Path(folder) / f"{keep}.ibs", experiment, snapshot, keep) for keep in (False, True)]
    task, exchange = _scheduling()
    return Costs(*record, task, exchange, len(pickle.dumps(order, 5)), len(pickle.dumps(piece, 5)))


def _recording(path: Path, experiment: Experiment, snapshot: Snapshot, keep_weights: bool) -> float:
    with begin(path, "it", experiment) as writer:
        (row,) = writer.cohorts()
        began = time.process_time()
        with writer.together():
            for epoch in range(TRIED):
                state = replace(snapshot.state, epoch=epoch)
                writer.record(row, snapshot.measured, state, keep_weights=keep_weights)
        return (time.process_time() - began) / TRIED


def _scheduling() -> tuple[float, float]:
    """Processor time of this process, which has client and scheduler in it, for a task and for an exchange."""
    own = psutil.Process()

    def spent(work: Callable[[], object], count: int) -> float:
        before = sum(own.cpu_times()[:2])
        work()
        return (sum(own.cpu_times()[:2]) - before) / count

    with connected("local:1", threads=1) as client:
        order = Order("none", 0, CohortRow(1, 0, 0, 1, 0), "fused", "cpu", None)
        tasks = spent(
            lambda: client.gather([client.submit(worker.carry_out, order, pure=False) for _ in range(TRIED)]), TRIED
        )
        exchanges = spent(lambda: [client.run(worker.exchange, "none", Said()) for _ in range(TRIED)], TRIED)
    return tasks, exchanges


def simulated(costs: Costs, record: float, snapshots: int) -> tuple[float, float, float]:
    """Seconds until all is recorded, and of these seconds those in which home and the scheduler are busy."""
    chance = random.Random(1)
    orders = NETWORKS // COHORT
    most = MOST_BYTES // costs.piece_bytes
    pieces = [0.0] * WORKERS
    """Waiting at each worker."""
    left = [0.0] * WORKERS
    """Seconds of the order at work."""
    home = scheduler = home_free = scheduler_free = 0.0
    recorded, end = 0, 0.0
    between = exchange_seconds(WORKERS)
    events = [(chance.uniform(0, between), k, 0.0) for k in range(WORKERS)]
    heapq.heapify(events)
    while events:
        now, k, last = heapq.heappop(events)
        work = now - last
        while work > 0 and pieces[k] < most:
            if left[k] <= 0:
                if orders == 0:
                    break
                orders -= 1
                left[k] = ORDER_SECONDS * chance.uniform(0.8, 1.2)
                scheduler += costs.task
                scheduler_free = max(scheduler_free, now) + costs.task
            step = min(work, left[k])
            left[k] -= step
            work -= step
            pieces[k] += snapshots * step / ORDER_SECONDS
        scheduler += costs.exchange
        scheduler_free = max(scheduler_free, now) + costs.exchange
        answered = scheduler_free
        if home_free - now < 2_000 * record:  # what home has not worked off is less than its backlog
            taken = min(int(pieces[k]) if left[k] > 0 or orders else round(pieces[k]), MOST_PIECES)
            pieces[k] -= taken
            home += taken * record
            home_free = max(home_free, answered) + taken * record
            recorded += taken
            end = max(end, home_free)
        if orders or left[k] > 0 or round(pieces[k]) > 0:
            heapq.heappush(events, (answered + between, k, now))
    return end, home, scheduler
