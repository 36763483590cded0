"""The one writer of a session file.

Every method that writes does so in one transaction: a snapshot, with the checkpoint to go on from, is in the file
whole or not at all, whatever kills the process. The right to write is claimed in the file itself
(`ibtui_engine.session.claim`) and is free again as soon as the claiming process is gone.

A file that is moved, deleted or replaced while it is written would take its writes with it, to where nobody looks: the
writer stops at its next one, and leaves a moved file whole. What lies under the old name then is not its own any more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from ibtui_engine.clock import now
from ibtui_engine.errors import InvalidValue, LockedError, NoLocksError, SessionError, damaged, shown
from ibtui_engine.experiment import (
    MAX_EPOCHS,
    MAX_NETWORKS,
    MAX_SCHEDULE,
    Ensemble,
    Experiment,
    hidden_text,
    plain_value,
)
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.networks import Samples
from ibtui_engine.recorded import Recording
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.claim import TRY_SECONDS, Claim, Waiting, insert_claim, lock_for, show_life
from ibtui_engine.session.codec import cells, members_and_labels, pack_bits, pack_numbers, pack_weights
from ibtui_engine.session.columns import LAYER, LEARNING
from ibtui_engine.session.connection import Connection, file_of, open_session, transaction
from ibtui_engine.session.drafting import discard, draft, lay_out
from ibtui_engine.session.format import TABLE_EVENT, count, upgrade
from ibtui_engine.session.limits import LONGEST_TEXT, CohortRow, cohort_row, short_texts
from ibtui_engine.session.liveness import Writer, file_number, this_process
from ibtui_engine.session.lock import WriterLock
from ibtui_engine.session.places import why_no_log
from ibtui_engine.training.problem import TrainingState

LIFE_SECONDS = 0.5
"""Between two signs of life that go with checkpoints, at least."""


@dataclass(frozen=True, eq=False)
class Measured:
    """All that a snapshot records of a cohort at one epoch."""

    information: LayerInformation
    learning: Learning
    grad_mean: Float64[np.ndarray, "networks layers"]
    """Norm of the mean batch gradient over the weight norm; NaN where there is none (epoch 0)."""
    grad_std: Float64[np.ndarray, "networks layers"]
    """Likewise the root of the gradients' summed variance; NaN also where an epoch is one batch."""
    weight_norm: Float64[np.ndarray, "networks layers"]
    acceptance: Float64[np.ndarray, "networks layers"] | None = None
    """Share of the last Monte-Carlo moves that were accepted; NaN, or None for all, where there are none."""
    frozen_mean: Float64[np.ndarray, "networks layers"] | None = None
    """Norm of the gradient of the sample's loss at frozen weights, over the weight norm; likewise."""
    frozen_std: Float64[np.ndarray, "networks layers"] | None = None
    """Root of the summed variance of that over examples, over the weight norm; likewise."""


