"""Sets of input patterns: all binary ones of a length, and which rows of a table are the same pattern.

The numbering of the binary patterns is that of Shwartz-Ziv and Tishby's published data (arXiv:1703.00810).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    from jaxtyping import Bool, Int64, Real, UInt8

MAX_BINARY_INPUTS = 20


def binary_patterns(inputs: int) -> UInt8[np.ndarray, "patterns {inputs}"]:
    """All 2**inputs binary patterns; bit i of pattern k is (k >> (inputs-1-i)) & 1: column 0 counts most.

    Raises InvalidValue for fewer than 1 or more than 20 inputs.
    """
    if not 1 <= inputs <= MAX_BINARY_INPUTS:
        raise InvalidValue(f"binary inputs must be 1 to {MAX_BINARY_INPUTS}, got {inputs}")
    number = np.arange(2**inputs)[:, None]
    return ((number >> np.arange(inputs)[::-1]) & 1).astype(np.uint8)


class DistinctRows(NamedTuple):
    """Which rows of a table are equal."""

    group: Int64[np.ndarray, " patterns"]
    """For each row, the number of its distinct pattern, from 0; equal rows have equal numbers."""
    counts: Int64[np.ndarray, " distinct"]
    """For each distinct pattern, in how many rows it stands."""


def distinct_rows(
    patterns: Real[np.ndarray, "patterns inputs"],
) -> DistinctRows:
    """Group equal rows. Rows hold finite numbers; 0.0 and -0.0 are equal."""
    _, group, counts = np.unique(_keys(patterns), return_inverse=True, return_counts=True)
    return DistinctRows(group.ravel(), counts)


def rows_among(
    patterns: Real[np.ndarray, "patterns inputs"], others: Real[np.ndarray, "others inputs"]
) -> Bool[np.ndarray, " patterns"]:
    """Which rows are among others of as many inputs."""
    kind = np.promote_types(patterns.dtype, others.dtype)
    return np.isin(_keys(patterns.astype(kind)), _keys(others.astype(kind)))


def _keys(patterns: Real[np.ndarray, "patterns inputs"]) -> np.ndarray:
    """Each row as one value, equal where rows are."""
    rows = np.ascontiguousarray(patterns + patterns.dtype.type(0))  # turns -0.0 into 0.0
    return rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
