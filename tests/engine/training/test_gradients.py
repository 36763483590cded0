"""Both trainers against one network at a time in plain torch, double precision: autograd and torch.optim.

Gradients are read off what a step leaves behind: SGD's weights after a step of rate 2^20, beside which the weights
from before are lost in the last place, momentum's velocity and Adam's first moment.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from ibtui_engine.experiment import ACTIVATIONS
from ibtui_engine.networks import Architecture, Samples, draw_samples
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.streams import shuffle_epoch
from ibtui_engine.threads import Threads
from ibtui_engine.training.batched import TorchTrainer
from ibtui_engine.training.fused import LARGEST_TILE, FusedTrainer, _tile
from ibtui_engine.training.problem import SLOTS, Optimization, Problem, Trainer, TrainingState
from tests.tiers import diagonal

CLOSE = 1e-5
"""Relative error allowed in the norm of a layer's gradient: single precision has 6e-8 an operation."""
HUGE = 2.0**20

TRAINERS: dict[str, Callable[[Problem, TrainingState], Trainer]] = {
    "fused": lambda problem, state: FusedTrainer(problem, state, Threads(1)),
    "torch": lambda problem, state: TorchTrainer(problem, state, "cpu", 1),
}
both = pytest.mark.parametrize("trainer", TRAINERS)

FUNCTIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softsign": torch.nn.functional.softsign,
    "linear": torch.nn.Identity(),
}


def problem_of(
    widths: tuple[int, ...] = (12, 5, 3, 7, 1),
    *,
    activation: str = "tanh",
    inputs: str = "binary",
    size: int = 45,
    batch: int | None = None,
    optimizer: str = "sgd",
    rate: float = HUGE,
    momentum: float = 0.9,
    networks: int = 2,
    seed: int = 0,
) -> tuple[Problem, TrainingState]:
    """Networks whose weights and biases are random, and samples of `size` of twice as many random patterns."""
    rng = np.random.default_rng([seed, size, *widths])
    shape = (2 * size, widths[0])
    real = rng.normal(size=shape).astype(np.float32)
    patterns = rng.integers(0, 2, shape, dtype=np.uint8) if inputs == "binary" else real
    chosen = np.sort(np.array([rng.permutation(2 * size)[:size] for _ in range(networks)]), axis=1)
    samples = Samples(chosen, rng.integers(0, 2, chosen.shape, dtype=np.uint8))
    architecture = Architecture(widths, activation)
    how = Optimization(optimizer, rate, momentum, batch or size)
    rule = Rule("random", patterns, rng.uniform(size=2 * size))
    problem = Problem(architecture, rule, samples, tuple(range(seed, seed + networks)), how)
    weights = np.zeros((networks, architecture.parameters), np.float32)
    for matrix, fan_in in zip(architecture.matrices(weights), widths, strict=False):
        matrix[:] = rng.normal(size=matrix.shape) / math.sqrt(fan_in)
    return problem, TrainingState(0, weights, np.zeros((SLOTS[optimizer], *weights.shape), np.float32))


