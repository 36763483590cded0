"""A run whose cohorts are trained by the workers of a cluster: the loop of the home process, the session's only writer.

It gives workers their orders, records what comes back, each snapshot with its checkpoint in one transaction, and looks
for requests as a run does that trains by itself. What is computed twice is recorded once: a second copy with other bits
is noted in the session as an event.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ibtui_engine import errors
from ibtui_engine.cluster.link import Arrived, Ended, Event, Joined, Left, Link, Lost, Refused, require_alike
from ibtui_engine.cluster.orders import FAILED, FINISHED, RETURNED, STOPPED, Kit, Order, Piece, Said, Trial
from ibtui_engine.cluster.plan import Part, Plan, ToRecord
from ibtui_engine.cluster.worker import machine
from ibtui_engine.cohort import Cohort, Study
from ibtui_engine.errors import ClusterError, EngineError, TrainingError
from ibtui_engine.experiment import Ensemble
from ibtui_engine.logs import logger
from ibtui_engine.networks import Architecture, sample_size
from ibtui_engine.progress import Interrupt, Progress, Watcher
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.liveness import HEARTBEAT_SECONDS
from ibtui_engine.session.writer import SessionWriter
from ibtui_engine.training.problem import TrainingState

if TYPE_CHECKING:
    from distributed import Client

_log = logger(__name__)
COHORT_SECONDS = 10.0
"""Work of a cohort, at most about, where there are several workers."""
LOOK_SECONDS = 0.1
"""Between two looks for requests."""
LEAVING_SECONDS = 1.5
"""For the last states of the workers once the run is to stop."""
MOST_FAILURES = 3
"""Of one part of a cohort, on whatever workers: then the run gives up."""
TOLD_SECONDS = 5.0
"""Without a worker for so long, the run says that it waits for one."""
MISSING_SECONDS = 10.0
"""An order that Dask is done with, of which the last piece has not come by then, is given again."""
DIFFERENT = "different"
"""The event of a snapshot that was computed twice, with different numbers."""
PROCESSOR = "processor"
"""The event of a cohort that was computed on another processor than home's."""


@dataclass(frozen=True)
class Cells:
    """What to do with the ensembles of a map, each by its number."""

    finish: Callable[[int], None]
    """All its networks are at the end of the schedule."""
    give_up: Callable[[int, str], None]
    """A network of it has diverged, as the text says: the others go on."""


