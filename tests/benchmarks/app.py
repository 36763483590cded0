"""The app: how soon it is there, how fast it answers while a run has both cores, and what watching costs the run."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import median

from ibtui.runs import give_way
from ibtui_engine.errors import EngineError
from ibtui_engine.experiment import Experiment
from ibtui_engine.session.control import send
from ibtui_engine.session.summary import read_summary
from tests.benchmarks.terminal import Terminal
from tests.benchmarks.timing import Row

LARGE = Experiment(fraction=(0.05, 0.45, 0.85), epochs=400, weights=False)
"""3 ensembles x 50 networks x 122 snapshots: as many numbers as figure-3, in less time."""
WATCHED = Experiment(epochs=100_000, snapshot_at=tuple(range(0, 100_001, 25)), snapshots=0)
"""50 networks, measured every 25 epochs, so that its file says how far it was when."""
WINDOW = 8.0
"""Seconds for which a run is watched, or left alone."""
WINDOWS = 5
"""Of each kind, in turns."""


@contextmanager
def place_of_its_own() -> Iterator[tuple[Path, dict[str, str]]]:
    """A directory of its own, and an environment in which sessions, settings and views lie there."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "sessions").mkdir()
        yield (
            place,
            os.environ
            | {
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "IBTUI_SESSIONS": str(place / "sessions"),
                **{f"XDG_{name}_HOME": str(place / name) for name in ("CONFIG", "STATE", "DATA")},
            },
        )


def starting() -> list[Row]:
    """`--version`, `list` and the app's first paint, the latter two with 100 sessions, beside `python -c pass`."""
    with place_of_its_own() as (place, environment):
        many = place / "many"
        many.mkdir()
        small = place / "small.ibs"
        _run(Experiment(networks=2, epochs=5, weights=False), small, environment)
        for number in range(100):
            shutil.copy(small, many / f"session-{number}.ibs")
        environment["IBTUI_SESSIONS"] = str(many)
        commands = {
            "python -c pass": ["-c", "pass"],
            "ibtui --version": ["-m", "ibtui", "--version"],
            "ibtui list, 100 sessions": ["-m", "ibtui", "list"],
        }
        times: dict[str, list[float]] = {name: [] for name in (*commands, "app's first paint, 100 sessions")}
        for _ in range(9):
            for name, arguments in commands.items():
                began = time.perf_counter()
                subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
                times[name].append(time.perf_counter() - began)
            with Terminal([], (180, 50), environment) as terminal:
                times["app's first paint, 100 sessions"].append(terminal.until("session-") - terminal.began)
        base = median(times["python -c pass"])
        return [Row("start", name, median(took) * 1e3, "ms", median(took) / base) for name, took in times.items()]


def app_answers() -> list[Row]:
    """Opening, scrubbing, a killed run, and a watched one. Takes some minutes."""
    with place_of_its_own() as (place, environment):
        _run(LARGE, place / "sessions" / "large.ibs", environment)
        return [
            *_opening(environment),
            *_scrubbing(environment),
            *_killed(place, environment),
            *_watching(place, environment),
        ]


def _run(experiment: Experiment, path: Path, environment: Mapping[str, str]) -> float:
    """Run it to its end, as the command does; seconds that it took."""
    with running(experiment, path, environment) as process:
        began = time.perf_counter()
        process.wait()
        return time.perf_counter() - began


