"""Rules from files: patterns with labels or probabilities, checked so that nothing odd gets past loading.

A table is any finite P(X,Y), such as the authors' published var_u.mat (arXiv:1703.00810): each row is equally likely,
and rows with the same pattern share the mean of their labels as p(y|x).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from ibtui_engine.errors import InvalidValue, StorageError
from ibtui_engine.rules.joint import label_rows, several
from ibtui_engine.rules.limits import oversize
from ibtui_engine.rules.log_odds import log_odds_of, logistic
from ibtui_engine.rules.patterns import distinct_rows
from ibtui_engine.rules.rule import Rule
from ibtui_engine.rules.table_files import LOG_ODDS_KEY, Array, read_table, refusal

if TYPE_CHECKING:
    from ibtui_engine.rules.rule import LabelProbabilities

Patterns = UInt8[np.ndarray, "patterns inputs"] | Float32[np.ndarray, "patterns inputs"]


def load_table(path: Path, name: str | None = None) -> Rule:
    """The rule in an .npz, .mat or .csv file; `name` is what it is called, by default `table:FILE`.

    Arrays are called patterns, F or X (patterns x inputs) and p_y, label, labels or y (one for each
    pattern: 0 or 1, or a probability of 1; or whole numbers of more than two kinds, each a label; or p(y|x) as a matrix
    of patterns x labels); beside probabilities, log_odds may have log(p(y=1|x) / p(y=0|x)) of each pattern, which keeps
    the digits of both labels. In a .csv file the labels are the column so named in an optional first row, else the
    last.
    Raises InvalidValue with one sentence that names the file and what is wrong with it.
    """
    try:
        raw_patterns, raw_labels, raw_odds = read_table(path)
        with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is refused, not warned of
            patterns = _checked_patterns(path, raw_patterns)
            if several(raw_labels):
                rows = label_rows(path, raw_labels, len(patterns))
                if (rows[:, rows[0].argmax()] == 1).all():
                    raise refusal(path, f"has only the label {rows[0].argmax()}; a rule needs two at least")
                labels = rows[:, 1] if rows.shape[1] == 2 else rows
            else:
                labels = _checked_labels(path, raw_labels, patterns)
        mean = mean_over_equal_rows(patterns, labels)
        odds = _checked_log_odds(path, raw_odds, labels, mean) if raw_odds is not None and mean.ndim == 1 else None
        return Rule(name or f"table:{path}", patterns, mean, {}, odds)
    except MemoryError as error:
        raise refusal(path, "does not fit in this machine's memory") from error


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
    group, counts = distinct_rows(patterns)
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


def _checked_patterns(path: Path, raw: Array) -> Patterns:
    if raw.dtype.kind not in "buif":
        raise refusal(path, f"has patterns of type {raw.dtype}: not numbers")
    if raw.ndim != 2:
        raise refusal(path, f"has patterns of shape {raw.shape}; needed is patterns x inputs")
    if raw.size == 0:
        raise refusal(path, f"has no patterns: their shape is {raw.shape}")
    if wrong := oversize(*raw.shape):
        raise refusal(path, f"has {wrong}")
    if ((raw == 0) | (raw == 1)).all():
        patterns: Patterns = raw.astype(np.uint8, order="C")
    else:
        patterns = raw.astype(np.float32, order="C") + np.float32(0)  # turns -0.0 into 0.0
        if not np.isfinite(patterns).all():
            row, column = (int(i[0]) for i in np.nonzero(~np.isfinite(patterns)))
            raise refusal(
                path,
                f"has the value {raw[row, column]:g} in pattern {row + 1}, input {column + 1} (from 1); "
                "needed are finite numbers that fit in 32 bits",
            )
    if (patterns == patterns[0]).all():
        raise refusal(path, f"has {len(patterns)} patterns that are all the same")
    return patterns


def _checked_labels(path: Path, raw: Array, patterns: Patterns) -> Float64[np.ndarray, " patterns"]:
    if raw.dtype.kind not in "buif":
        raise refusal(path, f"has labels of type {raw.dtype}: not numbers")
    if raw.size == 0:
        raise refusal(path, "has no labels: they are empty")
    if raw.size != max(raw.shape, default=1):
        raise refusal(path, f"has labels of shape {raw.shape}; needed is one number for each pattern")
    labels = raw.ravel().astype(np.float64) + 0.0  # turns -0.0 into 0.0
    if labels.size != len(patterns):
        turned = "; are the patterns the columns? Transpose them" if labels.size == patterns.shape[1] else ""
        raise refusal(path, f"has {labels.size} labels for {len(patterns)} patterns{turned}")
    _check_label_values(path, labels)
    return labels


def _checked_log_odds(
    path: Path, raw: Array, labels: Float64[np.ndarray, " patterns"], mean: Float64[np.ndarray, " patterns"]
) -> Float64[np.ndarray, " patterns"]:
    """The log-odds of each row; of rows whose pattern has several labels those of their mean."""
    odds = raw.ravel().astype(np.float64) if raw.dtype.kind in "buif" and raw.size == labels.size else None
    if odds is None or not (np.abs(logistic(odds) - labels) <= 1e-9).all():
        raise refusal(path, f"has {LOG_ODDS_KEY} that are not log(p / (1 - p)) of its labels; leave them out")
    return np.where(mean == labels, odds, log_odds_of(mean))


def _check_label_values(path: Path, labels: Float64[np.ndarray, " patterns"]) -> None:
    allowed = "allowed are 0 and 1, or probabilities between them"
    outside = np.flatnonzero(~((labels >= 0) & (labels <= 1)))  # NaN too
    if outside.size:
        row = int(outside[0])
        raise refusal(path, f"has the label {labels[row]:g} at pattern {row + 1} (from 1); {allowed}")
    if labels.min() == labels.max() and labels[0] in (0, 1):
        raise refusal(path, f"has only the label {labels[0]:g}; a rule needs both classes")
