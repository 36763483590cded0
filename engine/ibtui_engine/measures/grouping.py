"""Which patterns share their t, for the estimators that tell outputs apart by bins or exactly, at any width.

A block of units partitions the patterns by the kernels of `partition`, `quantile` and `exact`; the next block refines
that. No two different tuples are ever taken for one.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int32

from ibtui_engine.measures.exact import exact_partition
from ibtui_engine.measures.outputs_by_block import LayerOutputs
from ibtui_engine.measures.partition import fill_edges, hash_arrays, number_groups, partition
from ibtui_engine.measures.quantile import quantile_partition, weighed_quantile_partition


def group_patterns(
    layer: LayerOutputs,
    estimator: str,
    bins: int,
    low: float,
    high: float,
    p_x: Float64[np.ndarray, " patterns"] | None = None,
) -> tuple[Int32[np.ndarray, " patterns"], int]:
    """The number of each pattern's t, in the order in which they first occur, and how many there are.

    Args:
        layer: the outputs.
        estimator: `binning` or `adaptive` (bins of equal width from `low` to `high`), `quantile` (of equal mass), or
            any other: the outputs themselves.
        bins: how many; not used without bins.
        low: the end of the first bin of equal width.
        high: the end of the last.
        p_x: what the mass of bins of equal mass is; None where patterns are equally likely.
    """
    hashing = hash_arrays(layer.patterns)
    edges = np.empty(bins + 1)
    fill_edges(edges, low, high)

    def numbered(values: Float64[np.ndarray, "units patterns"], into: Int32[np.ndarray, " patterns"]) -> int:
        if estimator in ("binning", "adaptive"):
            return partition(values, len(values), edges, into, *hashing)
        if estimator == "quantile" and p_x is not None:
            return weighed_quantile_partition(values, bins, p_x, into)
        if estimator == "quantile":
            return quantile_partition(values, len(values), bins, into, *hashing)
        return exact_partition(values, len(values), into, *hashing)

    groups = np.zeros(layer.patterns, np.int32)
    own = np.empty(layer.patterns, np.int32)
    keys, slot_keys, slot_groups = hashing
    count = 1
    for values in layer.blocks():
        found = numbered(values, own)
        if count == 1:
            groups, own, count = own, groups, found
        elif found > 1:
            keys[:] = groups.astype(np.uint64) * np.uint64(layer.patterns) + own.astype(np.uint64)
            count = number_groups(keys, groups, slot_keys, slot_groups)
        if count == layer.patterns:  # nothing is left to be told apart
            break
    return groups, count