class SessionWriter:
    """Writes one session, in the thread that made it. Make one with `create` or `reopen`; `close` it in any case."""

    def __init__(self, claim: Claim) -> None:
        self.path = claim.path
        self.note = ""
        """What whoever runs it should be told: why the session has no write-ahead log; empty where it has one."""
        self._claim = claim
        self._shown = 0.0
        """When it last gave a sign of life with a checkpoint."""

    @property
    def _connection(self) -> Connection:
        return self._claim.connection

    @classmethod
    def create(
        cls,
        path: Path | str,
        name: str,
        experiment: Experiment,
        rules: Sequence[Rule],
        measured: Sequence[Int64[np.ndarray, " measured"] | None] | None = None,
        known: Mapping[str, Any] | None = None,
    ) -> SessionWriter:
        """Begin a new session file, which must not exist.

        Args:
            path: of the file.
            name: of the session, for people.
            experiment: that is to run.
            rules: that its ensembles learn, in the order of `Experiment.rules`.
            measured: of each rule the patterns that information is measured over, None where it is all.
            known: columns of the rules of which more is known than the rules say.

        It appears under its name whole: whoever finds the file finds a session.

        Raises:
            InvalidValue: there is a file already, the directory cannot be written, or the name is too long.
            StorageError: the disk is full, or the file system has no locks.
        """
        if len(name) > LONGEST_TEXT:
            raise InvalidValue(f"name must have at most {LONGEST_TEXT} characters, got {shown(name)}")
        path = Path(path)
        with draft(path) as connection:
            _describe(connection, name, experiment, rules, measured or [None] * len(rules), known or {})
            own = this_process(file_of(connection))
            insert_claim(connection, path, own)
        try:
            return cls._opened(path, own, lock_for(path, own), lambda connection: None)
        except BaseException:
            discard(path)
            raise

    @classmethod
    def reopen(
        cls, path: Path | str, prepare: Callable[[SessionWriter], object] = lambda writer: None
    ) -> SessionWriter:
        """Become the writer of an existing session, which gets this version of the format.

        `prepare` is called with the new writer, in the same transaction: where it raises, the session stays as it was.

        Raises:
            SessionError: it cannot be opened (`open_session`), or a run is at work on it.
            StorageError: it cannot be written, or its file system has no locks.
        """
        path = Path(path)
        open_session(path, write=True).close()  # before a lock is left beside something that is no session
        own = this_process(path)

        def claim(connection: Connection) -> None:
            upgrade(connection)
            insert_claim(connection, path, own)

        return cls._opened(path, own, lock_for(path, own), claim, prepare)

    @classmethod
    def _opened(
        cls,
        path: Path,
        own: Writer,
        lock: WriterLock,
        claim: Callable[[Connection], None],
        prepare: Callable[[SessionWriter], object] = lambda writer: None,
    ) -> SessionWriter:
        connection = None
        try:
            why = why_no_log(path.resolve().parent)
            connection = open_session(path, write=True)
            writer = cls(Claim(path, connection, own, lock))
            if why:
                connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            with transaction(connection):
                if file_number(path) != own.file:
                    raise SessionError(f"session {str(path)!r} has just been replaced by another file: try again")
                claim(connection)
                prepare(writer)
            writer.note = f"session {str(path)!r} is written with a rollback journal: {why}" if why else ""
            if not why:
                writer._keep_a_log()
        except BaseException:
            if connection is not None:
                connection.close()
            lock.release()
            raise
        return writer

    def _keep_a_log(self) -> None:
        with suppress(LockedError):  # somebody reads it just now: then it keeps the journal that it has
            self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
            # A commit survives the death of the process. On power loss the last ones may be gone, but each is whole.
            self._connection.execute("PRAGMA synchronous = NORMAL")

    @property
    def waiting(self) -> Waiting:
        """How long it waits for programs that have the file locked."""
        return self._claim.waiting

    @waiting.setter
    def waiting(self, waiting: Waiting) -> None:
        self._claim.waiting = waiting

    def _writing(self, *, patient: bool = True) -> AbstractContextManager[None]:
        """All that is written inside is there whole, or not at all (`Claim.writing`)."""
        return self._claim.writing(patient=patient)

    def _read(self, query: str, *values: object) -> list[Any]:
        """Rows, as soon as no other program has the file locked."""
        began = time.monotonic()
        while True:
            try:
                return self._connection.execute(query, values).fetchall()
            except (LockedError, NoLocksError):
                if self.waiting.over(began, self.path):
                    raise
                time.sleep(TRY_SECONDS)

    @property
    def experiment(self) -> Experiment:
        """What the session is of now.

        Raises:
            SessionError: the file does not say.
        """
        try:
            return Experiment.from_dict(json.loads(self._read("SELECT experiment FROM session")[0][0]))
        except (ValueError, TypeError, AttributeError, IndexError, RecursionError, InvalidValue) as error:
            raise damaged(self.path, error) from error

    @cached_property
    def _estimator(self) -> str:
        """What it is measured by, which never changes."""
        return self.experiment.estimator

    @property
    def schedule(self) -> tuple[int, ...]:
        """The epochs to measure, ascending.

        Raises:
            SessionError: the file does not say.
        """
        try:
            with short_texts(self._connection):
                text = self._read("SELECT schedule FROM session")[0][0]
            epochs = tuple(count(epoch) for epoch in json.loads(text))
        except (ValueError, TypeError, IndexError, RecursionError) as error:
            raise damaged(self.path, f"its schedule: {error}") from error
        if not epochs or sorted(set(epochs)) != list(epochs) or epochs[-1] > MAX_EPOCHS:
            raise damaged(self.path, f"its schedule names no epochs in order, up to {MAX_EPOCHS}")
        if len(epochs) > MAX_SCHEDULE:
            raise damaged(self.path, f"its schedule names {len(epochs)} epochs; allowed are at most {MAX_SCHEDULE}")
        return epochs

    def extend(self, experiment: Experiment, schedule: Sequence[int]) -> None:
        """Set a longer or wider experiment than the one begun.

        Raises:
            InvalidValue: more epochs are to be measured than a session may have.
        """
        if len(schedule) > MAX_SCHEDULE:
            raise InvalidValue(f"a session can measure at most {MAX_SCHEDULE} epochs, got {len(schedule)}")
        with self._writing():
            self._connection.execute(
                "UPDATE session SET experiment = ?, schedule = ?",
                (json.dumps(experiment.to_dict()), json.dumps(list(schedule))),
            )

    def add_ensemble(
        self,
        ensemble: Ensemble,
        inputs: int,
        sample_size: int,
        trainer: str,
        device: str,
        varied: Sequence[str] = (),
        rule: int = 1,
    ) -> None:
        """Record an ensemble of the grid and what trains it.

        Args:
            varied: settings that tell it from the others.
            rule: the number of the one that it learns (`Experiment.rule_number`).
        """
        with self._writing():
            self._connection.insert(
                "ensemble",
                {
                    "id": ensemble.index,
                    "hidden": hidden_text(ensemble.hidden),
                    "fraction": ensemble.fraction,
                    "inputs": inputs,
                    "sample_size": sample_size,
                    "trainer": trainer,
                    "device": device,
                    "optimizer": ensemble.optimizer,
                    "rule": rule,
                    "settings": json.dumps({name: plain_value(getattr(ensemble, name)) for name in varied}),
                },
            )

    def add_cohort(
        self, ensemble: int, first: int, seeds: Sequence[int], samples: Samples, patterns: int, kinds: int = 2
    ) -> CohortRow:
        """Record networks first, first + 1, ... of an ensemble, with their samples of that many patterns, whose labels
        are of that many `kinds`.
        """
        with self._writing():
            cohort = {"ensemble": ensemble, "first": first, "networks": len(seeds), "epoch": 0}
            cursor = self._connection.insert("cohort", cohort)
            rows = zip(samples.patterns, samples.labels, strict=True)
            members, kept = zip(*(members_and_labels(*row, patterns, kinds) for row in rows), strict=True)
            self._connection.insert_rows(
                "network",
                {
                    "ensemble": [ensemble] * len(seeds),
                    "network": range(first, first + len(seeds)),
                    "seed": seeds,
                    "members": members,
                    "labels": kept,
                },
            )
            assert cursor.lastrowid is not None
            return CohortRow(cursor.lastrowid, **cohort)

    def ensembles(self) -> dict[int, tuple[str, str]]:
        """The trainer and device of each ensemble that is recorded."""
        rows = self._read("SELECT id, trainer, device FROM ensemble ORDER BY id")
        return {index: (trainer, device) for index, trainer, device in rows}

    def cohorts(self) -> list[CohortRow]:
        """All cohorts, in the order in which they were added.

        Raises:
            SessionError: they are none.
        """
        rows = self._read(f"SELECT {', '.join(CohortRow._fields)} FROM cohort ORDER BY id")
        try:
            cohorts = [cohort_row(row) for row in rows]
        except ValueError as error:
            raise damaged(self.path, f"a cohort: {error}") from error
        if any(cohort.first + cohort.networks > MAX_NETWORKS for cohort in cohorts):
            raise damaged(self.path, "it has more networks than are allowed")
        return cohorts

    def begun(self) -> set[int]:
        """The numbers of the cohorts of which something is measured."""
        return {number for (number,) in self._read("SELECT cohort FROM checkpoint")}

    def split(self, cohort: CohortRow, sizes: Sequence[int]) -> list[CohortRow]:
        """Make a cohort of which nothing is measured several, of so many networks each, in their order."""
        assert sum(sizes) == cohort.networks
        assert cohort.id not in self.begun()
        with self._writing():
            self._connection.execute("UPDATE cohort SET networks = ? WHERE id = ?", (sizes[0], cohort.id))
            rows = [cohort._replace(networks=sizes[0])]
            for size in sizes[1:]:
                row = {"ensemble": cohort.ensemble, "first": rows[-1].first + rows[-1].networks, "networks": size}
                number = self._connection.insert("cohort", row | {"epoch": 0}).lastrowid
                assert number is not None
                rows.append(CohortRow(number, **row, epoch=0))
        return rows

    def together(self) -> AbstractContextManager[None]:
        """All that is recorded inside is there whole, or nothing of it is."""
        return self._writing()

    def note_event(self, kind: str, text: str) -> None:
        """Log that something happened, which is no change of status."""
        with self._writing():
            self._connection.insert("event", {"time": now(), "kind": kind, "text": text})

    def differs(self, cohort: CohortRow, epoch: int, measured: Measured) -> bool:
        """Whether other numbers than these are recorded of networks of a cohort at an epoch; also where none are.

        Args:
            cohort: with the first and the number of the networks that `measured` is of, all of the cohort's or some.
            epoch: of the schedule.
            measured: of these networks.
        """
        snapshot = "(SELECT id FROM snapshot WHERE cohort = ? AND epoch = ?)"
        within = "AND network BETWEEN ? AND ?"
        which = cohort.id, epoch, cohort.first, cohort.first + cohort.networks - 1
        none = np.full(measured.weight_norm.shape, np.nan)
        for table, columns, order in (("layer", LAYER, "network, layer"), ("learning", LEARNING, "network")):
            names = ", ".join(column.name for column in columns)
            rows = self._read(
                f"SELECT {names} FROM {table} WHERE snapshot = {snapshot} {within} ORDER BY {order}", *which
            )
            found = [column.of(measured) for column in columns]
            if table == "layer":
                found = [none if values is None else values for values in found]
            expected = [tuple(row) for row in zip(*map(cells, columns, found), strict=True)]
            if [tuple(row) for row in rows] != expected:
                return True
        return False

    def record(self, cohort: CohortRow, measured: Measured, state: TrainingState, *, keep_weights: bool) -> None:
        """Record a snapshot and the checkpoint at the same epoch."""
        with self._writing():
            snapshot = self._insert_measured(cohort, state.epoch, measured, self._estimator)
            if keep_weights:
                self._connection.insert("weights", {"snapshot": snapshot, "data": pack_weights(state.weights)})
            self._write_checkpoint(cohort, state)

    def _insert_measured(
        self, cohort: CohortRow, epoch: int, measured: Measured, estimator: str | None = None
    ) -> int | None:
        """The rows of a snapshot; its number. `estimator`: of a run, whose numbers by it may not be absent."""
        networks, layers = measured.weight_norm.shape
        numbers = np.arange(cohort.first, cohort.first + networks)
        none = np.full((networks, layers), np.nan)
        row = {"cohort": cohort.id, "epoch": epoch, "time": now()}
        snapshot = self._connection.insert("snapshot", row).lastrowid
        for column in (*LAYER, *LEARNING):
            if estimator and column.needed(estimator) and not np.isfinite(column.of(measured)).all():
                raise damaged(self.path, f"a snapshot has no {column.name} of some networks")
        found = {column: column.of(measured) for column in LAYER}
        places: dict[str, list[Any]] = {
            "snapshot": [snapshot] * (networks * layers),
            "network": np.repeat(numbers, layers).tolist(),
            "layer": np.tile(np.arange(1, layers + 1), networks).tolist(),
        }
        self._connection.insert_rows(
            "layer", places | {c.name: cells(c, none if values is None else values) for c, values in found.items()}
        )
        places = {"snapshot": [snapshot] * networks, "network": numbers.tolist()}
        self._connection.insert_rows("learning", places | {c.name: cells(c, c.of(measured)) for c in LEARNING})
        return snapshot

    def keep_result(self, ensemble: int, definitions: str, epoch: int, networks: int, text: str) -> None:
        """Record what an ensemble came to, in place of what it had (`ibtui_engine.maps.cells`)."""
        row = {"ensemble": ensemble, "definitions": definitions, "epoch": epoch, "networks": networks, "data": text}
        with self._writing():
            self._connection.insert("result", row, replace=True)

    def checkpoint(self, cohort: CohortRow, state: TrainingState, *, patient: bool = True) -> None:
        """Record what to go on from, between snapshots.

        Args:
            patient: whether to wait for another program that has the file locked.

        Raises:
            LockedError: one has, for longer than this one waits.
        """
        with self._writing(patient=patient):
            self._write_checkpoint(cohort, state)

    def _write_checkpoint(self, cohort: CohortRow, state: TrainingState) -> None:
        data = np.concatenate((state.weights[None], state.slots)).astype("<f4").tobytes()
        self._connection.insert("checkpoint", {"cohort": cohort.id, "epoch": state.epoch, "data": data}, replace=True)
        self._connection.execute("UPDATE cohort SET epoch = ? WHERE id = ?", (state.epoch, cohort.id))
        if time.monotonic() - self._shown > LIFE_SECONDS:  # it takes as long as a third of a small snapshot
            self._shown = time.monotonic()
            show_life(self._connection)

    def read_checkpoint(self, cohort: CohortRow, parameters: int, slots: int) -> TrainingState | None:
        """What this cohort goes on from; None before its first snapshot.

        Raises:
            SessionError: it does not fit the networks.
        """
        rows = self._read("SELECT epoch, data FROM checkpoint WHERE cohort = ?", cohort.id)
        if not rows:
            return None
        epoch, data = rows[0]
        shape = (1 + slots, cohort.networks, parameters)
        if not isinstance(data, bytes) or len(data) != 4 * shape[0] * shape[1] * shape[2] or epoch != cohort.epoch:
            raise damaged(self.path, "its checkpoint does not fit its networks")
        numbers = np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)
        return TrainingState(epoch, numbers[0], numbers[1:])

    def show_progress(self, rate: float | None, remaining: float | None) -> None:
        """A sign of life, with epochs per second and seconds to go. Left out where another program has the file locked:
        that is no reason to wait.
        """
        with suppress(LockedError, NoLocksError), self._writing(patient=False):
            show_life(self._connection)
            self._connection.execute("UPDATE writer SET rate = ?, remaining = ?", (rate, remaining))

    def requests(self) -> list[str]:
        """What other processes have asked for since the last call: `pause`, `resume`, `stop`. Where another program has
        the file locked, they are found later.
        """
        with suppress(LockedError, NoLocksError):
            self._connection.execute("PRAGMA busy_timeout = 0")
            rows = self._connection.execute("SELECT id, command FROM control WHERE done = 0 ORDER BY id").fetchall()
            if rows:
                with self._writing(patient=False):
                    self._connection.execute("UPDATE control SET done = 1 WHERE id <= ?", (rows[-1][0],))
            return [command for _, command in rows]
        return []

    def set_status(self, status: str, text: str = "") -> None:
        """`running`, `paused`, `stopped` or `finished`, logged as an event with `text`."""
        with self._writing():
            self._connection.execute("UPDATE session SET status = ?", (status,))
            self._connection.insert("event", {"time": now(), "kind": status, "text": text})

    def close(self) -> None:
        """Let go of the file. Nobody having it open, it becomes one plain file; all that was written is in it in any
        case, as far as the disk allows.
        """
        self._claim.release()

    def __enter__(self) -> SessionWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _describe(
    connection: Connection,
    name: str,
    experiment: Experiment,
    rules: Sequence[Rule],
    measured: Sequence[Int64[np.ndarray, " measured"] | None],
    known: Mapping[str, Any],
) -> None:
    """Lay out a new session and say what runs in it."""
    recorded = isinstance(experiment, Recording)
    schedule = [] if recorded else experiment.snapshot_epochs
    lay_out(connection, name, experiment, json.dumps(schedule), "running", "recording" if recorded else "run")
    for number, (rule, some) in enumerate(zip(rules, measured, strict=True), start=1):
        if rule.report is not None:
            connection.insert("event", {"time": now(), "kind": TABLE_EVENT, "text": json.dumps(rule.report.to_dict())})
        connection.insert("rule", {"id": number} | _columns(rule, some) | dict(known))


