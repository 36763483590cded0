"""General joint distributions P(X,Y) from table files: more than two labels, or p(y|x) given as a matrix.

A `Rule` has binary labels, which networks learn and the certified bound needs. The bound of other tables can be had
too, without a certificate; this is how they are read. Equal patterns share the mean of their rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.rules.patterns import distinct_rows
from engine.rules.table_files import Array, read_table, refusal

if TYPE_CHECKING:
    from jaxtyping import Float64

MOST_LABELS = 1000


@dataclass(frozen=True, eq=False)
class Joint:
    """P(X,Y) of any number of labels over equally likely rows."""

    name: str
    p_y: Float64[np.ndarray, "patterns labels"]
    """p(y|x) of each row."""


def load_joint(path: Path, name: str | None = None) -> Joint:
    """The joint distribution in an .npz, .mat or .csv file with patterns and labels, as `load_table` names them.

    The labels are whole numbers, one for each pattern (each different number is a label), or p(y|x) as a matrix of
    patterns x labels whose rows add up to 1.

    Raises:
        InvalidValue: the file cannot be read, or holds no such distribution.
    """
    patterns, labels = read_table(path)
    if patterns.dtype.kind not in "buif" or patterns.ndim != 2 or patterns.size == 0:
        raise refusal(path, f"has patterns of shape {patterns.shape} and type {patterns.dtype}; needed are numbers")
    if not np.isfinite(patterns.astype(np.float64)).all():
        raise refusal(path, "has patterns that are not finite")
    if labels.dtype.kind not in "buif":
        raise refusal(path, f"has labels of type {labels.dtype}: not numbers")
    if labels.ndim == 2 and min(labels.shape) > 1:
        p_y = _checked_matrix(path, labels.astype(np.float64), len(patterns))
    else:
        p_y = _one_hot(path, labels.ravel().astype(np.float64), len(patterns))
    if p_y.shape[1] > MOST_LABELS:
        raise refusal(path, f"has {p_y.shape[1]} labels; allowed are at most {MOST_LABELS}")
    group, counts = distinct_rows(np.ascontiguousarray(patterns, np.float64).astype(np.float32))
    means = np.stack([np.bincount(group, weights=column) / counts for column in p_y.T], axis=1)
    return Joint(name or f"table:{path}", means[group])


def binary(path: Path) -> bool:
    """Whether a table's labels are those of a rule: one number in [0, 1] for each pattern.

    Raises:
        InvalidValue: the file cannot be read.
    """
    _, labels = read_table(path)
    if labels.dtype.kind not in "buif" or labels.size != max(labels.shape, default=1):
        return labels.ndim != 2
    values = labels.astype(np.float64)
    whole = np.isfinite(values).all() and (values == np.rint(values)).all()
    return not whole or np.unique(values).size <= 2


def _checked_matrix(path: Path, p: Array, patterns: int) -> Array:
    if len(p) != patterns:
        raise refusal(path, f"has p(y|x) of shape {p.shape} for {patterns} patterns; needed is patterns x labels")
    if not ((p >= 0) & (p <= 1)).all():
        raise refusal(path, "has p(y|x) outside [0, 1]")
    total = p.sum(axis=1)
    if not np.allclose(total, 1, rtol=0, atol=1e-6):
        row = int(np.abs(total - 1).argmax())
        raise refusal(path, f"has p(y|x) that add up to {total[row]:g} at pattern {row + 1} (from 1), not to 1")
    return np.asarray(p / total[:, None])


def _one_hot(path: Path, labels: Array, patterns: int) -> Array:
    if labels.size != patterns:
        raise refusal(path, f"has {labels.size} labels for {patterns} patterns")
    if not np.isfinite(labels).all() or (labels != np.rint(labels)).any():
        raise refusal(path, "has labels that are not whole numbers; allowed are those, or p(y|x) as a matrix")
    values, place = np.unique(labels, return_inverse=True)
    if values.size < 2:
        raise refusal(path, f"has only the label {labels[0]:g}; needed are two at least")
    if values.size > MOST_LABELS:
        raise refusal(path, f"has {values.size} different labels; allowed are at most {MOST_LABELS}")
    return np.asarray(np.eye(values.size)[place.ravel()])