class Home:
    """The state of a run on a cluster."""

    def __init__(
        self,
        client: Client,
        study: Study,
        writer: SessionWriter,
        checkpoint: Callable[[CohortRow], TrainingState | None],
        watch: Watcher,
        interrupt: Interrupt,
        cells: Cells | None = None,
    ) -> None:
        """`checkpoint`: what a cohort of the session goes on from; `cells`: of a session that is a map.

        Raises:
            InvalidValue: a worker has other versions.
            ClusterError: the cluster does not answer.
        """
        require_alike(client)
        self._client = client
        self._study = study
        self._writer = writer
        self._checkpoint = checkpoint
        self._watch = watch
        self._interrupt = interrupt
        self._cells = cells
        self._complete: list[int] = []
        """Ensembles that have come to their end just now."""
        self._schedule = writer.schedule
        self._trainers = writer.ensembles()
        self._run = uuid.uuid4().hex
        self._own = machine()
        self._workers: dict[str, Joined] = {}
        self._keep: dict[str, dict[int, int]] = {}
        self._noted: set[tuple[int, str]] = set()
        self._paused = self._stopping = False
        self._beat = self._alone = time.monotonic()
        self._told_alone = False
        self._plan = Plan((), self._schedule[-1])
        self._paces: dict[int, float] = {}
        """Seconds that an epoch of one network takes in one thread, by ensemble; empty until somebody has tried."""
        self._on_cpu: set[int] | None = None
        """Cohorts that a worker without a graphics card can train; None: all."""
        self._recorded: list[tuple[Ensemble, int]] = []
        """What was recorded and is still to be told."""
        self._ensemble: Ensemble | None = None
        """That of the last snapshot."""
        self._ended: dict[int, float] = {}
        """Orders that Dask is done with, and when, whose last piece has not arrived."""
        self._began: tuple[float, float] | None = None
        """When the first order was given, and what was done by then."""

    def go(self) -> str:
        """Have everything trained; return `finished` or `stopped`.

        Raises:
            StorageError: what was measured cannot be stored.
            TrainingError: a network has diverged.
            ClusterError: the scheduler is gone, or workers fail again and again.
        """
        rows = self._writer.cohorts()
        kinds = self._kinds(rows)
        kit = Kit(self._run, f"{os.path.realpath(self._writer.path)}@{self._own.host}", self._study, self._schedule)
        self._link = Link(self._client, kit, list(kinds.values()))
        try:
            trials = self._first_trials(list(kinds))
            self._plan = self._planned(rows, kinds, trials)
            status = self._work()
        finally:
            self._link.close()
        self._writer.set_status(status)
        _log.info("session %s is %s", self._writer.path, status)
        self._tell(status, None)
        return status

    # what is to be done

    def _kinds(self, rows: list[CohortRow]) -> dict[tuple[object, ...], tuple[CohortRow, str, str]]:
        """One network of each kind of ensemble: those of a kind need the same kernels."""
        found: dict[tuple[object, ...], tuple[CohortRow, str, str]] = {}
        for row in rows:
            one = row._replace(first=0, networks=1, epoch=0)
            found.setdefault(self._kind(row.ensemble), (one, *self._trainers[row.ensemble]))
        return found

    def _kind(self, index: int) -> tuple[object, ...]:
        ensemble = self._study.experiment.ensemble(index)
        return (
            *self._trainers[index],
            *(ensemble.rule_settings, ensemble.optimizer, ensemble.stochastic, ensemble.ib_method, ensemble.sampling),
            *(ensemble.bottleneck is None, ensemble.dropout > 0, ensemble.bits > 0, ensemble.weight_decay > 0),
        )

    def _weight(self, index: int) -> float:
        """Computing that an epoch of one network takes, in arbitrary units."""
        ensemble = self._study.experiment.ensemble(index)
        rule = self._study.rules[ensemble.rule_settings]
        size = sample_size(len(rule.p_y), ensemble.fraction)
        return Cohort.weight_of(1, size, Architecture.of_ensemble(rule, ensemble).parameters)

    def _first_trials(self, kinds: list[tuple[object, ...]]) -> Mapping[tuple[object, ...], Trial]:
        """How fast the first worker is that is ready; empty where the run is to stop before."""
        while not self._interrupt.requested:
            self._look_alone()
            for event in self._link.next(LOOK_SECONDS):
                self._take(event)
                if isinstance(event, Joined):
                    possible = [kind for kind in kinds if event.gpu or kind[1] != "cuda"]
                    return dict(zip(possible, event.trials, strict=True))
            self._heed()
            self._show(None, None)
        return {}

    def _planned(
        self,
        rows: list[CohortRow],
        kinds: Mapping[tuple[object, ...], tuple[CohortRow, str, str]],
        trials: Mapping[tuple[object, ...], Trial],
    ) -> Plan:
        """What is to be done, large cohorts that have not begun split into smaller ones of the session."""
        begun = self._writer.begun()
        last, snapshots = self._schedule[-1], len(self._schedule)
        weights = {index: self._weight(index) for index in {row.ensemble for row in rows}}
        paces: dict[int, float] = {}
        for row in rows:
            kind = self._kind(row.ensemble)
            trial = trials.get(kind)
            if trial is None:
                continue
            tried = weights.get(kinds[kind][0].ensemble) or self._weight(kinds[kind][0].ensemble)
            epoch = trial.epoch * weights[row.ensemble] / tried
            paces[row.ensemble] = (epoch * last + trial.snapshot * snapshots) / last
        if trials:
            rows = [part for row in rows for part in self._split(row, begun, paces.get(row.ensemble))]
        plan = Plan([(row, row.id in begun, weights[row.ensemble]) for row in rows], last)
        for row in rows:
            if self._trainers[row.ensemble][0] == "torch":
                plan.keep_whole(row.id)
        self._paces = paces
        if any(device == "cuda" for _, device in self._trainers.values()):
            self._on_cpu = {row.id for row in rows if self._trainers[row.ensemble][1] != "cuda"}
        return plan

    def _split(self, row: CohortRow, begun: set[int], pace: float | None) -> list[CohortRow]:
        """A cohort as several of about `COHORT_SECONDS`, where it is larger and nothing of it is measured."""
        if row.id in begun or pace is None or self._trainers[row.ensemble][0] == "torch":
            return [row]
        threads = max(worker.threads for worker in self._workers.values())
        seconds = pace * self._schedule[-1] * row.networks / min(threads, row.networks)
        count = min(row.networks, round(seconds / COHORT_SECONDS))
        if count < 2:
            return [row]
        size, larger = divmod(row.networks, count)
        return self._writer.split(row, [size + (k < larger) for k in range(count)])

    # the loop

    def _work(self) -> str:
        asked_at: float | None = None
        while not self._plan.finished:
            if self._interrupt.requested and not self._stopping:
                self._stopping = True
                asked_at = time.monotonic()
                self._say_to_all()
            if self._stopping:
                assert asked_at is not None
                late = time.monotonic() - asked_at > LEAVING_SECONDS
                if late or not any(self._plan.orders(address) for address in self._workers):
                    return "stopped"
            elif not self._paused:
                self._assign()
            self._look_alone()
            if events := self._link.next(LOOK_SECONDS):
                with self._writer.together():
                    for event in events:
                        self._take(event)
                for ensemble, epoch in self._recorded:
                    self._tell("running", ensemble, epoch)
                self._recorded.clear()
                self._finish_ensembles()
            if self._stopping:
                self._say_to_all()
            self._look_for_missing()
            self._heed()
            self._tell("paused" if self._paused else "running", None)
        return "finished"

    def _finish_ensembles(self) -> None:
        """What comes after an ensemble's last snapshot, once that is in the file."""
        if self._cells is not None:
            for ensemble in self._complete:
                self._cells.finish(ensemble)
        self._complete.clear()

    def _look_for_missing(self) -> None:
        """Give orders again that are at their end, but of which no last piece came."""
        late = time.monotonic() - MISSING_SECONDS
        for order in [order for order, ended in self._ended.items() if ended < late]:
            del self._ended[order]
            if self._plan.drop(order) is not None:
                _log.warning("order %d came to an end without a word", order)

    def _assign(self) -> None:
        """Give orders to workers: one to each that has none, then to those that would soon have none."""
        if self._began is None and self._workers:
            self._began = time.monotonic(), self._plan.done
        for enough in (lambda address: bool(self._plan.orders(address)), self._plan.has_enough):
            hungry = [address for address in self._workers if not enough(address)]
            while hungry and self._plan.waiting:
                given = [address for address in hungry if self._give(address)]
                hungry = [address for address in given if not enough(address)]
        for address in self._workers:
            if not self._plan.orders(address) and (found := self._plan.to_split(self._fits(address))) is not None:
                part, keep = found
                assert part.order is not None
                self._keep.setdefault(part.holder, {})[part.order] = keep
                self._say(part.holder, now=True)

    def _fits(self, address: str) -> set[int] | None:
        """The cohorts that a worker can train; None: all."""
        return None if self._workers[address].gpu else self._on_cpu

    def _give(self, address: str) -> bool:
        """Give a worker an order; whether there was one for it."""
        part = self._plan.give(address, self._fits(address))
        if part is None:
            return False
        assert part.order is not None
        if part.state is None and part.begun:
            row = self._plan.in_file(part.row.id)
            part.row = part.row._replace(epoch=row.epoch)
            part.state = self._checkpoint(row)
        pace = self._paces.get(part.row.ensemble)
        threads = self._workers[address].threads
        if pace is not None:
            self._plan.expect(part, pace * part.row.networks / min(threads, part.row.networks))
        trainer, device = self._trainers[part.row.ensemble]
        order = Order(self._run, part.order, part.row, trainer, device, part.state)
        self._plan.let_go(part)
        self._link.send(address, order, self._wanted(address), gpu=device == "cuda")
        return True

    def _wanted(self, address: str) -> Said:
        orders = self._plan.orders(address)
        keep = {order: kept for order, kept in self._keep.get(address, {}).items() if order in orders}
        return Said(
            paused=self._paused,
            stopping=self._stopping,
            orders=frozenset(orders),
            latest=self._plan.latest,
            keep=keep,
        )

    def _say(self, address: str, *, now: bool = False) -> None:
        self._link.say(address, self._wanted(address), now=now)

    def _say_to_all(self) -> None:
        for address in self._workers:
            self._say(address, now=True)

    # what happens

    def _take(self, event: Event) -> None:
        match event:
            case Joined():
                self._workers[event.address] = event
                self._alone, self._told_alone = time.monotonic(), False
                _log.info("worker %s on %s has %d threads", event.address, event.machine.host, event.threads)
            case Left(address, why):
                self._leave(address, why)
            case Refused(address, why):
                self._note(f"worker {address} is not used: {why}")
            case Lost(why):
                raise ClusterError(f"the cluster is lost: {why}; the session is complete up to its last snapshot")
            case Arrived(address, pieces):
                for piece in pieces:
                    self._arrived(address, piece)
                if address in self._workers:
                    self._say(address)
            case Ended(order=order, error="") if self._plan.part(order) is not None:
                self._ended[order] = time.monotonic()
            case Ended(order=order, error=error, at_fault=at_fault) if error:
                self._failed(order, error, at_fault)

    def _leave(self, address: str, why: str) -> None:
        self._keep.pop(address, None)
        if self._workers.pop(address, None) is None:
            return
        _log.warning("worker %s: %s", address, why)
        if not self._workers:
            self._alone = time.monotonic()
        self._link.void(self._plan.take_back(address))
        self._link.say(address, self._wanted(address))

    def _failed(self, order: int, error: str, at_fault: bool) -> None:
        """An order came to nothing; not because it was taken back."""
        part = self._plan.drop(order)
        if part is None:
            return
        part.failures += at_fault
        _log.warning("order %d failed: %s", order, error)
        if part.failures >= MOST_FAILURES:
            raise ClusterError(f"workers failed {part.failures} times at the same networks: {error}")

    def _arrived(self, address: str, piece: Piece) -> None:
        kept = self._keep.get(address, {})
        if piece.kept is not None:
            kept.pop(piece.order, None)
        if piece.end:
            kept.pop(piece.order, None)
            self._ended.pop(piece.order, None)
        if piece.end == FAILED:
            self._give_up(piece)
            return
        part, ready = self._plan.arrived(piece)
        for found in ready:
            self._record(address, found)
        if part is None:
            return
        if piece.state is not None and piece.measured is None:
            self._save(part, piece)
        self._plan.let_go(part)
        if piece.end == FINISHED:
            if self._plan.finish(piece.order):
                self._complete.append(piece.row.ensemble)
        elif piece.end in (STOPPED, RETURNED):
            self._plan.drop(piece.order)

    def _give_up(self, piece: Piece) -> None:
        """An order has failed, which ends the run, but for one cell of a map that has diverged."""
        kind, text = piece.error
        if self._cells is None or kind != TrainingError.__name__:
            error = getattr(errors, kind, EngineError)
            raise error(text)
        if self._plan.part(piece.order) is None:
            return
        _log.warning("ensemble %d is given up: %s", piece.row.ensemble, text)
        self._link.void(self._plan.give_up(piece.row.ensemble))
        self._cells.give_up(piece.row.ensemble, text)
        self._note(text)

    def _save(self, part: Part, piece: Piece) -> None:
        """Keep a state between snapshots, if it is of a whole cohort and later than what the session has."""
        there = self._plan.in_file(piece.row.id)
        assert piece.state is not None
        if piece.row.networks == there.networks and piece.row.epoch > there.epoch:
            self._writer.checkpoint(there, piece.state, patient=self._stopping or self._paused)
            self._plan.saved(piece.row.id, piece.row.epoch)

    def _record(self, address: str, found: ToRecord) -> None:
        row, snapshot = found.row, found.snapshot
        ensemble = self._study.experiment.ensemble(row.ensemble)
        if found.again:
            if self._writer.differs(row, snapshot.state.epoch, snapshot.measured):
                self._writer.note_event(
                    DIFFERENT,
                    f"networks {row.first} to {row.first + row.networks - 1} of ensemble {row.ensemble} at epoch "
                    f"{snapshot.state.epoch}, computed again by {address}, have other numbers: the first stay",
                )
            return
        keep_weights = self._study.experiment.weights
        self._writer.record(row, snapshot.measured, snapshot.state, keep_weights=keep_weights)
        self._note_processor(address, row)
        _log.debug("ensemble %d is measured at epoch %d", row.ensemble, row.epoch)
        self._recorded.append((ensemble, row.epoch))

    def _note_processor(self, address: str, row: CohortRow) -> None:
        worker = self._workers.get(address)
        if worker is None or worker.machine.same_processor(self._own) or (row.id, worker.machine.host) in self._noted:
            return
        self._noted.add((row.id, worker.machine.host))
        other, own = worker.machine, self._own
        more, fewer = sorted(other.features - own.features), sorted(own.features - other.features)
        self._writer.note_event(
            PROCESSOR,
            f"cohort {row.id} (networks {row.first} to {row.first + row.networks - 1} of ensemble {row.ensemble}) is "
            f"computed on {other.host}, a {other.processor} where home is a {own.processor}"
            f"{', with ' + ' '.join(more) if more else ''}{', without ' + ' '.join(fewer) if fewer else ''}",
        )

    # requests and signs of life

    def _heed(self) -> None:
        """Look for what other processes ask for."""
        for request in self._writer.requests():
            _log.info("session %s is asked to %s", self._writer.path, request)
            if request == "stop":
                self._interrupt.request()
            elif request != ("pause" if self._paused else "resume"):
                self._paused = request == "pause"
                self._writer.set_status("paused" if self._paused else "running")
                self._say_to_all()
                self._tell("paused" if self._paused else "running", None)

    def _look_alone(self) -> None:
        """Say so where no worker is there for a while."""
        if not self._workers and not self._told_alone and time.monotonic() - self._alone > TOLD_SECONDS:
            self._told_alone = True
            self._note("the cluster has no worker that is ready: the run continues when there is one")

    def _note(self, text: str) -> None:
        count, epochs = self._study.experiment.count, self._schedule[-1]
        self._watch(Progress("preparing", None, count, 0, epochs, 0, None, None, note=text))

    def _show(self, rate: float | None, remaining: float | None) -> None:
        now = time.monotonic()
        if now - self._beat > HEARTBEAT_SECONDS / 2:
            self._writer.show_progress(rate, remaining)
            self._beat = now

    def _tell(self, status: str, ensemble: Ensemble | None, snapshot: int | None = None) -> None:
        plan, last = self._plan, self._schedule[-1]
        whole = plan.whole or 1.0
        speed = None
        if self._began is not None and plan.done > self._began[1]:
            speed = (plan.done - self._began[1]) / max(time.monotonic() - self._began[0], 1e-3)
        rate = speed * last / whole if speed and status == "running" else None
        remaining = (whole - plan.done) / speed if speed else None
        self._show(rate, remaining)
        if snapshot is None and status == "running":
            return
        self._ensemble = ensemble or self._ensemble
        self._watch(
            Progress(
                status=status,
                ensemble=None if status in ("finished", "stopped") else self._ensemble,
                ensembles=self._study.experiment.count,
                epoch=int(last * plan.done / whole) if snapshot is None else snapshot,
                epochs=last,
                done=plan.done / whole,
                rate=rate,
                remaining=remaining,
                snapshot=snapshot,
                varied=self._study.experiment.varied,
            )
        )
