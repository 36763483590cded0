"""SIGKILL at random moments of a run, in the middle of a transaction, and in the middle of a write."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from pathlib import Path

from tests.faults.runs import DENSE, KILL, SPARSE, Straight, clear, require_same_end, require_whole, straight
from tests.faults.sessions import look, snapshots
from tests.faults.table import Row
from tests.faults.warm import WORK, Faults, Warm

MOST_LOST = 2.0
"""Seconds of work that may be done again, unless a snapshot interval is longer."""


def kills(count: int = 200, seed: int = 1) -> Row:
    """Kill runs and what goes on with them, each time somewhere else; see that nothing is lost."""
    row = Row(
        "SIGKILL at random moments, a third of them inside a transaction or a write",
        "it opens, `integrity_check` passes, it ends in the same bits, at most 2 s are done again",
    )
    chance = random.Random(seed)
    lost: list[float] = []
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        kinds = [(settings, straight(warm, settings)) for settings in (DENSE, SPARSE)]
        while row.tried < count and len(row.failures) < 20:
            settings, expected = kinds[chance.random() < 0.15]
            _kill_until_done(row, warm, settings, expected, chance, lost, count)
            clear(warm)
    row.figures = f"done again: median {statistics.median(lost):.2f} s, at most {max(lost):.2f} s" if lost else ""
    return row


def _kill_until_done(
    row: Row,
    warm: Warm,
    settings: tuple[str, ...],
    expected: Straight,
    chance: random.Random,
    lost: list[float],
    count: int,
) -> None:
    path, log = warm.path("it"), warm.directory / "work"
    before: list[tuple[int, int]] = []
    for _ in range(6):
        if row.tried >= count:
            break
        row.tried += 1
        log.unlink(missing_ok=True)
        faults = Faults(work_log=str(log))
        wait = chance.uniform(0.0, expected.seconds)
        how = chance.random()
        if how < 0.2:
            faults = Faults(work_log=str(log), die_after_steps=chance.randrange(100, 60_000))
        elif how < 0.35:
            faults = Faults(
                work_log=str(log), largest_file=chance.randrange(1000, 2 * expected.size), die_in_write=True
            )
        when = f"kill {row.tried} ({faults.die_after_steps or faults.largest_file or round(wait, 3)})"
        child = warm.start(*(("resume", "it") if path.exists() else ("run", "--name", "it", *settings)), faults=faults)
        child.wait(wait if how >= 0.35 else 30)
        moment = time.monotonic()
        ended = child.end(KILL)
        if ended == 0:
            break
        row.require("Traceback" not in child.err, f"{when}: {child.err[-300:]}")
        if path.exists():
            require_whole(row, path, when)
            now = snapshots(path)
            row.require(now[: len(before)] == before, f"{when}: a snapshot is gone")
            before = now
            done_again = _done_again(path, log, moment)
            lost.append(done_again)
            row.require(done_again < MOST_LOST, f"{when}: {done_again:.2f} s are to be done again")
    if not path.exists():
        assert warm("run", "--name", "it", *settings).status == 0
    require_same_end(row, warm, path, expected, f"after kill {row.tried}")


def _done_again(path: Path, log: Path, moment: float) -> float:
    """Seconds of training beyond what is in the file, with what was at work in the end."""
    if not log.exists():
        return 0.0
    done = dict(look(path, "SELECT e.sample_size, c.epoch FROM cohort c JOIN ensemble e ON e.id = c.ensemble"))
    content = log.read_bytes()
    pieces = list(WORK.iter_unpack(content[: len(content) // WORK.size * WORK.size]))
    again = sum(took for _, took, size, epoch in pieces if epoch > done.get(size, 0))
    at_work = moment - max((ended for ended, *_ in pieces), default=moment)
    return again + max(at_work, 0.0)
