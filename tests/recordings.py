"""Recordings for tests: three small networks of two layers, and one of another ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ibtui_engine.recording.recorder import Recorder

LABELS = np.arange(60) % 4


def make_recording(
    path: Path, *, labels: np.ndarray = LABELS, estimator: str = "gauss", also: Sequence[Any] = ()
) -> Path:
    """Of four labels, or others. What the second layer does changes from epoch to epoch."""
    with Recorder(path, labels, data="blobs", epochs=20, estimator=estimator, also=also) as recorder:
        for network in range(3):
            random = np.random.default_rng(network)
            wide = random.normal(size=(60, 300))
            for epoch in (0, 1, 4, 9, 20):
                narrow = np.eye(4)[LABELS] * epoch / 4 + random.normal(size=(60, 4)) / (1 + epoch)
                recorder.snapshot(
                    epoch,
                    {"[bold]conv\n1": np.maximum(wide, 0), "fc": narrow},
                    gradients={"fc": (1 / (1 + epoch), 0.3)} if epoch else None,
                    weights={"fc": 2.0},
                    losses=(1 / (1 + epoch), 0.5),
                    accuracies=(0.9, 0.8),
                    network=network,
                    batches=8,
                    measure=True,
                )
        recorder.snapshot(0, {"only": wide}, ensemble="other", measure=True)
    return path
