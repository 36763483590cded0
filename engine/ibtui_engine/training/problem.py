"""What a trainer is given and what it gives back: plain arrays, the same for every trainer.

A trainer moves a cohort, networks that are trained in step, from epoch to epoch. It holds the weights while it
works; `state` hands out a copy that another trainer, or the same one in another process, can go on from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64

from ibtui_engine.networks import Architecture, Samples
from ibtui_engine.rules.rule import Rule
from ibtui_engine.settings import FLAT

ADAM_SQUARES_DECAY = 0.999
ADAM_EPSILON = 1e-8
SLOTS = {"sgd": 0, "momentum": 1, "adam": 2, "metropolis": 2}
"""Numbers that each optimiser remembers for every weight."""


@dataclass(frozen=True)
class Optimization:
    """How weights follow the batch gradients. `momentum` is the decay of Adam's first moment too."""

    optimizer: str
    learning_rate: float
    momentum: float
    batch: int
    """Samples in a batch, already limited to the sample's size."""
    relax_from: int = 0
    """Epoch up to which `metropolis` is SGD."""
    relax_prior: str = FLAT
    """What `metropolis` samples where the loss allows, of `PRIORS`."""
    prior_scale: float = 1.0
    """Standard deviation of its Gaussian prior in units of 1/sqrt(fan-in): that of the initial weights."""
    ib_beta: float | None = None
    """What I(X;T) of each hidden layer of stochastic units is divided by in the objective; None leaves it out."""
    ib_method: str = "gradient"
    """How `ib_beta` is obeyed, of `IB_METHODS` (`ibtui_engine.training.bottleneck_objective`)."""
    weight_decay: float = 0.0
    """The loss has half of it times the squared norm of the weights, biases apart, as one more term. Statistics of
    gradients are those of the loss without it."""
    dropout: float = 0.0
    """Variance of the normal numbers of mean 1 that each output of a hidden unit is multiplied by in training, anew for
    each sample and step (Srivastava and others 2014, section 10)."""
    sampling: str = "shuffled"
    """How a step comes by its gradient: `shuffled` deals the sample into batches anew in every epoch; `replacement`
    draws each batch from the sample with replacement; `gaussian` takes the gradient of the whole sample, plus Gaussian
    noise with the covariance that a batch's has at these weights (`ibtui_engine.streams.share_out`; Wu and others
    2020)."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What a cohort learns, and how."""

    architecture: Architecture
    rule: Rule
    samples: Samples
    seeds: tuple[int, ...]
    """One for each network: its random streams."""
    optimization: Optimization

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return -(-self.samples.size // self.optimization.batch)


def batch_of(asked: int | str, samples: int) -> int:
    """Samples in a batch, by the setting `batch` and the size of the sample."""
    return samples if isinstance(asked, str) else min(asked, samples)


def worth(
    problem: Problem,
) -> tuple[Float32[np.ndarray, " patterns_or_none"], Float32[np.ndarray, " networks_or_none"]]:
    """How much each pattern counts in the loss of each network: the first times the second is 1 in the mean over the
    network's sample, and in proportion to p(x). Both empty where patterns are equally likely.

    The loss is the expected one under p(x), over the sample: patterns are in it or not whatever p(x) is, so that what
    is left out is a random share of all patterns, as where they are equally likely.
    """
    p_x = problem.rule.p_x
    if p_x is None:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    counts = p_x * len(p_x)
    shares = 1.0 / counts[problem.samples.patterns].mean(axis=1)
    return counts.astype(np.float32), shares.astype(np.float32)


@dataclass(frozen=True, eq=False)
class TrainingState:
    """All that training goes on from."""

    epoch: int
    """Epochs done."""
    weights: Float32[np.ndarray, "networks parameters"]
    slots: Float32[np.ndarray, "slots networks parameters"]
    """What the optimiser remembers: nothing, the velocity, Adam's two moments, or `metropolis`' steps and counts
    (`ibtui_engine.training.relaxation`)."""

    @classmethod
    def initial(cls, problem: Problem, init_scale: float) -> TrainingState:
        """Before the first epoch."""
        weights = problem.architecture.initial_weights(problem.seeds, init_scale)
        slots = np.zeros((SLOTS[problem.optimization.optimizer], *weights.shape), np.float32)
        return cls(0, weights, slots)


@dataclass(frozen=True, eq=False)
class GradientNorms:
    """Statistics of one epoch's batch gradients of each layer's weights (section 3.5), biases apart.

    Every batch counts the same, a smaller last one too.
    """

    mean: Float64[np.ndarray, "networks layers"]
    """Norm of the mean over batches."""
    std: Float64[np.ndarray, "networks layers"]
    """Root of the entries' summed variance over batches, unbiased (divided by batches − 1), so that the squared
    ratio of `mean` to it is 1/batches on average where gradients are pure noise. NaN where there is one batch.

    Both are NaN of an epoch in which `metropolis` relaxes the weights: it has no gradients."""


@dataclass(frozen=True, eq=False)
class FrozenGradients:
    """What gradients of single examples are at frozen weights, over a network's sample, of each layer's weights, biases
    apart. Nothing moves between the examples, as weights do between the batches of `GradientNorms`. NaN where a trainer
    has no gradients of single examples.
    """

    mean: Float64[np.ndarray, "networks layers"]
    """Norm of the mean over examples: of the gradient of the sample's loss."""
    std: Float64[np.ndarray, "networks layers"]
    """Root of the entries' summed variance over examples, unbiased: of the trace of their covariance."""

    def over(self, norms: Float64[np.ndarray, "networks layers"]) -> FrozenGradients:
        """Both over the norms of the layers' weights, as sessions record them; not finite where there are no weights
        but 0.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return FrozenGradients(self.mean / norms, self.std / norms)


@runtime_checkable
class Trainer(Protocol):
    """Trains one cohort."""

    def advance(self, epochs: int, *, statistics: bool = False) -> GradientNorms | None:
        """Train that many epochs; with `statistics`, return those of the last of them."""

    def frozen_gradients(self) -> FrozenGradients:
        """Statistics of single examples' gradients where training stands."""

    def state(self) -> TrainingState:
        """A copy of where training stands."""

    def close(self) -> None:
        """Give back threads and device memory."""
