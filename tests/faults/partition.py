"""A worker in a network namespace of its own, whose link is cut and restored while it trains (as root, on Linux)."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.cluster import PATIENCE, Processes, by_network, compare
from tests.faults.sessions import look
from tests.faults.table import Row

SETTINGS = ("run", "figure-3", "--networks", "8", "--epochs", "6000", "--snapshots", "40", "--quiet", "--json")
"""A minute's work for two workers."""
HERE, THERE = "10.213.77.1", "10.213.77.2"
"""Addresses of the two ends of the link."""
SPACE, LINK, FAR_LINK = "ibtui-faults", "ibtui-near", "ibtui-far"


def partition(count: int = 6, seed: int = 1) -> Row:
    """Cut the link to one of two workers, for 3 to 45 s, and restore it, while runs go on."""
    row = Row(
        "the link to a worker in another network namespace cut for 3 to 45 s, and restored",
        "it ends with the same numbers, to the last bit, nothing lost and nothing twice",
    )
    chance = random.Random(seed)
    if os.geteuid() or shutil.which("ip") is None:
        row.figures = "not tried: needs root and `ip`"
        return row
    cuts: list[float] = []
    runs = 0
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as at_end:
        room = Path(folder)
        at_end.enter_context(_link())
        processes = Processes(room, HERE)
        at_end.callback(lambda: [processes.kill(name) for name in list(processes.running)])
        processes.start("home", "ibtui", *SETTINGS, "--out", "alone.ibs")
        processes.running["home"].wait()
        expected = by_network(room / "alone.ibs")
        while len(cuts) < count and len(row.failures) < 10:
            runs += 1
            path = room / f"run-{runs}.ibs"
            _run_and_cut(row, processes, path, cuts, count, chance)
            if row.require(path.exists(), f"run {runs}: there is no session"):
                compare(row, path, expected, f"run {runs}")
    row.figures = f"cut for {', '.join(f'{seconds:.0f}' for seconds in cuts)} s, in {runs} runs"
    return row


@contextlib.contextmanager
def _link() -> Iterator[None]:
    """A namespace, and a link to it."""

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    with contextlib.suppress(subprocess.CalledProcessError):
        ip("netns", "delete", SPACE)
    ip("netns", "add", SPACE)
    try:
        ip("link", "add", LINK, "type", "veth", "peer", "name", FAR_LINK, "netns", SPACE)
        ip("address", "add", f"{HERE}/24", "dev", LINK)
        ip("link", "set", LINK, "up")
        ip("-n", SPACE, "address", "add", f"{THERE}/24", "dev", FAR_LINK)
        ip("-n", SPACE, "link", "set", "lo", "up")
        ip("-n", SPACE, "link", "set", FAR_LINK, "up")
        yield
    finally:
        ip("netns", "delete", SPACE)


def _set_link(state: str) -> None:
    subprocess.run(["ip", "-n", SPACE, "link", "set", FAR_LINK, state], check=True)


def _start(processes: Processes) -> None:
    """The scheduler and a worker here, and a worker there."""
    processes.start_scheduler()
    processes.start_worker("worker 1", HERE)
    processes.start_worker("worker 2", THERE, ("ip", "netns", "exec", SPACE))


def _run_and_cut(
    row: Row, processes: Processes, path: Path, cuts: list[float], count: int, chance: random.Random
) -> None:
    ends = time.monotonic() + PATIENCE
    cut = restored = time.monotonic() + chance.uniform(8, 14)
    down = False
    try:
        while time.monotonic() < ends:
            _start(processes)
            if not processes.is_there("home"):
                if path.exists() and look(path, "SELECT status FROM session") == [("finished",)]:
                    return
                how = ("resume", path.name, "--quiet", "--json") if path.exists() else (*SETTINGS, "--out", path.name)
                processes.start("home", "ibtui", *how, "--cluster", processes.address, "--trust-network")
            now = time.monotonic()
            if not down and len(cuts) < count and now > cut:
                down = True
                cuts.append(chance.uniform(3, 45))
                row.tried += 1
                restored = now + cuts[-1]
                _set_link("down")
                ends = restored + PATIENCE
            if down and now > restored:
                down = False
                _set_link("up")
                cut = now + chance.uniform(3, 8)
            time.sleep(0.1)
        row.require(False, f"no end within {PATIENCE:.0f} s: {processes.said('home')[-400:]}")
        processes.kill("home")
    finally:
        _set_link("up")
