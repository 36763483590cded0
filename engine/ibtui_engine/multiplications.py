"""How many multiplications an epoch of training takes: a measure of work for networks that are trained differently.

Counted are products of weights, activations and probabilities, by the algorithms of `ibtui_engine.training`. What grows
with units instead of weights or states (activations, steps of the optimiser) is left out, as are additions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ibtui_engine.experiment import Ensemble


def multiplications_per_epoch(ensemble: Ensemble, sample: int, widths: Sequence[int]) -> int:
    """Multiplications that an epoch takes of one network.

    Args:
        ensemble: how it is trained.
        sample: examples in its sample.
        widths: inputs, units of each hidden layer, outputs.
    """
    batch = sample if ensemble.batch == "full" else min(ensemble.batch, sample)
    batches = [min(batch, sample - start) for start in range(0, sample, batch)]
    if not ensemble.stochastic:
        of_example = sum(_of_weights(inputs, units, first=not k) for k, (inputs, units) in enumerate(pairwise(widths)))
        examples = sample * len(batches) if ensemble.sampling == "gaussian" else sample
        return examples * of_example  # those of a relaxation cost the same, however its moves are made
    of_step = _of_messages if ensemble.bottleneck is None else _of_encoders
    return sum(of_step(size, widths) for size in batches)


def epochs_of_equal_work(last: Sequence[int], per_epoch: Sequence[int]) -> list[int]:
    """The last epoch of each network that takes no more multiplications than the one that makes the fewest.

    Args:
        last: the epoch that each has come to.
        per_epoch: multiplications of each in an epoch.
    """
    least = min(epoch * each for epoch, each in zip(last, per_epoch, strict=True))
    return [least // each for each in per_epoch]


def _of_weights(inputs: int, units: int, *, first: bool) -> int:
    """Of an example and a layer: forward, the gradient, and the error below but for the inputs."""
    return inputs * units * (2 if first else 3)


def _of_messages(batch: int, widths: Sequence[int]) -> int:
    """Of a step of stochastic units by messages for each label (`training.stochastic_kernel`).

    Below the first layer are the batch's patterns, of one label each, above it states of both. From each, with its
    units' z and the gradient of their weights, all states are reached once upwards and twice downwards.
    """
    *hidden, _ = pairwise(widths)
    total, rows, labels = 0, batch, 1
    for inputs, units in hidden:
        total += rows * (2 * inputs * units + 3 * labels * (1 << units))
        rows, labels = 1 << units, 2
    return total + rows * 2 * widths[-2]


def _of_encoders(batch: int, widths: Sequence[int]) -> int:
    """Of a step that needs p(t|x) of every layer (`training.bottleneck_objective`): from the second on, three products
    of the patterns' probabilities with the transfer matrix; z, the gradient and the slopes of units as above.
    """
    *hidden, _ = pairwise(widths)
    total, rows = 0, batch
    for k, (inputs, units) in enumerate(hidden):
        states = 1 << units
        total += rows * (2 * inputs * units + units * states) + (3 * batch * rows * states if k else 0)
        rows = states
    return total + rows * 2 * widths[-2]
