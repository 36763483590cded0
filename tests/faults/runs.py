"""The runs that are disturbed: small, and with everything in them that could be lost."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.sessions import bits, complaint, differing
from tests.faults.table import Row
from tests.faults.warm import Child, Warm

DENSE = ("--networks", "3", "--fraction", "0.2", "--fraction", "0.85", "--epochs", "400", "--snapshots", "30",
         "--optimizer", "adam", "--learning-rate", "0.001", "--seed", "5", "--threads", "1", "--json")  # fmt: skip
"""Two ensembles, an optimiser that remembers, a snapshot every few hundredths of a second: there is always a write on
its way."""
SPARSE = ("--networks", "4", "--epochs", "1500", "--snapshot-at", "0", "--seed", "9", "--threads", "1", "--json")
"""Nothing is measured between the first and the last epoch: what is not lost is in the checkpoints between."""
QUICK = ("--networks", "2", "--hidden", "4-3", "--fraction", "0.1", "--epochs", "200", "--snapshots", "12",
         "--seed", "3", "--threads", "1", "--json")  # fmt: skip
"""A run of a fifth of a second."""
ENDLESS = ("--networks", "2", "--hidden", "4-3", "--fraction", "0.1", "--epochs", "100000000", "--snapshots", "12",
           "--threads", "1")  # fmt: skip


@dataclass(frozen=True)
class Straight:
    """What a run gives that nothing disturbs."""

    bits: dict[str, str]
    seconds: float
    size: int
    snapshots: list[tuple[int, int]]


def straight(warm: Warm, settings: tuple[str, ...]) -> Straight:
    """Run it undisturbed."""
    from tests.faults.sessions import snapshots

    path = warm.path("straight")
    began = time.monotonic()
    done = warm("run", "--name", "straight", *settings)
    took = time.monotonic() - began
    assert done.status == 0, done.err
    found = Straight(bits(path), took, path.stat().st_size, snapshots(path))
    path.unlink()
    return found


def require_whole(row: Row, path: Path, when: str) -> bool:
    """Note what SQLite finds wrong, and what the engine cannot read."""
    from ibtui_engine.errors import EngineError
    from ibtui_engine.session.summary import read_summary

    row.require(not (wrong := complaint(path)), f"{when}: {wrong}")
    try:
        read_summary(path)
    except EngineError as error:
        row.failures.append(f"{when}: {error}")
        return False
    return not wrong


def require_same_end(row: Row, warm: Warm, path: Path, expected: Straight, when: str) -> None:
    """Go on with a session to its end: it must be the one that nothing disturbed."""
    if path.exists():
        done = warm("resume", path)
        finished = "is finished at epoch" in done.err
        if not row.require(done.status == 0 or finished, f"{when}: resume: status {done.status}: {done.err[-300:]}"):
            return
        require_whole(row, path, f"{when}, at the end")
        row.require(not (other := differing(path, expected.bits)), f"{when}: other numbers in {other}")


def require_plain(row: Row, child: Child, when: str, *, statuses: tuple[int, ...]) -> None:
    """No traceback, and one of these exit statuses."""
    said = child.err
    row.require("Traceback" not in said, f"{when}: a traceback: …{said[-300:]}")
    row.require(child.status in statuses, f"{when}: status {child.status}: …{said[-300:]}")


def clear(warm: Warm) -> None:
    """Forget all sessions and what was said."""
    for file in (*warm.sessions.iterdir(), *warm.directory.glob("*.out"), *warm.directory.glob("*.err")):
        file.unlink()


def until(holds: object, seconds: float = 60.0) -> bool:
    """Wait until a call is true; False where it is not after that long."""
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


KILL = signal.SIGKILL
