"""Rules from files: patterns with labels or probabilities, checked so that nothing odd gets past loading.

A table is any finite P(X,Y), such as the authors' published var_u.mat (arXiv:1703.00810): each row is equally likely,
and rows with the same pattern share the mean of their labels as p(y|x). Files are read by `ibtui_engine.rules.tables`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from ibtui_engine.errors import InvalidValue, StorageError
from ibtui_engine.rules.limits import oversize
from ibtui_engine.rules.log_odds import log_odds_of, logistic
from ibtui_engine.rules.names import TABLE_SUFFIXES, table_suffix, unreadable
from ibtui_engine.rules.patterns import DistinctRows, distinct_rows
from ibtui_engine.rules.rule import Rule
from ibtui_engine.rules.tables.classes import Labelled, Unreadable, labelled, one_hot
from ibtui_engine.rules.tables.columns import Array, Arrays, Columns
from ibtui_engine.rules.tables.content import read_content, refusal
from ibtui_engine.rules.tables.options import USUAL, Reading
from ibtui_engine.rules.tables.report import MOST_LISTED, Input, LeftOut, Scaling, TableReport
from ibtui_engine.rules.tables.roles import input_numbers, roles
from ibtui_engine.rules.tables.scaling import are_pixels, as_matrix, scaled
from ibtui_engine.rules.tables.stored import LOG_ODDS_KEY

if TYPE_CHECKING:
    from ibtui_engine.rules.rule import LabelProbabilities

Patterns = UInt8[np.ndarray, "patterns inputs"] | Float32[np.ndarray, "patterns inputs"]


def load_table(path: Path, name: str | None = None, reading: Reading = USUAL) -> Rule:
    """The rule in a table's file; its `report` says what was read.

    Args:
        path: of the file, which ends in one of `TABLE_SUFFIXES`, or in one of them and .gz.
        name: what the rule is called; by default `table:FILE`.
        reading: which column is the label and what else people say of the table; by default it follows from the
            table's names and values.

    Raises:
        InvalidValue: one sentence that names the file, the line or column, what is there, and what to do.
    """
    try:
        source = _read(path, reading)
        with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is refused, not warned of
            parts = (
                _of_arrays(path, source, reading) if isinstance(source, Arrays) else _of_columns(path, source, reading)
            )
            return _rule(path, name or f"table:{path}", parts, reading)
    except MemoryError as error:
        raise refusal(path, "does not fit in this machine's memory") from error
    except Unreadable as error:
        raise refusal(path, str(error)) from error


def _read(path: Path, reading: Reading) -> Columns | Arrays:
    """The table in a file, by the file's name."""
    suffix = table_suffix(path.name)
    if suffix not in TABLE_SUFFIXES:
        raise InvalidValue(unreadable(str(path)))
    content = read_content(path)
    match suffix:
        case ".npz" | ".npy":
            from ibtui_engine.rules.tables.archives import read_npy, read_npz

            return (read_npz if suffix == ".npz" else read_npy)(path, content, reading)
        case ".mat":
            from ibtui_engine.rules.tables.matlab import read_matlab

            return read_matlab(path, content, reading)
        case ".parquet":
            from ibtui_engine.rules.tables.parquet import read_parquet

            return read_parquet(path, content)
        case ".arff":
            from ibtui_engine.rules.tables.arff import read_arff

            return read_arff(path, content)
    from ibtui_engine.rules.tables.text import read_text

    return read_text(path, content)


@dataclass(frozen=True, eq=False)
class _Parts:
    """What is read from any file: inputs, and labels of each row."""

    matrix: Array
    offsets: Array
    names: Callable[[int], str]
    labels: Labelled
    label: str
    format: str
    header: str
    left_out: tuple[tuple[str, str], ...]
    log_odds: Array | None = None
    saved: bool = False


def _of_columns(path: Path, table: Columns, reading: Reading) -> _Parts:
    chosen = roles(path, table, reading)
    matrix, offsets = as_matrix(input_numbers(path, table, chosen.inputs))
    _require_different(path, matrix)
    at = chosen.labels[0]
    if len(chosen.labels) == 1:
        of = f" ({table.called(at)})" if table.names is not None else ""
        labels = labelled(table.columns[at], chosen.name, reading, lambda row: f"{table.place(row, at)}{of}")
    else:
        one_by_one, _ = as_matrix(input_numbers(path, table, chosen.labels))
        labels = one_hot(one_by_one, chosen.label_names, chosen.name, reading)
    named = table.names or ("",) * len(table.columns)
    called = [named[place] or f"column {place + 1}" for place in chosen.inputs]
    return _Parts(matrix, offsets, called.__getitem__, labels, chosen.name, table.format, table.header, chosen.left_out)


