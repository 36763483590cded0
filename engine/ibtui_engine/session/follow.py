"""Following a session while it grows: what has been measured so far, kept in memory and brought up to date.

Each look reads only the snapshots that were recorded since the last one.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ibtui_engine.errors import ReplacedError, SessionError
from ibtui_engine.recorded import Recording
from ibtui_engine.session.columns import (
    ESTIMATED_COLUMNS,
    LAYER_COLUMNS,
    LEARNING_COLUMNS,
    LayerHistory,
    LearningHistory,
)
from ibtui_engine.session.connection import beside, file_identity
from ibtui_engine.session.ending import tidy
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import EnsembleSummary, Summary

if TYPE_CHECKING:
    from jaxtyping import Float64, Int64


class _Table:
    """Values by epoch: columns x epochs x networks (x layers). Each is the beginning of the next one."""

    def __init__(
        self,
        epochs: Int64[np.ndarray, " epochs"],
        room: Float64[np.ndarray, "columns room networks ..."],
    ) -> None:
        self.epochs = epochs
        self.values = room[:, : len(epochs)]
        self._room = room
        """With places for epochs to come, so that these cost no copy of those before."""

    def merged(self, newer: _Table) -> _Table:
        """Both together; where both have a value, the newer one's."""
        columns, _, *shape = newer.values.shape
        if self.values.shape[2:] == tuple(shape) and self._ends_before(newer):
            return self._followed(newer)
        epochs = np.union1d(self.epochs, newer.epochs)
        values = np.full((columns, len(epochs), *shape), np.nan)
        values[:, np.searchsorted(epochs, self.epochs), : self.values.shape[2]] = self.values
        rows = np.searchsorted(epochs, newer.epochs)
        values[:, rows] = np.where(np.isnan(newer.values), values[:, rows], newer.values)
        return _Table(epochs, values)

    def _ends_before(self, newer: _Table) -> bool:
        return not len(self.epochs) or not len(newer.epochs) or bool(self.epochs[-1] < newer.epochs[0])

    def _followed(self, newer: _Table) -> _Table:
        """Both together, where the newer one begins after this one's end."""
        before, after = len(self.epochs), len(self.epochs) + len(newer.epochs)
        room = self._room
        if room.shape[1] < after:
            room = np.empty((room.shape[0], after + after // 2, *room.shape[2:]))
            room[:, :before] = self.values
        room[:, before:after] = newer.values
        return _Table(np.concatenate([self.epochs, newer.epochs]), room)


def _merged(before: _Table | None, newer: _Table) -> _Table:
    return newer if before is None else before.merged(newer)


def file_state(path: Path) -> tuple[object, ...]:
    """What changes whenever somebody writes a session: which file it is, and size and time of it and of its log."""
    found: list[object] = []
    for suffix in ("", "-wal", "-journal"):
        try:
            state = os.stat(beside(path, suffix))
        except OSError:
            found.append(None)
        else:
            found.append((state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))
    return tuple(found)


AT_ONCE = 24
"""Ensembles that are read as soon as a session is opened; of one with more, each is read when somebody wants it."""


class Follower:
    """A session as it is now. `update` brings it up to date.

    Of more than `AT_ONCE` ensembles, each is read when it is asked for the first time: a map has a thousand.

    Once its run has ended, the file is let go of until it changes, so that it can become one plain file.

    Raises:
        SessionError: the file is missing, not a session, damaged, or of a newer version.
    """

    def __init__(self, path: Path | str) -> None:
        self._reader = SessionReader(path)
        self.path = Path(path)
        """Where the session was opened."""
        self._file = file_identity(self.path)
        self._seen = 0
        self._wanted: set[int] | None = None
        """The ensembles that are read; None: all."""
        self._grown = False
        """Whether something new was read beside `update`."""
        self._layers: dict[int, _Table] = {}
        self._learning: dict[int, _Table] = {}
        self._further: dict[tuple[int, int], _Table] = {}
        """What further estimators of a recording say, by ensemble and by their place, from 1."""
        self._released: tuple[object, ...] | None = None
        """What the files of the session were like when they were let go of; None while they are open."""
        self.summary: Summary = self._reader.summary
        if len(self.summary.ensembles) > AT_ONCE:
            self._wanted = set()
        self.update()

    def update(self) -> bool:
        """Read what is new; whether anything measured, or the session's status, has changed.

        Raises:
            SessionError: the file can no longer be read.
        """
        if self._released is not None and self._released == file_state(self._reader.path):
            return self._take_grown()
        self._released = None
        try:
            changed = self._read()
        except ReplacedError:
            if not self._replaced_by_itself():
                raise
            changed = self._read()
        if not self.summary.live:
            self._reader.release()
            tidy(self._reader.path)
            self._released = file_state(self._reader.path)
        return self._take_grown() or changed

    def _take_grown(self) -> bool:
        grown, self._grown = self._grown, False
        return grown

    def _read(self) -> bool:
        with self._reader.moment():
            before, self.summary = self.summary, self._reader.summary
            newest = self._reader.newest_snapshot()
            if newest > self._seen:
                for ensemble in self.summary.ensembles:
                    if self._wanted is None or ensemble.index in self._wanted:
                        self._extend(ensemble, newest)
                self._seen = newest
                return True
        return before.status != self.summary.status or before.ensembles != self.summary.ensembles

    def _replaced_by_itself(self) -> bool:
        """Whether the file is a whole copy that its run has put in its place (`ibtui_engine.session.ending`): then that
        is followed.
        """
        reader = SessionReader(self._reader.path)
        now = reader.summary
        same = (now.name, now.created, now.experiment) == (
            *(self.summary.name, self.summary.created),
            self.summary.experiment,
        )
        if not same or reader.newest_snapshot() < self._seen:
            reader.close()
            return False
        self._reader.close()
        self._reader = reader
        return True

    def _want(self, index: int) -> None:
        """Read an ensemble that was not read so far, together with what is new of the others: all at one moment.

        Raises:
            KeyError: there is none, or its session can no longer be read.
        """
        if self._wanted is None or index in self._wanted:
            return
        try:
            with self._reader.moment():
                self._grown = self._read() or self._grown
                ensemble = next((one for one in self.summary.ensembles if one.index == index), None)
                if ensemble is None or not self._seen:
                    raise KeyError(index)
                newest, self._seen = self._seen, 0
                try:
                    self._extend(ensemble, newest)
                finally:
                    self._seen = newest
        except SessionError as error:
            raise KeyError(index) from error
        finally:
            if self._released is not None:
                self._reader.release()
        self._wanted.add(index)

    def _extend(self, ensemble: EnsembleSummary, newest: int) -> None:
        depth, index, after = len(ensemble.widths), ensemble.index, self._seen
        layers = _Table(*self._reader.recorded("layer", LAYER_COLUMNS, ensemble, depth, after=after))
        self._layers[index] = _merged(self._layers.get(index), layers)
        learning = _Table(*self._reader.recorded("learning", LEARNING_COLUMNS, ensemble, None, after=after))
        self._learning[index] = _merged(self._learning.get(index), learning)
        experiment = self.summary.experiment
        for place in range(1, len(experiment.estimations) if isinstance(experiment, Recording) else 0):
            further = _Table(
                *self._reader.recorded("estimate", ESTIMATED_COLUMNS, ensemble, depth, after=after, estimator=place)
            )
            self._further[index, place] = _merged(self._further.get((index, place)), further)

    def layers(self, index: int, by: int = 0) -> LayerHistory:
        """Every layer of an ensemble at every epoch measured so far; `by`: the place of an estimator among those of a
        recording (`Recording.estimations`).
        """
        self._want(index)
        table = self._layers[index]
        found = LayerHistory(table.epochs, *table.values)
        return found.estimated_as(self._further[index, by].values) if by else found

    def learning(self, index: int) -> LearningHistory:
        """Losses and accuracies of an ensemble so far."""
        self._want(index)
        table = self._learning[index]
        return LearningHistory(table.epochs, *table.values)

    @property
    def place(self) -> Literal["as it was", "empty", "taken"]:
        """What is at the path that was opened: the same file, none (deleted or renamed), or another one.

        What has been read stays.
        """
        now = file_identity(self.path)
        if now is None:
            return "empty"
        return "as it was" if self._file in (None, now) else "taken"

    def recorded_ensemble(self, index: int, by: int = 0) -> RecordedEnsemble:
        """Everything recorded of an ensemble so far; `by`: the place of an estimator among those of a recording.

        Raises:
            KeyError: nothing is recorded of that ensemble yet.
        """
        if not 0 <= index < len(self.summary.ensembles):
            raise KeyError(index)  # a run that has just begun has recorded none yet
        self._want(index)
        summary = self.summary.by(by) if by else self.summary
        return RecordedEnsemble(
            summary,
            summary.ensembles[index],
            self.layers(index, by),
            self.learning(index),
            partial(SessionReader, summary.path, summary.by_name),
        )

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
