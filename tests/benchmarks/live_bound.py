"""The bound while two cores train: how soon the curve is there, and how old the newest beta* on the screen is."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

import pyte

from ibtui_engine.session.summary import read_summary
from tests.benchmarks.app import WATCHED, place_of_its_own, running
from tests.benchmarks.terminal import Terminal
from tests.benchmarks.timing import Row

RULES = ("symmetric", "symmetric-soft", "committee")
SIZE = (120, 40)
WINDOW = 20.0
"""Seconds for which a run is watched with its bound on the screen."""
LOOK_SECONDS = 0.05
REST_SECONDS = 1.0
"""From one key to the next."""
BEFORE = 300
"""Epochs that the run is at when it is opened."""
_EPOCH = re.compile(r"(?<!finding )beta\* at epoch (\d+)")
_WRITTEN = re.compile(rb"(?<!finding )beta\* at epoch (\d+)(?=\D)")
LONGEST = 40
"""Bytes in which what is looked for is whole."""


class _Seen:
    """What is on a terminal's screen."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._screen = pyte.Screen(*SIZE)
        self._stream = pyte.ByteStream(self._screen)

    def look(self) -> str:
        """The screen's text after what comes in within a moment."""
        self._terminal.wait(LOOK_SECONDS)
        self._stream.feed(self._terminal.taken())
        return "\n".join(self._screen.display)

    def until(self, text: str, seconds: float = 60.0) -> float:
        """Look until this is on the screen; when it was."""
        end = time.perf_counter() + seconds
        while text not in self.look():
            if time.perf_counter() > end:
                raise TimeoutError(f"{text!r} was not on the screen within {seconds:.0f} s")
        return time.perf_counter()


def live_bound() -> list[Row]:
    """For each built-in rule with a curve of its own: 50 networks train on both cores, and the bound is watched."""
    rows = []
    for rule in RULES:
        with place_of_its_own() as (folder, environment):
            rows += _watched(rule, folder / "sessions" / f"{rule}.ibs", environment)
    return rows


def _watched(rule: str, path: Path, environment: Mapping[str, str]) -> list[Row]:
    with running(replace(WATCHED, rule=rule), path, environment, behind=True):
        while not path.exists() or read_summary(path).epochs_done < BEFORE:
            time.sleep(0.1)
        with Terminal(["open", path.stem], SIZE, environment) as terminal:
            seen = _Seen(terminal)
            seen.until("Gradient")
            terminal.wait(2.0)
            for _ in range(3):
                terminal.press("\t")
                terminal.wait(REST_SECONDS)  # the charts of one key are not what the next one waits for
            pressed = terminal.press("\t")
            there = seen.until("Layers and the IB curve") - pressed
            while not _EPOCH.search(seen.look()):
                pass
            first = time.perf_counter() - pressed
            ages = _ages(terminal, path)
    ages.sort()
    return [
        Row(f"the bound of {rule}", "curve on the screen", there, "s", 1.0),
        Row(f"the bound of {rule}", "first beta* on the screen", first, "s", 1.0),
        Row(f"the bound of {rule}", "age of beta*, median", median(ages), "s", 1.0),
        Row(f"the bound of {rule}", "age of beta*, 95th percentile", ages[int(0.95 * len(ages))], "s", 1.0),
        Row(f"the bound of {rule}", "age of beta*, at most", ages[-1], "s", 1.0),
    ]


def _ages(terminal: Terminal, path: Path) -> list[float]:
    """Again and again, how long ago the snapshot was recorded whose beta* is shown; 0 where it is the newest.

    The epoch is looked for in what the app writes: to work out the whole screen would take a core of those that train.
    """
    ages: list[float] = []
    shown, tail = -1, b""
    end = time.monotonic() + WINDOW
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        while time.monotonic() < end:
            terminal.wait(LOOK_SECONDS)
            written = tail + terminal.taken()
            for found in _WRITTEN.finditer(written):
                shown = int(found[1])
            tail = written[-LONGEST:]
            if shown < 0:
                continue
            rows = connection.execute("SELECT epoch, time FROM snapshot ORDER BY id DESC LIMIT 200").fetchall()
            times = dict(rows)
            ages.append(0.0 if shown == rows[0][0] else time.time() - times.get(shown, rows[-1][1]))
    return ages