class PlainNetwork:
    """One network of a problem, differentiated and optimised by torch."""

    def __init__(self, problem: Problem, weights: np.ndarray, network: int) -> None:
        self.problem = problem
        self.samples = (problem.samples.patterns[network], problem.samples.labels[network])
        self.seed = problem.seeds[network]
        self.linear = [torch.nn.Linear(i, o, dtype=torch.float64) for i, o in pairwise(problem.architecture.widths)]
        self.parameters = [p for layer in self.linear for p in (layer.weight, layer.bias)]
        for layer, matrix in zip(
            self.linear, problem.architecture.matrices(weights[network : network + 1]), strict=True
        ):
            layer.weight.data[:] = torch.from_numpy(matrix[0, :, :-1].astype(np.float64))
            layer.bias.data[:] = torch.from_numpy(matrix[0, :, -1].astype(np.float64))
        how = problem.optimization
        decays = how.weight_decay, 0.0  # of weights and of biases
        groups = [{"params": self.parameters[k::2], "weight_decay": decay} for k, decay in enumerate(decays)]
        self.optimizer: torch.optim.Optimizer
        if how.optimizer == "adam":
            self.optimizer = torch.optim.Adam(groups, lr=how.learning_rate, betas=(how.momentum, 0.999), eps=1e-8)
        else:
            # torch.optim keeps no velocity where the momentum is exactly 0
            momentum = max(how.momentum, 1e-300) if how.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(groups, lr=how.learning_rate, momentum=momentum)

    def step(
        self, chosen: np.ndarray, portions: np.ndarray | None = None, factors: Sequence[np.ndarray] = ()
    ) -> list[np.ndarray]:
        """One step on these of the sample; returns the gradients, bias last in each row.

        `portions`: what each counts in the loss, by default all the same; `factors`: what outputs of each hidden layer
        are multiplied by, samples x units.
        """
        patterns, labels = (torch.from_numpy(a[chosen].astype(np.float64)) for a in self._sampled())
        values = patterns
        for k, layer in enumerate(self.linear[:-1]):
            values = FUNCTIONS[self.problem.architecture.activation](layer(values))
            values = values * torch.from_numpy(factors[k]) if factors else values
        logits = self.linear[-1](values)[:, 0]
        self.optimizer.zero_grad()
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        (losses.mean() if portions is None else losses @ torch.from_numpy(portions)).backward()
        gradients = self._matrices([p.grad for p in self.parameters])
        self.optimizer.step()
        return gradients

    def epoch(self, number: int) -> list[list[np.ndarray]]:
        """All steps of one epoch; the gradients of each."""
        order = np.arange(self.problem.samples.size, dtype=np.uint32)
        shuffle_epoch(order, np.empty(-(-order.size // 4) * 4, np.uint32), self.seed, number)
        batch = self.problem.optimization.batch
        return [self.step(order[start : start + batch]) for start in range(0, order.size, batch)]

    def _sampled(self) -> tuple[np.ndarray, np.ndarray]:
        patterns, labels = self.samples
        return self.problem.rule.patterns[patterns], labels

    def weights(self) -> list[np.ndarray]:
        return self._matrices(self.parameters)

    def slots(self) -> Iterator[list[np.ndarray]]:
        """What torch.optim remembers, as the trainers' slots."""
        names = {"sgd": (), "momentum": ("momentum_buffer",), "adam": ("exp_avg", "exp_avg_sq")}
        for name in names[self.problem.optimization.optimizer]:
            yield self._matrices([self.optimizer.state[p][name] for p in self.parameters])

    def _matrices(self, flat: list[torch.Tensor]) -> list[np.ndarray]:
        arrays = [tensor.detach().numpy().copy() for tensor in flat]
        return [np.column_stack(pair) for pair in zip(arrays[::2], arrays[1::2], strict=True)]


def matrices(problem: Problem, numbers: np.ndarray, network: int) -> list[np.ndarray]:
    views = problem.architecture.matrices(np.ascontiguousarray(numbers[network : network + 1]))
    return [view[0].astype(np.float64) for view in views]


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Of a layer's weights or its biases, whichever is worse, relative to both; equal zeros have none."""
    size = np.linalg.norm(expected)
    errors = [np.linalg.norm(found[part] - expected[part]) for part in (np.s_[:, :-1], np.s_[:, -1:])]
    if size == 0:
        return 0.0 if max(errors) == 0 else math.inf
    return float(max(errors) / size)


def largest_error(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    assert len(found) == len(expected)
    return max(relative_error(f, e) for f, e in zip(found, expected, strict=True))


def gradients_of_one_step(trainer: str, problem: Problem, state: TrainingState) -> list[list[np.ndarray]]:
    """Every network's batch gradients in the first epoch, which has one batch."""
    assert problem.batches == 1
    worker = TRAINERS[trainer](problem, state)
    worker.advance(1)
    after = worker.state()
    how = problem.optimization
    found = {
        "sgd": lambda: (state.weights.astype(np.float64) - after.weights) / how.learning_rate,
        "momentum": lambda: after.slots[0],
        "adam": lambda: after.slots[0].astype(np.float64) / (1 - how.momentum),
    }[how.optimizer]()
    return [matrices(problem, found, network) for network in range(len(problem.seeds))]


def assert_gradients_are_autograds(trainer: str, problem: Problem, state: TrainingState) -> None:
    everything = np.arange(problem.samples.size)
    for network, found in enumerate(gradients_of_one_step(trainer, problem, state)):
        expected = PlainNetwork(problem, state.weights, network).step(everything)
        assert largest_error(found, expected) < CLOSE


# One step


@both
@pytest.mark.parametrize(
    *diagonal(activation=ACTIVATIONS, optimizer=("sgd", "momentum", "adam"), inputs=("binary", "real"))
)
def test_one_step_has_autograds_gradients(trainer: str, optimizer: str, activation: str, inputs: str) -> None:
    assert_gradients_are_autograds(
        trainer, *problem_of(activation=activation, inputs=inputs, optimizer=optimizer, rate=HUGE)
    )


@both
@pytest.mark.parametrize("inputs", ["binary", "real"])
@pytest.mark.parametrize(
    "widths",
    [
        *("1-1", "2-1", "3-1", "12-1", "12-1-1", "12-2-1", "12-3-1", "4-5-7-1", "1-7-5-3-1-1"),
        *("12-10-8-6-4-2-1", "12-10-7-5-4-3-2-1", "9-33-17-1", "6-2-2-2-2-2-2-2-2-1"),
    ],
)
def test_gradients_of_any_widths_are_autograds(trainer: str, widths: str, inputs: str) -> None:
    shape = tuple(map(int, widths.split("-")))
    assert_gradients_are_autograds(trainer, *problem_of(shape, inputs=inputs, activation="softsign"))


@both
@pytest.mark.parametrize("count", [30, 31, 32, 33, 64, 70])
def test_gradients_of_many_binary_inputs_are_autograds(trainer: str, count: int) -> None:
    """Up to 31 bits are packed into one number, more are looked up in a table."""
    problem, state = problem_of((count, 3, 1))
    problem.rule.patterns[:2] = [[1], [0]]  # all bits and none
    assert_gradients_are_autograds(trainer, problem, state)


@both
@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 63, 64, 65, 511, 512, 513, 544, 1000, 1024, 1025])
def test_gradients_of_batches_of_any_size_are_autograds(trainer: str, size: int) -> None:
    """Vectors are of 16 samples, the kernel's steps of 32, its largest tile of 512."""
    assert_gradients_are_autograds(trainer, *problem_of((12, 6, 3, 1), size=size, activation="relu"))


@pytest.mark.parametrize("inputs", ["binary", "real"])
def test_gradients_of_wide_layers_in_small_tiles_are_autograds(inputs: str) -> None:
    """Wide layers leave room in the cache for fewer samples than a batch has, and not for a multiple of them."""
    problem, state = problem_of((12, 301, 7, 1), size=500, inputs=inputs)
    assert _tile(problem) < 100 < LARGEST_TILE
    assert_gradients_are_autograds("fused", problem, state)


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=5).map(lambda widths: (*widths, 1)),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from(["binary", "real"]),
    st.integers(1, 150),
    st.integers(0, 1000),
)
@example((12, 10, 8, 6, 4, 2, 1), "tanh", "binary", 3482, 1)
def test_the_fused_gradients_are_autograds(
    widths: tuple[int, ...], activation: str, inputs: str, size: int, seed: int
) -> None:
    """Error of each layer's gradient relative to what single precision can do: the sum of its terms' sizes."""
    problem, state = problem_of(widths, activation=activation, inputs=inputs, size=size, networks=1, seed=seed)
    found = gradients_of_one_step("fused", problem, state)[0]
    apart = PlainNetwork(problem, state.weights, 0)
    apart.optimizer = torch.optim.SGD(apart.parameters, lr=0.0)
    expected = apart.step(np.arange(size))
    each = [apart.step(np.array([k])) for k in range(min(size, 200))]  # enough for the size of the terms
    for layer, matrix in enumerate(expected):
        terms = np.mean([np.linalg.norm(gradients[layer]) for gradients in each])
        assert np.linalg.norm(found[layer] - matrix) <= 1e-5 * terms


