"""Labels of tables with more than two of them: whole numbers, or p(y|x) as a matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.rules.labels import MOST_LABELS
from ibtui_engine.rules.limits import oversize
from ibtui_engine.rules.table_files import Array, refusal

if TYPE_CHECKING:
    from jaxtyping import Float64


def several(labels: Array) -> bool:
    """Whether labels are not those of a binary rule, which are one number in [0, 1] for each pattern."""
    if labels.dtype.kind not in "buif":
        return False
    if labels.ndim == 2 and min(labels.shape) > 1:
        return True
    values = labels.astype(np.float64)
    whole = np.isfinite(values).all() and (values == np.rint(values)).all()
    return bool(whole) and np.unique(values).size > 2


def label_rows(path: Path, labels: Array, patterns: int) -> Float64[np.ndarray, "patterns labels"]:
    """p(y|x) of each pattern, from `several` labels: each different number is a label, in ascending order; or from a
    matrix of patterns x labels whose rows add up to 1.

    Raises:
        InvalidValue: they are no such labels, are not of that many patterns, or are too many.
    """
    if labels.ndim == 2 and min(labels.shape) > 1:
        p_y = _checked_matrix(path, labels.astype(np.float64), patterns)
    else:
        p_y = _one_hot(path, labels.ravel().astype(np.float64), patterns)
    return p_y


def _checked_matrix(path: Path, p: Array, patterns: int) -> Array:
    if len(p) != patterns:
        raise refusal(path, f"has p(y|x) of shape {p.shape} for {patterns} patterns; needed is patterns x labels")
    if p.shape[1] > MOST_LABELS:
        raise refusal(path, f"has {p.shape[1]} labels; allowed are at most {MOST_LABELS}")
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
    values, place = np.unique(labels, return_inverse=True)
    if values.size > MOST_LABELS:
        raise refusal(path, f"has {values.size} different labels; allowed are at most {MOST_LABELS}")
    if wrong := oversize(patterns, 1, values.size):
        raise refusal(path, f"has {wrong}")
    return np.asarray(np.eye(values.size)[place.ravel()])
