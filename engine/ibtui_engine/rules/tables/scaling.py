"""From the inputs of a file to patterns: scaled for training, and as different from each other as in the file.

Networks compute in single precision and start with weights for inputs of about 1. Inputs far from 0 saturate their
first layer, and numbers such as 16777216 and 16777217 are the same in single precision: such inputs are standardised.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from ibtui_engine.rules.patterns import distinct_rows
from ibtui_engine.rules.tables.columns import Array
from ibtui_engine.rules.tables.report import MOST_LISTED, Scaling

FAR = 3.0
"""Inputs whose root mean square is above this are standardised: their first layer would begin saturated."""
LEAST_PIXELS = 64
"""Inputs from which on whole numbers of one range are taken for pixels."""
BRIGHTEST = 255
HUGE = 2.0**-900
"""What inputs above its reciprocal are multiplied by, so that differences of them do not overflow."""

Patterns = UInt8[np.ndarray, "patterns inputs"] | Float32[np.ndarray, "patterns inputs"]


def as_matrix(columns: Sequence[Array]) -> tuple[Array, Array]:
    """Columns side by side, and what was taken from each: whole numbers beyond 2^53, which double precision would
    merge, are counted from the least of their column.
    """
    offsets = np.zeros(len(columns))
    if all(column.dtype.kind in "bu" and column.dtype.itemsize == 1 for column in columns):
        return np.stack(columns, axis=1).astype(np.uint8, copy=False), offsets
    if all(column.dtype.kind in "bui" and column.dtype.itemsize <= 2 for column in columns):
        return np.stack(columns, axis=1), offsets
    matrix = np.empty((len(columns[0]), len(columns)))
    for place, column in enumerate(columns):
        if column.dtype.kind in "iu" and column.dtype.itemsize == 8 and _beyond(column):
            least = column.min()
            offsets[place] = float(least)
            column = _apart(column.astype(np.uint64) - np.array(least).astype(np.uint64))
        matrix[:, place] = column
    return matrix, offsets


def _apart(column: Array) -> Array:
    """Whole numbers in double precision, those that it would merge as its neighbours, in their order."""
    values, which = np.unique(column, return_inverse=True)
    steps, place = values.astype(np.float64).view(np.int64), np.arange(len(values))
    risen: Array = np.maximum.accumulate(steps - place) + place
    return np.asarray(risen.view(np.float64)[which])


def _beyond(column: Array) -> bool:
    return bool(column.max() > 2**53 or column.min() < -(2**53))


def are_pixels(matrix: Array) -> bool:
    """Whether inputs are the pixels of images: many, whole numbers from 0 to at most 255 with one common range."""
    if matrix.shape[1] < LEAST_PIXELS or matrix.dtype.kind not in "uif":
        return False
    most = matrix.max()
    if not 1 < most <= BRIGHTEST or matrix.min() != 0:
        return False
    if matrix.dtype.kind == "f" and not (matrix == np.rint(matrix)).all():
        return False
    return bool((matrix.max(axis=0) >= 0.9 * most).mean() >= 0.5)


@dataclass(frozen=True, eq=False)
class Scaler:
    """What inputs become: (x − shift) / divisor, with what has been found from the rows that train."""

    offsets: Array
    """What was taken from each input of the rows that train (`as_matrix`)."""
    shift: Array | None = None
    """None: inputs are left as they are."""
    divisor: Array | None = None
    brightest: float = 0.0
    """What pixels are divided by, in single precision; 0 where there are none."""
    shrunk: float = 1.0
    """What all is multiplied by on the way."""

    def patterns(self, matrix: Array, offsets: Array) -> Patterns:
        """The inputs of any rows, scaled; not finite where that is beyond single precision."""
        if self.brightest:
            return np.asarray(matrix.astype(np.float32) / np.float32(self.brightest))
        if self.shift is None or self.divisor is None:
            raw = matrix + offsets if offsets.any() else matrix
            return np.asarray(raw.astype(np.float32, order="C") + np.float32(0))
        if (apart := offsets - self.offsets).any():
            matrix = matrix + apart
        numbers = (matrix * self.shrunk - self.shift * self.shrunk) / (self.divisor * self.shrunk)
        return np.asarray(numbers.astype(np.float32, order="C") + np.float32(0))


def scaled(matrix: Array, offsets: Array, how: str, names: Callable[[int], str]) -> tuple[Patterns, Scaling, Scaler]:
    """The patterns of a rule, what was done to the inputs, and what does the same to others.

    Args:
        matrix: finite inputs, patterns x inputs.
        offsets: what was taken from each input (`as_matrix`).
        how: one of `ibtui_engine.rules.tables.options.SCALES`.
        names: of an input, by its place.
    """
    as_they_are = Scaler(offsets)
    if how in ("auto", "none") and ((matrix == 0) | (matrix == 1)).all() and not offsets.any():
        return matrix.astype(np.uint8, order="C"), Scaling("none", "inputs are 0 and 1"), as_they_are
    kind, why = how, "as asked for"
    if how == "auto":
        kind, why = _chosen(matrix, offsets)
    if kind == "unit" and are_pixels(matrix):
        most = float(matrix.max())
        scaler = Scaler(offsets, brightest=most)
        width = min(matrix.shape[1], MOST_LISTED)
        told = Scaling("unit", f"pixels from 0 to {most:g}", width * (0.0,), width * (most,))
        return scaler.patterns(matrix, offsets), told, scaler
    shrunk = HUGE if np.abs(matrix).max() > 1 / HUGE else 1.0
    shift, divisor = (part / shrunk for part in _affine(matrix * shrunk if shrunk < 1 else matrix, kind, how))
    scaler = as_they_are if kind == "none" else Scaler(offsets, shift, divisor, shrunk=shrunk)
    with np.errstate(over="ignore"):
        patterns = scaler.patterns(matrix, offsets)
    if not np.isfinite(patterns).all():
        return patterns, Scaling(kind, why), scaler
    patterns, apart = kept_apart(matrix, patterns)
    shown = min(matrix.shape[1], MOST_LISTED)
    names_apart = tuple(names(int(place)) for place in np.flatnonzero(apart)[:MOST_LISTED])
    if kind == "none":
        return patterns, Scaling(kind, why, kept_apart=names_apart), scaler
    start = tuple((shift + offsets)[:shown].tolist())
    return patterns, Scaling(kind, why, start, tuple(divisor[:shown].tolist()), names_apart), scaler


def _chosen(matrix: Array, offsets: Array) -> tuple[str, str]:
    """What is done to inputs by default, and why."""
    if are_pixels(matrix):
        return "unit", ""
    with np.errstate(over="ignore"):
        square = np.sqrt(np.mean((np.asarray(matrix, np.float64) + offsets) ** 2, axis=0))
        far = int((square > FAR).sum())
        if far:
            return "standard", f"{far} of {len(square)} inputs lie far outside [−3, 3]"
        if _merged(matrix, matrix.astype(np.float32)):
            return "standard", "single precision would merge different patterns"
    return "none", "inputs lie about [−3, 3]"


def _affine(matrix: Array, kind: str, how: str) -> tuple[Array, Array]:
    """Offset and divisor of each input. By default inputs of 0 and 1 are left as they are, so that rare ones do not
    become large.
    """
    width = matrix.shape[1]
    if kind == "none":
        return np.zeros(width), np.ones(width)
    least = matrix.min(axis=0).astype(np.float64)
    if kind == "unit":
        spread = matrix.max(axis=0) - least
        return least, np.where(spread > 0, spread, 1.0)
    from_least = np.asarray(matrix - least, np.float64)
    unit = from_least.max(axis=0)
    unit = np.where(unit > 0, unit, 1.0)
    from_least /= unit  # squares of large numbers overflow, those of small ones vanish
    deviation = from_least.std(axis=0)
    shift, divisor = least + from_least.mean(axis=0) * unit, np.where(deviation > 0, deviation * unit, 1.0)
    if how == "auto":
        binary = ((matrix == 0) | (matrix == 1)).all(axis=0)
        shift, divisor = np.where(binary, 0.0, shift), np.where(binary, 1.0, divisor)
    return shift, divisor


def _merged(matrix: Array, patterns: Array) -> bool:
    """Whether rows that differ in a file are the same as patterns."""
    if matrix.dtype.kind in "bui" and matrix.dtype.itemsize <= 2:
        return False
    if (patterns == matrix).all():
        return False
    return len(distinct_rows(patterns).counts) < len(distinct_rows(matrix).counts)


def kept_apart(matrix: Array, patterns: Array) -> tuple[Array, Array]:
    """Patterns of which as many are different as rows of the file, and which inputs were changed for that.

    Where patterns have merged, the different values of each input that did become neighbours in single precision, in
    their order.
    """
    changed = np.zeros(matrix.shape[1], bool)
    if not _merged(matrix, patterns):
        return patterns, changed
    patterns = patterns.copy()
    for place in range(matrix.shape[1]):
        values, which = np.unique(matrix[:, place], return_inverse=True)
        first = np.empty(len(values), np.float32)
        first[which] = patterns[:, place]
        rising = _rising(first)
        changed[place] = bool((rising != first).any())
        patterns[:, place] = rising[which]
    return patterns, changed


def _rising(values: Array) -> Array:
    """Numbers in ascending order, each at least one step of single precision above the one before."""
    steps = np.where(values == 0, 0.0, values).astype(np.float32).view(np.int32).astype(np.int64)
    order = np.where(steps < 0, -(steps & 0x7FFFFFFF), steps)  # the numbers of float32 in their order
    place = np.arange(len(order))
    risen = np.maximum.accumulate(order - place) + place
    back = np.where(risen < 0, (-risen) | 0x80000000, risen)
    return np.asarray(back.astype(np.uint32).view(np.float32))
