"""What a session is and how far it has come, without its numbers. Standard library only."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ibtui_engine.errors import EngineError, SessionError
from ibtui_engine.experiment import MOST_LABELS, Experiment, outputs_for, parse_hidden
from ibtui_engine.session.format import columns_of, count, lacking, number, one_moment, open_session, sqlite_errors
from ibtui_engine.session.liveness import Writer, read_writer

STATUSES = ("running", "paused", "stopped", "finished", "interrupted")


@dataclass(frozen=True)
class EnsembleSummary:
    """One ensemble of a session."""

    index: int
    hidden: str
    fraction: float
    optimizer: str
    networks: int
    sample_size: int
    trainer: str
    device: str
    epochs_done: int
    """Of its networks that have come least far."""
    snapshots: tuple[int, ...]
    """Epochs measured for all its networks, ascending."""


@dataclass(frozen=True)
class Summary:
    """One session."""

    path: Path
    name: str
    status: str
    """One of `STATUSES`; `interrupted` is a run whose process ended without saying so."""
    created: float
    """Seconds since 1970."""
    size: int
    """Bytes."""
    experiment: Experiment
    rule_parameters: dict[str, float]
    patterns: int
    """How many the rule has."""
    labels: int
    """How many the rule has."""
    h_x: float
    """H(X) of the patterns that information is measured over, bits."""
    i_xy: float
    """I(X;Y) of them, bits."""
    ensembles: tuple[EnsembleSummary, ...]
    writer: Writer | None
    """The process at work, or the one that was."""

    @property
    def epochs_done(self) -> int:
        """Of the networks that have come least far."""
        return min((e.epochs_done for e in self.ensembles), default=0)

    def widths(self, ensemble: EnsembleSummary) -> tuple[int, ...]:
        """Units in each layer of an ensemble's networks: the hidden ones, and the output."""
        return (*parse_hidden(ensemble.hidden), outputs_for(self.labels))

    def batches(self, ensemble: EnsembleSummary) -> int:
        """Batches in an epoch of an ensemble's training."""
        batch = self.experiment.batch
        return 1 if batch == "full" else math.ceil(ensemble.sample_size / batch)

    @property
    def live(self) -> bool:
        """Whether a process is at work on it (pausing included)."""
        return self.status in ("running", "paused")


def read_summary(path: Path) -> Summary:
    """The summary of a session file.

    Raises:
        SessionError: the file is missing, not a session, damaged, or of a newer version.
    """
    connection = open_session(path)
    try:
        with sqlite_errors(path):
            return summarize(connection, path)
    finally:
        connection.close()


def summarize(connection: sqlite3.Connection, path: Path) -> Summary:
    """The summary of an open session, all of it from one moment."""
    try:
        with one_moment(connection):
            name, status, created, text = connection.execute(
                "SELECT name, status, created, experiment FROM session"
            ).fetchone() or _damaged("it does not say what it is a session of")
            labels = "2" if "labels" in lacking(connection, "rule") else "labels"
            rule = connection.execute(f"SELECT parameters, h_x, i_xy, rows, {labels} FROM rule").fetchone() or _damaged(
                "it has no rule"
            )
            writer = read_writer(connection)
            experiment = Experiment.from_dict(json.loads(text))
            ensembles = _ensembles(connection, experiment)
        if status in ("running", "paused") and (writer is None or not writer.alive):
            status = "interrupted"
        if status not in STATUSES:
            _damaged(f"its status is {status!r}")
        return Summary(
            path=path,
            name=str(name),
            status=status,
            created=number(created),
            size=path.stat().st_size,
            experiment=experiment,
            rule_parameters={str(key): number(value) for key, value in json.loads(rule[0]).items()},
            h_x=number(rule[1]),
            i_xy=number(rule[2]),
            patterns=count(rule[3]),
            labels=_labels(rule[4]),
            ensembles=ensembles,
            writer=writer,
        )
    except (ValueError, TypeError, AttributeError, RecursionError, EngineError) as error:
        raise SessionError(f"session {str(path)!r} is damaged: {error}") from error
    except OSError as error:
        raise SessionError(f"session {str(path)!r} cannot be read: {error.strerror}") from None


def _ensembles(connection: sqlite3.Connection, experiment: Experiment) -> tuple[EnsembleSummary, ...]:
    found = []
    rows: list[tuple[Any, ...]] = connection.execute(
        f"SELECT e.id, hidden, fraction, {columns_of(connection, 'ensemble', ['optimizer'])}, sum(c.networks),"
        " sample_size, trainer, device, min(c.epoch), count(*),"
        " (SELECT count(*) FROM network n WHERE n.ensemble = e.id)"
        " FROM ensemble e JOIN cohort c ON c.ensemble = e.id GROUP BY e.id ORDER BY e.id"
    ).fetchall()
    for index, hidden, fraction, optimizer, networks, size, trainer, device, done, cohorts, listed in rows:
        parse_hidden(hidden)
        if networks != listed:
            _damaged(f"ensemble {index} has {listed} networks where {networks!r} belong")
        if optimizer is None and len(experiment.optimizer) == 1:
            optimizer = experiment.optimizer[0]
        if optimizer not in experiment.optimizer:
            _damaged(f"ensemble {index} has the optimiser {optimizer!r}")
        epochs = connection.execute(
            "SELECT s.epoch FROM snapshot s JOIN cohort c ON c.id = s.cohort WHERE c.ensemble = ?"
            " GROUP BY s.epoch HAVING count(*) = ? ORDER BY s.epoch",
            (index, cohorts),
        ).fetchall()
        found.append(
            EnsembleSummary(
                index,
                hidden,
                number(fraction),
                optimizer,
                count(networks),
                count(size),
                str(trainer),
                str(device),
                count(done),
                tuple(count(epoch) for (epoch,) in epochs),
            )
        )
    return tuple(found)


def _labels(value: object) -> int:
    labels = count(value)
    if not 2 <= labels <= MOST_LABELS:
        _damaged(f"its rule has {labels} labels")
    return labels


def _damaged(what: str) -> NoReturn:
    raise ValueError(what)
