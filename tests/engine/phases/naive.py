"""What the phases are, written again for one curve at a time: their specification, with every threshold as a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

NONE = math.nan


def smoothed(axis: Sequence[float], values: Sequence[float]) -> list[float]:
    """The value at each point of the line through its neighbours nearer than 0.3, weighed by how near they are."""
    found = []
    for here, own in zip(axis, values, strict=True):
        near = [
            (1 - abs(there - here) / 0.3, there - here, value)
            for there, value in zip(axis, values, strict=True)
            if abs(there - here) < 0.3 and math.isfinite(value)
        ]
        if not math.isfinite(own) or len(near) < 2:
            found.append(own)
            continue
        weight, distance, value = (np.array(part) for part in zip(*near, strict=True))
        line = np.polyfit(distance, value, 1, w=np.sqrt(weight))
        found.append(float(line[1]))
    return found


def passage(axis: Sequence[float], values: Sequence[float], level: float, begin: int) -> float:
    """Where a falling curve is at a level or below first, from `begin` on, between points by a straight line."""
    for row in range(begin, len(axis)):
        if values[row] <= level:
            before = max(row - 1, begin)
            high, low = values[before], values[row]
            share = (high - level) / (high - low) if high > low else 1.0
            return axis[before] + share * (axis[row] - axis[before])
    return NONE


def turned(epochs: Sequence[float], i_x: Sequence[float], i_y: Sequence[float]) -> dict[str, float]:
    """Where a curve of I(X;T) turns, by the names of `Turning`."""
    axis = [math.log(max(epoch, 0.5)) for epoch in epochs]
    course, label = smoothed(axis, i_x), smoothed(axis, i_y)
    there = [k for k in range(len(axis)) if math.isfinite(course[k])]
    falls = {k: max(course[j] for j in there if j <= k) - course[k] for k in there}
    below = max(there, key=lambda k: (falls[k], -k))
    peak = max(course[j] for j in there if j <= below)
    top = max(j for j in there if j <= below and course[j] == peak)
    steps = [i_x[k] - i_x[k - 1] for k in there if k - 1 in there]
    scatter = math.sqrt(sum(step**2 for step in steps) / max(2 * len(steps), 1))
    falling = falls[below] >= 0.1 and falls[below] > 6 * scatter
    turns = falling and top > there[0]
    gap = (axis[min(top + 1, len(axis) - 1)] - axis[max(top - 1, 0)]) / 2
    known = [k for k in range(len(axis)) if math.isfinite(label[k])]
    start, highest = label[known[0]], max(label[k] for k in known)
    half = passage(axis, [-value for value in label], -(start + highest) / 2, known[0])
    return {
        "epochs": math.exp(axis[top]) if turns else NONE,
        "resolution": gap / math.sqrt(12) if turns else NONE,
        "from_start": float(falling and top == there[0]),
        "compression": max(course[k] for k in there) - course[there[-1]],
        "half_compressed": math.exp(passage(axis, course, peak - falls[below] / 2, top)) if falling else NONE,
        "half_fitted": math.exp(half) if highest - start >= 0.1 else NONE,
    }


def leveled(epochs: Sequence[float], snr: Sequence[float], transition: float) -> tuple[float, float]:
    """Where a curve of SNR levels off, and how high."""
    points = [
        (math.log(epoch), math.log(value))
        for epoch, value in zip(epochs, snr, strict=True)
        if epoch >= 1 and epoch >= transition and value > 0 and math.isfinite(value)
    ]
    if len(points) < 5:
        return NONE, NONE
    u, y = (np.array(part) for part in zip(*points, strict=True))
    rest = float(np.square(y - y.mean()).sum())
    best, place, slope = 0.0, -1, 0.0
    for at in range(1, len(u) - 4):
        ramp = np.maximum(u[at] - u, 0)
        ramp = ramp - ramp.mean()
        steep = float(ramp @ y / (ramp @ ramp))
        gain = steep * float(ramp @ y)
        if steep > 0 and gain > best:
            best, place, slope = gain, at, steep
    if place < 0:
        return NONE, NONE
    flat, level = u[place:] - u[place:].mean(), y[place:]
    trend = float(flat @ level / (flat @ flat))
    noise = float(np.square(level - level.mean() - trend * flat).sum()) / max(len(flat) - 2, 1)
    error = math.sqrt(noise / float(flat @ flat))
    even = abs(trend) <= 3 * error or abs(trend) <= slope / 10
    lasting = math.log(epochs[-1]) - u[place] >= 0.7
    broken = best > 9 * max(rest - best, 0.0) / max(len(u) - 2, 1)
    if not (even and lasting and broken):
        return NONE, NONE
    return math.exp(u[place]), math.exp(level.mean())


def crossed(epochs: Sequence[float], snr: Sequence[float]) -> tuple[float, float, bool]:
    """Where a curve of SNR falls below one, the standard error of that from the snapshots, and whether it returns."""
    late = [k for k, epoch in enumerate(epochs) if epoch >= 1]
    axis = [math.log(epochs[k]) for k in late]
    value = [math.log(snr[k]) if snr[k] > 0 else NONE for k in late]
    if len(axis) < 6:
        return NONE, NONE, False
    edges = [axis[0], *((a + b) / 2 for a, b in pairwise(axis)), axis[-1]]
    cell = [b - a for a, b in pairwise(edges)]
    there = [math.isfinite(v) for v in value]
    integral = [0.0]
    for k, v in enumerate(value):
        integral.append(integral[-1] + (cell[k] * v if there[k] else 0.0))
    pairs = {k: (value[k] - value[k - 1]) ** 2 / 2 for k in range(1, len(value)) if there[k] and there[k - 1]}
    usual = sum(pairs.values()) / max(len(pairs), 1)
    places = range(len(integral))
    below = max(places, key=lambda i: (max(integral[: i + 1]) - integral[i], -i))
    top = max(i for i in places if i <= below and integral[i] == max(integral[: below + 1]))
    start = min((i for i in places if i <= top), key=lambda i: (integral[i], i))

    def certain(begin: int, end: int, sign: int) -> bool:
        own = [pairs[k] for k in range(begin + 1, end) if k in pairs]
        within = (sum(own) + 4 * usual) / (len(own) + 4)
        noise = math.sqrt(within * sum(cell[k] ** 2 for k in range(begin, end) if there[k]))
        change = sign * (integral[end] - integral[begin])
        return sum(there[begin:end]) >= 3 and change > 3 * noise and change > 0

    if not (certain(start, top, 1) and certain(top, below, -1)):
        return NONE, NONE, False
    before = max(k for k in range(top) if there[k])
    after = min(k for k in range(top, len(value)) if there[k])
    high, low, gap = value[before], value[after], axis[after] - axis[before]
    share = min(max(high / (high - low), 0.0), 1.0) if high > low else 0.5
    return math.exp(axis[before] + share * gap), gap / math.sqrt(12), certain(below, len(value), 1)
