"""Sessions whose numbers come from closed formulas, written by the engine's own writer: the same on every machine.

They look like the paper's experiments (layers rise, then move left; gradients cross over), and are none.
"""

from __future__ import annotations

import math
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from ibtui_engine.experiment import Ensemble, Experiment
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.networks import Architecture
from ibtui_engine.runner import begin
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.writer import Measured
from ibtui_engine.training.problem import SLOTS, TrainingState

DAY = 86_400.0
DIGITS = 6
"""Decimals that are kept, so that the last bits of a processor's logarithm change nothing."""


def write_session(
    path: Path, *, until: int | None = None, status: str = "finished", days: float = 3.5, **settings: Any
) -> Path:
    """A session that has been measured up to an epoch and began some days ago.

    One that is `running` is so as long as this process lives, at 412 epochs a second with 3 minutes 20 to go.
    """
    experiment = Experiment(**{"networks": 4, "snapshots": 40, "weights": False, **settings})
    writer = begin(path, path.stem, experiment)
    with SessionReader(path) as reader:
        rule = reader.rule(1)
    try:
        for row in writer.cohorts():
            ensemble = experiment.ensembles[row.ensemble]
            architecture = Architecture.of(rule, ensemble.hidden, ensemble.activation)
            weights = np.zeros((row.networks, architecture.parameters), np.float32)
            slots = np.zeros((SLOTS[ensemble.optimizer], *weights.shape), np.float32)
            for epoch in writer.schedule:
                if until is None or epoch <= until:
                    measured = _measured(row, ensemble, architecture.layers, epoch, experiment.epochs)
                    writer.record(row, measured, TrainingState(epoch, weights, slots), keep_weights=False)
        writer.show_progress(412.0, 200.0)
        writer.set_status(status)
    finally:
        writer.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE session SET created = ?", (time.time() - days * DAY,))
    return path


def _measured(row: CohortRow, ensemble: Ensemble, layers: int, epoch: int, last: int) -> Measured:
    networks = row.networks
    network = np.arange(networks, dtype=np.float64)[:, None]
    depth = np.arange(1, layers + 1, dtype=np.float64)[None, :] / layers
    passed = math.log1p(epoch) / math.log1p(last)
    differs = 0.017 * np.sin(2.3 * network + 5.1 * depth)

    rise = 1 / (1 + np.exp(-14 * (passed - 0.47 - 0.06 * depth)))
    squeeze = max(passed - 0.66, 0.0) / 0.34
    fraction = ensemble.fraction
    i_x = 12 - 6.4 * depth**1.7 * (1 - 0.55 * rise) - 3.1 * squeeze * depth**0.8 + 4 * differs
    top = 0.42 + 0.55 * fraction**0.6
    i_y = 0.97 * (1 - depth**1.5 * 0.82) * (1 - rise) + top * rise * (1 - 0.09 * depth)
    i_y = i_y - (1 - fraction) * 0.28 * squeeze * depth + differs

    fall = 0.031 * np.exp(-3.4 * depth) * (1 + epoch / 210) ** -0.93 * (1 + 9 * differs)
    noise = 0.0096 * np.exp(-2.1 * depth) * (1 + epoch / 900) ** -0.21 * (1 + 6 * differs)
    absent = np.full((networks, layers), np.nan)
    settled = 0.69 * (1 - rise[:, -1]) + 0.04

    information = LayerInformation(
        i_x=_kept(np.clip(i_x, 0, 12) + 0 * network),
        i_y=_kept(np.clip(i_y, 0, 0.99)),
        distinct=np.round(2 ** np.clip(i_x, 0, 12)).astype(np.int64),
        low=np.full((networks, layers), -1.0),
        high=np.ones((networks, layers)),
        i_x_lower=absent,
        i_y_lower=absent,
        saturated=_kept(np.clip(0.61 * rise * depth + differs, 0, 1)),
        nonlinear=_kept(np.clip(0.83 * rise + differs, 0, 1)),
    )
    spread = 0.021 * np.cos(1.7 * network[:, 0])
    learning = Learning(
        train_loss=_kept(settled + spread),
        test_loss=_kept(settled + 0.31 * (1 - fraction) * (0.2 + squeeze) + spread),
        train_accuracy=_kept(0.985 - 0.48 * (1 - rise[0, -1]) + 0.3 * spread),
        test_accuracy=_kept(0.982 - 0.48 * (1 - rise[0, -1]) - 0.11 * (1 - fraction) + 0.3 * spread),
    )
    return Measured(
        information,
        learning,
        grad_mean=absent if epoch == 0 else _kept(fall, DIGITS + 3),
        grad_std=absent if epoch == 0 else _kept(noise, DIGITS + 3),
        weight_norm=_kept(2.1 + 1.9 * passed + 0 * network + depth),
    )


def _kept(values: np.ndarray, digits: int = DIGITS) -> np.ndarray:
    return np.asarray(np.round(values, digits), np.float64)
