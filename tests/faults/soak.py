"""Half an hour of runs, pauses, resumes and deletions at random, with the app open: nothing leaks."""

from __future__ import annotations

import random
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ibtui_engine.errors import EngineError
from ibtui_engine.session.drafting import discard
from ibtui_engine.session.summary import read_summary
from tests.faults.app import App
from tests.faults.runs import require_plain, require_whole
from tests.faults.table import Row
from tests.faults.warm import Child, Warm

KEYS = ("\t", ",", ".", " ", "p", "a", "t", "(", ")", "1", "2", "+", "-", "\x1b[A", "\x1b[B", "\x1b[C", "\r", "\x1b",
        "?", "\x1b", "P", "R", "\x1b[F", "\x1b[H", "c", "\x1b", "\x1b")  # fmt: skip
"""Keys of the app that neither leave it for good nor delete."""
MOST_GROWTH = 40.0
"""Megabytes that the app may have grown by between a third of the way, when all has been loaded, and the end."""
PLENTY = 12
"""Sessions that there are at most."""


@dataclass(frozen=True)
class State:
    """What a process holds."""

    megabytes: float
    files: int
    threads: int
    children: int


def _state(pid: int) -> State:
    process = psutil.Process(pid)
    with process.oneshot():
        memory = process.memory_info().rss / 1e6
        return State(memory, process.num_fds(), process.num_threads(), len(process.children(recursive=True)))


def soak(minutes: float = 30.0, seed: int = 1) -> Row:
    """Let a random script work on sessions while the app is open and random keys are pressed in it."""
    row = Row(
        f"{minutes:g} minutes of runs, pauses, resumes, stops, kills and deletions, random keys in the app",
        "no traceback, every session whole, no growth of memory, open files, threads or processes",
    )
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        children: list[Child] = []
        begun = 0
        end = time.monotonic() + 60 * minutes
        third = time.monotonic() + 20 * minutes
        early: State | None = None
        with App([], warm) as app:
            app.wait(3.0)
            while time.monotonic() < end and not app.ended and len(row.failures) < 10:
                row.tried += 1
                row.require(not app.ended, "the app has ended before the end")
                begun += _act(row, warm, children, chance, begun)
                for _ in range(chance.randrange(6)):
                    app.press(chance.choice(KEYS))
                    app.wait(0.1)
                app.wait(chance.uniform(0.0, 0.6))
                if early is None and time.monotonic() > third:
                    early = _rest(app)
            if not app.ended and early is not None:
                late = _rest(app)
                row.figures = (
                    f"{begun} runs; the app: {early.megabytes:.0f} MB, {early.files} files, {early.threads} threads, "
                    f"{early.children} processes after a third, {late.megabytes:.0f} MB, {late.files}, {late.threads}, "
                    f"{late.children} at the end"
                )
                row.require(late.megabytes < early.megabytes + MOST_GROWTH, "the app's memory grows")
                row.require(late.files <= early.files + 3, "the app's open files grow")
                row.require(late.threads <= early.threads + 3, "the app's threads grow")
                row.require(late.children <= early.children + 1, "the app's processes grow")
        row.require(app.status == 0, f"the app left with {app.status}: {app.said[-800:]}")
        row.require("Traceback" not in app.said, f"the app: {app.said[-800:]}")
        for child in children:
            child.end(signal.SIGTERM)
        for path in warm.sessions.glob("*.ibs"):
            require_whole(row, path, f"at the end: {path.name}")
        left = [file.name for file in warm.sessions.iterdir() if file.name.endswith(".new")]
        row.require(len(left) <= 2, f"half-made files are left: {left}")
    return row


def _rest(app: App) -> State:
    """What the app holds in the library, when it has nothing to do."""
    for _ in range(6):
        app.press("\x1b")
        app.wait(0.2)
    app.wait(3.0)
    return _state(app.pid) if not app.ended else State(0, 0, 0, 0)


def _act(row: Row, warm: Warm, children: list[Child], chance: random.Random, begun: int) -> int:
    """Do something with the sessions; how many runs that began."""
    for child in [child for child in children if child.wait(0) is not None]:
        children.remove(child)
        require_plain(row, child, f"action {row.tried}", statuses=(0, 1, 2, 128 + 2, 128 + 15, -9, -2, -15))
    sessions = sorted(warm.sessions.glob("*.ibs"))
    what = chance.choice(("run", "run", "resume", "pause", "resume", "stop", "signal", "kill", "delete", "show"))
    if what == "run" and len(children) < 2 and len(sessions) < PLENTY:
        networks, epochs = chance.randrange(1, 4), chance.choice((50, 300, 3000, 100_000))
        children.append(
            warm.start(
                "run", "--name", f"run-{begun}", "--hidden", chance.choice(("4-3", "10-8-6-4-2")),
                "--networks", networks, "--fraction", "0.2", "--epochs", epochs, "--snapshots", "20", "--threads", "1",
            )
        )  # fmt: skip
        return 1
    if not sessions:
        return 0
    path = chance.choice(sessions)
    if what in ("pause", "stop", "show"):
        require_plain(row, warm(what, path), f"{what} {path.name}", statuses=(0, 2))
    elif what == "resume" and len(children) < 3:
        children.append(warm.start("resume", path, "--threads", "1"))
    elif what in ("signal", "kill") and children:
        chance.choice(children).signal(signal.SIGKILL if what == "kill" else signal.SIGINT)
    elif what == "delete" and len(sessions) > PLENTY // 2:
        with suppress(EngineError):
            if not read_summary(path).live:
                discard(path)
    return 0
