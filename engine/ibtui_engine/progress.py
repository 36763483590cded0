"""What a run tells whoever watches it, and how the process that runs it asks it to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ibtui_engine.experiment import Ensemble


@dataclass(frozen=True)
class Progress:
    """How far a run has come; handed to whoever watches it, a few times a second."""

    status: str
    """`preparing`, `running`, `paused`, and at the end `finished` or `stopped`."""
    ensemble: Ensemble | None
    """The one at work."""
    ensembles: int
    epoch: int
    """Of the ensemble at work."""
    epochs: int
    done: float
    """Share of the whole run's computing that is done, 0 to 1."""
    rate: float | None
    """Epochs per second of the whole run: how fast all its ensembles get on together."""
    remaining: float | None
    """Seconds to go, estimated."""
    snapshot: int | None = None
    """The epoch just recorded, if one was."""
    varied: tuple[str, ...] = ()
    """Settings of which the experiment has several values."""
    note: str = ""
    """Something to be told once: what the run waits for, or what the session's place cannot do."""


Watcher = Callable[[Progress], None]


class Interrupt:
    """How the process that runs an experiment asks it to stop: set from a signal handler, read between chunks."""

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        """Stop at the end of the chunk at work."""
        self.requested = True
