"""The time of day, on any machine."""

from __future__ import annotations

import time


def now() -> float:
    """Seconds since 1970; also where the clock is beyond 2262, where Python's own call fails."""
    try:
        return time.time()
    except OverflowError:
        return time.clock_gettime(time.CLOCK_REALTIME)
