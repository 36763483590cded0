"""SIGKILL of workers, of the home process and of the scheduler of a cluster, at random moments."""

from __future__ import annotations

import contextlib
import hashlib
import random
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from ibtui_engine.children import python_command, python_environment
from ibtui_engine.session.history import SessionReader
from tests.faults.sessions import complaint, look
from tests.faults.table import Row

SETTINGS = ("run", "figure-3", "--networks", "6", "--epochs", "1500", "--snapshots", "25", "--quiet", "--json")
"""Some ten seconds' work for two workers."""
PATIENCE = 240.0
"""Seconds in which a run on a cluster must get on."""


class Processes:
    """A scheduler and two workers, each a process that stands in for a host, and the home process."""

    def __init__(self, room: Path, host: str = "127.0.0.1") -> None:
        self._room = room
        self._host = host
        with socket.socket() as free:
            free.bind((host, 0))
            self._port = free.getsockname()[1]
        self.address = f"tcp://{host}:{self._port}"
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str, within: tuple[str, ...] = ()) -> None:
        """Start a process of Dask, or the command `ibtui`; `within`: a command that starts it."""
        with open(self._room / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen(
                [*within, *python_command("-m", *arguments)],
                env=python_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=self._room,
            )

    def start_scheduler(self) -> None:
        """If it is not there."""
        if not self.is_there("scheduler"):
            where = ("--host", self._host, "--port", str(self._port), "--no-dashboard")
            self.start("scheduler", "distributed.cli.dask_scheduler", *where)

    def start_worker(self, name: str, host: str, within: tuple[str, ...] = ()) -> None:
        """If it is not there: a worker of one thread at an address."""
        if not self.is_there(name):
            how = ("--host", host, "--no-nanny", "--nthreads", "1", "--no-dashboard")
            self.start(name, "distributed.cli.dask_worker", self.address, *how, within=within)

    def start_cluster(self) -> None:
        """What of the scheduler and the workers is not there."""
        self.start_scheduler()
        for name in ("worker 1", "worker 2"):
            self.start_worker(name, self._host)

    def is_there(self, name: str) -> bool:
        """Whether a process of that name runs."""
        return name in self.running and self.running[name].poll() is None

    def kill(self, name: str) -> None:
        """End a process where it stands."""
        process = self.running.pop(name, None)
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def said(self, name: str) -> str:
        """What a process has written on stderr."""
        return (self._room / f"{name}.log").read_text(errors="replace")


def cluster(count: int = 65, seed: int = 1) -> Row:
    """Kill processes of a cluster, of 13 ten workers, two the home process and one the scheduler."""
    row = Row(
        "SIGKILL of the workers, the home process and the scheduler of a cluster, at random moments",
        "it ends with the same numbers, to the last bit, nothing lost and nothing twice",
    )
    chance = random.Random(seed)
    kinds = ["worker"] * 10 + ["home"] * 2 + ["scheduler"]
    due = [kinds[k % len(kinds)] for k in range(count)]
    chance.shuffle(due)
    killed = dict.fromkeys(("worker", "home", "scheduler"), 0)
    runs = 0
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as at_end:
        room = Path(folder)
        processes = Processes(room)
        at_end.callback(lambda: [processes.kill(name) for name in list(processes.running)])
        processes.start("home", "ibtui", *SETTINGS, "--out", "alone.ibs")
        processes.running["home"].wait()
        expected = by_network(room / "alone.ibs")
        while due and len(row.failures) < 10:
            runs += 1
            path = room / f"run-{runs}.ibs"
            _run_and_kill(row, processes, path, due, killed, chance)
            if row.require(path.exists(), f"run {runs}: there is no session"):
                compare(row, path, expected, f"run {runs}")
    told = ", ".join(f"{number} of {name}" for name, number in killed.items())
    row.figures = f"{told}, in {runs} runs"
    return row


def _run_and_kill(
    row: Row, processes: Processes, path: Path, due: list[str], killed: dict[str, int], chance: random.Random
) -> None:
    """One session from its beginning to its end, with whatever kills befall it."""
    there = ("--cluster", processes.address)
    ends = time.monotonic() + PATIENCE
    strike = time.monotonic() + chance.uniform(4, 9)
    while time.monotonic() < ends:
        processes.start_cluster()
        if not processes.is_there("home"):
            if path.exists() and look(path, "SELECT status FROM session") == [("finished",)]:
                return
            how = ("resume", path.name, "--quiet", "--json") if path.exists() else (*SETTINGS, "--out", path.name)
            processes.start("home", "ibtui", *how, *there)
        if due and time.monotonic() > strike:
            kind = due.pop()
            row.tried += 1
            killed[kind] += 1
            processes.kill(kind if kind != "worker" else chance.choice(("worker 1", "worker 2")))
            strike = time.monotonic() + chance.uniform(0.3, 5 if kind == "worker" else 12)
            ends = time.monotonic() + PATIENCE
        time.sleep(0.1)
    row.require(False, f"no end within {PATIENCE:.0f} s: {processes.said('home')[-400:]}")
    processes.kill("home")


def by_network(path: Path) -> dict[str, str]:
    """What is recorded of networks, in digests: however they are shared out among cohorts."""
    found = {}
    for table in ("layer", "learning"):
        names = [name for _, name, *_ in look(path, f"PRAGMA table_info({table})") if name != "snapshot"]
        rows = look(
            path,
            f"SELECT c.ensemble, s.epoch, {', '.join(f't.{name}' for name in names)} FROM {table} t"
            " JOIN snapshot s ON s.id = t.snapshot JOIN cohort c ON c.id = s.cohort",
        )
        found[table] = hashlib.sha256(repr(sorted(rows, key=repr)).encode()).hexdigest()
    weights = hashlib.sha256()
    with SessionReader(path) as reader:
        for ensemble in reader.summary.ensembles:
            for epoch in ensemble.snapshots:
                weights.update(reader.weights(ensemble, epoch).tobytes())
    return found | {"weights": weights.hexdigest()}


def compare(row: Row, path: Path, expected: dict[str, str], when: str) -> None:
    """See that a session holds what it should, once."""
    row.require(not complaint(path), f"{when}: {complaint(path)}")
    found = by_network(path)
    for what, digest in expected.items():
        row.require(found[what] == digest, f"{when}: other {what}")
    twice = look(path, "SELECT cohort, epoch FROM snapshot GROUP BY cohort, epoch HAVING count(*) > 1")
    row.require(not twice, f"{when}: {len(twice)} snapshots are there twice")
    different = look(path, "SELECT text FROM event WHERE kind = 'different'")
    row.require(not different, f"{when}: {different}")
    row.require("Traceback" not in path.with_name("home.log").read_text(errors="replace"), f"{when}: a traceback")
