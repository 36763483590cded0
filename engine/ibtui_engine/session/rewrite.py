"""A new session from an old one: all that was recorded, with other numbers where layers were measured again.

The old file is only read, from one moment of it, and the new one is there whole or not at all. Rows are copied table by
table into this version of the format, so that nothing else of a stranger's file comes along.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ibtui_engine.errors import InvalidValue, SessionError
from ibtui_engine.experiment import Experiment, parse_hidden
from ibtui_engine.measures.snapshot import LayerInformation
from ibtui_engine.session.codec import absent_as_none, unpack_weights
from ibtui_engine.session.drafting import draft, lay_out, this_program
from ibtui_engine.session.format import columns_of, count, lacking, one_moment, open_session, sqlite_errors
from ibtui_engine.session.summary import summarize
from ibtui_engine.session.writer import CohortRow

Measure = Callable[[CohortRow, Float32[np.ndarray, "networks parameters"]], LayerInformation]
"""Measures some networks of an ensemble again, from their weights."""
Watch = Callable[[int, int], None]
"""Told after each snapshot how many are done, of how many."""

COPIED = {
    "rule": "id, name, parameters, rows, inputs, dtype, patterns, p_y, h_x, h_y, i_xy, digest, labels, measured, "
    "log_odds",
    "ensemble": "id, hidden, fraction, inputs, sample_size, trainer, device, optimizer",
    "cohort": "id, ensemble, first, networks, epoch",
    "network": "ensemble, network, seed, members, labels",
    "snapshot": "id, cohort, epoch, time",
    "learning": "snapshot, network, train_loss, test_loss, train_accuracy, test_accuracy",
    "weights": "snapshot, data",
    "checkpoint": "cohort, epoch, data",
    "event": "id, time, kind, text",
}
"""Columns of the tables that are copied as they are; those that an older file lacks get their defaults."""
ROWS_AT_ONCE = 1000


def rewrite(
    source: Path,
    target: Path,
    name: str,
    experiment: Experiment,
    parameters: Callable[[int], int],
    measure: Measure,
    watch: Watch,
) -> None:
    """Write `target`, a session called `name` of `experiment`: `source` with its layers as `measure` finds them.

    It is finished if the old one is, and stopped otherwise: then it can be gone on with, as the old one can.
    `parameters`: weights and biases of a network of an ensemble, by the ensemble's number.

    Raises:
        InvalidValue: the file exists or cannot be written, or the session keeps no weights.
        SessionError: the old session is damaged.
        StorageError: the disk is full.
    """
    with closing(open_session(source)) as old, draft(target) as new:
        with sqlite_errors(source):
            old.execute("BEGIN")
            summary = summarize(old, source)
            schedule = old.execute("SELECT schedule FROM session").fetchone()[0]
        lay_out(new)
        status = "finished" if summary.status == "finished" else "stopped"
        new.execute(
            "INSERT INTO session VALUES (1, ?, ?, ?, ?, ?, ?)",
            (name, time.time(), this_program(), json.dumps(experiment.to_dict()), schedule, status),
        )
        for table, columns in COPIED.items():
            _copy(old, source, new, table, columns)
        _measure_all(old, source, new, parameters, measure, watch)
        text = f"measured again, from {summary.name}"
        new.execute("INSERT INTO event (time, kind, text) VALUES (?, ?, ?)", (time.time(), "remeasured", text))


def _copy(old: sqlite3.Connection, source: Path, new: sqlite3.Connection, table: str, columns: str) -> None:
    with sqlite_errors(source):
        absent = lacking(old, table)
        columns = ", ".join(column for column in columns.split(", ") if column not in absent)
        cursor = old.execute(f"SELECT {columns} FROM {table}")
    places = ", ".join("?" * len(columns.split(",")))
    while True:
        with sqlite_errors(source):
            rows = cursor.fetchmany(ROWS_AT_ONCE)
        if not rows:
            return
        _insert(new, source, f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)


def _insert(new: sqlite3.Connection, source: Path, statement: str, rows: list[Any]) -> None:
    try:
        new.executemany(statement, rows)
    except sqlite3.IntegrityError as error:  # the old file does not keep its own schema
        raise SessionError(f"session {str(source)!r} is damaged: {error}") from error


def _measure_all(
    old: sqlite3.Connection,
    source: Path,
    new: sqlite3.Connection,
    parameters: Callable[[int], int],
    measure: Measure,
    watch: Watch,
) -> None:
    with sqlite_errors(source), one_moment(old):
        snapshots = old.execute(
            "SELECT s.id, c.id, c.ensemble, c.first, c.networks, c.epoch, e.hidden FROM snapshot s"
            " JOIN cohort c ON c.id = s.cohort JOIN ensemble e ON e.id = c.ensemble ORDER BY s.id"
        ).fetchall()
    for done, (snapshot, *numbers, hidden) in enumerate(snapshots, start=1):
        try:
            cohort = CohortRow(*map(count, numbers))
        except ValueError as error:
            raise SessionError(f"session {str(source)!r} is damaged: a cohort: {error}") from error
        with sqlite_errors(source):
            data = old.execute("SELECT data FROM weights WHERE snapshot = ?", (snapshot,)).fetchone()
            recorded = old.execute(
                f"SELECT network, layer, grad_mean, grad_std, weight_norm, {columns_of(old, 'layer', ['acceptance'])}"
                " FROM layer WHERE snapshot = ? ORDER BY network, layer",
                (snapshot,),
            ).fetchall()
        if data is None:
            raise InvalidValue(f"session {str(source)!r} keeps no weights: it was run with --no-weights")
        layers = len(parse_hidden(hidden)) + 1
        places = [(cohort.first + k, layer + 1) for k in range(cohort.networks) for layer in range(layers)]
        if [row[:2] for row in recorded] != places:
            raise SessionError(f"session {str(source)!r} is damaged: a snapshot lacks some of its layers")
        found = measure(cohort, unpack_weights(data[0], cohort.networks, parameters(cohort.ensemble)))
        columns = (
            [snapshot] * len(places),
            *zip(*places, strict=True),
            found.i_x.ravel().tolist(),
            found.i_y.ravel().tolist(),
            found.distinct.ravel().tolist(),
            found.low.ravel().tolist(),
            found.high.ravel().tolist(),
            *([row[k] for row in recorded] for k in (2, 3, 4)),
            absent_as_none(found.i_x_lower.ravel()),
            absent_as_none(found.i_y_lower.ravel()),
            absent_as_none(found.saturated.ravel()),
            absent_as_none(found.nonlinear.ravel()),
            [row[5] for row in recorded],
        )
        marks = ", ".join("?" * len(columns))
        _insert(new, source, f"INSERT INTO layer VALUES ({marks})", list(zip(*columns, strict=True)))
        watch(done, len(snapshots))