@both
@pytest.mark.parametrize("activation", ["relu", "softsign"])
def test_the_slope_at_zero_is_autograds(trainer: str, activation: str) -> None:
    """A pattern of zeros and biases of zero: every z is 0 exactly, where relu has no derivative."""
    problem, state = problem_of((5, 4, 3, 1), activation=activation, size=1)
    problem.rule.patterns[:] = 0
    for matrix in problem.architecture.matrices(state.weights):
        matrix[:, :, -1] = 0
    assert_gradients_are_autograds(trainer, problem, state)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_torch_trainers_gradients_of_a_given_batch_are_autograds(activation: str) -> None:
    problem, state = problem_of(activation=activation, size=30, networks=3)
    chosen = problem.samples.patterns
    inputs = torch.from_numpy(problem.rule.patterns[chosen].astype(np.float32))
    labels = torch.from_numpy(problem.samples.labels.astype(np.float32))
    found = TorchTrainer(problem, state).gradients(inputs, labels)
    for network in range(3):
        expected = PlainNetwork(problem, state.weights, network).step(np.arange(30))
        assert largest_error([matrix[network].numpy().astype(np.float64) for matrix in found], expected) < CLOSE


def test_the_error_of_the_tests_own_comparison_shows() -> None:
    """A gradient off by 1e-4 in one weight of a layer, or computed with another label, is not passed."""
    problem, state = problem_of(networks=1)
    expected = PlainNetwork(problem, state.weights, 0).step(np.arange(45))
    for layer in range(len(expected)):
        wrong = [matrix.copy() for matrix in expected]
        wrong[layer][0, 0] += 1e-4 * np.linalg.norm(wrong[layer])
        assert largest_error(wrong, expected) > CLOSE
    problem.samples.labels[0, 7] ^= 1
    assert largest_error(gradients_of_one_step("fused", problem, state)[0], expected) > 1e-3


