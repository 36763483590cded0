"""What recording a torch model costs its training: an epoch with the hooks of a recording beside one without, a
snapshot, and the memory of many epochs.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import psutil
import torch
from torch import Tensor, nn

import ibtui
from ibtui_engine.recording.torch_gradients import GradientCollector
from ibtui_engine.threads import usable_cores
from tests.benchmarks.timing import Row, compare, timed

BATCH, EPOCH = 64, 24
"""Patterns in a batch, and batches in an epoch."""
MANY = 21
"""Rounds of epochs: what hooks cost is less than what epochs of a CNN differ by on a machine that others use."""
PATTERNS = 1000
"""That a snapshot measures."""
BEFORE, EPOCHS = 20, 100
"""Epochs after which memory is looked at, each of which is measured."""


def recording() -> list[Row]:
    """Seconds of an epoch with hooks and without, and of a snapshot; and by how much memory grows."""
    torch.manual_seed(0)
    torch.set_num_threads(usable_cores())
    mlp = nn.Sequential(
        *(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU()),
        nn.Linear(256, 10),
    )
    cnn = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    images = torch.rand(EPOCH * BATCH, 1, 28, 28)
    digits = torch.randint(0, 10, (len(images),))
    with tempfile.TemporaryDirectory() as folder:
        return [
            *_epochs("epoch of an MLP", mlp, images.flatten(1), digits, Path(folder)),
            *_epochs("epoch of a CNN", cnn, images, digits, Path(folder)),
            *_snapshot(mlp, images.flatten(1)[:PATTERNS], digits[:PATTERNS], Path(folder)),
            *_memory(mlp, images.flatten(1)[:PATTERNS], digits[:PATTERNS], Path(folder)),
        ]


def _epochs(what: str, model: nn.Module, inputs: Tensor, labels: Tensor, folder: Path) -> list[Row]:
    """The same model with an optimiser that a recording watches, and with one that it does not."""
    plain, watched = (torch.optim.SGD(model.parameters(), lr=0.01) for _ in range(2))
    path = folder / f"{what}.ibs"
    with ibtui.record(path, model, inputs[:PATTERNS], labels[:PATTERNS], optimizer=watched, at={0}) as recording:
        training, passed = _epoch(model, inputs, labels, watched), itertools.count(1)

        def with_hooks() -> None:
            training()
            recording.snapshot(next(passed))  # not measured, but it takes the gradients of the epoch

        unwatched = _epoch(model, inputs, labels, plain)
        work: dict[str, tuple[Callable[[], object], float]] = {
            "without hooks": (unwatched, 1),
            "without hooks, again": (unwatched, 1),
            "with hooks": (with_hooks, 1),
        }
        spent: list[float] = []
        with patch.object(GradientCollector, "_collect", timed(GradientCollector._collect, spent)):
            rows = compare(what, "ms", work, scale=1e3, rounds=MANY)
        alone = statistics.median(spent) * EPOCH * 1e3
        return [*rows, Row(what, "the hooks themselves", alone, "ms", alone / rows[0].median)]


def _epoch(model: nn.Module, inputs: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    def epoch() -> None:
        for batch, answers in zip(inputs.split(BATCH), labels.split(BATCH), strict=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(batch), answers).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return epoch


def _snapshot(model: nn.Module, inputs: Tensor, labels: Tensor, folder: Path) -> list[Row]:
    """A snapshot with each estimator that wide layers are measured with, beside the model's outputs alone."""

    def forward() -> None:
        with torch.no_grad():
            model(inputs)

    work: dict[str, tuple[Callable[[], object], float]] = {"the outputs alone": (forward, 1)}
    with contextlib.ExitStack() as stack:
        for name in ("gauss", "kde", "binning", "renyi", "probe"):
            path = folder / f"{name}.ibs"
            recording = stack.enter_context(ibtui.record(path, model, inputs, labels, estimator=name, every=1))
            epochs = itertools.count()
            work[name] = (lambda recording=recording, epochs=epochs: recording.snapshot(next(epochs)), 1)  # type: ignore[misc]
        return compare(f"snapshot of {PATTERNS} patterns", "ms", work, scale=1e3)


def _memory(model: nn.Module, inputs: Tensor, labels: Tensor, folder: Path) -> list[Row]:
    """What the process holds as epochs go by, each trained with hooks and measured."""
    optimizer, process = torch.optim.SGD(model.parameters(), lr=0.01), psutil.Process()
    training, held = _epoch(model, inputs, labels, optimizer), {}
    with ibtui.record(folder / "long.ibs", model, inputs, labels, optimizer=optimizer, every=1) as recording:
        for epoch in range(EPOCHS + 1):
            if epoch:
                training()
            recording.snapshot(epoch)
            held[epoch] = process.memory_info().rss / 1e6
    return [
        Row("memory, an MLP", f"after {epoch} epochs", held[epoch], "MB", held[epoch] / held[BEFORE])
        for epoch in (BEFORE, EPOCHS)
    ]
