"""How a layer's binned outputs partition the patterns, counted exactly.

A layer's value t is the tuple of its neurons' bins (section 3.2). As many bins as fit are written into one whole number
below 2^52, which a double holds exactly, so that vectors can make it; patterns with equal numbers are one group; then
the next neurons refine the partition. No two different tuples are ever taken for one, at any width.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt64

from ibtui_engine.compiled import compiled

NEAR_EDGE = 1e-7
"""In units of a bin: far more than rounding can move a value, far less than values come to an edge by chance."""
IN_CACHE = 2**15
"""Slots of a hash table that fit the second cache of a processor."""
CODE_BITS = 51.0
"""Bits of a whole number made of bins: one fewer than a double holds exactly."""
GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: keys are multiplied by it to be hashed (Knuth, section 6.4)."""
FEW = 100
"""Members of a group up to which the logarithm of their number is looked up."""
WHOLE = 2.0**52
"""A double of at least this size has no fraction: added to a smaller whole number, that lies in its lowest bits."""


@compiled
def fill_edges(edges: Float64[np.ndarray, " bins_and_one"], low: float, high: float) -> None:
    """The edges of equal intervals of [low, high]; symmetric ones where low = −high, with 0 exactly 0."""
    bins = edges.shape[0] - 1
    for k in range(bins + 1):
        edges[k] = ((bins - k) * low + k * high) / bins


@compiled
def add_bins(
    values: Float64[np.ndarray, " patterns_and_padding"],
    edges: Float64[np.ndarray, " bins_and_one"],
    codes: Float64[np.ndarray, " patterns"],
) -> None:
    """codes = codes · bins + bin of the value. An edge belongs to the bin above it, the last edge to the last bin.

    The bin is found by a multiplication, in vectors. Only where one of the values comes so close to an edge that
    rounding might have carried it across are the edges themselves consulted.
    """
    bins = edges.shape[0] - 1
    low = edges[0]
    width = edges[bins] - low
    scale = bins / width if width > 0.0 else 0.0
    inside = 2.0 * NEAR_EDGE  # from the first edge and from the last, which nothing can be carried across
    close = 0
    for s in range(codes.shape[0]):
        # `inside` first: of a value that is not a number, max then makes that, and never a bin that there is not
        place = min(max(inside, (values[s] - low) * scale), bins - inside)
        whole = np.floor(place)
        close |= abs(place - whole - 0.5) > 0.5 - NEAR_EDGE
        codes[s] = codes[s] * bins + whole
    if close:
        for s in range(codes.shape[0]):
            place = int(min(max(inside, (values[s] - low) * scale), bins - inside))
            if values[s] < edges[place] and place > 0:
                codes[s] -= 1.0
            elif place < bins - 1 and values[s] >= edges[place + 1]:
                codes[s] += 1.0


def hash_arrays(
    patterns: int,
) -> tuple[UInt64[np.ndarray, " patterns"], UInt64[np.ndarray, " slots"], Int32[np.ndarray, " slots"]]:
    """Room for a key of each pattern, and for the keys and groups of a hash table: a power of two of slots, at least
    twice the patterns. Where they stay in the cache, eight times: then few keys find their slot taken.
    """
    slots = 2
    while slots < 2 * patterns or slots < min(8 * patterns, IN_CACHE):
        slots *= 2
    return np.empty(patterns, np.uint64), np.empty(slots, np.uint64), np.empty(slots, np.int32)


@compiled
def number_groups(
    keys: UInt64[np.ndarray, " patterns"],
    groups: Int32[np.ndarray, " patterns"],
    slot_keys: UInt64[np.ndarray, " slots"],
    slot_groups: Int32[np.ndarray, " slots"],
) -> int:
    """Give equal keys one number, in the order in which they first occur; return how many there are.

    A hash table with open addressing that compares whole keys (`hash_arrays`).
    """
    slots = slot_keys.shape[0]
    shift = np.uint64(64 - round(math.log2(slots)))
    slot_groups[:] = -1
    count = 0
    for s in range(keys.shape[0]):
        key = keys[s]
        slot = np.int64((key * np.uint64(GOLDEN)) >> shift)
        while slot_groups[slot] >= 0 and slot_keys[slot] != key:
            slot = (slot + 1) & (slots - 1)
        if slot_groups[slot] < 0:
            slot_groups[slot] = count
            slot_keys[slot] = key
            count += 1
        groups[s] = slot_groups[slot]
    return count


@compiled
def number_few(
    keys: UInt64[np.ndarray, " patterns"],
    groups: Int32[np.ndarray, " patterns"],
    slot_groups: Int32[np.ndarray, " slots"],
) -> int:
    """`number_groups` of keys that are each below the number of slots: a key is the place of its slot."""
    slot_groups[:] = -1
    count = 0
    for s in range(keys.shape[0]):
        slot = np.int64(keys[s])
        if slot_groups[slot] < 0:
            slot_groups[slot] = count
            count += 1
        groups[s] = slot_groups[slot]
    return count


