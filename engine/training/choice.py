"""Which trainer and device an ensemble gets when it is left open."""

from __future__ import annotations

from engine.errors import InvalidValue
from engine.networks import Architecture
from engine.threads import Threads
from engine.training.problem import Problem, Trainer, TrainingState

FUSED_PARAMETERS = 20_000
"""Up to this many weights in a network the fused kernel is faster on the CPU than torch's matrix products."""


def choose(trainer: str, device: str, architecture: Architecture) -> tuple[str, str]:
    """The trainer, `fused` or `torch`, and its device, for `auto` or a given choice.

    Small networks go to the fused trainer, also where there is a GPU: a GPU needs larger matrices to pay.

    Raises:
        InvalidValue: the device is not available.
    """
    if trainer == "fused" or (trainer == "auto" and device in ("auto", "cpu") and _small(architecture)):
        return "fused", "cpu"
    from engine.training.batched import require_device  # imports torch: 1.6 s

    return "torch", require_device(device).type


def _small(architecture: Architecture) -> bool:
    return architecture.parameters <= FUSED_PARAMETERS


def make_trainer(trainer: str, device: str, problem: Problem, state: TrainingState, threads: Threads) -> Trainer:
    """The trainer of a cohort, as `choose` named it.

    Raises:
        InvalidValue: the device is not available, or the trainer is unknown.
    """
    if trainer == "fused":
        from engine.training.fused import FusedTrainer

        return FusedTrainer(problem, state, threads)
    if trainer == "torch":
        from engine.training.batched import TorchTrainer

        return TorchTrainer(problem, state, device, threads.count)
    raise InvalidValue(f"trainer is {trainer!r}: allowed are fused and torch")
