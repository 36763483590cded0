"""Sharing out the networks of a cohort among threads, for compiled work that releases the GIL.

Networks are independent, so the number of threads changes no result.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")


def usable_cores() -> int:
    """Cores that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this platform
        return os.cpu_count() or 1


class Threads:
    """A pool that calls `work(first, last)` for ranges of networks until all have been worked on."""

    def __init__(self, count: int) -> None:
        self.count = count
        # a pool of one, too: a signal reaches the main thread while it waits, not while it computes
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="networks")
        self._kept = threading.local()

    def share_out(self, networks: int, work: Callable[[int, int], None], *, each: int = 8) -> None:
        """Run `work` over 0..networks-1, in `each` ranges a thread, so that the threads end together.

        More ranges even out what other processes take, fewer are for work whose beginning costs as much as a network.
        Sizes differ by one at most, the larger ones first.
        """
        ranges = min(each * self.count, networks)
        size, larger = divmod(networks, max(ranges, 1))
        bounds = [k * size + min(k, larger) for k in range(ranges + 1)]
        list(self._pool.map(work, bounds, bounds[1:]))

    def kept(self, make: Callable[..., R], *how: Hashable) -> R:
        """`make(*how)`, which the calling thread makes once and keeps until it asks for another."""
        if getattr(self._kept, "how", None) != (make, how):
            self._kept.thing = self._kept.how = None  # what was kept goes first: both may not fit the memory
            self._kept.thing = make(*how)
            self._kept.how = (make, how)
        thing: R = self._kept.thing
        return thing

    def close(self) -> None:
        """End the threads, once each is done with the range that it is at; does not wait for that."""
        self._pool.shutdown(wait=False, cancel_futures=True)
