"""Running an experiment: train a chunk, measure, record, look for control.

The session file is the only product. Cohorts take turns, always the one that has come least far, from one epoch of
the schedule to the next, so that all ensembles of a grid can be watched in step. Between turns of a fraction of a
second the run looks for requests, from its own process (`Interrupt`) and from others (`ibtui_engine.session.control`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from ibtui_engine.cohort import Chunk, Cohort, Snapshot, Study
from ibtui_engine.errors import (
    EngineError,
    InvalidValue,
    LockedError,
    NoLocksError,
    SessionError,
    StorageError,
    TrainingError,
    damaged,
)
from ibtui_engine.experiment import Ensemble, Experiment, RuleSettings, hidden_text
from ibtui_engine.logs import logger
from ibtui_engine.maps.axes import is_map
from ibtui_engine.maps.cells import keep, keep_trouble
from ibtui_engine.measures.layer import require_equally_likely
from ibtui_engine.networks import Architecture, draw_samples, sample_size
from ibtui_engine.progress import Interrupt, Progress, Watcher
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.claim import Waiting
from ibtui_engine.session.drafting import discard
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.liveness import HEARTBEAT_SECONDS
from ibtui_engine.session.writer import SessionWriter
from ibtui_engine.streams import Purpose, permutation
from ibtui_engine.threads import Threads, usable_cores
from ibtui_engine.training.choice import choose, require_trainer
from ibtui_engine.training.problem import SLOTS, TrainingState

if TYPE_CHECKING:
    from distributed import Client

    from ibtui_engine.cluster.home import Home

_log = logger(__name__)
CHECKPOINT_SECONDS = 1.5
"""How much work may be lost, at most, when the process is killed between snapshots."""
PAUSED_LOOK_SECONDS = 0.1
LARGEST_CHECKPOINT = 999_000_000
"""Bytes: SQLite holds at most 10^9 in one value."""


def begin(path: Path | str, name: str, experiment: Experiment, *, elsewhere: bool = False) -> SessionWriter:
    """Make the session file of a new run. Nothing is left behind where that fails.

    Args:
        path: of the file, which must not exist yet; its name ends in `.ibs`.
        name: of the session, for people.
        experiment: to run.
        elsewhere: whether it is trained by a cluster: then a device that is asked for need not be in this machine.

    Returns:
        The session's only writer, for `Run`.

    Raises:
        InvalidValue: the rule cannot be loaded, the networks are too large, the device is not available, or the
            file exists or cannot be written.
        StorageError: the disk is full, or the file system has no locks.
    """
    path = Path(path)
    rules = load_rules(experiment)
    for rule in rules.values():
        _require_storable(experiment, rule, experiment.networks)
        require_equally_likely(experiment.estimator, rule.p_x)
    choices = [
        _chosen(experiment, ensemble, rules[ensemble.rule_settings], elsewhere=elsewhere)
        for ensemble in experiment.ensembles
    ]
    measured = [_measured(experiment, rule) for rule in rules.values()]
    writer = SessionWriter.create(path, name, experiment, tuple(rules.values()), measured)
    try:
        _add_missing(writer, experiment, rules, choices)
    except BaseException:
        writer.close()
        discard(path)
        raise
    return writer


def load_rules(experiment: Experiment) -> dict[RuleSettings, Rule]:
    """The rules that an experiment's ensembles learn, in the order of its grid.

    Raises:
        InvalidValue: one cannot be loaded.
    """
    return {
        made: load_rule(
            made.rule,
            theta=made.theta,
            gamma=made.gamma,
            i_xy=made.i_xy,
            reading=experiment.reading,
            seed=experiment.seed,
        )
        for made in experiment.rules
    }


def recorded_rules(reader: SessionReader) -> dict[RuleSettings, Rule]:
    """The same as a session has recorded them. Raises SessionError where it is damaged."""
    return {one.settings: reader.rule(one.number) for one in reader.summary.rules}


def reopen(
    path: Path | str,
    *,
    epochs: int | None = None,
    networks: int | None = None,
    further: Mapping[int, int] = MappingProxyType({}),
    elsewhere: bool = False,
) -> SessionWriter:
    """Take up a session where it was: to its end, further (`epochs`), or with more networks.

    All that it needs is looked at first: where it is refused, the session stays as it was.

    Args:
        path: of the session.
        epochs: to train to, more than the session has; None: as many as it has.
        networks: in each ensemble, more than the session has; None: as many as it has.
        further: networks to add to some ensembles, by their indices, besides.
        elsewhere: as for `begin`.

    Returns:
        The session's only writer, for `Run`.

    Raises:
        InvalidValue: it is finished and neither number is larger than what it has, or its trainer or device is not
            available here.
        SessionError: it cannot be opened, is damaged, or a run is at work on it.
        StorageError: it cannot be written, or its file system has no locks.
    """
    path = Path(path)
    with SessionReader(path) as reader:
        summary, rules = reader.summary, recorded_rules(reader)
        for one in summary.rules:
            reader.measured(one.number)
    if why := summary.why_not("resume"):
        raise InvalidValue(f"session {summary.name!r} cannot be resumed: {why}")
    old = summary.experiment
    if epochs is not None and epochs < old.epochs:
        raise InvalidValue(f"--epochs must be greater than {old.epochs}, which session {summary.name!r} already has")
    if networks is not None and networks < old.networks:
        raise InvalidValue(
            f"--networks must be greater than {old.networks}, which session {summary.name!r} already has"
        )
    changes = {"epochs": epochs or old.epochs, "networks": networks or old.networks}
    experiment = old.override(changes)
    if experiment == old and summary.status == "finished" and not further:
        raise InvalidValue(
            f"session {summary.name!r} is finished at epoch {old.epochs}: give --epochs above {old.epochs} or "
            f"--networks above {old.networks} to go on"
        )
    most = max(further.values(), default=0)
    for rule in rules.values():
        _require_storable(experiment, rule, experiment.networks - old.networks + most)
    choices = [
        (e.trainer, e.device)
        if e is not None
        else _chosen(experiment, ensemble, rules[ensemble.rule_settings], elsewhere=elsewhere)
        for ensemble in experiment.ensembles
        for e in [next((known for known in summary.ensembles if known.index == ensemble.index), None)]
    ]
    for trainer, device in set(choices) if not elsewhere else ():
        require_trainer(trainer, device)

    def take_up(writer: SessionWriter) -> None:
        if writer.experiment != old:
            raise SessionError(f"session {str(path)!r} has just been changed by another process: try again")
        for row in writer.cohorts():
            _checkpoint(writer, row, experiment, rules)
        later = (epoch for epoch in experiment.snapshot_epochs if epoch > old.epochs)
        schedule = (*writer.schedule, *later)
        if experiment != old:
            writer.extend(experiment, schedule)
        _add_missing(writer, experiment, rules, choices, further)

    return SessionWriter.reopen(path, take_up)


def _checkpoint(
    writer: SessionWriter, row: CohortRow, experiment: Experiment, rules: Mapping[RuleSettings, Rule]
) -> TrainingState | None:
    """What a cohort goes on from; None where it has not begun.

    Raises:
        SessionError: the cohort belongs to no ensemble of the experiment, or its checkpoint does not fit it.
    """
    if row.ensemble >= experiment.count:
        raise damaged(writer.path, f"its experiment has no ensemble {row.ensemble}")
    ensemble = experiment.ensembles[row.ensemble]
    architecture = Architecture.of_ensemble(rules[ensemble.rule_settings], ensemble)
    return writer.read_checkpoint(row, architecture.parameters, SLOTS[ensemble.optimizer])


def _measured(experiment: Experiment, rule: Rule) -> Int64[np.ndarray, " measured"] | None:
    """The patterns that information is measured over, ascending; None where it is all."""
    if experiment.measured is None:
        return None
    if rule.labels == 2:
        raise InvalidValue(
            f"measured is {experiment.measured}: rules of two labels, such as {rule.name}, are measured over all "
            "their patterns; leave it out"
        )
    if experiment.measured >= len(rule.p_y):
        return None
    return np.sort(permutation(len(rule.p_y), experiment.seed, Purpose.MEASURED)[: experiment.measured])


def _require_storable(experiment: Experiment, rule: Rule, networks: int) -> None:
    for hidden in experiment.hidden:
        parameters = Architecture.of(rule, hidden, experiment.activation[0]).parameters
        size = 4 * networks * parameters * (1 + max(SLOTS[optimizer] for optimizer in experiment.optimizer))
        if size > LARGEST_CHECKPOINT:
            raise InvalidValue(
                f"{networks} networks of {parameters} weights ({hidden_text(hidden)}) are {size / 1e9:.3g} GB to go on "
                f"from, and a session holds at most {LARGEST_CHECKPOINT / 1e9:.3g}: ask for fewer networks or "
                "narrower layers"
            )


def _chosen(experiment: Experiment, ensemble: Ensemble, rule: Rule, *, elsewhere: bool) -> tuple[str, str]:
    architecture = Architecture.of_ensemble(rule, ensemble)
    if experiment.relaxes and rule.labels > 2:
        raise InvalidValue(f"metropolis relaxes networks of two labels, and the rule {rule.name} has {rule.labels}")
    if ensemble.stochastic and rule.labels > 2:
        raise InvalidValue(f"stochastic units learn two labels, and the rule {rule.name} has {rule.labels}")
    # SGD beside its Monte-Carlo relaxation has the same trainer, so that both have the same bits up to there.
    trainer = "fused" if experiment.relaxes else experiment.trainer
    return choose(trainer, experiment.device, architecture, elsewhere=elsewhere)


def _add_missing(
    writer: SessionWriter,
    experiment: Experiment,
    rules: Mapping[RuleSettings, Rule],
    choices: list[tuple[str, str]],
    further: Mapping[int, int] = MappingProxyType({}),
) -> None:
    """Record the ensembles and networks of the experiment that the file does not have yet, and `further` ones."""
    known = writer.ensembles()
    rows = writer.cohorts()
    for ensemble, (trainer, device) in zip(experiment.ensembles, choices, strict=True):
        rule = rules[ensemble.rule_settings]
        if ensemble.index not in known:
            size = sample_size(len(rule.p_y), ensemble.fraction)
            number = experiment.rule_number(ensemble)
            writer.add_ensemble(ensemble, rule.inputs, size, trainer, device, experiment.varied, number)
        first = sum(row.networks for row in rows if row.ensemble == ensemble.index)
        wanted = max(experiment.networks, first + further.get(ensemble.index, 0))
        if first < wanted:
            seeds = range(experiment.seed + first, experiment.seed + wanted)
            samples = draw_samples(rule, ensemble.fraction, seeds, ensemble.labels)
            writer.add_cohort(ensemble.index, first, seeds, samples, len(rule.p_y), rule.labels)


class Run:
    """One process's work on a session, until it is finished or asked to stop."""

    def __init__(self, writer: SessionWriter, *, threads: int | None = None) -> None:
        self.writer = writer
        try:
            with SessionReader(writer.path) as reader:
                measured = {one.settings: reader.measured(one.number) for one in reader.summary.rules}
                self.study = Study(reader.summary.experiment, recorded_rules(reader), measured)
        except BaseException:
            writer.close()
            raise
        self.threads = Threads(threads or usable_cores())

    def execute(
        self,
        watch: Watcher = lambda progress: None,
        interrupt: Interrupt | None = None,
        cluster: Client | None = None,
    ) -> str:
        """Train and measure to the end; return `finished` or `stopped`. Closes the session.

        While another program has the session locked, the run waits for it, and tells `watch` so.

        Args:
            watch: called with a `Progress` a few times a second.
            interrupt: how to ask the run to stop.
            cluster: a client of Dask, whose workers train and measure; None: this process does.

        Raises:
            InvalidValue: the cluster has a worker of other versions.
            ClusterError: the cluster is gone, or its workers fail again and again.
            StorageError: what was measured cannot be stored. The session is whole up to its last snapshot.
            TrainingError: a network has diverged.
        """
        interrupt = interrupt or Interrupt()

        def tell(note: str = "") -> None:
            count, epochs = len(self.study.experiment.ensembles), self.study.experiment.epochs
            watch(Progress("preparing", None, count, 0, epochs, 0, None, None, note=note))

        self.writer.waiting = Waiting(tell, lambda: interrupt.requested)
        try:
            try:
                tell(self.writer.note)
                if cluster is not None:
                    return self._at_home(cluster, watch, interrupt).go()
                return _Loop(self, watch, interrupt).go()
            except (LockedError, NoLocksError):
                if interrupt.requested:  # it cannot even say that it has stopped; the session is whole all the same
                    return "stopped"
                raise
            except EngineError as error:
                self._leave(str(error), check=not isinstance(error, StorageError))
                raise
            except KeyboardInterrupt:
                interrupt.request()  # from here on nothing is waited for for long
                self._leave("interrupted at once", check=True)
                raise
        finally:
            self.writer.close()
            self.threads.close()

    def _at_home(self, client: Client, watch: Watcher, interrupt: Interrupt) -> Home:
        from ibtui_engine.cluster.home import Cells, Home

        cells = None
        if is_map(self.study.experiment):
            cells = Cells(
                lambda ensemble: keep(self.writer, ensemble, self.threads.count),
                lambda ensemble, text: keep_trouble(self.writer, ensemble, text),
            )

        def checkpoint(row: CohortRow) -> TrainingState | None:
            return _checkpoint(self.writer, row, self.study.experiment, self.study.rules)

        return Home(client, self.study, self.writer, checkpoint, watch, interrupt, cells)

    def _leave(self, reason: str, *, check: bool) -> None:
        """Say in the file that this run has ended, if the file can still be written. That is left out where another
        program has it locked: the session is whole, and whoever looks finds that nobody runs it.
        """
        _log.warning("session %s stops: %s", self.writer.path, reason)
        try:
            self.writer.set_status("stopped", reason)
        except (LockedError, NoLocksError):
            return
        except EngineError:
            if check:
                raise