def _require_different(path: Path, matrix: Array) -> None:
    if (matrix == matrix[0]).all():
        raise refusal(path, f"has {len(matrix)} patterns that are all the same")


def _of_arrays(path: Path, arrays: Arrays, reading: Reading) -> _Parts:
    raw = arrays.patterns
    if raw.dtype.kind not in "buif":
        raise refusal(path, f"has patterns of type {raw.dtype}: not numbers")
    if raw.ndim != 2:
        raise refusal(path, f"has patterns of shape {raw.shape}; needed is patterns x inputs")
    if raw.size == 0:
        raise refusal(path, f"has no patterns: their shape is {raw.shape}")
    if wrong := oversize(int(raw.shape[0]), int(raw.shape[1])):
        raise refusal(path, f"has {wrong}")
    if raw.dtype.kind == "f" and not np.isfinite(raw).all():
        row, column = (int(i[0]) for i in np.nonzero(~np.isfinite(raw)))
        raise refusal(
            path,
            f"has the value {raw[row, column]:g} in pattern {row + 1}, input {column + 1} (from 1); needed are finite "
            "numbers",
        )
    matrix, offsets = (
        as_matrix(list(raw.T)) if raw.dtype.kind in "iu" and raw.dtype.itemsize == 8 else (raw, np.zeros(1))
    )
    if raw.dtype.kind == "b":
        matrix = raw.astype(np.uint8)
    _require_different(path, matrix)
    labels = _array_labels(path, arrays, len(raw), raw.shape[1], reading)
    return _Parts(
        matrix, offsets, lambda place: f"input {place + 1}", labels, arrays.labels_name, arrays.format, "arrays",
        arrays.left_out, arrays.log_odds, arrays.saved,
    )  # fmt: skip


def _array_labels(path: Path, arrays: Arrays, patterns: int, inputs: int, reading: Reading) -> Labelled:
    raw = arrays.labels
    if raw.dtype.kind not in "buifUS":
        raise refusal(path, f"has labels of type {raw.dtype}: not numbers")
    if raw.size == 0:
        raise refusal(path, "has no labels: they are empty")
    if raw.ndim == 2 and min(raw.shape) > 1:
        if len(raw) != patterns:
            raise refusal(path, f"has p(y|x) of shape {raw.shape} for {patterns} patterns; needed is patterns x labels")
        if raw.dtype.kind in "US":
            raise refusal(path, f"has labels of type {raw.dtype} in several columns: not numbers")
        return one_hot(raw, tuple(map(str, range(raw.shape[1]))), arrays.labels_name, reading)
    if raw.size != max(raw.shape, default=1):
        raise refusal(path, f"has labels of shape {raw.shape}; needed is one number for each pattern")
    if raw.size != patterns:
        turned = "; are the patterns the columns? Transpose them" if raw.size == inputs else ""
        raise refusal(path, f"has {raw.size} labels for {patterns} patterns{turned}")
    flat = raw.ravel().astype(str).astype(object) if raw.dtype.kind in "US" else raw.ravel()
    return labelled(flat, arrays.labels_name, reading, lambda row: f"at pattern {row + 1} (from 1)")


def _rule(path: Path, name: str, parts: _Parts, reading: Reading) -> Rule:
    matrix, offsets, left_out = parts.matrix, np.broadcast_to(parts.offsets, parts.matrix.shape[1]), parts.left_out
    if wrong := oversize(int(matrix.shape[0]), int(matrix.shape[1])):
        raise refusal(path, f"has {wrong}")
    kept = np.arange(matrix.shape[1])
    if not parts.saved and not are_pixels(matrix):
        constant = (matrix == matrix[0]).all(axis=0)
        left_out = (*left_out, *((parts.names(int(place)), f"always {matrix[0, place] + offsets[place]:g}")
                                 for place in np.flatnonzero(constant)))  # fmt: skip
        kept = np.flatnonzero(~constant)
        if constant.any():
            matrix, offsets = matrix[:, kept], offsets[kept]
    how = "none" if parts.saved and reading.scale == "auto" else reading.scale
    patterns, scaling = scaled(matrix, offsets, how, lambda place: parts.names(int(kept[place])))
    if not np.isfinite(patterns).all():
        row, column = (int(i[0]) for i in np.nonzero(~np.isfinite(patterns)))
        raise refusal(
            path,
            f"has the value {matrix[row, column]:g} in pattern {row + 1}, input {kept[column] + 1} (from 1); needed "
            "are finite numbers that fit in 32 bits, or --scale standard",
        )
    if how != reading.scale:
        scaling = replace(scaling, why="a rule as it was saved")
    rows = distinct_rows(patterns)
    mean = _mean_over(rows, parts.labels.p_y)
    odds = None
    if parts.log_odds is not None and mean.ndim == 1:
        odds = _checked_log_odds(path, parts.log_odds, parts.labels.p_y, mean)
    rule = Rule(name, patterns, mean, {}, odds)
    report = _report(path, parts, matrix, offsets, kept, left_out, scaling, len(rows.counts), rule.deterministic)
    return replace(rule, odds=rule.log_odds if rule.labels == 2 else None, report=report)


