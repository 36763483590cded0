"""Refining a map: run it, and add networks where a claim is undecided or its verdict changes, until that is settled.

The rule and when it ends are in `ibtui_engine.maps.refining`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ibtui_engine.errors import InvalidValue
from ibtui_engine.maps.axes import is_map
from ibtui_engine.maps.reading import complete, read_map
from ibtui_engine.maps.refining import next_round, require_claim
from ibtui_engine.progress import Interrupt, Watcher
from ibtui_engine.runner import Run, reopen
from ibtui_engine.session.history import SessionReader

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Budget:
    """How much a refinement may use up."""

    networks: int
    """To be added in all."""
    seconds: float | None = None
    """After which no further round begins; None: any time."""


def refine(
    path: Path | str,
    claim: str,
    budget: Budget,
    *,
    threads: int | None = None,
    watch: Watcher = lambda progress: None,
    interrupt: Interrupt | None = None,
    tell: Tell = lambda line: None,
) -> str:
    """Add networks to the cells of a finished map until a claim is settled or the budget used up; `finished`, or
    `stopped` where somebody asked for that.

    Raises:
        InvalidValue: no cell can be judged by the claim, or the session is no finished map.
        SessionError: the session cannot be opened, or a run is at work on it.
        StorageError: it cannot be written.
    """
    require_claim(claim)
    interrupt = interrupt or Interrupt()
    began, added = time.monotonic(), 0
    while True:
        with SessionReader(path) as reader:
            found = complete(read_map(reader), reader, threads)
        if found.summary.status != "finished" or not is_map(found.summary.experiment):
            raise InvalidValue(f"session {found.summary.name!r} is not a finished map: only such can be refined")
        following = next_round(found, claim, budget.networks - added)
        late = budget.seconds is not None and time.monotonic() - began > budget.seconds
        if not following.further or late:
            why = "the time is used up" if late and following.further else _why(following.open, added, budget)
            tell(f"refined {claim}: {added} networks added, {following.open} cells not settled: {why}")
            return "finished"
        cells = len(following.further)
        tell(f"refining {claim}: {following.networks} networks more in {cells} of {following.open} open cells")
        added += following.networks
        if Run(reopen(path, further=following.further), threads=threads).execute(watch, interrupt) == "stopped":
            return "stopped"


def _why(unsettled: int, added: int, budget: Budget) -> str:
    if not unsettled:
        return "all are settled"
    return "the budget is used up" if added >= budget.networks else "they have as many networks as they may"
