"""The app: how soon it is there, how fast it answers while a run has both cores, and what watching costs the run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from engine.errors import EngineError
from engine.experiment import Experiment
from engine.session.control import send
from engine.session.summary import read_summary
from tests.benchmarks.terminal import Terminal
from tests.benchmarks.timing import Row

LARGE = Experiment(fraction=(0.05, 0.45, 0.85), epochs=400, weights=False)
"""3 ensembles x 50 networks x 122 snapshots: as many numbers as figure-3, in less time."""
WATCHED = Experiment(epochs=1500, weights=True)
"""50 networks: about 20 s on two cores."""
PAIRS = 4


def app_answers() -> list[Row]:
    """All of it. Takes some minutes."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        environment = os.environ | {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "IBTUI_SESSIONS": str(place / "sessions"),
            **{f"XDG_{name}_HOME": str(place / name) for name in ("CONFIG", "STATE", "DATA")},
        }
        (place / "sessions").mkdir()
        _run(LARGE, place / "sessions" / "large.ibs", environment)
        return [
            *_opening(place, environment),
            *_scrubbing(environment),
            *_killed(place, environment),
            *_watching(place, environment),
        ]


def _run(experiment: Experiment, path: Path, environment: Mapping[str, str]) -> float:
    """Run it to its end, as the command does; seconds that it took."""
    with _running(experiment, path, environment) as process:
        began = time.perf_counter()
        process.wait()
        return time.perf_counter() - began


@contextmanager
def _running(experiment: Experiment, path: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    import tomli_w

    settings = path.parent.parent / "settings.toml"
    settings.write_bytes(tomli_w.dumps(experiment.to_dict()).encode())
    command = [sys.executable, "-m", "ibtui", "run", "--config", str(settings), "--out", str(path), "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(environment))
    try:
        yield process
    finally:
        if process.poll() is None:
            with suppress(EngineError):  # it has just ended
                send(path, "stop")
            process.wait()


def _opening(place: Path, environment: Mapping[str, str]) -> list[Row]:
    """First paint with 100 sessions, and opening a large one, beside `python -c pass`."""
    many = place / "many"
    many.mkdir()
    small = place / "sessions" / "small.ibs"
    _run(Experiment(networks=2, epochs=5, weights=False), small, environment)
    for number in range(100):
        shutil.copy(small, many / f"session-{number}.ibs")
    small.unlink()
    nothing, paint, opened = [], [], []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True, env=dict(environment))
        nothing.append(time.perf_counter() - began)
        with Terminal([], (180, 50), environment | {"IBTUI_SESSIONS": str(many)}) as terminal:
            paint.append(terminal.until("session-10") - terminal.began)
        with Terminal([], (180, 50), environment) as terminal:
            terminal.until("large")
            terminal.wait(1.0)
            terminal.forget()
            pressed = terminal.press("\r")
            terminal.until("Gradient SNR")
            opened.append(terminal.until("400 of 400") - pressed)
    base = median(nothing)
    return [
        Row("start", "python -c pass", base * 1e3, "ms", 1.0),
        Row("start", "app's first paint, 100 sessions", median(paint) * 1e3, "ms", median(paint) / base),
        Row("opening", "3 x 50 networks x 122 snapshots", median(opened) * 1e3, "ms", median(opened) / base),
    ]


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
        with _running(Experiment(networks=2, epochs=10**7, weights=False), path, environment) as process:
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
    """The run alone and with the app open on it, in turns; and how soon keys are answered meanwhile."""
    alone, watched, waits = [], [], []
    for number in range(PAIRS):
        alone.append(_run(WATCHED, place / "sessions" / f"alone-{number}.ibs", environment))
        path = place / "sessions" / f"watched-{number}.ibs"
        with _running(WATCHED, path, environment) as process:
            began = time.perf_counter()
            while not path.exists():
                time.sleep(0.01)
            with Terminal(["open", path.stem], (180, 50), environment) as terminal:
                terminal.until("Gradient SNR")
                while process.poll() is None and read_summary(path).epochs_done < 700:
                    terminal.wait(0.5)
                terminal.press("g")
                terminal.until("Go to epoch")
                terminal.wait(0.5)
                terminal.press("300\r")  # what stands there is marked, and typed over
                terminal.until(_label(_nearest(300)))
                while process.poll() is None:
                    waits += _answers(terminal)
                    terminal.wait(0.7)
                watched.append(time.perf_counter() - began)
    waits.sort()
    slower = [one / other for one, other in zip(watched, alone, strict=True)]
    return [
        Row("a run of 50 networks", "alone", median(alone), "s", 1.0),
        Row("a run of 50 networks", "watched in four charts", median(watched), "s", median(slower)),
        Row("key to paint meanwhile", "median", median(waits) * 1e3, "ms", 1.0),
        Row("key to paint meanwhile", "95th percentile", waits[int(0.95 * len(waits))] * 1e3, "ms", 1.0),
    ]


def _nearest(epoch: int) -> int:
    """The measured epoch that a jump to one goes to."""
    return min(WATCHED.snapshot_epochs, key=lambda known: abs(known - epoch))


def _label(epoch: int) -> str:
    return f"epoch {epoch:>6} of {WATCHED.epochs}"


def _answers(terminal: Terminal) -> list[float]:
    """Seconds from a key to the screen that shows what it did: a step back, with its plane and table, and forward."""
    epochs = WATCHED.snapshot_epochs
    there = epochs.index(_nearest(300))
    found = []
    for key, epoch in ((",", epochs[there - 1]), (".", epochs[there])):
        terminal.forget()
        pressed = terminal.press(key)
        found.append(terminal.until(_label(epoch)) - pressed)
        terminal.wait(0.15)  # a hand does not do more
    return found
