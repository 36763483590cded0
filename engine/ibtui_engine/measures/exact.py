"""No bins: t is the tuple of a layer's outputs themselves, as double-precision numbers.

Two patterns share their t only where every output is the same number, to the last bit (0 and −0 are one number). What
is left of I(X;T) below H(X) is what the layer has really merged: relu's zeros, outputs that round to ±1, and patterns
that the weights cannot tell apart (Goldfeld et al. 2019, section 2: without noise or bins, nothing else compresses).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int32, UInt64

from ibtui_engine.compiled import compiled
from ibtui_engine.measures.partition import number_groups


@compiled
def exact_partition(
    values: Float64[np.ndarray, "rows patterns_and_padding"],
    units: int,
    groups: Int32[np.ndarray, " patterns"],
    keys: UInt64[np.ndarray, " patterns"],
    slot_keys: UInt64[np.ndarray, " slots"],
    slot_groups: Int32[np.ndarray, " slots"],
) -> int:
    """Number each pattern's outputs of the first `units` rows in `groups`; return how many different ones there are."""
    patterns = keys.shape[0]
    own = np.empty(patterns, np.int32)
    groups[:] = 0
    count = 1
    for j in range(units):
        if count == patterns:  # nothing is left to be told apart
            break
        for s in range(patterns):
            keys[s] = np.float64(values[j, s] + 0.0).view(np.uint64)
        number_groups(keys, own, slot_keys, slot_groups)
        for s in range(patterns):
            keys[s] = np.uint64(groups[s]) * np.uint64(patterns) + np.uint64(own[s])
        count = number_groups(keys, groups, slot_keys, slot_groups)
    return count