class _Turn:
    """A cohort of a run, which is at work from its first turn until it is finished or given up."""

    def __init__(self, run: Run, row: CohortRow) -> None:
        experiment = run.study.experiment
        ensemble = experiment.ensemble(row.ensemble)
        rule = run.study.rules[ensemble.rule_settings]
        size = sample_size(len(rule.p_y), ensemble.fraction)
        self.row = row
        self.cohort: Cohort | None = None
        self.weight = Cohort.weight_of(row.networks, size, Architecture.of_ensemble(rule, ensemble).parameters)
        self.given_up = False
        self._epoch = row.epoch

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self._epoch if self.cohort is None else self.cohort.epoch

    @property
    def begun(self) -> bool:
        """Whether it has trained before, or is at work."""
        return self.cohort is not None or self._epoch > 0

    def opened(self, run: Run) -> Cohort:
        """The cohort at work."""
        if self.cohort is None:
            state = _checkpoint(run.writer, self.row, run.study.experiment, run.study.rules)
            trainer, device = run.writer.ensembles()[self.row.ensemble]
            self.cohort = Cohort(run.study, self.row, trainer, device, state, run.threads)
        return self.cohort

    def close(self) -> None:
        """Give back what it holds: a map has thousands of them."""
        if self.cohort is not None:
            self._epoch = self.cohort.epoch
            self.cohort.close()
            self.cohort = None