# Many steps

RATES = {"sgd": 0.5, "momentum": 0.1, "adam": 0.01}


@both
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("momentum", [0.9, 0.5, 0.0])
def test_weights_and_what_is_remembered_follow_torch_optim(trainer: str, optimizer: str, momentum: float) -> None:
    """6 epochs of 4 batches, the last of them smaller; error relative to how far the weights have moved."""
    problem, state = problem_of(
        size=100, batch=32, optimizer=optimizer, rate=RATES[optimizer], momentum=momentum, inputs="real"
    )
    assert problem.batches == 4
    worker = TRAINERS[trainer](problem, state)
    worker.advance(6)
    after = worker.state()
    assert after.epoch == 6
    for network in range(2):
        plain = PlainNetwork(problem, state.weights, network)
        before = plain.weights()
        for epoch in range(1, 7):
            plain.epoch(epoch)
        found = [w - b for w, b in zip(matrices(problem, after.weights, network), before, strict=True)]
        moved = [w - b for w, b in zip(plain.weights(), before, strict=True)]
        assert largest_error(found, moved) < 2e-5
        slots = [matrices(problem, slot, network) for slot in after.slots]
        assert len(slots) == SLOTS[optimizer]
        for remembered, expected in zip(slots, plain.slots(), strict=True):
            assert largest_error(remembered, expected) < 5e-5


@both
@pytest.mark.parametrize(("size", "batch"), [(1, 1), (5, 1), (33, 32), (1100, 513), (70, 70), (7, 3)])
def test_whole_epochs_of_any_batches_follow_torch_optim(trainer: str, size: int, batch: int) -> None:
    problem, state = problem_of((12, 5, 3, 1), size=size, batch=batch, rate=0.3)
    worker = TRAINERS[trainer](problem, state)
    worker.advance(2)
    for network in range(2):
        plain = PlainNetwork(problem, state.weights, network)
        before = plain.weights()
        assert len(plain.epoch(1)) == len(plain.epoch(2)) == problem.batches
        found = [w - b for w, b in zip(matrices(problem, worker.state().weights, network), before, strict=True)]
        moved = [w - b for w, b in zip(plain.weights(), before, strict=True)]
        assert largest_error(found, moved) < 1e-4


@both
def test_adams_bias_correction_counts_all_steps_since_the_first_epoch(trainer: str) -> None:
    """A step from the 1000th epoch on, with moments set by hand, against Adam's formula."""
    problem, start = problem_of(size=40, batch=20, optimizer="adam", rate=0.01, networks=1)
    rng = np.random.default_rng(0)
    slots = np.stack([rng.normal(size=start.weights.shape), rng.uniform(0.5, 1, start.weights.shape)]).astype(
        np.float32
    )
    worker = TRAINERS[trainer](problem, TrainingState(1000, start.weights, slots))
    worker.advance(1)
    plain = PlainNetwork(problem, start.weights, 0)
    for parameter, mean, square in zip(plain.parameters, *(split(problem, slot) for slot in slots), strict=True):
        plain.optimizer.state[parameter] = {"step": torch.tensor(2000.0), "exp_avg": mean, "exp_avg_sq": square}
    before = plain.weights()
    plain.epoch(1001)
    found = [w - b for w, b in zip(matrices(problem, worker.state().weights, 0), before, strict=True)]
    moved = [w - b for w, b in zip(plain.weights(), before, strict=True)]
    assert largest_error(found, moved) < 2e-5


