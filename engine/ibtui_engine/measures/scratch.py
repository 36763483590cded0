"""Scratch arrays in which a thread measures one network after another, and the patterns as what the first layer takes.

Fresh memory costs as much as measuring two networks, so a thread keeps its arrays from one snapshot to the next
(`ibtui_engine.threads.Threads.kept`). What one network leaves in it means nothing to the next.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Real, UInt64

from ibtui_engine.measures.partition import counting_arrays, hash_arrays
from ibtui_engine.simd import VECTOR_BYTES

STEP = 2 * VECTOR_BYTES // 8
"""Columns of a pair of vectors."""


class Scratch(NamedTuple):
    """Arrays that the kernels write to."""

    matrix: Float64[np.ndarray, "units inputs"]
    """A layer's weights."""
    z: Float64[np.ndarray, "rows columns"]
    """Its pre-activations."""
    outputs: Float64[np.ndarray, "2 rows columns"]
    """What the last two layers gave, each with a row of ones under it."""
    groups: Int32[np.ndarray, " patterns"]
    """The number of each pattern's t."""
    hashing: tuple[UInt64[np.ndarray, " patterns"], UInt64[np.ndarray, " slots"], Int32[np.ndarray, " slots"]]
    """`ibtui_engine.measures.partition.hash_arrays`."""
    counting: tuple[
        Int32[np.ndarray, " patterns"],
        Int32[np.ndarray, " patterns"],
        Float64[np.ndarray, " patterns"],
        Float64[np.ndarray, " few_and_one"],
    ]
    """`ibtui_engine.measures.partition.counting_arrays`."""


def make_scratch(widths: tuple[int, ...], patterns: int) -> Scratch:
    """For networks of these widths, the inputs first."""
    rows = max(widths[1:]) + 1  # an odd number of neurons is computed as the next even one
    return Scratch(
        np.zeros((rows, max(widths[:-1]) + 1)),
        np.zeros((rows, padded(patterns))),
        np.zeros((2, rows, padded(patterns))),
        np.empty(patterns, np.int32),
        hash_arrays(patterns),
        counting_arrays(patterns),
    )


def as_layer(patterns: Real[np.ndarray, "patterns inputs"]) -> Float64[np.ndarray, "inputs_and_one columns"]:
    """The patterns as the outputs of a layer: one row an input, with a row of ones under them."""
    count, inputs = patterns.shape
    layer = np.zeros((inputs + 1, padded(count)))
    layer[:inputs, :count] = patterns.T
    layer[inputs] = 1.0
    return layer


def padded(patterns: int) -> int:
    """Columns that hold the patterns: an odd number of pairs of vectors, as rows that are a power of two apart would
    fight for the same lines of the cache.
    """
    return STEP * (-(-patterns // STEP) | 1)
