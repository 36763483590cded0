"""A run as somebody watches it: how soon it is seen, and how much of it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from ibtui_engine.experiment import Experiment
from ibtui_engine.presets import PRESETS
from ibtui_engine.session.summary import Summary, read_summary
from tests.benchmarks.app import place_of_its_own
from tests.benchmarks.terminal import Terminal
from tests.benchmarks.timing import Row

SIZE = (180, 50)
TIMES = 3
EARLY = 400
"""Epochs of figure-2 of which every snapshot is to be seen."""
READING = 4.0
"""Seconds that somebody looks at the library before they start a run."""
PATIENCE = 180.0
DOWN, START = "\x1b[B", "\x13"
LABEL = re.compile(rb"epoch {2,}(\d+) of (\d+)")
"""As the timeline says it; the status line, which tells of the run, has one space."""


def watched_runs() -> list[Row]:
    """The preset quick from `s` to its end, and the beginning of figure-2 from the form; medians of some runs."""
    rows = []
    for name, most in (("quick", None), ("figure-2", EARLY)):
        firsts, shares, orders = [], [], []
        for _ in range(TIMES):
            with place_of_its_own() as (place, environment):
                first, painted, summary = _watch(PRESETS[name].experiment, place, environment, most)
            wanted = [e for e in summary.ensembles[0].snapshots if most is None or e <= most]
            firsts.append(first)
            shares.append(len(set(wanted) & set(painted)) / len(wanted))
            orders.append(float(painted == sorted(painted)))
        until = "its end" if most is None else f"epoch {most}"
        rows += [
            Row("a run is started", f"{name}: first snapshot painted", median(firsts), "s", 1.0),
            Row("a run is followed", f"{name}: snapshots painted up to {until}", 100 * median(shares), "%", 1.0),
            Row("a run is followed", f"{name}: in order, of all times", 100 * min(orders), "%", 1.0),
        ]
    return rows


def _watch(
    experiment: Experiment, place: Path, environment: Mapping[str, str], most: int | None
) -> tuple[float, list[int], Summary]:
    """Start it in the app; seconds until the first snapshot is there, the epochs painted, and the session."""
    end = experiment.epochs if most is None else most
    with Terminal([], SIZE, environment) as terminal:
        terminal.until("no sessions of yours")
        terminal.wait(READING)
        if experiment == PRESETS["quick"].experiment:
            began = terminal.press("s")
        else:
            terminal.press("n")
            terminal.wait(2.0)
            terminal.press(DOWN)  # to the preset below quick
            terminal.wait(1.0)
            began = terminal.press(START)
        first = terminal.until("before training") - began
        painted = [0]
        patience = time.monotonic() + PATIENCE
        while painted[-1] < end:
            if time.monotonic() > patience:
                raise TimeoutError(f"epoch {end} was not painted in {PATIENCE:.0f} s")
            terminal.wait(0.2)
            painted += [
                int(epoch) for epoch, total in LABEL.findall(terminal.taken()) if int(total) == experiment.epochs
            ]
        (path,) = (place / "sessions").glob("*.ibs")
        summary = read_summary(path)
        if summary.live:
            terminal.press("S")
            terminal.wait(2.0)
    return first, painted, summary
