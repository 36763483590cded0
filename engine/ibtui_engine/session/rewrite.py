"""A new session from an old one: all that was recorded, with other numbers where layers were measured again.

The old file is only read, as it is at one moment, and the new one is there whole or not at all. Rows are copied table
by table into this version of the format, so that nothing else of a stranger's file comes along. A snapshot never
changes once it is recorded: they are read one by one, and a run that goes on meanwhile does not wait for the measuring.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ibtui_engine.clock import now
from ibtui_engine.errors import InvalidValue, SessionError, damaged
from ibtui_engine.experiment import Experiment, parse_hidden
from ibtui_engine.measures.snapshot import LayerInformation
from ibtui_engine.session.codec import cells, unpack_weights
from ibtui_engine.session.columns import INFORMATION, LAYER, MEASURED
from ibtui_engine.session.connection import Connection, insertion, one_moment, open_session
from ibtui_engine.session.drafting import draft, lay_out
from ibtui_engine.session.format import columns_of, lacking
from ibtui_engine.session.limits import CohortRow, cohort_row
from ibtui_engine.session.summary import summarize
from ibtui_engine.session.tables import SCHEMA
from ibtui_engine.training.problem import FrozenGradients

Measure = Callable[[CohortRow, Float32[np.ndarray, "networks parameters"]], LayerInformation]
"""Measures some networks of an ensemble again, from their weights."""
Gradients = Callable[[CohortRow, Float32[np.ndarray, "networks parameters"]], FrozenGradients]
"""Statistics of single examples' gradients at their weights, over the norms of these. Asked after `Measure`."""
Watch = Callable[[int, int], None]
"""Told after each snapshot how many are done, of how many."""

COPIED = ("rule", "ensemble", "cohort", "network", "snapshot", "checkpoint", "event")
"""Tables that are copied as they are; columns that an older file lacks get their defaults."""
OF_SNAPSHOTS = ("learning", "weights")
"""Tables that are copied snapshot by snapshot."""
KEPT = tuple(column.name for column in LAYER if column not in INFORMATION)
"""Columns of `layer` that are copied; the others are measured again."""
FROZEN = {"frozen_mean": "mean", "frozen_std": "std"}
"""Of those, the ones that are found where no row of a snapshot has a value, by their place in `FrozenGradients`."""
ROWS_AT_ONCE = 1000


def rewrite(
    source: Path,
    target: Path,
    name: str,
    experiment: Experiment,
    parameters: Callable[[int], int],
    measure: Measure,
    gradients: Gradients,
    watch: Watch,
) -> None:
    """Write `target`, a session called `name` of `experiment`: `source` with its layers as `measure` finds them.

    It is finished if the old one is, and stopped otherwise; then it can be resumed, as the old one can.
    `parameters`: weights and biases of a network of an ensemble, by the ensemble's number.

    Raises:
        InvalidValue: the file exists or cannot be written, or the session keeps no weights.
        SessionError: the old session is damaged.
        StorageError: the disk is full.
    """
    with closing(open_session(source)) as old, draft(target) as new:
        with one_moment(old):
            summary = summarize(old, source)
            schedule = old.execute("SELECT schedule FROM session").fetchone()[0]
            lay_out(new, name, experiment, schedule, "finished" if summary.status == "finished" else "stopped")
            for table in COPIED:
                _copy(old, new, table)
        _measure_all(old, new, parameters, measure, gradients, watch)
        text = f"measured again, from {summary.name}"
        new.insert("event", {"time": now(), "kind": "remeasured", "text": text})


def _copy(old: Connection, new: Connection, table: str, snapshot: int | None = None) -> None:
    """Copy a table, or what it has of a snapshot."""
    absent = lacking(old, table)
    columns = [column for column in SCHEMA[table].names if column not in absent]
    query = f"SELECT {', '.join(columns)} FROM {table}"
    cursor = old.execute(query) if snapshot is None else old.execute(f"{query} WHERE snapshot = ?", (snapshot,))
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        with _of(old):
            new.executemany(insertion(table, columns), rows)


@contextmanager
def _of(old: Connection) -> Iterator[None]:
    """Report a row that violates the schema as damage of the old file."""
    try:
        yield
    except SessionError as error:
        if isinstance(error.__cause__, sqlite3.IntegrityError):
            raise damaged(old.path, error.__cause__) from error
        raise


def _measure_all(
    old: Connection,
    new: Connection,
    parameters: Callable[[int], int],
    measure: Measure,
    gradients: Gradients,
    watch: Watch,
) -> None:
    snapshots = new.execute(  # those of the moment
        "SELECT s.id, c.id, c.ensemble, c.first, c.networks, c.epoch, e.hidden FROM snapshot s"
        " JOIN cohort c ON c.id = s.cohort JOIN ensemble e ON e.id = c.ensemble ORDER BY s.id"
    ).fetchall()
    chosen = columns_of(old, "layer", KEPT)
    for done, (snapshot, *numbers, hidden) in enumerate(snapshots, start=1):
        try:
            cohort = cohort_row(numbers)
        except ValueError as error:
            raise damaged(old.path, f"a cohort: {error}") from error
        for table in OF_SNAPSHOTS:
            _copy(old, new, table, snapshot)
        data = old.execute("SELECT data FROM weights WHERE snapshot = ?", (snapshot,)).fetchone()
        recorded = old.execute(
            f"SELECT network, layer, {chosen} FROM layer WHERE snapshot = ? ORDER BY network, layer", (snapshot,)
        ).fetchall()
        if data is None:
            raise InvalidValue(f"session {str(old.path)!r} keeps no weights: it was run with --no-weights")
        layers = len(parse_hidden(hidden)) + 1
        places = [(cohort.first + k, layer + 1) for k in range(cohort.networks) for layer in range(layers)]
        if [row[:2] for row in recorded] != places:
            raise damaged(old.path, "a snapshot lacks some of its layers")
        weights = unpack_weights(data[0], cohort.networks, parameters(cohort.ensemble))
        found = measure(cohort, weights)
        network, layer = zip(*places, strict=True)
        values: dict[str, Sequence[Any]] = {"snapshot": [snapshot] * len(places), "network": network, "layer": layer}
        values |= {column.name: cells(column, getattr(found, column.field)) for column in INFORMATION}
        values |= {name: [row[k] for row in recorded] for k, name in enumerate(KEPT, start=2)}
        if all(number is None for name in FROZEN for number in values[name]):
            frozen = gradients(cohort, weights)
            values |= {name: cells(MEASURED[name], getattr(frozen, field)) for name, field in FROZEN.items()}
        with _of(old):
            new.insert_rows("layer", values)
        watch(done, len(snapshots))
