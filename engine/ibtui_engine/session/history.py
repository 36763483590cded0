"""What a session has measured, as arrays.

An ensemble's history has one row for every epoch measured, one column for every network; a network that has not come
that far (it was added later) is NaN there.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui_engine.errors import InvalidValue, ReplacedError, damaged, shown
from ibtui_engine.logs import logger
from ibtui_engine.networks import Architecture, Samples
from ibtui_engine.recorded import Recording
from ibtui_engine.rules.limits import oversize
from ibtui_engine.rules.rule import Rule
from ibtui_engine.rules.tables.report import TableReport
from ibtui_engine.session.codec import unpack_bits, unpack_labels, unpack_numbers, unpack_weights
from ibtui_engine.session.columns import (
    ESTIMATED_COLUMNS,
    LAYER_COLUMNS,
    LEARNING_COLUMNS,
    MEASURED,
    Column,
    LayerHistory,
    LearningHistory,
)
from ibtui_engine.session.connection import Connection, file_identity, one_moment, open_session
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.format import TABLE_EVENT, columns_of, count, has_table, lacking
from ibtui_engine.session.limits import MOST_SPARSE, MOST_WEIGHTS, short_texts
from ibtui_engine.session.summary import EnsembleSummary, Summary, labels_column, rule_size, summarize

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, Int64
    from pandas import DataFrame
    from xarray import Dataset

_log = logger(__name__)
RULE_COLUMNS = ("name", "parameters", "rows", "inputs", "dtype", "patterns", "p_y", "log_odds", "p_x")
HELD_OUT_COLUMNS = ("inputs", "held_out_rows", "held_out_patterns", "held_out_p_y", "held_out_p_x")


class SessionReader:
    """Reads one session, from its first epoch to whatever is recorded at the moment of each call.

    It may be used from several threads: each has a connection of its own.

    Args:
        path: of the session.
        by: which estimator's numbers to read of a recording that has several (`Recording.estimator_names`); by default
            those of the first.

    Raises:
        InvalidValue: the session has no numbers by that estimator.
        SessionError: the file is missing, not a session, damaged, or of a newer version.
        StorageError: its disk cannot be read, or has no locks.
    """

    def __init__(self, path: Path | str, by: str | None = None) -> None:
        self.path = Path(path)
        self._by = by
        self._place = 0
        """Of that estimator in the recording."""
        self._file = file_identity(self.path)
        self._connections: dict[int, Connection] = {}
        self._closed = False
        self._connection  # noqa: B018  opens it: what is no session is refused here
        if by is not None:
            try:
                self._place = _place_of(self.summary, by)
            except BaseException:
                self.close()
                raise
        _log.debug("session %s is opened for reading", self.path)

    @property
    def _connection(self) -> Connection:
        """The connection of the thread that asks."""
        thread = threading.get_ident()
        if thread not in self._connections:
            if self._closed:
                raise sqlite3.ProgrammingError(f"the reader of session {str(self.path)!r} is closed")
            self._require_same_file()
            self._connections[thread] = open_session(self.path)
        return self._connections[thread]

    @contextmanager
    def moment(self) -> Iterator[None]:
        """All that is read inside, by this thread, is of one moment, whatever a run writes meanwhile. Keep it short:
        where a session has no write-ahead log, the run waits for it.

        Raises:
            SessionError: another file has taken the name of the one that was opened.
        """
        self._require_same_file()
        with one_moment(self._connection):
            yield

    def _require_same_file(self) -> None:
        if file_identity(self.path) not in (self._file, None):
            raise ReplacedError(f"session {str(self.path)!r} was replaced by another file: open it again")

    @property
    def summary(self) -> Summary:
        """What the session is and how far it has come now."""
        found = summarize(self._connection, self.path)
        return found.by(self._place) if self._place else found

    def ensemble(self, index: int) -> EnsembleSummary:
        """One ensemble's summary.

        Raises:
            InvalidValue: there is none of that number.
        """
        ensembles = self.summary.ensembles
        for ensemble in ensembles:
            if ensemble.index == index:
                return ensemble
        raise InvalidValue(f"ensemble is {index}: this session has 0 to {len(ensembles) - 1}")

    def recorded_ensemble(self, index: int) -> RecordedEnsemble:
        """Everything recorded of one ensemble, as it is at one moment.

        Raises:
            InvalidValue: there is none of that number.
            SessionError: the session is damaged.
        """
        with self.moment():
            return self._recorded(self.summary, self.ensemble(index))

    def to_pandas(self) -> DataFrame:
        """All that was measured of layers, one row for each layer of each network at each epoch: for notebooks.

        Columns: `ensemble` and `network` (from 0), `epoch`, `layer` (from 1), `name` and `width` of the layer,
        those that a session records of layers, `snr`, and losses and accuracies, which all layers of a network share
        (`ibtui_engine.session.columns`). NaN where there is no value.

        Raises:
            InvalidValue: pandas is not installed.
            SessionError: the session is damaged.
        """
        from ibtui_engine.session.frames import data_frame

        return data_frame(self.recorded_ensembles())

    def to_xarray(self) -> Dataset:
        """All that was measured, as arrays with named axes: for notebooks, and for netCDF.

        Dimensions: `ensemble`, `network` and `layer` with numbers from 0, 0 and 1, and `epoch`. Variables: the columns
        that a session records of layers, `snr`, and by ensemble, network and epoch losses and accuracies, each with
        its `units` and what it is; by ensemble `title`, `h_x` and `i_xy`, and by ensemble and layer `layer_name` and
        `width`. NaN, or an empty name, where there is no value: ensembles need not have the same layers and epochs.

        Raises:
            InvalidValue: xarray is not installed.
            SessionError: the session is damaged.
        """
        from ibtui_engine.session.frames import dataset

        with self.moment():
            return dataset(self.summary, self.recorded_ensembles())

    def _repr_html_(self) -> str:
        """What a notebook shows: what the session is, and its information plane."""
        from ibtui_engine.session.overview import overview

        return overview(self)

    def recorded_ensembles(self) -> tuple[RecordedEnsemble, ...]:
        """The same of all ensembles of which something is measured for all networks.

        Raises:
            SessionError: the session is damaged.
        """
        with self.moment():
            summary = self.summary
            return tuple(self._recorded(summary, one) for one in summary.ensembles if one.snapshots)

    def _recorded(self, summary: Summary, ensemble: EnsembleSummary) -> RecordedEnsemble:
        return RecordedEnsemble(
            *(summary, ensemble, self.layers(ensemble), self.learning(ensemble)),
            partial(SessionReader, self.path, self._by),
        )

    def architecture(self, ensemble: EnsembleSummary) -> Architecture:
        """The shape of its networks."""
        trained = ensemble.settings
        widths = (ensemble.rule.inputs, *ensemble.widths)
        return Architecture(widths, trained.activation, trained.bits, trained.stochastic)

    def rule(self, number: int) -> Rule:
        """A joint distribution that was learned, from the file itself; `RuleSummary.number` says which.

        Raises:
            SessionError: the session is damaged, or has no rule of that number.
        """
        with self.moment():
            kinds = labels_column(self._connection)
            columns = columns_of(self._connection, "rule", RULE_COLUMNS)
            labels, name, parameters, rows, inputs, dtype, patterns, p_y, odds, p_x = self._one(
                f"SELECT {kinds}, {columns} FROM rule WHERE id = ?", number
            )
        try:
            rows, inputs, labels = rule_size(rows, inputs, labels, dtype)
            rule = Rule(
                name,
                unpack_numbers(patterns, dtype, (rows, inputs)),
                unpack_numbers(p_y, "float64", (rows,) if labels == 2 else (rows, labels)),
                {str(key): float(value) for key, value in json.loads(parameters).items()},
                unpack_numbers(odds, "float64", (rows,)) if labels == 2 and odds is not None else None,
                p_x=None if p_x is None else unpack_numbers(p_x, "float64", (rows,)),
                held_out=self._held_out(number, name, labels),
            )
            return rule if labels > 2 or odds is not None else _with_both_tails(rule)  # an earlier version's
        except (ValueError, TypeError, AttributeError, InvalidValue, MemoryError) as error:
            raise damaged(self.path, f"its rule is unreadable: {error}") from error

    def _held_out(self, number: int, name: str, labels: int) -> Rule | None:
        """A rule's rows that are held out. Raises ValueError where they are none."""
        with self.moment():
            columns = columns_of(self._connection, "rule", HELD_OUT_COLUMNS)
            inputs, rows, patterns, p_y, p_x = self._one(f"SELECT {columns} FROM rule WHERE id = ?", number)
        if rows is None:
            return None
        if wrong := oversize(count(rows), inputs, labels):
            raise ValueError(f"held out are {wrong}")
        return Rule(
            name,
            unpack_numbers(patterns, "float32", (rows, inputs)),
            unpack_numbers(p_y, "float64", (rows,) if labels == 2 else (rows, labels)),
            p_x=None if p_x is None else unpack_numbers(p_x, "float64", (rows,)),
        )

    def table_reports(self) -> tuple[TableReport, ...]:
        """What was read from the file of each rule that is a table, in the order of the rules; none where an earlier
        version has begun the session.
        """
        with self.moment(), short_texts(self._connection):
            found = self._connection.execute(
                "SELECT text FROM event WHERE kind = ? ORDER BY id", (TABLE_EVENT,)
            ).fetchall()
        try:
            return tuple(TableReport.from_dict(json.loads(text)) for (text,) in found)
        except (ValueError, TypeError, RecursionError) as error:
            raise damaged(self.path, error) from error

    def measured(self, number: int) -> Int64[np.ndarray, " measured"] | None:
        """Numbers of a rule's patterns that information is measured over, ascending; None where it is all."""
        with self.moment():
            if "measured" in lacking(self._connection, "rule"):
                return None
            rows, chosen = self._one("SELECT rows, measured FROM rule WHERE id = ?", number)
        return None if chosen is None else np.flatnonzero(unpack_bits(chosen, rows))

    def measured_rule(self, number: int) -> Rule:
        """A rule over the patterns that information is measured over: what the IB curve is of."""
        with self.moment():
            rule, measured = self.rule(number), self.measured(number)
        return rule if measured is None else rule.over(measured)

    def layers(self, ensemble: EnsembleSummary, epoch: int | None = None) -> LayerHistory:
        """Every layer at every epoch measured, or at one."""
        depth = len(ensemble.widths)
        with self.moment():
            epochs, values = self.recorded("layer", LAYER_COLUMNS, ensemble, depth, epoch=epoch)
            found = LayerHistory(epochs, *values)
            if not self._place:
                return found
            _, others = self.recorded(
                "estimate", ESTIMATED_COLUMNS, ensemble, depth, epoch=epoch, estimator=self._place
            )
        return found.estimated_as(others)

    def learning(self, ensemble: EnsembleSummary, epoch: int | None = None) -> LearningHistory:
        """Losses and accuracies at every epoch measured, or at one."""
        epochs, values = self.recorded("learning", LEARNING_COLUMNS, ensemble, None, epoch=epoch)
        return LearningHistory(epochs, *values)

    def newest_snapshot(self) -> int:
        """The number of the snapshot recorded last; they count up. 0 where there is none."""
        return self._count("SELECT coalesce(max(id), 0) FROM snapshot")

    def recorded(
        self,
        table: str,
        columns: tuple[str, ...],
        ensemble: EnsembleSummary,
        depth: int | None,
        *,
        epoch: int | None = None,
        after: int = 0,
        estimator: int = 0,
    ) -> tuple[Int64[np.ndarray, " epochs"], Float64[np.ndarray, "columns epochs networks ..."]]:
        """Columns of a table of one ensemble, by epoch: at one epoch, or all recorded after a snapshot's number; of
        `estimate` those of one further estimator, from 1.
        """
        place = "s.epoch, t.network" + (", t.layer" if depth else "")
        only = " AND s.epoch = ?" if epoch is not None else ""
        by = f" AND t.estimator = {estimator:d}" if estimator else ""
        parameters = (ensemble.index, after) if epoch is None else (ensemble.index, after, epoch)
        with self.moment():
            chosen = columns_of(self._connection, table, columns)
            recorded, distinct = self._connection.execute(
                "SELECT coalesce(sum(c.networks), 0), count(DISTINCT s.epoch) FROM cohort c"
                f" JOIN snapshot s ON s.cohort = c.id WHERE c.ensemble = ? AND s.id > ?{only}",
                parameters,
            ).fetchone()
            rows = self._connection.execute(
                f"SELECT {place}, {chosen} FROM cohort c JOIN snapshot s ON s.cohort = c.id"
                f" JOIN {table} t ON t.snapshot = s.id{by} WHERE c.ensemble = ? AND s.id > ?{only}",
                parameters,
            ).fetchall()
        if len(rows) != recorded * (depth or 1):
            raise damaged(self.path, f"a snapshot lacks some of its rows in {table}, or has more")
        room = distinct * ensemble.networks * (depth or 1)
        if room > max(MOST_SPARSE, 10 * len(rows)):
            raise damaged(
                self.path, f"{table} has {len(rows)} rows for {room} places; so sparse, {MOST_SPARSE} are allowed"
            )
        try:
            numbers = np.array(rows, np.float64).reshape(len(rows), (3 if depth else 2) + len(columns))
        except (ValueError, TypeError) as error:
            raise damaged(self.path, f"{table} holds no numbers") from error
        if not (abs(numbers[:, : -len(columns)]) < 2**62).all():
            raise damaged(self.path, f"{table} has rows that belong nowhere")
        epochs, row = np.unique(numbers[:, 0].astype(np.int64), return_inverse=True)
        claimed = set(ensemble.snapshots) & {epoch} if epoch is not None else set(ensemble.snapshots)
        if after == 0 and (lost := claimed.difference(epochs.tolist())):
            raise damaged(self.path, f"{table} has no rows of epoch {min(lost)}")
        shape = (len(epochs), ensemble.networks) + ((depth,) if depth else ())
        network = numbers[:, 1].astype(np.int64)
        where: tuple[Any, ...] = (row, network)
        inside = (network >= 0) & (network < ensemble.networks)
        if depth:
            layer = numbers[:, 2].astype(np.int64) - 1
            where = (*where, layer)
            inside &= (layer >= 0) & (layer < depth)
        if not inside.all():
            raise damaged(self.path, f"{table} names networks that there are not")
        found = numbers[:, -len(columns) :].T
        for name, column in zip(columns, found, strict=True):
            self._require_measured(table, name, column, run=not ensemble.recorded)
        values = np.full((len(columns), *shape), np.nan)
        values[(slice(None), *where)] = found
        taken = np.zeros(shape, bool)
        taken[where] = True
        if np.count_nonzero(taken) != len(rows):
            raise damaged(self.path, f"{table} has rows twice")
        return epochs, values

    def _require_measured(self, table: str, name: str, column: Float64[np.ndarray, " rows"], *, run: bool) -> None:
        """Raise SessionError where a number is missing that is always there, or is outside its range."""
        _, least, most = MEASURED[name].kind
        absent = np.isnan(column)
        wrong = ~(absent | ((column >= least) & (column <= most)))
        if wrong.any():
            raise damaged(self.path, f"{table} has the {name} {column[wrong][0]:g}; allowed is {least:g} to {most:g}")
        if absent.any() and self._is_needed(MEASURED[name], run=run):
            raise damaged(self.path, f"{table} has a row without {name}")

    def _is_needed(self, column: Column, *, run: bool) -> bool:
        """Whether every row has a value. What the session is measured by is read only where that depends on it."""
        if not run or not column.lacking:
            return column.always or (run and column.in_runs)
        return column.needed(self.summary.experiment.estimator)

    def weights(self, ensemble: EnsembleSummary, epoch: int) -> Float32[np.ndarray, "networks parameters"]:
        """All networks' weights at a measured epoch.

        Raises:
            InvalidValue: the epoch was not measured for all of them, or the session keeps no weights.
            SessionError: they are not those of all networks, each once.
        """
        ensemble.require_measured(epoch)
        if ensemble.recorded:
            raise InvalidValue(f"session {str(self.path)!r} has no weights: {self.summary.why_not('weights')}")
        parameters = self.architecture(ensemble).parameters
        rows = self._connection.execute(
            "SELECT c.networks, w.data FROM cohort c JOIN snapshot s ON s.cohort = c.id"
            " LEFT JOIN weights w ON w.snapshot = s.id WHERE c.ensemble = ? AND s.epoch = ? ORDER BY c.first",
            (ensemble.index, epoch),
        ).fetchall()
        if any(data is None for _, data in rows):
            raise InvalidValue(f"session {str(self.path)!r} keeps no weights: it was run with --no-weights")
        kept = sum(networks for networks, _ in rows)
        if kept != ensemble.networks:
            raise damaged(self.path, f"epoch {epoch} has weights of {kept} networks, not of {ensemble.networks}")
        size = 4 * ensemble.networks * parameters
        if size > MOST_WEIGHTS:
            raise damaged(self.path, f"the weights of an epoch are {size} bytes; allowed are at most {MOST_WEIGHTS}")
        return np.concatenate([unpack_weights(data, networks, parameters) for networks, data in rows])

    def seeds(self, ensemble: EnsembleSummary) -> list[int]:
        """Each network's seed."""
        rows = self._connection.execute(
            "SELECT seed FROM network WHERE ensemble = ? ORDER BY network", (ensemble.index,)
        ).fetchall()
        first = self.summary.experiment.seed
        try:
            found = [count(seed) for (seed,) in rows]
            if found != list(range(first, first + ensemble.networks)):
                raise ValueError(f"they do not count up from {first}")
            return found
        except ValueError as error:
            raise damaged(self.path, f"a seed: {error}") from error

    def samples(self, ensemble: EnsembleSummary) -> Samples:
        """Each network's sample and its labels."""
        total, kinds = ensemble.rule.patterns, ensemble.rule.labels
        rows = self._connection.execute(
            "SELECT members, labels FROM network WHERE ensemble = ? ORDER BY network", (ensemble.index,)
        ).fetchall()
        if not rows:
            raise damaged(self.path, "it has an ensemble without networks")
        members = np.array([unpack_bits(row[0], total) for row in rows])
        labels = np.array([unpack_labels(row[1], total, kinds) for row in rows])
        if (members.sum(axis=1) != ensemble.sample_size).any():
            raise damaged(self.path, "a sample is not of the size it should be")
        chosen = np.nonzero(members)[1].reshape(len(rows), -1)
        return Samples(chosen.astype(np.int64), np.take_along_axis(labels, chosen, axis=1))

    def results(self) -> list[tuple[int, str, int, int, str]]:
        """What finished ensembles came to, as it is kept: ensemble, definitions, epoch, networks, and the numbers and
        verdicts as JSON (`ibtui_engine.maps.reading`). Empty where nothing is kept.

        Raises:
            SessionError: the rows are no such.
        """
        if not has_table(self._connection, "result"):
            return []
        with short_texts(self._connection):
            rows = self._connection.execute(
                "SELECT ensemble, definitions, epoch, networks, data FROM result ORDER BY ensemble"
            ).fetchall()
        for row in rows:
            if [type(value) for value in row] != [int, str, int, int, str]:
                raise damaged(self.path, "the results of an ensemble are no results")
        return rows

    def _one(self, query: str, *values: object) -> Any:
        row = self._connection.execute(query, values).fetchone()
        if row is None:
            raise damaged(self.path, f"{query.partition(' FROM ')[2].split()[0]} is empty")
        return row

    def _count(self, query: str) -> int:
        try:
            return count(self._one(query)[0])
        except ValueError as error:
            raise damaged(self.path, f"{query.split()[-1]}: {error}") from error

    def release(self) -> None:
        """Let go of the file until something is read again. No other thread may be reading meanwhile."""
        while self._connections:
            self._connections.popitem()[1].close()

    def close(self) -> None:
        """Let go of the file for good. No other thread may be reading meanwhile."""
        self._closed = True
        self.release()

    def __enter__(self) -> SessionReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _place_of(summary: Summary, by: str) -> int:
    """The place of an estimator among those that measured a session."""
    experiment = summary.experiment
    if isinstance(experiment, Recording):
        return experiment.place_of(by)
    if by != experiment.estimator:
        raise InvalidValue(
            f"by must be {experiment.estimator}, got {shown(by)}: session {summary.name!r} is a run, which `ibtui "
            "remeasure` measures by other estimators"
        )
    return 0


def _with_both_tails(rule: Rule) -> Rule:
    from ibtui_engine.rules.catalogue import with_both_tails  # what only files of earlier versions need

    return with_both_tails(rule)