def _report(
    path: Path,
    parts: _Parts,
    matrix: Array,
    offsets: Array,
    kept: Array,
    left_out: tuple[tuple[str, str], ...],
    scaling: Scaling,
    different: int,
    sample: bool,
) -> TableReport:
    shown = min(matrix.shape[1], MOST_LISTED)
    least, greatest = matrix[:, :shown].min(axis=0), matrix[:, :shown].max(axis=0)
    ranges = tuple(
        Input(parts.names(int(kept[k])), float(least[k] + offsets[k]), float(greatest[k] + offsets[k]))
        for k in range(shown)
    )
    return TableReport(
        file=str(path),
        format=parts.format,
        header=parts.header,
        patterns=len(matrix),
        distinct=different,
        inputs=matrix.shape[1],
        ranges=ranges,
        label=parts.label,
        label_kind=parts.labels.kind,
        labels=parts.labels.labels,
        left_out=tuple(LeftOut(name, why) for name, why in left_out[:MOST_LISTED]),
        scaling=scaling,
        sample=sample,
    )


def save_rule(rule: Rule, path: Path) -> None:
    """Write `patterns`, `p_y` and, of two labels, `log_odds` to an .npz file that `load_table` reads, whole or not at
    all.

    Raises InvalidValue for another suffix, StorageError where the file cannot be written.
    """
    if path.suffix.lower() != ".npz":
        raise InvalidValue(f"cannot save a rule as {str(path)!r}: allowed is a name that ends in .npz")
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            with unfinished.open("xb") as file:
                odds: dict[str, Any] = {LOG_ODDS_KEY: rule.log_odds} if rule.labels == 2 else {}
                np.savez_compressed(file, patterns=rule.patterns, p_y=rule.p_y, **odds)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write {str(path)!r}: {error.strerror or error}") from error


def mean_over_equal_rows(patterns: Patterns, labels: LabelProbabilities) -> LabelProbabilities:
    """p(y|x) of each row: the mean label over the rows with its pattern, column by column where labels have several.

    Rows that agree already keep their label to the last bit, so that a second pass changes nothing.
    """
    return _mean_over(distinct_rows(patterns), labels)


def _mean_over(rows: DistinctRows, labels: LabelProbabilities) -> LabelProbabilities:
    group, counts = rows
    columns = [_mean_of_groups(group, counts, column) for column in np.atleast_2d(labels.T)]
    return columns[0] if labels.ndim == 1 else np.stack(columns, axis=1)


def _mean_of_groups(
    group: Int64[np.ndarray, " patterns"],
    counts: Int64[np.ndarray, " distinct"],
    labels: Float64[np.ndarray, " patterns"],
) -> Float64[np.ndarray, " patterns"]:
    lowest = np.full(counts.size, np.inf)
    highest = np.full(counts.size, -np.inf)
    np.minimum.at(lowest, group, labels)
    np.maximum.at(highest, group, labels)
    mean = np.bincount(group, weights=labels) / counts
    return np.asarray(np.where(lowest == highest, lowest, mean)[group])


def _checked_log_odds(
    path: Path, raw: Array, labels: Float64[np.ndarray, " patterns"], mean: Float64[np.ndarray, " patterns"]
) -> Float64[np.ndarray, " patterns"]:
    """The log-odds of each row; of rows whose pattern has several labels those of their mean."""
    odds = raw.ravel().astype(np.float64) if raw.dtype.kind in "buif" and raw.size == labels.size else None
    if odds is None or not (np.abs(logistic(odds) - labels) <= 1e-9).all():
        raise refusal(path, f"has {LOG_ODDS_KEY} that are not log(p / (1 - p)) of its labels; leave them out")
    return np.where(mean == labels, odds, log_odds_of(mean))