def split(problem: Problem, slot: np.ndarray) -> list[torch.Tensor]:
    """A slot as torch's tensors: each layer's weights, then its biases."""
    found = []
    for matrix in matrices(problem, slot, 0):
        found += [torch.from_numpy(matrix[:, :-1].copy()), torch.from_numpy(matrix[:, -1].copy())]
    return found


# Statistics of an epoch's batch gradients


@both
@pytest.mark.parametrize(
    *diagonal(
        sizes=((100, 32), (96, 32), (20, 1), (1100, 600)),
        optimizer=("sgd", "momentum", "adam"),
        activation=("tanh", "relu"),
    )
)
def test_gradient_norms_are_those_of_the_last_epochs_batches(
    trainer: str, optimizer: str, activation: str, sizes: tuple[int, int]
) -> None:
    """Mean and unbiased variance over the batches, a smaller last one counting as much; weights only."""
    size, batch = sizes
    problem, state = problem_of(
        (12, 5, 3, 1), size=size, batch=batch, optimizer=optimizer, rate=RATES[optimizer], activation=activation
    )
    norms = TRAINERS[trainer](problem, state).advance(3, statistics=True)
    assert norms is not None
    assert norms.mean.shape == norms.std.shape == (2, 3)
    for network in range(2):
        plain = PlainNetwork(problem, state.weights, network)
        plain.epoch(1)
        plain.epoch(2)
        batches = plain.epoch(3)
        for layer in range(3):
            gradients = np.array([found[layer][:, :-1] for found in batches])
            mean = np.linalg.norm(gradients.mean(axis=0))
            std = math.sqrt(gradients.var(axis=0, ddof=1).sum())
            assert norms.mean[network, layer] == pytest.approx(mean, rel=2e-5)
            assert norms.std[network, layer] == pytest.approx(std, rel=2e-5)


@both
def test_one_batch_has_a_mean_and_no_deviation(trainer: str) -> None:
    problem, state = problem_of(size=40, rate=0.1)
    norms = TRAINERS[trainer](problem, state).advance(1, statistics=True)
    assert norms is not None
    assert np.isnan(norms.std).all()
    for network in range(2):
        expected = PlainNetwork(problem, state.weights, network).epoch(1)[0]
        assert norms.mean[network] == pytest.approx([np.linalg.norm(g[:, :-1]) for g in expected], rel=1e-5)


@both
def test_equal_batches_have_no_deviation(trainer: str) -> None:
    """Every pattern and label the same: what is left is rounding, and never the root of a negative number, although
    the sums of 300 squares of 48 bits are rounded, too high or too low.
    """
    problem, state = problem_of((1, 1, 1), inputs="real", size=300, batch=1, rate=1e-20, networks=50)
    problem.rule.patterns[:] = problem.rule.patterns[0]
    problem.samples.labels[:] = 1
    norms = TRAINERS[trainer](problem, state).advance(1, statistics=True)
    assert norms is not None
    assert (norms.mean > 1e-6).all()
    assert (norms.std >= 0).all()
    assert (norms.std < 1e-5 * norms.mean).all()


@both
@pytest.mark.parametrize("batch", [8, 32])
def test_the_squared_snr_of_pure_noise_is_one_over_the_batches(trainer: str, batch: int) -> None:
    """Weights of 0 answer p = 1/2 to labels that are fair coins: all gradients have mean 0. Over 1000 networks of 6
    weights the ratio of the mean squares has a standard error of about 3 % (measured: within 2 %).
    """
    networks, size = 1000, 64
    coins = Rule("coins", binary_patterns(6), np.full(64, 0.5))
    architecture = Architecture.of(coins, (), "tanh")
    seeds = tuple(range(networks))
    how = Optimization("sgd", 1e-30, 0.9, batch)
    problem = Problem(architecture, coins, draw_samples(coins, 1.0, seeds), seeds, how)
    state = TrainingState(0, *(np.zeros(shape, np.float32) for shape in ((networks, 7), (0, networks, 7))))
    norms = TRAINERS[trainer](problem, state).advance(1, statistics=True)
    assert norms is not None
    squared_snr = (norms.mean**2).mean() / (norms.std**2).mean()
    assert squared_snr * size / batch == pytest.approx(1, rel=0.1)