@compiled
def partition(
    values: Float64[np.ndarray, "rows patterns_and_padding"],
    units: int,
    edges: Float64[np.ndarray, " bins_and_one"],
    groups: Int32[np.ndarray, " patterns"],
    keys: UInt64[np.ndarray, " patterns"],
    slot_keys: UInt64[np.ndarray, " slots"],
    slot_groups: Int32[np.ndarray, " slots"],
) -> int:
    """The number of each pattern's t, the bins of the first `units` rows, in `groups`; return how many t there are."""
    bits = math.log2(edges.shape[0] - 1)
    codes = keys.view(np.float64)
    groups[:] = 0
    count = 1
    unit = 0
    while unit < units:
        fitting = max(int((CODE_BITS - math.log2(count)) / bits), 1)
        for s in range(keys.shape[0]):
            codes[s] = np.float64(groups[s])
        for j in range(unit, min(unit + fitting, units)):
            add_bins(values[j], edges, codes)
        for s in range(keys.shape[0]):
            keys[s] = np.float64(codes[s] + WHOLE).view(np.uint64) - np.float64(WHOLE).view(np.uint64)
        possible = count * (edges.shape[0] - 1.0) ** min(fitting, units - unit)
        if possible <= slot_groups.shape[0]:
            count = number_few(keys, groups, slot_groups[: np.int64(possible)])
        else:
            count = number_groups(keys, groups, slot_keys, slot_groups)
        unit += fitting
    return count


def counting_arrays(
    patterns: int,
) -> tuple[
    Int32[np.ndarray, " patterns"],
    Int32[np.ndarray, " patterns"],
    Float64[np.ndarray, " patterns"],
    Float64[np.ndarray, " few_and_one"],
]:
    """Room for how many members each group has, for the last of them, for the sum of their p(y=1|x); and log2 of the
    first whole numbers.
    """
    logs = np.zeros(min(patterns, FEW) + 1, np.float64)
    for size in range(1, logs.shape[0]):
        logs[size] = math.log2(size)
    return np.empty(patterns, np.int32), np.empty(patterns, np.int32), np.empty(patterns, np.float64), logs


@compiled
def information(
    groups: Int32[np.ndarray, " patterns"],
    count: int,
    p_y: Float64[np.ndarray, " patterns"],
    h_pattern: Float64[np.ndarray, " patterns"],
    h_y: float,
    members: Int32[np.ndarray, " patterns"],
    last: Int32[np.ndarray, " patterns"],
    ones: Float64[np.ndarray, " patterns"],
    logs: Float64[np.ndarray, " few_and_one"],
) -> tuple[float, float]:
    """(I(X;T), I(T;Y)) in bits of a partition of equally likely patterns. `h_pattern`: entropy of each p(y|x);
    the last four: `counting_arrays`.

    T is a function of X, so I(X;T) = H(T); p(y|t) is the mean of p(y|x) over the patterns with that t.
    """
    patterns = groups.shape[0]
    unsure = 0.0
    if count == patterns:
        for s in range(patterns):
            unsure += h_pattern[s]
        return math.log2(patterns), max(h_y - unsure / patterns, 0.0)
    for t in range(count):
        members[t] = 0
        ones[t] = 0.0
    for s in range(patterns):
        t = groups[s]
        members[t] += 1
        ones[t] += p_y[s]
        last[t] = s
    shared = 0
    for t in range(count):  # which are patterns that are alone with their t? At random, so it is no branch
        alone = members[t] == 1
        unsure += h_pattern[last[t]] if alone else 0.0
        last[shared] = t
        shared += not alone
    weighed = 0.0
    for t in last[:shared]:
        size = members[t]
        weighed += size * (logs[size] if size < logs.shape[0] else math.log2(size))
        p = ones[t] / size
        if 0.0 < p < 1.0:
            unsure -= size * (p * math.log2(p) + (1.0 - p) * math.log2(1.0 - p))
    i_x = math.log2(patterns) - weighed / patterns
    return max(i_x, 0.0), max(h_y - unsure / patterns, 0.0)


class Orbits(NamedTuple):
    """Classes of equally likely patterns, as `orbit_information` goes through them."""

    order: Int32[np.ndarray, " patterns"]
    """The patterns, class by class."""
    base: Int64[np.ndarray, " patterns"]
    """The number of the class of each of those, times the number of patterns."""
    steps: Float64[np.ndarray, " patterns"]
    """(k + 1) log2 (k + 1) − k log2 k for k = 0, 1, ..."""
    entropy: float
    """Of the class, bits."""
    seen: Int64[np.ndarray, " patterns"]
    """Room to count in."""

    @classmethod
    def of(cls, orbits: Int64[np.ndarray, " patterns"]) -> Orbits:
        """From the class of each pattern, numbered from 0."""
        patterns = len(orbits)
        order = np.argsort(orbits, kind="stable")
        sizes = np.arange(patterns + 1, dtype=np.float64)
        powers = sizes * np.log2(np.maximum(sizes, 1.0))
        entropy = math.log2(patterns) - float(powers[np.bincount(orbits)].sum()) / patterns
        return cls(
            order.astype(np.int32),
            orbits[order] * patterns,
            np.diff(powers),
            max(entropy, 0.0),
            np.empty(patterns, np.int64),
        )


@compiled
def orbit_information(groups: Int32[np.ndarray, " patterns"], count: int, h_t: float, orbits: Orbits) -> float:
    """I(T;orbit) in bits of a partition of equally likely patterns into `count` groups with the entropy `h_t`.

    H(T) + H(orbit) − H(T,orbit). What t and orbit share is counted orbit by orbit: a counter below the orbit's base is
    of an earlier one, and so is none.
    """
    patterns = groups.shape[0]
    if count == patterns:
        return float(orbits.entropy)
    orbits.seen[:count] = 0
    shared = 0.0
    for s in range(patterns):
        t = groups[orbits.order[s]]
        base = orbits.base[s]
        size = max(orbits.seen[t] - base, 0)
        orbits.seen[t] = base + size + 1
        shared += orbits.steps[size]
    found = h_t + orbits.entropy - math.log2(patterns) + shared / patterns
    return float(min(max(found, 0.0), h_t, orbits.entropy))
