"""A whole run beside its training alone; what a session file costs, to write and to open, beside its numbers alone; and
how long kernels take to compile where none are kept.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np

from ibtui_engine.experiment import Experiment
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.presets import find_preset
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.columns import LAYER_COLUMNS, LEARNING_COLUMNS
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import Threads, usable_cores
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from tests.benchmarks.timing import Row, compare, timed

TRIED = 200
"""Epochs from which the time of training alone is taken, before and after the run."""


def whole_run() -> list[Row]:
    """Seconds of figure-3, the sum of its training steps, and the memory that it took.

    The steps are timed as they go in the run, and alone before and after it: the former is not moved by what the
    machine does meanwhile, the latter holds nothing of what measuring does to the caches.
    """
    experiment = find_preset("figure-3").experiment
    before = _training_alone(experiment)
    empty = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        training: list[float] = []
        with patch.object(FusedTrainer, "advance", timed(FusedTrainer.advance, training)):
            began = time.perf_counter()
            Run(begin(Path(folder) / "it.ibs", "it", experiment)).execute()
            took = time.perf_counter() - began
        size = (Path(folder) / "it.ibs").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    alone = statistics.mean((before, _training_alone(experiment)))
    return [
        Row("figure-3", "its training steps, as they went", sum(training), "s", 1.0),
        Row("figure-3", "whole: measured and recorded, too", took, "s", took / sum(training)),
        Row("figure-3", "its training steps, alone", alone, "s", alone / sum(training)),
        Row("figure-3", "memory beyond that before", (peak - empty) / 1e3, "MB", float("nan")),
        Row("figure-3", "its file, with weights", size / 1e6, "MB", float("nan")),
    ]


def _training_alone(experiment: Experiment) -> float:
    rule = load_rule(experiment.rule[0])
    seeds = tuple(range(experiment.networks))
    threads = Threads(usable_cores())
    total = 0.0
    for ensemble in experiment.ensembles:
        samples = draw_samples(rule, ensemble.fraction, seeds)
        batch = min(512, samples.size)
        how = Optimization("sgd", *experiment.learning_rate, 0.9, batch)
        problem = Problem(Architecture.of(rule, ensemble.hidden, "tanh"), rule, samples, seeds, how)
        trainer = FusedTrainer(problem, TrainingState.initial(problem, 1.0), threads)
        trainer.advance(2)
        began = time.perf_counter()
        trainer.advance(TRIED)
        total += (time.perf_counter() - began) * experiment.epochs / TRIED
    threads.close()
    return total


def session_files() -> list[Row]:
    """Opening 3 x 50 networks x 122 snapshots beside the same numbers in an .npz file; sizes beside raw float64."""
    experiment = Experiment(fraction=(0.05, 0.45, 0.85), epochs=400, weights=False)
    with tempfile.TemporaryDirectory() as folder:
        path, packed = Path(folder) / "it.ibs", Path(folder) / "it.npz"
        Run(begin(path, "it", experiment)).execute()

        def read() -> dict[str, np.ndarray]:
            found = {}
            with SessionReader(path) as reader:
                for one in reader.summary.ensembles:
                    layers, learning = reader.layers(one), reader.learning(one)
                    found |= {f"{one.index}-{name}": getattr(layers, name) for name in LAYER_COLUMNS}
                    found |= {f"{one.index}-{name}": getattr(learning, name) for name in LEARNING_COLUMNS}
            return found

        numbers = read()
        np.savez_compressed(packed, **numbers)

        def load() -> list[np.ndarray]:
            with np.load(packed) as file:
                return [file[name] for name in file]

        rows = compare("reading 3 x 50 x 122", "ms", {".npz": (load, 1), "session": (read, 1)}, scale=1e3)
        raw = sum(values.nbytes for values in numbers.values()) / 1e6
        size = path.stat().st_size / 1e6
    rows.append(Row("size, without weights", "its numbers as raw float64", raw, "MB", 1.0))
    rows.append(Row("size, without weights", "session", size, "MB", size / raw))
    return rows


def compiling() -> list[Row]:
    """Seconds of a run of one network for one epoch: with kernels kept, and with none."""
    times: dict[str, list[float]] = {"kernels kept": [], "no kernels kept": []}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _run_one(place, place / "warm", "first")
        for number in range(3):
            times["kernels kept"].append(_run_one(place, place / "warm", f"warm-{number}"))
            times["no kernels kept"].append(_run_one(place, place / f"cold-{number}", f"cold-{number}"))
    base = statistics.median(times["kernels kept"])
    return [
        Row("first run", name, statistics.median(took), "s", statistics.median(took) / base)
        for name, took in times.items()
    ]


def _run_one(place: Path, cache: Path, name: str) -> float:
    command = ["run", "--networks", "1", "--epochs", "1", "--quiet", "--out", str(place / f"{name}.ibs")]
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ibtui", *command],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
    )
    return time.perf_counter() - began
