"""The one writer of a session file.

Every method that writes does so in one transaction: a snapshot, with the checkpoint to go on from, is in the file
whole or not at all, whatever kills the process. The right to write is claimed in the file itself, under SQLite's
lock, and is free again as soon as the claiming process is gone.

A file that is moved, deleted or replaced while it is written would take its writes with it, to where nobody looks: the
writer stops at its next one, and leaves a moved file whole. What lies under the old name then is not its own any more.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from ibtui_engine.errors import InvalidValue, SessionError, StorageError, shown
from ibtui_engine.experiment import MAX_EPOCHS, MAX_NETWORKS, MAX_SCHEDULE, Ensemble, Experiment, hidden_text
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.networks import Samples
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.codec import absent_as_none, members_and_labels, pack_bits, pack_numbers, pack_weights
from ibtui_engine.session.drafting import discard, draft, lay_out, this_program
from ibtui_engine.session.format import (
    count,
    file_identity,
    open_session,
    sqlite_errors,
    transaction,
    upgrade,
)
from ibtui_engine.session.limits import LONGEST_TEXT, short_texts
from ibtui_engine.session.liveness import read_writer, this_process
from ibtui_engine.training.problem import TrainingState

MOVED_PATIENCE = 2000
"""Milliseconds to wait for readers of a file that was moved, so that it becomes whole."""


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


@dataclass(frozen=True)
class CohortRow:
    """Networks of one ensemble that are trained in step, as the file has them."""

    id: int
    ensemble: int
    first: int
    networks: int
    epoch: int


class SessionWriter:
    """Writes one session. Make one with `create` or `reopen`; `close` it in any case."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._file = file_identity(path)

    @classmethod
    def create(
        cls,
        path: Path,
        name: str,
        experiment: Experiment,
        rule: Rule,
        measured: Int64[np.ndarray, " measured"] | None = None,
    ) -> SessionWriter:
        """Begin a new session file, which must not exist. `measured`: the patterns that information is measured over,
        if not all.

        It appears under its name whole: whoever finds the file finds a session.

        Raises:
            InvalidValue: there is a file already, the directory cannot be written, or the name is too long.
            StorageError: the disk is full.
        """
        if len(name) > LONGEST_TEXT:
            raise InvalidValue(f"name is {shown(name)}: allowed are up to {LONGEST_TEXT} characters")
        with draft(path) as connection:
            new = cls(path, connection)
            new._describe(name, experiment, rule, measured)
            new._claim()
        try:
            writer = cls(path, open_session(path, write=True))
            with sqlite_errors(path):
                writer._configure()
        except BaseException:
            discard(path)
            raise
        return writer

    @classmethod
    def reopen(cls, path: Path) -> SessionWriter:
        """Become the writer of an existing session, which gets this version of the format.

        Raises:
            SessionError: it cannot be opened (`open_session`), or a run is at work on it.
        """
        connection = open_session(path, write=True)
        writer = cls(path, connection)
        try:
            with sqlite_errors(path):
                writer._configure()
                with transaction(connection):
                    writer._claim()
                    upgrade(connection)
        except BaseException:
            connection.close()
            raise
        return writer

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All that is written inside is there whole, or not at all.

        Raises:
            SessionError: another process has become the writer, because this one gave no sign of life for too long.
            StorageError: the file is no longer where it was, or cannot be written.
        """
        if file_identity(self.path) != self._file:
            raise StorageError(
                f"session {str(self.path)!r} was moved, deleted or replaced while it ran: where the file is now, it is "
                "whole up to its last snapshot, and can be gone on with"
            )
        with sqlite_errors(self.path), transaction(self._connection):
            row = self._connection.execute("SELECT pid, host FROM writer").fetchone()
            if row is not None and row != (os.getpid(), socket.gethostname()):
                raise SessionError(
                    f"session {str(self.path)!r} was taken over by process {row[0]} on {row[1]}: this run ends"
                )
            yield

    def _configure(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A commit survives the death of the process. On power loss the last ones may be gone, but each is whole.
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def _claim(self) -> None:
        other = read_writer(self._connection)
        status = self._connection.execute("SELECT status FROM session").fetchone()[0]
        if other is not None and status in ("running", "paused") and other.alive:
            raise SessionError(
                f"session {str(self.path)!r} is in use: process {other.pid} on {other.host} is running it"
            )
        own = this_process()
        self._connection.execute(
            "INSERT OR REPLACE INTO writer (id, pid, started, host, heartbeat) VALUES (1, ?, ?, ?, ?)",
            (own.pid, own.started, own.host, own.heartbeat),
        )
        self._connection.execute("UPDATE session SET status = 'running'")
        self._connection.execute("UPDATE control SET done = 1")

    def _describe(
        self, name: str, experiment: Experiment, rule: Rule, measured: Int64[np.ndarray, " measured"] | None
    ) -> None:
        shown, flags = rule, None
        if measured is not None:
            shown = rule.over(measured)
            flags = pack_bits(np.isin(np.arange(len(rule.patterns)), measured).astype(np.uint8))
        lay_out(self._connection)
        self._connection.execute(
            "INSERT INTO session VALUES (1, ?, ?, ?, ?, ?, 'running')",
            (
                name,
                time.time(),
                this_program(),
                json.dumps(experiment.to_dict()),
                json.dumps(experiment.snapshot_epochs),
            ),
        )
        self._connection.execute(
            "INSERT INTO rule VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                rule.name,
                json.dumps(rule.parameters),
                *rule.patterns.shape,
                str(rule.patterns.dtype),
                pack_numbers(rule.patterns),
                pack_numbers(rule.p_y),
                shown.h_x,
                shown.h_y,
                shown.i_xy,
                rule.digest,
                rule.labels,
                flags,
                pack_numbers(rule.log_odds) if rule.labels == 2 else None,
            ),
        )

    @property
    def schedule(self) -> tuple[int, ...]:
        """The epochs to measure, ascending.

        Raises:
            SessionError: the file does not say.
        """
        with sqlite_errors(self.path), short_texts(self._connection):
            text = self._connection.execute("SELECT schedule FROM session").fetchone()[0]
        try:
            epochs = tuple(count(epoch) for epoch in json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise SessionError(f"session {str(self.path)!r} is damaged: its schedule: {error}") from error
        if not epochs or sorted(set(epochs)) != list(epochs) or epochs[-1] > MAX_EPOCHS:
            raise SessionError(
                f"session {str(self.path)!r} is damaged: its schedule names no epochs in order, up to {MAX_EPOCHS}"
            )
        if len(epochs) > MAX_SCHEDULE:
            raise SessionError(
                f"session {str(self.path)!r} is damaged: its schedule names {len(epochs)} epochs; allowed are at most "
                f"{MAX_SCHEDULE}"
            )
        return epochs

    def extend(self, experiment: Experiment, schedule: Sequence[int]) -> None:
        """Set a longer or wider experiment than the one begun.

        Raises:
            InvalidValue: more epochs are to be measured than a session may have.
        """
        if len(schedule) > MAX_SCHEDULE:
            raise InvalidValue(f"{len(schedule)} epochs are to be measured: allowed are at most {MAX_SCHEDULE} in all")
        with self._writing():
            self._connection.execute(
                "UPDATE session SET experiment = ?, schedule = ?",
                (json.dumps(experiment.to_dict()), json.dumps(list(schedule))),
            )

    def add_ensemble(self, ensemble: Ensemble, inputs: int, sample_size: int, trainer: str, device: str) -> None:
        """Record an ensemble of the grid and what trains it."""
        with self._writing():
            self._connection.execute(
                "INSERT INTO ensemble VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    ensemble.index,
                    hidden_text(ensemble.hidden),
                    ensemble.fraction,
                    inputs,
                    sample_size,
                    trainer,
                    device,
                    ensemble.optimizer,
                ),
            )

    def add_cohort(
        self, ensemble: int, first: int, seeds: Sequence[int], samples: Samples, patterns: int, kinds: int = 2
    ) -> CohortRow:
        """Record networks first, first + 1, ... of an ensemble, with their samples of that many patterns, whose labels
        are of that many `kinds`.
        """
        with self._writing():
            cursor = self._connection.execute(
                "INSERT INTO cohort (ensemble, first, networks, epoch) VALUES (?, ?, ?, 0)",
                (ensemble, first, len(seeds)),
            )
            rows = zip(seeds, samples.patterns, samples.labels, strict=True)
            self._connection.executemany(
                "INSERT INTO network VALUES (?, ?, ?, ?, ?)",
                [
                    (ensemble, first + k, seed, *members_and_labels(chosen, labels, patterns, kinds))
                    for k, (seed, chosen, labels) in enumerate(rows)
                ],
            )
            assert cursor.lastrowid is not None
            return CohortRow(cursor.lastrowid, ensemble, first, len(seeds), 0)

    def ensembles(self) -> dict[int, tuple[str, str]]:
        """The trainer and device of each ensemble that is recorded."""
        rows = self._connection.execute("SELECT id, trainer, device FROM ensemble ORDER BY id").fetchall()
        return {index: (trainer, device) for index, trainer, device in rows}

    def cohorts(self) -> list[CohortRow]:
        """All cohorts, in the order in which they were added.

        Raises:
            SessionError: they are none.
        """
        with sqlite_errors(self.path):
            query = "SELECT id, ensemble, first, networks, epoch FROM cohort ORDER BY id"
            rows = self._connection.execute(query).fetchall()
        try:
            cohorts = [CohortRow(*map(count, row)) for row in rows]
        except ValueError as error:
            raise SessionError(f"session {str(self.path)!r} is damaged: a cohort: {error}") from error
        if any(cohort.first + cohort.networks > MAX_NETWORKS for cohort in cohorts):
            raise SessionError(f"session {str(self.path)!r} is damaged: it has more networks than are allowed")
        return cohorts

    def record(self, cohort: CohortRow, measured: Measured, state: TrainingState, *, keep_weights: bool) -> None:
        """Record a snapshot and the checkpoint at the same epoch."""
        information, learning = measured.information, measured.learning
        networks, layers = information.i_x.shape
        numbers = np.arange(cohort.first, cohort.first + networks)
        with self._writing():
            cursor = self._connection.execute(
                "INSERT INTO snapshot (cohort, epoch, time) VALUES (?, ?, ?)",
                (cohort.id, state.epoch, time.time()),
            )
            snapshot = cursor.lastrowid
            none = np.full((networks, layers), np.nan)
            columns = (
                [snapshot] * (networks * layers),
                np.repeat(numbers, layers).tolist(),
                np.tile(np.arange(1, layers + 1), networks).tolist(),
                information.i_x.ravel().tolist(),
                information.i_y.ravel().tolist(),
                information.distinct.ravel().tolist(),
                information.low.ravel().tolist(),
                information.high.ravel().tolist(),
                absent_as_none(measured.grad_mean.ravel()),
                absent_as_none(measured.grad_std.ravel()),
                measured.weight_norm.ravel().tolist(),
                absent_as_none(information.i_x_lower.ravel()),
                absent_as_none(information.i_y_lower.ravel()),
                absent_as_none(information.saturated.ravel()),
                absent_as_none(information.nonlinear.ravel()),
                absent_as_none((none if measured.acceptance is None else measured.acceptance).ravel()),
            )
            places = ", ".join("?" * len(columns))
            self._connection.executemany(f"INSERT INTO layer VALUES ({places})", zip(*columns, strict=True))
            per_network = (
                [snapshot] * networks,
                numbers.tolist(),
                learning.train_loss.tolist(),
                absent_as_none(learning.test_loss),
                learning.train_accuracy.tolist(),
                absent_as_none(learning.test_accuracy),
            )
            self._connection.executemany(
                "INSERT INTO learning VALUES (?, ?, ?, ?, ?, ?)", zip(*per_network, strict=True)
            )
            if keep_weights:
                self._connection.execute("INSERT INTO weights VALUES (?, ?)", (snapshot, pack_weights(state.weights)))
            self._write_checkpoint(cohort, state)

    def checkpoint(self, cohort: CohortRow, state: TrainingState) -> None:
        """Record what to go on from, between snapshots."""
        with self._writing():
            self._write_checkpoint(cohort, state)

    def _write_checkpoint(self, cohort: CohortRow, state: TrainingState) -> None:
        data = np.concatenate((state.weights[None], state.slots)).astype("<f4").tobytes()
        self._connection.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)", (cohort.id, state.epoch, data))
        self._connection.execute("UPDATE cohort SET epoch = ? WHERE id = ?", (state.epoch, cohort.id))
        self._show_life()

    def _show_life(self) -> None:
        """When this process began changes with the clock of the machine: said anew each time, it stays comparable."""
        own = this_process()
        self._connection.execute("UPDATE writer SET started = ?, heartbeat = ?", (own.started, own.heartbeat))

    def read_checkpoint(self, cohort: CohortRow, parameters: int, slots: int) -> TrainingState | None:
        """What this cohort goes on from; None before its first snapshot.

        Raises:
            SessionError: it does not fit the networks.
        """
        with sqlite_errors(self.path):
            row = self._connection.execute(
                "SELECT epoch, data FROM checkpoint WHERE cohort = ?", (cohort.id,)
            ).fetchone()
        if row is None:
            return None
        epoch, data = row
        shape = (1 + slots, cohort.networks, parameters)
        if not isinstance(data, bytes) or len(data) != 4 * shape[0] * shape[1] * shape[2] or epoch != cohort.epoch:
            raise SessionError(f"session {str(self.path)!r} is damaged: its checkpoint does not fit its networks")
        numbers = np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)
        return TrainingState(epoch, numbers[0], numbers[1:])

    def show_progress(self, rate: float | None, remaining: float | None) -> None:
        """A sign of life, with epochs per second and seconds to go."""
        with self._writing():
            self._show_life()
            self._connection.execute("UPDATE writer SET rate = ?, remaining = ?", (rate, remaining))

    def requests(self) -> list[str]:
        """What other processes have asked for since the last call: `pause`, `resume`, `stop`."""
        with sqlite_errors(self.path):
            rows = self._connection.execute("SELECT id, command FROM control WHERE done = 0 ORDER BY id").fetchall()
        if rows:
            with self._writing():
                self._connection.execute("UPDATE control SET done = 1 WHERE id <= ?", (rows[-1][0],))
        return [command for _, command in rows]

    def set_status(self, status: str, text: str = "") -> None:
        """`running`, `paused`, `stopped` or `finished`, logged as an event with `text`."""
        with self._writing():
            self._connection.execute("UPDATE session SET status = ?", (status,))
            self._connection.execute(
                "INSERT INTO event (time, kind, text) VALUES (?, ?, ?)", (time.time(), status, text)
            )

    def close(self) -> None:
        """Let go of the file. Nobody reading it, it becomes one plain file."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA busy_timeout = 0")
            if file_identity(self.path) == self._file:
                self._connection.execute("PRAGMA journal_mode = DELETE")
            else:
                self._leave_whole()
        self._connection.close()

    def _leave_whole(self) -> None:
        """Put all that was written into the file, wherever that is now.

        What lies beside the old name is emptied and not deleted, unless there is no file of that name any more: SQLite
        would take it for a part of whatever file comes there, which may be another session by now.
        """
        self._connection.execute(f"PRAGMA busy_timeout = {MOVED_PATIENCE}")
        busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy and file_identity(self.path) is None:
            with suppress(OSError):
                discard(self.path)

    def __enter__(self) -> SessionWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
