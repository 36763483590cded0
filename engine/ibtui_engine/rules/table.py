"""Rules from files: patterns with labels or probabilities, checked so that nothing odd gets past loading.

A table is any finite P(X,Y), such as the authors' published var_u.mat (arXiv:1703.00810): each row is equally likely,
and rows with the same pattern share the mean of their labels as p(y|x). Files are read by `ibtui_engine.rules.tables`.
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from ibtui_engine.errors import InvalidValue, StorageError
from ibtui_engine.rules.limits import oversize
from ibtui_engine.rules.log_odds import log_odds_of, logistic
from ibtui_engine.rules.names import parse_rule_name
from ibtui_engine.rules.patterns import DistinctRows, distinct_rows, rows_among
from ibtui_engine.rules.rule import Rule
from ibtui_engine.rules.tables.classes import Labelled, Unreadable
from ibtui_engine.rules.tables.columns import Array
from ibtui_engine.rules.tables.content import refusal
from ibtui_engine.rules.tables.held_out import held_out_rows
from ibtui_engine.rules.tables.options import USUAL, Reading
from ibtui_engine.rules.tables.parts import Parts, parts_like, parts_of, read_source
from ibtui_engine.rules.tables.report import MOST_LISTED, HeldOut, Input, LeftOut, Scaling, TableReport
from ibtui_engine.rules.tables.scaling import Scaler, are_pixels, kept_apart, scaled
from ibtui_engine.rules.tables.stored import LOG_ODDS_KEY

if TYPE_CHECKING:
    from ibtui_engine.rules.rule import LabelProbabilities

Patterns = UInt8[np.ndarray, "patterns inputs"] | Float32[np.ndarray, "patterns inputs"]


def load_table(path: Path, name: str | None = None, reading: Reading = USUAL, seed: int = 0) -> Rule:
    """The rule in a table's file; its `report` says what was read.

    Args:
        path: of the file, which ends in one of `TABLE_SUFFIXES`, or in one of them and .gz.
        name: what the rule is called; by default `table:FILE`.
        reading: which column is the label and what else people say of the table; by default it follows from the
            table's names and values.
        seed: what rows are drawn by that are held out, where `reading` asks for a share of them.

    Raises:
        InvalidValue: one sentence that names the file, the line or column, what is there, and what to do.
    """
    with _in_one_line(path, "label" if reading.label is not None else ""):
        source = read_source(path, reading)
        with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is refused, not warned of
            return _rule(path, name or f"table:{path}", parts_of(path, source, reading), reading, seed)


@contextmanager
def _in_one_line(path: Path, setting: str) -> Iterator[None]:
    """Inside, errors of reading get the name of the file. `setting`: at fault where labels are wrong."""
    try:
        yield
    except MemoryError as error:
        raise refusal(path, "does not fit in this machine's memory") from error
    except Unreadable as error:
        raise refusal(path, str(error), setting=error.setting or setting) from error


def _rule(path: Path, name: str, parts: Parts, reading: Reading, seed: int) -> Rule:
    if wrong := oversize(int(parts.matrix.shape[0]), int(parts.matrix.shape[1])):
        raise refusal(path, f"has {wrong}")
    labels, held = parts.labels(reading), None
    if reading.test_fraction is not None:
        held = held_out_rows(parts.matrix, labels.p_y, reading.test_fraction, seed)
        _require_both(path, held, reading.test_fraction)
    every = np.ones(len(parts.matrix), bool) if held is None else ~held
    trained = labels if held is None else labels.of_rows(every)
    matrix, offsets, left_out = (
        parts.matrix if held is None else parts.matrix[every],
        np.broadcast_to(parts.offsets, parts.matrix.shape[1]),
        parts.left_out,
    )
    kept = np.arange(matrix.shape[1])
    if not parts.saved and not are_pixels(matrix):
        constant = (matrix == matrix[0]).all(axis=0)
        left_out = (*left_out, *((parts.names(int(place)), f"always {matrix[0, place] + offsets[place]:g}")
                                 for place in np.flatnonzero(constant)))  # fmt: skip
        kept = np.flatnonzero(~constant)
        if constant.any():
            matrix, offsets = matrix[:, kept], offsets[kept]
    how = "none" if parts.saved and reading.scale == "auto" else reading.scale
    patterns, scaling, scaler = scaled(matrix, offsets, how, lambda place: parts.names(int(kept[place])))
    _require_finite(path, matrix, patterns, kept, reading.scale)
    if how != reading.scale:
        scaling = replace(scaling, why="a rule as it was saved")
    rows = distinct_rows(patterns)
    weights = None if parts.weights is None else parts.weights[every]
    mean = _mean_over(rows, trained.p_y, weights)
    odds = None
    if parts.log_odds is not None and mean.ndim == 1:
        odds = _checked_log_odds(path, parts.log_odds, labels.p_y, every, mean)
    rule = Rule(name, patterns, mean, {}, odds, p_x=_shares(weights))
    report = _report(
        path, parts, trained, matrix, offsets, kept, left_out, scaling, len(rows.counts), rule.deterministic
    )
    out = None
    if held is not None:
        beside = None if parts.weights is None else parts.weights[held]
        out = _Held(path, parts.matrix[held][:, kept], offsets, labels.of_rows(held), beside)
    elif reading.test is not None and (second := parse_rule_name(reading.test).path) is not None:
        out = _second(second, parts, trained, kept, reading)
    if out is not None:
        rule = replace(rule, odds=rule.log_odds if rule.labels == 2 else None, held_out=_held_out(rule, out, scaler))
        report = replace(report, held_out=_held_report(rule, out, reading, seed))
    return replace(rule, odds=rule.log_odds if rule.labels == 2 else None, report=report)


def _require_both(path: Path, held: Array, fraction: float) -> None:
    """Refuse a share of the rows that leaves nothing to train on, or nothing to hold out."""
    if not held.any():
        raise refusal(
            path, f"has {len(held)} rows, of which test-fraction {fraction:g} holds out none: a label keeps one "
            "pattern at least; give a larger share, or a second file by --test",
            setting="test_fraction",
        )  # fmt: skip


def _require_finite(path: Path, matrix: Array, patterns: Array, kept: Array, scale: str) -> None:
    if not np.isfinite(patterns).all():
        row, column = (int(i[0]) for i in np.nonzero(~np.isfinite(patterns)))
        raise refusal(
            path,
            f"has the value {matrix[row, column]:g} in pattern {row + 1}, input {kept[column] + 1} (from 1); needed "
            "are finite numbers that fit in 32 bits, or --scale standard",
            setting="scale" if scale != "auto" else "",
        )


@dataclass(frozen=True, eq=False)
class _Held:
    """Rows that are held out, before they are scaled."""

    path: Path
    matrix: Array
    offsets: Array
    labels: Labelled
    weights: Array | None


def _second(path: Path, parts: Parts, trained: Labelled, kept: Array, reading: Reading) -> _Held:
    """All rows of a second file, read as the first one was."""
    try:
        with _in_one_line(path, "test"):
            second = parts_like(path, read_source(path, reading), parts, kept)
            if wrong := oversize(int(second.matrix.shape[0]), int(second.matrix.shape[1]), len(trained.labels)):
                raise refusal(path, f"has {wrong}")
            offsets = np.broadcast_to(second.offsets, second.matrix.shape[1])
            return _Held(path, second.matrix, offsets, second.labels_like(trained), second.weights)
    except InvalidValue as error:
        raise InvalidValue(str(error), setting="test") from error


def _held_out(rule: Rule, held: _Held, scaler: Scaler) -> Rule:
    """Rows that are held out as a rule of their own, scaled like those that train."""
    patterns = scaler.patterns(held.matrix, held.offsets)
    _require_finite(held.path, held.matrix, patterns, np.arange(held.matrix.shape[1]), "auto")
    patterns, _ = kept_apart(held.matrix, patterns)
    mean = _mean_over(distinct_rows(patterns), held.labels.p_y, held.weights)
    return Rule(rule.name, patterns, mean, p_x=_shares(held.weights))


def _shares(weights: Array | None) -> Float64[np.ndarray, " rows"] | None:
    """p(x), from numbers above 0 that it is in proportion to."""
    if weights is None:
        return None
    shares = weights / weights.max()
    shares = shares / math.fsum(shares)
    if not (shares > 0).all():
        raise Unreadable(f"has weights from {weights.min():g} to {weights.max():g}, whose ratio is beyond double "
                         "precision", setting="weight")  # fmt: skip
    return np.asarray(shares, np.float64)


def _held_report(rule: Rule, held: _Held, reading: Reading, seed: int) -> HeldOut:
    assert rule.held_out is not None
    patterns = rule.held_out.patterns
    return HeldOut(
        file=str(held.path) if reading.test is not None else "",
        seed=seed,
        rows=len(patterns),
        distinct=len(distinct_rows(patterns).counts),
        labels=held.labels.labels,
        trained=int(rows_among(patterns, rule.patterns).sum()),
    )


def _report(
    path: Path,
    parts: Parts,
    labels: Labelled,
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
        label_kind=labels.kind,
        labels=labels.labels,
        left_out=tuple(LeftOut(name, why) for name, why in left_out[:MOST_LISTED]),
        scaling=scaling,
        sample=sample,
        weight=parts.weight,
        weights=() if parts.weights is None else (float(parts.weights.min()), float(parts.weights.max())),
        weightless=parts.weightless,
    )


def save_rule(rule: Rule, path: Path) -> None:
    """Write `patterns`, `p_y`, of two labels `log_odds`, and `p_x` where patterns are not equally likely, to an .npz
    file that `load_table` reads, whole or not at all.

    Raises InvalidValue for another suffix, StorageError where the file cannot be written.
    """
    if path.suffix.lower() != ".npz":
        raise InvalidValue(f"cannot save a rule as {str(path)!r}: allowed is a name that ends in .npz")
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            with unfinished.open("xb") as file:
                odds: dict[str, Any] = {LOG_ODDS_KEY: rule.log_odds} if rule.labels == 2 else {}
                p_x: dict[str, Any] = {} if rule.p_x is None else {"p_x": rule.p_x}
                np.savez_compressed(file, patterns=rule.patterns, p_y=rule.p_y, **odds, **p_x)
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


def _mean_over(rows: DistinctRows, labels: LabelProbabilities, weights: Array | None = None) -> LabelProbabilities:
    group, counts = rows
    columns = [_mean_of_groups(group, counts, column, weights) for column in np.atleast_2d(labels.T)]
    return columns[0] if labels.ndim == 1 else np.stack(columns, axis=1)


def _mean_of_groups(
    group: Int64[np.ndarray, " patterns"],
    counts: Int64[np.ndarray, " distinct"],
    labels: Float64[np.ndarray, " patterns"],
    weights: Float64[np.ndarray, " patterns"] | None = None,
) -> Float64[np.ndarray, " patterns"]:
    lowest = np.full(counts.size, np.inf)
    highest = np.full(counts.size, -np.inf)
    np.minimum.at(lowest, group, labels)
    np.maximum.at(highest, group, labels)
    if weights is None:
        mean = np.bincount(group, weights=labels) / counts
    else:
        shares = weights / weights.max()
        mean = np.bincount(group, weights=shares * labels) / np.bincount(group, weights=shares)
    return np.asarray(np.where(lowest == highest, lowest, mean)[group])


def _checked_log_odds(
    path: Path, raw: Array, labels: Float64[np.ndarray, " rows"], rows: Any, mean: Float64[np.ndarray, " patterns"]
) -> Float64[np.ndarray, " patterns"]:
    """The log-odds of these rows; of rows whose pattern has several labels those of their mean."""
    odds = raw.ravel().astype(np.float64) if raw.dtype.kind in "buif" and raw.size == labels.size else None
    if odds is None or not (np.abs(logistic(odds) - labels) <= 1e-9).all():
        raise refusal(path, f"has {LOG_ODDS_KEY} that are not log(p / (1 - p)) of its labels; leave them out")
    return np.where(mean == labels[rows], odds[rows], log_odds_of(mean))