def _columns(rule: Rule, measured: Int64[np.ndarray, " measured"] | None) -> dict[str, Any]:
    """A rule's row, but its number."""
    shown, flags = rule, None
    if measured is not None:
        shown = rule.over(measured)
        flags = pack_bits(np.isin(np.arange(len(rule.patterns)), measured).astype(np.uint8))
    return {
        "name": rule.name,
        "parameters": json.dumps(rule.parameters),
        "rows": len(rule.patterns),
        "inputs": rule.patterns.shape[1],
        "dtype": str(rule.patterns.dtype),
        "patterns": pack_numbers(rule.patterns),
        "p_y": pack_numbers(rule.p_y),
        "h_x": shown.h_x,
        "h_y": shown.h_y,
        "i_xy": shown.i_xy,
        "digest": rule.digest,
        "labels": rule.labels,
        "measured": flags,
        "log_odds": pack_numbers(rule.log_odds) if rule.labels == 2 else None,
        "p_x": None if rule.p_x is None else pack_numbers(rule.p_x),
        **_held_out(rule.held_out),
    }


def _held_out(held: Rule | None) -> dict[str, Any]:
    """The columns of the rule for rows that are held out."""
    if held is None:
        return {}
    return {
        "held_out_rows": len(held.patterns),
        "held_out_patterns": pack_numbers(held.patterns.astype(np.float32)),
        "held_out_p_y": pack_numbers(held.p_y),
        "held_out_p_x": None if held.p_x is None else pack_numbers(held.p_x),
        "held_out_h_x": held.h_x,
        "held_out_i_xy": held.i_xy,
    }
