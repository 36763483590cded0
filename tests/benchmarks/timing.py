"""Timing pieces of work side by side: in turns, so that a machine whose speed drifts is fair to all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

R = TypeVar("R")

ROUNDS = 7
SPAN = 0.25
"""Seconds that a turn lasts at least: work of milliseconds is called again and again, as one call may meet an interrupt
that a longer one would not notice.
"""


@dataclass(frozen=True)
class Row:
    """One line of the results."""

    what: str
    how: str
    median: float
    unit: str
    ratio: float
    """The median over rounds of this time over the first way's time in the same round."""


def compare(
    what: str,
    unit: str,
    work: Mapping[str, tuple[Callable[[], object], float]],
    *,
    scale: float = 1.0,
    rounds: int = ROUNDS,
) -> list[Row]:
    """Time each way of doing `what`: name -> (call, repetitions in it). The first is what the others are held to."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for name in work:
        work[name][0]()  # compiled, allocated, in cache
    for _ in range(rounds):
        for name, (call, repetitions) in work.items():
            calls = 0
            took = 0.0
            began = time.perf_counter()
            while took < SPAN:
                call()
                calls += 1
                took = time.perf_counter() - began
            times[name].append(took / (calls * repetitions))
    first = next(iter(work))
    return [
        Row(
            what,
            name,
            statistics.median(took) * scale,
            unit,
            statistics.median(t / base for t, base in zip(took, times[first], strict=True)),
        )
        for name, took in times.items()
    ]


def timed(work: Callable[..., R], seconds: list[float]) -> Callable[..., R]:
    """The same, which notes how long each call took."""

    def call(*arguments: object, **named: object) -> R:
        began = time.perf_counter()
        result = work(*arguments, **named)
        seconds.append(time.perf_counter() - began)
        return result

    return call
