"""Which trainer and device an ensemble gets when it is left open."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32

from ibtui_engine.errors import InvalidValue
from ibtui_engine.networks import Architecture
from ibtui_engine.packages import import_package
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import FrozenGradients, Problem, Trainer, TrainingState

GPU_PAYS = 4_000
"""Up to this many weights in a network, a GPU does not pay. Measured with 50 networks on an H100, beside the fused
trainer on 16 cores: of 1089 weights half as fast, of 5057 1.4 times, of 12 033 3.3 times."""
THREADS_PAY = 20_000
"""Up to this many weights in a network, torch's products on the CPU are too small for a second thread."""
LARGE = 250_000
"""Up to this many, the fused kernel is faster than torch on the CPU (measured: 1.3 to 2 times at 270 000)."""


def choose(trainer: str, device: str, architecture: Architecture, *, elsewhere: bool = False) -> tuple[str, str]:
    """The trainer, `fused`, `torch` or `stochastic`, and its device, for `auto` or a given choice.

    `elsewhere`: other machines train; a device that is asked for is theirs, and `auto` is the CPU.

    Where torch cannot be imported, `auto` is the fused trainer if that can do the work.

    Raises:
        InvalidValue: the device is not available, the fused trainer is to train more than one output, or torch is
            needed and cannot be imported.
    """
    if architecture.stochastic:
        return "stochastic", "cpu"
    size = architecture.parameters
    outputs = architecture.widths[-1]
    need = "the torch trainer needs" if trainer == "torch" else f"device {device!r} needs"
    if outputs > 1:
        if trainer == "fused":
            raise InvalidValue(
                f"the fused trainer has one output and learns two labels, and this rule has {outputs}: use "
                "--trainer torch"
            )
        trainer, need = "torch", f"a rule of more than two labels (this one has {outputs}) is trained by"
    if trainer == "fused" or (trainer == "auto" and device in ("auto", "cpu") and size <= GPU_PAYS):
        return "fused", "cpu"
    if elsewhere:
        found = "cpu" if device == "auto" else device
        fused = trainer == "auto" and found == "cpu" and size <= LARGE
        return ("fused", "cpu") if fused else ("torch", found)
    try:
        import_package(need, "torch")  # 1.6 s
    except InvalidValue:
        if trainer == "auto" and device in ("auto", "cpu"):
            return "fused", "cpu"
        raise
    from ibtui_engine.training.batched import require_device

    found = require_device(device).type
    if trainer == "auto" and found == "cpu" and size <= LARGE:
        return "fused", "cpu"
    return "torch", found


def require_trainer(trainer: str, device: str) -> None:
    """Refuse early what `make_trainer` could not make.

    Raises:
        InvalidValue: the trainer is torch, and torch cannot be imported or has no such device.
    """
    if trainer == "torch":
        import_package("the torch trainer needs", "torch")
        from ibtui_engine.training.batched import require_device

        require_device(device)


def make_trainer(trainer: str, device: str, problem: Problem, state: TrainingState, threads: Threads) -> Trainer:
    """The trainer of a cohort, as `choose` named it.

    Raises:
        InvalidValue: torch or the device is not available, or the trainer is unknown.
    """
    require_trainer(trainer, device)
    if trainer == "fused":
        from ibtui_engine.training.fused import FusedTrainer

        return FusedTrainer(problem, state, threads)
    if trainer == "stochastic":
        from ibtui_engine.training.stochastic import StochasticTrainer

        return StochasticTrainer(problem, state, threads)
    if trainer == "torch":
        from ibtui_engine.training.batched import TorchTrainer

        # products of small matrices are done before a second thread has begun; on a busy machine, waiting for that one
        # took ten times as long
        count = threads.count if problem.architecture.parameters > THREADS_PAY else 1
        return TorchTrainer(problem, state, device, count)
    raise InvalidValue(f"trainer must be fused, torch or stochastic, got {trainer!r}")


def frozen_gradients(
    trainer: str, problem: Problem, weights: Float32[np.ndarray, "networks parameters"], threads: Threads
) -> FrozenGradients:
    """Statistics of single examples' gradients at these weights, as a trainer on the CPU finds them. NaN where there
    are none: of stochastic units, and where that trainer cannot be had here.
    """
    absent = np.full((len(weights), problem.architecture.layers), math.nan)
    try:
        trainer, device = choose(trainer, "cpu", problem.architecture)
    except InvalidValue:
        return FrozenGradients(absent, absent)
    state = TrainingState(0, weights, np.zeros((0, *weights.shape), np.float32))
    if trainer == "fused":
        from ibtui_engine.training.fused import FusedTrainer

        return FusedTrainer(problem, state, threads, trains=False).frozen_gradients()
    return make_trainer(trainer, device, problem, state, threads).frozen_gradients()
