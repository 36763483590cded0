"""How often charts are drawn again while a run needs the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

SHARE = 0.03
"""How much of this machine's computing drawing may take while a run is at work. Four charts take 0.06 s, so that on two
cores they are drawn about once a second."""
LONGEST_WAIT = 2.0
"""Seconds after which new data are drawn in any case."""


class DrawBudget:
    """Measures what each drawing costs in computing, and says when the next one is affordable."""

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
        self._at: float | None = None
        self._before = 0.0
        self._cost: float | None = None
        """Seconds of computing that the last drawing took; None until somebody asks for the next one."""

    def spend(self) -> None:
        """A drawing begins."""
        self._at, self._before, self._cost = self._clock(), self._computed(), None

    @property
    def affordable(self) -> bool:
        """Whether another drawing leaves the machine to the run. The first one always does."""
        if self._at is None:
            return True
        if self._cost is None:
            self._cost = self._computed() - self._before
        return self._clock() - self._at >= min(self._cost / (SHARE * self._cores), LONGEST_WAIT)
