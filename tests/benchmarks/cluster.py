"""What a cluster costs beside processes started by hand, and what a second worker brings."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil

from ibtui_engine.children import python_command, python_environment
from ibtui_engine.cluster.connecting import connected
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from tests.benchmarks.timing import Row

CELLS = 200
GRID = Experiment(
    hidden=((8, 6, 4),),
    fraction=tuple(0.3 + 0.0025 * cell for cell in range(CELLS)),
    networks=4,
    epochs=60,
    snapshots=6,
    weights=False,
)
"""200 cells of some tenths of a second."""
BY_HAND = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.benchmarks.cluster import GRID
from ibtui_engine.runner import Run, begin
half = replace(GRID, fraction=GRID.fraction[int(sys.argv[1])::int(sys.argv[2])])
run = Run(begin(Path(sys.argv[3]), "it", half), threads=1)
print("ready", flush=True)
sys.stdin.readline()
run.execute()
"""
"""Every nth cell, in a process of its own, as somebody without a cluster would do it."""


def cluster_runs() -> list[Row]:
    """Seconds of wall clock and of all processors for 200 small cells: by hand and on a cluster, one and two workers.

    Processor time holds nothing of what others do on this machine; wall clock does.
    """
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        found = {}
        for workers in (1, 2):
            found["by hand", workers] = _by_hand(room, workers)
            found["cluster", workers] = _cluster(room, workers)
    rows = []
    for (how, workers), (wall, spent) in found.items():
        hand = found["by hand", workers]
        what = f"{CELLS} cells, {how}, {workers} worker{'s' if workers > 1 else ''}"
        rows.append(Row(what, "wall clock, beside by hand", wall, "s", wall / hand[0]))
        rows.append(Row(what, "processor time, beside by hand", spent, "s", spent / hand[1]))
    for how in ("by hand", "cluster"):
        one, two = found[how, 1], found[how, 2]
        rows.append(Row(f"two workers, {how}", "wall clock, beside one", two[0], "s", one[0] / two[0]))
        rows.append(Row(f"two workers, {how}", "processor time, beside one", two[1], "s", one[1] / two[1]))
    return rows


def _measured(processes: Callable[[], list[psutil.Process]], work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall clock, and of processors in these processes, that some work takes."""

    def spent() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes())

    began, before = time.perf_counter(), spent()
    work()
    return time.perf_counter() - began, spent() - before


def _by_hand(room: Path, count: int) -> tuple[float, float]:
    started = [
        subprocess.Popen(
            python_command("-c", BY_HAND, str(k), str(count), str(room / f"hand-{count}-{k}.ibs")),
            env=python_environment() | {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), *os.sys.path])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for k in range(count)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    there = [psutil.Process(process.pid) for process in started]
    used: dict[int, float] = {}

    def work() -> None:
        for process in started:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        for process in started:
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
            used[process.pid] = usage.ru_utime + usage.ru_stime

    before = sum(sum(process.cpu_times()[:2]) for process in there)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began, sum(used.values()) - before


def _cluster(room: Path, workers: int) -> tuple[float, float]:
    """All that a run on a cluster takes once that stands: home, scheduler and workers."""
    with connected(f"local:{workers}", threads=1) as client:
        own = psutil.Process()
        few = replace(GRID, fraction=GRID.fraction[: 2 * workers])  # loads the engine and its kernels
        Run(begin(room / f"few-{workers}.ibs", "it", few)).execute(cluster=client)
        run = Run(begin(room / f"cluster-{workers}.ibs", "it", GRID))
        return _measured(lambda: [own, *own.children(recursive=True)], lambda: run.execute(cluster=client))