@contextmanager
def running(
    experiment: Experiment, path: Path, environment: Mapping[str, str], *, behind: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    import tomli_w

    settings = path.with_suffix(".toml")
    settings.write_bytes(tomli_w.dumps(experiment.to_dict()).encode())
    command = [sys.executable, "-m", "ibtui", "run", "--config", str(settings), "--out", str(path), "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(environment), start_new_session=behind)
    if behind:  # as the app has its runs
        give_way(process.pid)
    try:
        yield process
    finally:
        if process.poll() is None:
            with suppress(EngineError):  # it has just ended
                send(path, "stop")
            process.wait()


def _opening(environment: Mapping[str, str]) -> list[Row]:
    """From the key to the end of a large session on the screen."""
    opened = []
    for _ in range(7):
        with Terminal([], (180, 50), environment) as terminal:
            terminal.until("large")
            terminal.wait(1.0)
            terminal.forget()
            pressed = terminal.press("\r")
            terminal.until("Gradient SNR")
            opened.append(terminal.until("400 of 400") - pressed)
    return [Row("opening", "3 x 50 networks x 122 snapshots", median(opened) * 1e3, "ms", 1.0)]


def _scrubbing(environment: Mapping[str, str]) -> list[Row]:
    """Steps a second when a key is held, four charts on screen."""
    steps = 100
    with Terminal(["open", "large"], (180, 50), environment) as terminal:
        terminal.until("400 of 400")
        terminal.wait(1.0)
        terminal.forget()
        began = terminal.press("," * steps)
        there = read_summary(Path(environment["IBTUI_SESSIONS"]) / "large.ibs").ensembles[0].snapshots
        took = terminal.until(f"{there[-1 - steps]:>6} of 400") - began
    return [Row("scrubbing", "steps a second, held key", steps / took, "/s", 1.0)]


def _killed(place: Path, environment: Mapping[str, str]) -> list[Row]:
    """Seconds from the end of a run by force to two apps that say so."""
    waits = []
    for number in range(5):
        path = place / "sessions" / f"killed-{number}.ibs"
        with running(Experiment(networks=2, epochs=10**7, weights=False), path, environment) as process:
            while not path.exists():
                time.sleep(0.01)
            with (
                Terminal(["open", path.stem], (180, 50), environment) as one,
                Terminal(["open", path.stem], (180, 50), environment) as other,
            ):
                for terminal in (one, other):
                    terminal.until("run: running")
                one.wait(0.5)
                process.kill()
                process.wait()
                began = time.perf_counter()
                waits.append(max(terminal.until("run: interrupted") for terminal in (one, other)) - began)
    return [Row("a run is killed", "both apps say so, slowest of 5", max(waits), "s", 1.0)]


def _watching(place: Path, environment: Mapping[str, str]) -> list[Row]:
    """A run as the app starts it, alone and with the app open on it, in turns; and how soon keys are answered then."""
    path = place / "sessions" / "watched.ibs"
    with running(WATCHED, path, environment, behind=True):
        while not path.exists() or read_summary(path).epochs_done < 300:
            time.sleep(0.1)
        alone, watched, waits = [], [], []
        for _ in range(WINDOWS):
            alone.append(_pace(path, time.sleep))
            with Terminal(["open", path.stem], (180, 50), environment) as terminal:
                terminal.until("Gradient SNR")
                terminal.wait(2.0)
                watched.append(_pace(path, terminal.wait))
                terminal.press("g")
                terminal.until("Go to epoch")
                terminal.wait(0.5)
                terminal.press("200\r")  # what stands there is marked, and typed over
                terminal.until(_label(200))
                for _ in range(10):
                    terminal.wait(0.5)
                    waits += _answers(terminal)
    waits.sort()
    slower = [one / other for one, other in zip(alone, watched, strict=True)]
    return [
        Row("a run of 50 networks", "epochs a second, alone", median(alone), "/s", 1.0),
        Row("a run of 50 networks", "watched in four charts: slower by", median(watched), "/s", median(slower)),
        Row("key to paint meanwhile", "median", median(waits) * 1e3, "ms", 1.0),
        Row("key to paint meanwhile", "95th percentile", waits[int(0.95 * len(waits))] * 1e3, "ms", 1.0),
    ]


def _pace(path: Path, wait: Callable[[float], None]) -> float:
    """Epochs a second of a run over a window, from one snapshot to another."""
    (first, began), _ = _newest(path), wait(WINDOW)
    last, ended = _newest(path)
    return (last - first) / (ended - began)


def _newest(path: Path) -> tuple[int, float]:
    """The epoch recorded last, and when that was."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        epoch, when = connection.execute("SELECT epoch, time FROM snapshot ORDER BY id DESC LIMIT 1").fetchone()
        return int(epoch), float(when)


def _label(epoch: int) -> str:
    return f"epoch {epoch:>6} of {WATCHED.epochs}"


def _answers(terminal: Terminal) -> list[float]:
    """Seconds from a key to the screen that shows what it did: a step back, with its plane and table, and forward."""
    found = []
    for key, epoch in ((",", 175), (".", 200)):
        terminal.forget()
        pressed = terminal.press(key)
        found.append(terminal.until(_label(epoch)) - pressed)
        terminal.wait(0.15)  # a hand does not do more
    return found
