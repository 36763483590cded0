"""What the home process and the workers of a cluster tell each other: plain data, and the facts that must agree.

An order says which networks to train, from which state, as far as a schedule goes. A piece is what comes back of it: a
snapshot, or a state to go on from. Pieces of one order come in the order of their epochs, each once or, after a broken
connection, again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ibtui_engine.cohort import Study
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.writer import Measured
from ibtui_engine.training.problem import TrainingState

CHECKPOINT_SECONDS = 1.0
"""Between two states that a worker hands over, at least, where no epoch of the schedule is reached before."""
FINISHED, STOPPED, RETURNED, FAILED = "finished", "stopped", "returned", "failed"
"""How an order ends: at the schedule's end; where it was asked to; before it was begun; by an error."""


@dataclass(frozen=True, eq=False)
class Kit:
    """What a worker needs once, before its first order of a session."""

    run: str
    """Names the home process's run, and no other."""
    session: str
    """Names the session: a later run of it takes the place of an earlier one."""
    study: Study
    schedule: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Order:
    """Train these networks to the schedule's end."""

    run: str
    number: int
    row: CohortRow
    """Networks of one cohort of the session, all or some."""
    trainer: str
    device: str
    state: TrainingState | None
    """What to go on from; None where nothing of them is measured yet."""


@dataclass(frozen=True, eq=False)
class Piece:
    """What an order has come to."""

    order: int
    row: CohortRow
    """The networks, and the epoch that they are at."""
    measured: Measured | None = None
    """Where that epoch is one of the schedule, once for each."""
    state: TrainingState | None = None
    """There; None where the order ends without one."""
    pace: float | None = None
    """Seconds that an epoch of these networks takes."""
    kept: int | None = None
    """Where the worker was asked to hand over some of the networks: how many of the first ones it goes on with."""
    end: str = ""
    """How the order ends, where this is its last piece."""
    error: tuple[str, str] = ("", "")
    """Of an order that failed: the error's class and its text."""


@dataclass(frozen=True)
class Said:
    """What home wants of a worker now."""

    taken: int = 0
    """Pieces that have arrived at home: the worker need not keep them any longer."""
    most: int = 100
    """Pieces to send now, at most."""
    paused: bool = False
    stopping: bool = False
    orders: frozenset[int] = frozenset()
    """Those that it still should work on; others are given up."""
    latest: int = -1
    """The last one that home had sent it when it said so."""
    keep: dict[int, int] = field(default_factory=dict)
    """Of an order's networks, how many of the first ones to go on with; the others are handed over."""


@dataclass(frozen=True, eq=False)
class Heard:
    """A worker's answer."""

    first: int
    """How many pieces there were before these."""
    pieces: tuple[Piece, ...] = ()
    dismissed: bool = False
    """Whether the worker knows nothing of the run: it has been started again, or another run has taken its place."""


@dataclass(frozen=True)
class Machine:
    """What a worker computes with: which program, and on which processor."""

    host: str
    versions: tuple[tuple[str, str], ...]
    """Of the program, its sources and its libraries, by name."""
    processor: str
    features: frozenset[str]

    def differing(self, other: Machine) -> list[str]:
        """Names of what is not of the same version."""
        there = dict(other.versions)
        return [name for name, version in self.versions if there.get(name) != version]

    def same_processor(self, other: Machine) -> bool:
        """Whether compiled code is the same on both."""
        return (self.processor, self.features) == (other.processor, other.features)


@dataclass(frozen=True)
class Trial:
    """What a cohort of one network took on a worker, in one thread."""

    epoch: float
    """Seconds of an epoch."""
    snapshot: float
    """Seconds of a snapshot."""
