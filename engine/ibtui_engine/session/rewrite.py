"""A new session from an old one: all that was recorded, with other numbers where layers were measured again.

The old file is only read, as it is at one moment, and the new one is there whole or not at all. Rows are copied table
by table into this version of the format, so that nothing else of a stranger's file comes along. A snapshot never
changes once it is recorded: they are read one by one, and a run that goes on meanwhile does not wait for the measuring.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ibtui_engine.clock import now
from ibtui_engine.errors import InvalidValue, SessionError
from ibtui_engine.experiment import Experiment, parse_hidden
from ibtui_engine.measures.snapshot import LayerInformation
from ibtui_engine.session.codec import absent_as_none, unpack_weights
from ibtui_engine.session.connection import Connection, one_moment, open_session
from ibtui_engine.session.drafting import draft, lay_out, this_program
from ibtui_engine.session.format import columns_of, count, lacking
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
    "checkpoint": "cohort, epoch, data",
    "event": "id, time, kind, text",
}
"""Columns of the tables that are copied as they are; those that an older file lacks get their defaults."""
OF_SNAPSHOTS = {
    "learning": "snapshot, network, train_loss, test_loss, train_accuracy, test_accuracy",
    "weights": "snapshot, data",
}
"""Likewise of the tables that are copied snapshot by snapshot."""
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
        lay_out(new)
        with one_moment(old):
            summary = summarize(old, source)
            schedule = old.execute("SELECT schedule FROM session").fetchone()[0]
            status = "finished" if summary.status == "finished" else "stopped"
            new.execute(
                "INSERT INTO session VALUES (1, ?, ?, ?, ?, ?, ?)",
                (name, now(), this_program(), json.dumps(experiment.to_dict()), schedule, status),
            )
            for table, columns in COPIED.items():
                _copy(old, new, table, columns)
        _measure_all(old, new, parameters, measure, watch)
        text = f"measured again, from {summary.name}"
        new.execute("INSERT INTO event (time, kind, text) VALUES (?, ?, ?)", (now(), "remeasured", text))


def _copy(old: Connection, new: Connection, table: str, columns: str, snapshot: int | None = None) -> None:
    """Copy a table, or what it has of a snapshot."""
    absent = lacking(old, table)
    columns = ", ".join(column for column in columns.split(", ") if column not in absent)
    if snapshot is None:
        cursor = old.execute(f"SELECT {columns} FROM {table}")
    else:
        cursor = old.execute(f"SELECT {columns} FROM {table} WHERE snapshot = ?", (snapshot,))
    places = ", ".join("?" * len(columns.split(",")))
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        _insert(new, old, f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)


def _insert(new: Connection, old: Connection, statement: str, rows: list[Any]) -> None:
    try:
        new.executemany(statement, rows)
    except SessionError as error:
        if isinstance(error.__cause__, sqlite3.IntegrityError):  # the old file does not keep its own schema
            raise SessionError(f"session {str(old.path)!r} is damaged: {error.__cause__}") from error
        raise


def _measure_all(
    old: Connection,
    new: Connection,
    parameters: Callable[[int], int],
    measure: Measure,
    watch: Watch,
) -> None:
    snapshots = new.execute(  # those of the moment
        "SELECT s.id, c.id, c.ensemble, c.first, c.networks, c.epoch, e.hidden FROM snapshot s"
        " JOIN cohort c ON c.id = s.cohort JOIN ensemble e ON e.id = c.ensemble ORDER BY s.id"
    ).fetchall()
    gradients = columns_of(old, "layer", ["grad_mean", "grad_std", "weight_norm", "acceptance"])
    for done, (snapshot, *numbers, hidden) in enumerate(snapshots, start=1):
        try:
            cohort = CohortRow(*map(count, numbers))
        except ValueError as error:
            raise SessionError(f"session {str(old.path)!r} is damaged: a cohort: {error}") from error
        for table, columns in OF_SNAPSHOTS.items():
            _copy(old, new, table, columns, snapshot)
        data = old.execute("SELECT data FROM weights WHERE snapshot = ?", (snapshot,)).fetchone()
        recorded = old.execute(
            f"SELECT network, layer, {gradients} FROM layer WHERE snapshot = ? ORDER BY network, layer", (snapshot,)
        ).fetchall()
        if data is None:
            raise InvalidValue(f"session {str(old.path)!r} keeps no weights: it was run with --no-weights")
        layers = len(parse_hidden(hidden)) + 1
        places = [(cohort.first + k, layer + 1) for k in range(cohort.networks) for layer in range(layers)]
        if [row[:2] for row in recorded] != places:
            raise SessionError(f"session {str(old.path)!r} is damaged: a snapshot lacks some of its layers")
        found = measure(cohort, unpack_weights(data[0], cohort.networks, parameters(cohort.ensemble)))
        values = (
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
        marks = ", ".join("?" * len(values))
        _insert(new, old, f"INSERT INTO layer VALUES ({marks})", list(zip(*values, strict=True)))
        watch(done, len(snapshots))
