"""Others at the same session, and a clock that is set: nobody is taken for dead, nobody gets in, nobody is held up."""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ibtui_engine.session.liveness import SILENT_SECONDS
from ibtui_engine.session.summary import read_summary
from tests.faults.runs import DENSE, clear, require_plain, require_same_end, straight, until
from tests.faults.sessions import look, snapshots
from tests.faults.table import Row
from tests.faults.warm import ROOT, Faults, Warm

WRITES = """
import sys, time
from pathlib import Path
from tests.faults.company import write_at_full_speed
write_at_full_speed(Path(sys.argv[1]))
"""
READS = """
import sys, time
from pathlib import Path
from ibtui_engine.session.follow import Follower
with Follower(Path(sys.argv[1])) as follower:
    print("ready", flush=True)
    while True:
        time.sleep(0.5)  # as often as a session's screen looks
        follower.update()
"""


def clock(count: int = 20, seed: int = 1) -> Row:
    """Set the clock back and forth under runs."""
    row = Row(
        "the clock set by up to a day, back and forth, during a run",
        "the run is `running` for those who look, takes requests, ends in the same bits",
    )
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        expected = straight(warm, DENSE)
        path = warm.path("it")
        while row.tried < count:
            row.tried += 1
            jumps = tuple((chance.uniform(0, expected.seconds), chance.uniform(-86_400, 3_600)) for _ in range(3))
            when = f"clock {row.tried}"
            child = warm.start("run", "--name", "it", *DENSE, faults=Faults(clock_jumps=jumps))
            until(lambda: len(snapshots(path)) >= 2)
            while child.wait(0.1) is None:
                status = read_summary(path).status
                row.require(status in ("running", "finished"), f"{when}: it is said to be {status}")
                if row.tried % 4 == 0 and len(snapshots(path)) > 20:
                    asked = warm("stop", "it")
                    row.require(asked.status == 0 or "no run to stop" in asked.err, f"{when}: stop: {asked.err}")
                    break
            child.wait()
            require_plain(row, child, when, statuses=(0,))
            require_same_end(row, warm, path, expected, when)
            clear(warm)
    row.figures = f"a run on another machine counts as gone after {SILENT_SECONDS:.0f} s of silence by its clock"
    return row


def writers(count: int = 20) -> Row:
    """Several want to go on with one session at once."""
    row = Row(
        "six processes go on with one session at once",
        "one does, the others are refused in one line, it ends in the same bits",
    )
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        expected = straight(warm, DENSE)
        path = warm.path("it")
        while row.tried < count:
            row.tried += 1
            child = warm.start("run", "--name", "it", *DENSE)
            until(lambda: len(snapshots(path)) >= 5)
            child.end(signal.SIGKILL)
            children = [warm.start("resume", "it", "--json") for _ in range(6)]
            for each in children:
                each.wait()
                require_plain(row, each, f"writers {row.tried}", statuses=(0, 2))
            won = sum(each.status == 0 for each in children)
            row.require(won == 1, f"writers {row.tried}: {won} went on with it")
            refusals = {each.err.strip().count("\n") for each in children if each.status == 2}
            row.require(refusals <= {0}, f"writers {row.tried}: more than one line")
            require_same_end(row, warm, path, expected, f"writers {row.tried}")
            clear(warm)
    return row


def readers(count: int = 20, rounds: int = 8) -> Row:
    """Many follow a session while one writes snapshots as fast as it can: with them, and in turns without."""
    row = Row(
        "readers that follow a session, each twice a second, while one writes at full speed",
        "none slows it by more than 5 %",
    )
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "it.ibs"
        writer = _python(WRITES, path)
        assert writer.stdout is not None
        writer.stdout.readline()
        following = [_python(READS, path) for _ in range(count)]
        for reader in following:
            assert reader.stdout is not None
            assert reader.stdout.readline().strip() == "ready"
        ratios = []
        try:
            for _ in range(rounds):
                rates = []
                for number in (signal.SIGSTOP, signal.SIGCONT):
                    for reader in following:
                        reader.send_signal(number)
                    time.sleep(0.3)
                    before, began = _written(path), time.monotonic()
                    time.sleep(2.0)
                    rates.append((_written(path) - before) / (time.monotonic() - began))
                ratios.append(rates[0] / rates[1])
            row.tried = count
            for reader in following:
                row.require(reader.poll() is None, "a reader has ended")
            row.require(writer.poll() is None, "the writer has ended")
        finally:
            for process in (writer, *following):
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.communicate()
    slower = statistics.median(ratios) - 1
    each = slower / count
    row.require(each < 0.05, f"each slows the writer by {each:.1%}")
    row.figures = f"all {count} together slow it by {slower:.0%} on these cores, which they share; each by {each:.2%}"
    return row


def _written(path: Path) -> int:
    return int(look(path, "SELECT epoch FROM cohort")[0][0])


def _python(program: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT
    )


def write_at_full_speed(path: Path) -> None:
    """Record checkpoints of ten networks without end, as a run does that trains in no time, and a snapshot now and
    then: what readers have to read grows as slowly as that of a run.
    """
    import numpy as np

    from ibtui_engine.experiment import Experiment
    from ibtui_engine.measures.snapshot import LayerInformation, Learning
    from ibtui_engine.networks import Architecture
    from ibtui_engine.runner import begin
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.writer import Measured
    from ibtui_engine.training.problem import TrainingState

    writer = begin(path, "it", Experiment(networks=10, epochs=10**8))
    with SessionReader(path) as reader:
        architecture = Architecture.of(reader.rule(1), (10, 8, 6, 4, 2), "tanh")
    (cohort,) = writer.cohorts()
    print("ready", flush=True)
    cell = np.ones((10, 6))
    numbers = dict.fromkeys(LayerInformation.__dataclass_fields__, cell) | {"distinct": cell.astype(np.int64)}
    learning = Learning(*[np.ones(10)] * 4)
    weights = np.random.default_rng(0).normal(size=(10, architecture.parameters)).astype(np.float32)
    epoch, recorded = 0, 0.0
    while True:
        state = TrainingState(epoch, weights, np.zeros((0, *weights.shape), np.float32))
        if time.monotonic() - recorded > 0.25:
            measured = Measured(LayerInformation(**numbers), learning, cell, cell, cell)
            writer.record(cohort, measured, state, keep_weights=True)
            recorded = time.monotonic()
        else:
            writer.checkpoint(cohort, state)
        epoch += 1
