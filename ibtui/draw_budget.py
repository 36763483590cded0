"""How much drawing a watched run is slowed down by: an account of computing that drawing may take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

SHARE = 0.03
"""How much of this machine's computing drawing may take while a run is at work. Four charts take 0.06 s, so that on two
cores they are drawn about once a second."""
LONGEST_WAIT = 2.0
"""Seconds after which new data are drawn in any case."""
OPENING_CREDIT = 8.0
"""Seconds of computing for the beginning of a run, of which every snapshot is to be seen: about 130 of them."""


class DrawBudget:
    """Grows by `SHARE` of the machine's time, and shrinks by the computing that this process does."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        computed: Callable[[], float] = time.process_time,
        cores: int | None = None,
    ) -> None:
        """`clock`: seconds; `computed`: seconds of computing that this process has done; `cores`: of the machine."""
        self._clock = clock
        self._computed = computed
        self._cores = cores or os.cpu_count() or 1
        self._credit = 0.0
        """Seconds of computing; below zero where more has been done than was to be had."""
        self._at, self._before = clock(), computed()
        self._drawn: dict[str, float] = {}
        """When each thing was last drawn."""

    def open(self, credit: float = 0.0) -> None:
        """Start again, with this many seconds of computing to spend at once."""
        self._credit, self._at, self._before = credit, self._clock(), self._computed()

    @property
    def affordable(self) -> bool:
        """Whether drawing something now leaves its share to the run."""
        now, computed = self._clock(), self._computed()
        earned = (now - self._at) * SHARE * self._cores
        # what is not spent is not kept for long, and what is overdrawn is forgiven after `LONGEST_WAIT`
        most = max(self._credit, LONGEST_WAIT * SHARE * self._cores)
        self._credit = min(self._credit + earned, most) - (computed - self._before)
        self._credit = max(self._credit, -LONGEST_WAIT * SHARE * self._cores)
        self._at, self._before = now, computed
        return self._credit >= 0

    @property
    def ample(self) -> bool:
        """Whether more was given by `open` than is earned in `LONGEST_WAIT`, and is not spent yet."""
        return self._credit > LONGEST_WAIT * SHARE * self._cores

    def due(self, what: str, longest: float | None = None) -> bool:
        """Whether something is to be drawn now: it is affordable, or was not `drawn` for this many seconds
        (`LONGEST_WAIT`).
        """
        longest = LONGEST_WAIT if longest is None else longest
        last = self._drawn.get(what)
        return self.affordable or last is None or self._clock() - last >= longest

    def drawn(self, what: str) -> None:
        """Something is drawn now."""
        self._drawn[what] = self._clock()
