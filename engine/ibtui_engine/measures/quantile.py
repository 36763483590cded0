"""Bins of equal mass: each neuron's edges are quantiles of its own outputs over all patterns.

With n outputs in ascending order, counted from 0, the edge below bin k of K is the output of rank floor(k n / K); an
output on an edge belongs to the bin above it, as with bins of equal width. Equal outputs are never separated: where
there are many (relu's zeros, saturated neurons) bins are larger than n / K and edges coincide, so that some bins stay
empty. The edges of K bins are among those of 2 K, so halving the number of bins merges bins.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int32, UInt64

from ibtui_engine.compiled import compiled
from ibtui_engine.measures.partition import number_groups

ROUNDING = 1e-12
"""By which sums of p(x) may be off."""
KEY_BITS = 63.0
"""Bits of a key made of bins: one fewer than 64, for rounding."""


@compiled
def quantile_partition(
    values: Float64[np.ndarray, "rows patterns_and_padding"],
    units: int,
    bins: int,
    groups: Int32[np.ndarray, " patterns"],
    keys: UInt64[np.ndarray, " patterns"],
    slot_keys: UInt64[np.ndarray, " slots"],
    slot_groups: Int32[np.ndarray, " slots"],
) -> int:
    """Number each pattern's t, the bins of the first `units` rows, in `groups`; return how many t there are."""
    patterns = keys.shape[0]
    bins = max(min(bins, patterns), 2)  # more bins than outputs separate no more than one bin for each
    edges = np.empty(bins - 1, np.float64)
    bits = math.log2(bins)
    groups[:] = 0
    count = 1
    unit = 0
    while unit < units:
        fitting = max(int((KEY_BITS - math.log2(count)) / bits), 1)
        for s in range(patterns):
            keys[s] = np.uint64(groups[s])
        for j in range(unit, min(unit + fitting, units)):
            ranked = np.sort(values[j, :patterns])
            for k in range(1, bins):
                edges[k - 1] = ranked[k * patterns // bins]
            for s in range(patterns):
                place = np.searchsorted(edges, values[j, s], side="right")
                keys[s] = keys[s] * np.uint64(bins) + np.uint64(place)
        count = number_groups(keys, groups, slot_keys, slot_groups)
        unit += fitting
    return count


def weighed_quantile_partition(
    values: Float64[np.ndarray, "units patterns"],
    bins: int,
    p_x: Float64[np.ndarray, " patterns"],
    groups: Int32[np.ndarray, " patterns"],
) -> int:
    """`quantile_partition` of patterns that are not equally likely: the edge below bin k of K is the first output, in
    ascending order, up to which there is more than k / K of p(x).
    """
    count = 1
    groups[:] = 0
    shares = np.arange(1, max(bins, 2)) / max(bins, 2) + ROUNDING
    for row in values:
        order = np.argsort(row, kind="stable")
        place = np.searchsorted(np.cumsum(p_x[order]), shares, side="right")
        edges = row[order][np.minimum(place, len(row) - 1)]
        own = np.searchsorted(edges, row, side="right")
        _, first, numbers = np.unique(
            groups.astype(np.int64) * (len(edges) + 1) + own, return_index=True, return_inverse=True
        )
        rank = np.empty(len(first), np.int32)
        rank[np.argsort(first)] = np.arange(len(first))
        groups[:], count = rank[numbers.ravel()], len(first)
        if count == len(groups):
            break
    return count