class _Loop:
    """The state of `Run.execute`."""

    def __init__(self, run: Run, watch: Watcher, interrupt: Interrupt) -> None:
        self._run = run
        self._writer = run.writer
        self._watch = watch
        self._interrupt = interrupt
        self._schedule = run.writer.schedule
        self._map = is_map(run.study.experiment)
        self._turns = [_Turn(run, row) for row in run.writer.cohorts()]
        size = len(run.study.experiment.ensembles), len(self._turns), self._schedule[-1], run.threads.count
        _log.info("session %s runs: ensembles %d, cohorts %d, epochs %d, threads %d", run.writer.path, *size)
        self._beat = self._saved = time.monotonic()
        self._speed: float | None = None
        """Computing done per second, in the units of `Cohort.weight`."""

    def go(self) -> str:
        stopped = False
        try:
            while not stopped and (turn := self._next()) is not None:
                try:
                    stopped = self._advance(turn)
                except TrainingError as error:
                    if not self._map:
                        raise
                    self._give_up(turn, error)
                else:
                    if turn.epoch >= self._schedule[-1]:
                        self._finish(turn)
        finally:
            for turn in self._turns:
                turn.close()
        status = "stopped" if stopped else "finished"
        self._writer.set_status(status)
        _log.info("session %s is %s", self._writer.path, status)
        self._tell(status, None)
        return status

    def _next(self) -> _Turn | None:
        """Whose turn it is: that of the cohort that has come least far, so that all can be watched in step. Of a large
        grid one ensemble is finished after the other, so that results come early.
        """
        unfinished = [one for one in self._turns if one.epoch < self._schedule[-1] and not one.given_up]
        if self._run.study.experiment.large:
            return min(unfinished, key=lambda one: one.row.ensemble, default=None)
        return min(unfinished, key=lambda one: (one.begun, one.epoch), default=None)

    def _advance(self, turn: _Turn) -> bool:
        """Train to the next epoch of the schedule and record it; True where the run is to stop."""
        cohort = turn.opened(self._run)
        if cohort.fresh:
            cohort.fresh = False
            self._record(cohort, cohort.snapshot())
            return False
        while True:
            if self._asked_to_stop(cohort):
                return True
            chunk = cohort.advance(self._schedule)
            self._learn_pace(cohort, chunk)
            if chunk.snapshot is not None:
                self._record(cohort, chunk.snapshot)
                return False
            now = time.monotonic()
            if now - self._saved > CHECKPOINT_SECONDS:
                try:
                    self._writer.checkpoint(cohort.row, cohort.state(), patient=False)
                    self._saved = now
                except (LockedError, NoLocksError) as error:  # it is tried again before long: computing goes on
                    _log.info("no checkpoint at epoch %d, to be tried again: %s", cohort.epoch, error)
            self._tell("running", cohort)

    def _finish(self, turn: _Turn) -> None:
        """A cohort has come to its end; of a map, what its ensemble came to is kept as soon as all of them have."""
        turn.close()
        ensemble = turn.row.ensemble
        if self._map and all(one.epoch >= self._schedule[-1] for one in self._turns if one.row.ensemble == ensemble):
            keep(self._writer, ensemble, self._run.threads.count)

    def _give_up(self, turn: _Turn, error: TrainingError) -> None:
        """One cell of a map has diverged: the others go on."""
        _log.warning("session %s: ensemble %d is given up: %s", self._writer.path, turn.row.ensemble, error)
        for one in self._turns:
            if one.row.ensemble == turn.row.ensemble:
                one.given_up = True
                one.close()
        keep_trouble(self._writer, turn.row.ensemble, str(error))
        self._tell("running", None, note=str(error))

    def _learn_pace(self, cohort: Cohort, chunk: Chunk) -> None:
        if not chunk.first:
            speed = cohort.weight * chunk.epochs / chunk.seconds
            self._speed = speed if self._speed is None else 0.95 * self._speed + 0.05 * speed

    def _record(self, cohort: Cohort, snapshot: Snapshot) -> None:
        keep_weights = self._run.study.experiment.weights
        self._writer.record(cohort.row, snapshot.measured, snapshot.state, keep_weights=keep_weights)
        self._saved = time.monotonic()
        _log.debug("ensemble %d is measured at epoch %d", cohort.row.ensemble, cohort.epoch)
        self._tell("running", cohort, snapshot=cohort.epoch)

    def _asked_to_stop(self, cohort: Cohort) -> bool:
        """Whether to stop now; waits here while paused."""
        paused = False
        while True:
            for request in self._writer.requests():
                _log.info("session %s is asked to %s", self._writer.path, request)
                if request == "stop":
                    self._interrupt.request()
                elif request != ("pause" if paused else "resume"):
                    paused = request == "pause"
                    self._writer.set_status("paused" if paused else "running")
                    if paused:
                        self._writer.checkpoint(cohort.row, cohort.state())
                    self._tell("paused" if paused else "running", cohort)
            if self._interrupt.requested:
                self._writer.checkpoint(cohort.row, cohort.state())
                return True
            if not paused:
                return False
            self._show(None, None)
            time.sleep(PAUSED_LOOK_SECONDS)

    def _show(self, rate: float | None, remaining: float | None) -> None:
        now = time.monotonic()
        if now - self._beat > HEARTBEAT_SECONDS / 2:
            self._writer.show_progress(rate, remaining)
            self._beat = now

    def _tell(self, status: str, cohort: Cohort | None, snapshot: int | None = None, note: str = "") -> None:
        last = self._schedule[-1]
        whole = sum(one.weight * last for one in self._turns)
        done = sum(one.weight * (last if one.given_up else one.epoch) for one in self._turns)
        remaining = (whole - done) / self._speed if self._speed else None
        rate = self._speed / sum(one.weight for one in self._turns) if self._speed and cohort else None
        if status == "running":
            self._show(rate, remaining)
        progress = Progress(
            status=status,
            ensemble=cohort.ensemble if cohort else None,
            ensembles=len(self._run.study.experiment.ensembles),
            epoch=cohort.epoch if cohort else min(one.epoch for one in self._turns),
            epochs=last,
            done=done / whole,
            rate=rate,
            remaining=remaining,
            snapshot=snapshot,
            varied=self._run.study.experiment.varied,
            note=note,
        )
        self._watch(progress)
