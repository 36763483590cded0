"""Which networks are still to be trained, by whom, and how what comes back is put together: neither Dask nor a file.

A part is some networks of a cohort of the session, all of them at first. Where a worker is idle and nothing waits, the
part that would end last is split: its worker goes on with the first half, the idle one takes over the rest. Snapshots
of a cohort in several parts are put together before they are recorded, so that a session looks as if nobody had helped.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from ibtui_engine.cluster.orders import Piece
from ibtui_engine.cohort import Snapshot
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.writer import Measured
from ibtui_engine.training.problem import TrainingState

AHEAD_SECONDS = 1.0
"""Work that a worker has waiting beside the order that it is at, so that it need not wait for home."""
MOST_AHEAD = 64
"""Orders of a worker, at most."""
WORTH_SECONDS = 2.0
"""A part is split where it would take at least this much longer."""


@dataclass(eq=False)
class Part:
    """Networks of a cohort that are trained together."""

    row: CohortRow
    """With the epoch that home knows them to be at."""
    begun: bool
    """Whether something of them is measured."""
    state: TrainingState | None = None
    """There; None where it is in the file, or they are not begun."""
    order: int | None = None
    """Under which they are at work; None while they wait."""
    holder: str = ""
    """The address of the worker that has the order."""
    pace: float | None = None
    """Seconds of an epoch there."""
    splitting: bool = False
    """Whether the holder has been asked to hand some of them over."""
    failures: int = 0
    """How often an order for them came to nothing."""


@dataclass(eq=False)
class _Gathering:
    """Snapshots of a cohort in several parts that are not complete yet."""

    row: CohortRow
    recorded: int
    """The last epoch of the schedule that is recorded; -1 before the first."""
    found: dict[int, dict[int, Snapshot]] = field(default_factory=dict)
    """By epoch, by the first network of the part."""


@dataclass(frozen=True, eq=False)
class ToRecord:
    """A snapshot of all networks of a cohort that is to be recorded, or of some of them that are there already."""

    row: CohortRow
    snapshot: Snapshot
    again: bool = False
    """Whether the epoch is recorded: it was computed twice."""


class Plan:
    """What is to be done, what is at work and what has come back."""

    def __init__(self, rows: Sequence[tuple[CohortRow, bool, float]], last: int, *, splitting: bool = True) -> None:
        """
        Args:
            rows: the session's cohorts; whether something of each is measured; and the computing that an epoch of one
                of its networks takes, in arbitrary units.
            last: epoch of the schedule.
            splitting: whether parts may be split.
        """
        self._last = last
        self._weight = {row.id: weight for row, _, weight in rows}
        self._gatherings = {row.id: _Gathering(row, row.epoch if begun else -1) for row, begun, _ in rows}
        self._waiting: list[tuple[int, int, int, Part]] = []
        self._orders: dict[int, Part] = {}
        self._held: dict[str, list[int]] = {}
        self._unfinished: Counter[int] = Counter()
        """Parts by ensemble."""
        self._numbers = 0
        self._unsplittable: set[int] = set()
        self._splitting = splitting
        self.whole = sum(row.networks * weight * last for row, _, weight in rows)
        """Computing of the whole session."""
        self.done = sum(row.networks * weight * row.epoch for row, _, weight in rows)
        """Of that what is done, as far as home knows."""
        for row, begun, _ in rows:
            if not begun or row.epoch < last:
                self._add(Part(row, begun))

    @property
    def finished(self) -> bool:
        """Whether all networks are at the end of the schedule, and recorded."""
        return not self._unfinished.total()

    @property
    def waiting(self) -> bool:
        """Whether some part has no worker."""
        return bool(self._waiting)

    def keep_whole(self, cohort: int) -> None:
        """Never split this cohort: its trainer computes networks together."""
        self._unsplittable.add(cohort)

    def orders(self, worker: str) -> tuple[int, ...]:
        """The orders that a worker has, in the order in which they were given."""
        return tuple(self._held.get(worker, ()))

    def part(self, order: int) -> Part | None:
        """The part that is at work under an order; None where it is no longer."""
        return self._orders.get(order)

    def at_work(self) -> Iterator[Part]:
        """All parts that a worker has."""
        return iter(self._orders.values())

    def give(self, worker: str, fits: set[int] | None = None) -> Part | None:
        """Let a worker have the part that has come least far; None where none waits.

        Args:
            worker: its address.
            fits: ids of the cohorts that it can train; None: any.
        """
        passed = []
        found = None
        while self._waiting and found is None:
            entry = heapq.heappop(self._waiting)
            if fits is None or entry[3].row.id in fits:
                found = entry[3]
            else:
                passed.append(entry)
        for entry in passed:
            heapq.heappush(self._waiting, entry)
        if found is not None:
            found.order, found.holder, found.splitting = self._numbers, worker, False
            self._orders[self._numbers] = found
            self._held.setdefault(worker, []).append(self._numbers)
            self._numbers += 1
        return found

    @property
    def latest(self) -> int:
        """The number of the last order that was given to any worker; -1 before the first."""
        return self._numbers - 1

    def has_enough(self, worker: str) -> bool:
        """Whether a worker's orders keep it busy until home looks again."""
        held = self.orders(worker)
        if len(held) < 2:
            return False
        ahead = [self._orders[order] for order in held[1:]]
        known = [seconds for part in ahead if (seconds := self._seconds(part)) is not None]
        return len(held) >= MOST_AHEAD or len(known) < len(ahead) or sum(known) >= AHEAD_SECONDS

    def _seconds(self, part: Part) -> float | None:
        """How much longer a part takes; None where nobody knows."""
        return None if part.pace is None else part.pace * (self._last - part.row.epoch)

    def expect(self, part: Part, pace: float) -> None:
        """Take it that an epoch of this part takes so many seconds, until the worker says better."""
        if part.pace is None:
            part.pace = pace

    def take_back(self, worker: str) -> list[int]:
        """A worker is gone: its parts wait again. The orders that are void."""
        orders = self._held.pop(worker, [])
        for order in orders:
            self._wait_again(order)
        return orders

    def drop(self, order: int) -> Part | None:
        """An order has ended before its part was done, which waits again."""
        if order not in self._orders:
            return None
        self._held[self._orders[order].holder].remove(order)
        return self._wait_again(order)

    def _wait_again(self, order: int) -> Part:
        part = self._orders.pop(order)
        part.order, part.holder, part.splitting, part.pace = None, "", False, None
        self._push(part)
        return part

    def to_split(self, fits: set[int] | None = None) -> tuple[Part, int] | None:
        """For an idle worker: the part that it should share in, and how many networks its holder keeps; None where no
        part is worth it. An order that waits behind another is given back whole.
        """
        best: tuple[float, Part, int] | None = None
        for part in self._orders.values():
            if part.splitting or (fits is not None and part.row.id not in fits):
                continue
            held = self._held[part.holder]
            behind = held[0] != part.order
            seconds = self._seconds(part)
            keep = 0 if behind else -(-part.row.networks // 2)
            if not behind and (seconds is None or seconds < WORTH_SECONDS or not self._may_split(part)):
                continue
            gain = float("inf") if behind else seconds or 0.0
            if best is None or gain > best[0]:
                best = gain, part, keep
        if best is None:
            return None
        best[1].splitting = True
        return best[1], best[2]

    def _may_split(self, part: Part) -> bool:
        return self._splitting and part.row.networks > 1 and part.row.id not in self._unsplittable

    def arrived(self, piece: Piece) -> tuple[Part | None, list[ToRecord]]:
        """Take in a piece, of an order that is at work or of one that home had given up.

        Returns:
            Its part, where that is at work under this order; and the snapshots that are complete with it.
        """
        part = self._orders.get(piece.order)
        if part is not None and piece.state is not None:
            self._move_on(part, piece)
        ready = [] if piece.measured is None or piece.state is None else self._gather(piece)
        if part is not None and piece.kept is not None and piece.kept < part.row.networks:
            self._split(part, piece.kept)
        return part, ready

    def _move_on(self, part: Part, piece: Piece) -> None:
        assert piece.state is not None
        if part.begun and piece.row.epoch < part.row.epoch:
            return
        self.done += part.row.networks * self._weight[part.row.id] * (piece.row.epoch - part.row.epoch)
        part.row = part.row._replace(epoch=piece.row.epoch)
        part.begun = True
        part.state = piece.state
        part.pace = piece.pace if piece.pace is not None else part.pace

    def _gather(self, piece: Piece) -> list[ToRecord]:
        assert piece.measured is not None
        assert piece.state is not None
        of = self._gatherings[piece.row.id]
        epoch = piece.row.epoch
        snapshot = Snapshot(piece.measured, piece.state)
        if epoch <= of.recorded:
            return [ToRecord(piece.row, snapshot, again=True)]
        found = of.found.setdefault(epoch, {})
        if any(_overlap(piece.row, first, len(other.state.weights)) for first, other in found.items()):
            return []
        found[piece.row.first] = snapshot
        ready = []
        while of.found:
            epoch = min(of.found)
            if sum(len(one.state.weights) for one in of.found[epoch].values()) < of.row.networks:
                break
            parts = of.found.pop(epoch)
            of.recorded = epoch
            of.row = of.row._replace(epoch=epoch)
            ready.append(ToRecord(of.row, joined([parts[first] for first in sorted(parts)])))
        return ready

    def _split(self, part: Part, keep: int) -> None:
        """The holder goes on with the first networks; the others wait for somebody else."""
        row, state = part.row, part.state
        assert state is not None
        part.splitting = False
        part.row = row._replace(networks=keep)
        part.state = TrainingState(state.epoch, state.weights[:keep], state.slots[:, :keep])
        if part.pace is not None:
            part.pace *= keep / row.networks
        rest = TrainingState(state.epoch, state.weights[keep:], state.slots[:, keep:])
        self._add(Part(row._replace(first=row.first + keep, networks=row.networks - keep), True, rest))

    def finish(self, order: int) -> bool:
        """The part of an order is at the end of the schedule; whether all of its ensemble are."""
        part = self._orders.pop(order)
        self._held[part.holder].remove(order)
        self._unfinished[part.row.ensemble] -= 1
        return not self._unfinished[part.row.ensemble]

    def give_up(self, ensemble: int) -> list[int]:
        """Nothing more of an ensemble is to be done. The orders that are void."""
        void = [order for order, part in self._orders.items() if part.row.ensemble == ensemble]
        for order in void:
            self.drop(order)
        over = [entry[3] for entry in self._waiting if entry[3].row.ensemble == ensemble]
        self._waiting = [entry for entry in self._waiting if entry[3].row.ensemble != ensemble]
        heapq.heapify(self._waiting)
        self.done += sum(one.row.networks * self._weight[one.row.id] * (self._last - one.row.epoch) for one in over)
        self._unfinished[ensemble] = 0
        return void

    def is_whole(self, part: Part) -> bool:
        """Whether it is all networks of its cohort."""
        return part.row.networks == self._gatherings[part.row.id].row.networks

    def in_file(self, cohort: int) -> CohortRow:
        """A cohort with the epoch that the session has a state of."""
        return self._gatherings[cohort].row

    def saved(self, cohort: int, epoch: int) -> None:
        """The session has a state at that epoch now."""
        self._gatherings[cohort].row = self._gatherings[cohort].row._replace(epoch=epoch)

    def let_go(self, part: Part) -> None:
        """Forget the state of a whole cohort that the file has, too, there or further on."""
        if self.is_whole(part) and part.row.epoch <= self._gatherings[part.row.id].row.epoch:
            part.state = None

    def _add(self, part: Part) -> None:
        self._unfinished[part.row.ensemble] += 1
        self._push(part)

    def _push(self, part: Part) -> None:
        heapq.heappush(self._waiting, (part.row.epoch if part.begun else -1, part.row.id, part.row.first, part))


def _overlap(row: CohortRow, first: int, networks: int) -> bool:
    return row.first < first + networks and first < row.first + row.networks


def joined(parts: Sequence[Snapshot]) -> Snapshot:
    """One snapshot of the networks of several, in this order, all at one epoch."""
    if len(parts) == 1:
        return parts[0]
    states = [part.state for part in parts]
    state = TrainingState(
        states[0].epoch,
        np.concatenate([one.weights for one in states]),
        np.concatenate([one.slots for one in states], axis=1),
    )
    return Snapshot(_joined([part.measured for part in parts]), state)


def _joined(parts: Sequence[object]) -> Measured:
    """Arrays of all parts behind one another, in dataclasses that are alike."""
    together = {}
    for one in fields(parts[0]):  # type: ignore[arg-type]
        values = [getattr(part, one.name) for part in parts]
        if isinstance(values[0], np.ndarray):
            together[one.name] = np.concatenate(values)
        elif values[0] is not None:
            together[one.name] = _joined(values)  # type: ignore[assignment]
    return replace(parts[0], **together)  # type: ignore[type-var, return-value]
