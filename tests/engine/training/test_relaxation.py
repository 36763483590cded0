"""The Monte-Carlo relaxation: SGD's bits before it, the flat distribution under the constraint after it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.errors import InvalidValue
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.settings import LONGEST_STEP, PRIORS
from ibtui_engine.streams import Purpose, fill_words
from ibtui_engine.threads import Threads
from ibtui_engine.training.batched import TorchTrainer
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from ibtui_engine.training.relaxation import BURN_IN, TARGET, acceptance, move_costs, moves_until
from tests.tiers import first

BITS = Rule("ramp", binary_patterns(7), np.linspace(0.02, 0.98, 128))
REAL = Rule("real", np.random.default_rng(3).normal(size=(90, 2)).astype(np.float32), np.linspace(0.05, 0.95, 90))
FROM = 6


def problem_of(
    optimizer: str = "metropolis",
    seeds: range = range(3),
    hidden: tuple[int, ...] = (5, 3),
    rule: Rule = BITS,
    start: int = FROM,
    batch: int = 40,
    activation: str = "tanh",
    prior: str = "flat",
    scale: float = 0.7,
) -> Problem:
    samples = draw_samples(rule, 0.85, seeds)
    how = Optimization(optimizer, 0.3, 0.9, min(batch, samples.size), start, prior, scale)
    return Problem(Architecture.of(rule, hidden, activation), rule, samples, tuple(seeds), how)


def begun(problem: Problem) -> TrainingState:
    return TrainingState.initial(problem, 1.0)


def trained(problem: Problem, *epochs: int, state: TrainingState | None = None, threads: int = 1) -> TrainingState:
    pool = Threads(threads)
    worker = FusedTrainer(problem, state or begun(problem), pool)
    for each in epochs:
        worker.advance(each)
    pool.close()
    return worker.state()


def same_bits(one: TrainingState, other: TrainingState) -> bool:
    return one.epoch == other.epoch and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("weights", "slots")
    )


def loss(problem: Problem, network: int, weights: np.ndarray) -> float:
    """Mean cross-entropy of a network's sample, nats, in double precision."""
    values = problem.rule.patterns[problem.samples.patterns[network]].astype(np.float64)
    matrices = problem.architecture.matrices(weights[None])
    for layer, matrix in enumerate(matrices):
        values = values @ matrix[0, :, :-1].astype(np.float64).T + matrix[0, :, -1]
        values = np.tanh(values) if layer < len(matrices) - 1 else values
    logits, labels = values[:, 0], problem.samples.labels[network]
    return float((np.logaddexp(0, logits) - labels * logits).mean())


# Before the relaxation, and the promises about bits


def test_up_to_relax_from_it_is_sgd_to_the_last_bit() -> None:
    relaxing, plain = problem_of(), problem_of("sgd")
    pool = Threads(1)
    one, other = FusedTrainer(relaxing, begun(relaxing), pool), FusedTrainer(plain, begun(plain), pool)
    first, second = one.advance(FROM, statistics=True), other.advance(FROM, statistics=True)
    assert first is not None
    assert second is not None
    assert np.array_equal(first.mean, second.mean)
    assert np.array_equal(first.std, second.std)
    assert np.array_equal(one.state().weights, other.state().weights)
    assert not one.state().slots.any()
    none = one.advance(1, statistics=True)
    assert none is not None
    assert none.mean.shape == none.std.shape == (3, 3)
    assert np.isnan(none.mean).all()
    assert np.isnan(none.std).all()
    other.advance(1)
    assert not np.array_equal(one.state().weights, other.state().weights)
    pool.close()


@given(st.lists(st.integers(1, 30), max_size=8), st.integers(1, 3))
def test_its_bits_depend_neither_on_chunks_nor_on_threads(chunks: list[int], threads: int) -> None:
    left = 40 - min(sum(chunks), 39)
    cut = [*chunks[: next((k for k in range(len(chunks)) if sum(chunks[: k + 1]) > 39), len(chunks))]]
    left = 40 - sum(cut)
    assert same_bits(trained(problem_of(), *cut, left, threads=threads), trained(problem_of(), 40))


@pytest.mark.parametrize(
    ("stop", "prior"),
    [(FROM - 1, "flat"), (FROM, "flat"), (FROM + 1, "flat"), *((25, prior) for prior in PRIORS)],
)
def test_it_goes_on_from_a_state_as_if_it_had_never_stopped(stop: int, prior: str) -> None:
    problem = problem_of(prior=prior)
    state = trained(problem, stop)
    assert same_bits(trained(problem, 40 - stop, state=state), trained(problem, 40))


@pytest.mark.parametrize("prior", ["gauss", "sphere"])
def test_priors_part_where_the_relaxation_begins(prior: str) -> None:
    assert same_bits(trained(problem_of(prior=prior), FROM), trained(problem_of(), FROM))
    assert not np.array_equal(trained(problem_of(prior=prior), 20).weights, trained(problem_of(), 20).weights)


def test_a_network_relaxes_alone_as_it_does_among_others() -> None:
    many = trained(problem_of(seeds=range(9)), 30)
    alone = trained(problem_of(seeds=range(4, 5)), 30)
    assert np.array_equal(alone.weights[0], many.weights[4])
    assert np.array_equal(alone.slots[:, 0], many.slots[:, 4])
    assert len(np.unique(many.weights, axis=0)) == 9


@pytest.mark.parametrize(("network", "prior"), [(0, "flat"), (1, "flat"), (1, "gauss"), (1, "sphere")])
def test_a_network_that_has_diverged_stays_where_it_is_and_spoils_no_other(network: int, prior: str) -> None:
    problem = problem_of(prior=prior)
    state = trained(problem, FROM)
    expected = trained(problem, 5, state=state)
    state.weights[network] = np.nan
    after = trained(problem, 5, state=state)
    others = [k for k in range(3) if k != network]
    assert np.isnan(after.weights[network]).all()
    assert np.array_equal(after.weights[others], expected.weights[others])


# What it does


@pytest.mark.parametrize(
    ("hidden", "rule", "activation", "prior"),
    [((), REAL, "tanh", "flat"), ((4,), REAL, "relu", "flat"), ((5, 3), BITS, "tanh", "flat"),
     ((3, 1, 2), BITS, "sigmoid", "flat"), ((5, 3), BITS, "tanh", "gauss"), ((4,), REAL, "relu", "sphere")],
)  # fmt: skip
def test_the_constraint_is_never_broken(hidden: tuple[int, ...], rule: Rule, activation: str, prior: str) -> None:
    problem = problem_of(hidden=hidden, rule=rule, activation=activation, prior=prior)
    pool = Threads(1)
    measurer = Measurer(problem, 30, pool)
    worker = FusedTrainer(problem, begun(problem), pool)
    worker.advance(FROM)
    before = worker.state().weights
    bound = measurer.measure(before)[1].train_loss
    for _ in range(12):
        worker.advance(15)
        assert (measurer.measure(worker.state().weights)[1].train_loss <= bound * (1 + 2e-6)).all()  # single precision
    assert worker.state().slots[1][:, 1] == pytest.approx(bound, rel=2e-6)
    assert np.abs(worker.state().weights - before).max() > 0.1
    pool.close()


@pytest.mark.parametrize("prior", first(2, PRIORS))
def test_moves_are_those_of_the_rule_written_again_in_plain_python(prior: str) -> None:
    """Proposals from the stream, accepted by the loss in double precision and by the prior; steps adapted in the
    burn-in, then not.
    """
    problem = problem_of(hidden=(3, 2), seeds=range(2), prior=prior)
    epochs = 420  # beyond the burn-in
    state = trained(problem, FROM)
    found = trained(problem, epochs, state=state)
    shape = problem.architecture
    total = moves_until(shape.widths, epochs)
    assert total > 6 * (BURN_IN + 20)
    for network, seed in enumerate(problem.seeds):
        weights = state.weights[network].astype(np.float64)
        bound = loss(problem, network, weights)
        matrices = shape.matrices(weights[None])  # views
        rows = [(layer, j) for layer, matrix in enumerate(matrices) for j in range(matrix.shape[1])]
        longest = {row: LONGEST_STEP * np.sqrt((matrices[row[0]] ** 2).mean()) for row in rows}
        steps = dict(longest)
        for move in range(total):
            sweep, neuron = divmod(move, len(rows))
            layer, j = rows[neuron]
            row = matrices[layer][0, j]
            drawn = 2 * ((row.size + 1) // 2)
            words = np.empty(-(-(drawn + (prior == "gauss")) // 4) * 4, np.uint32)
            fill_words(words, seed, Purpose.MOVES, move)
            uniform = (words + 0.5) / 2.0**32
            chance, uniform = uniform[drawn : drawn + 1], uniform[:drawn]
            radius, angle = np.sqrt(-2 * np.log(uniform[0::2])), 2 * np.pi * uniform[1::2]
            normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[: row.size]
            before = row.copy()
            row += steps[layer, j] * normal
            if prior == "sphere":
                row *= np.linalg.norm(before) / np.linalg.norm(row)
            deviation = 0.7 / np.sqrt(row.size - 1)
            ratio = np.exp(((before / deviation) ** 2 - (row / deviation) ** 2).sum() / 2) if prior == "gauss" else 1
            accepted = loss(problem, network, weights) <= bound and not (chance >= ratio).any()
            if not accepted:
                row[:] = before
            if sweep < BURN_IN:
                gain = (accepted - TARGET) / math.sqrt(sweep + 1)
                steps[layer, j] = min(steps[layer, j] * math.exp(gain), longest[layer, j])
        assert found.weights[network] == pytest.approx(weights, abs=2e-4)
        told = np.concatenate([matrix[0, :, 0] for matrix in shape.matrices(found.slots[0][network : network + 1])])
        assert told == pytest.approx([steps[row] for row in rows], rel=1e-4)


LINE = Rule(
    "line",
    np.random.default_rng(7).normal(size=(30, 1)).astype(np.float32),
    np.random.default_rng(8).uniform(0.2, 0.8, 30),
)


def of_one_set(prior: str, scale: float = 0.7) -> tuple[Problem, TrainingState, float]:
    """Many chains in the same set of a weight and a bias, where they begin, and the bound on the loss."""
    problem = problem_of(hidden=(), rule=LINE, seeds=range(40), start=0, prior=prior, scale=scale)
    for array in (problem.samples.patterns, problem.samples.labels):
        array[1:] = array[0]
    start = begun(problem)
    start.weights[:] = start.weights[0]
    return problem, start, loss(problem, 0, start.weights[0])


def walk(problem: Problem, start: TrainingState, bound: float, step: float, epochs: int) -> np.ndarray:
    """Where the chains are after each epoch, from a state past its burn-in, with a step that stays."""
    pool = Threads(1)
    slots = np.zeros((2, *start.weights.shape), np.float32)
    slots[0, :, 0] = slots[1, :, 0] = step
    slots[1, :, 1] = bound
    worker = FusedTrainer(problem, TrainingState(BURN_IN, start.weights, slots), pool)
    seen = []
    for _ in range(epochs):
        worker.advance(1)
        seen.append(worker.state().weights)
    pool.close()
    share = acceptance(problem.architecture, worker.state().slots)
    assert (share > 0.05).all()
    assert (share < 0.8).all()
    assert (worker.state().slots[0][:, 0] == slots[0, :, 0]).all(), "steps are frozen"
    return np.array(seen, np.float64)


def require_chances(cells: np.ndarray, expected: np.ndarray) -> None:
    """Each chain is in each cell as often as expected, to its error over chains."""
    chains = np.stack([np.bincount(each, minlength=len(expected)) / len(each) for each in cells])
    error = chains.std(axis=0, ddof=1) / np.sqrt(len(chains))
    assert (np.abs(chains.mean(axis=0) - expected) < 4.5 * error + 1e-3).all()
    assert error.max() < 0.004, "the test tells something"


@pytest.mark.parametrize("prior", first(1, ["gauss", "flat"]))
def test_the_weights_spread_over_the_allowed_set_as_the_prior_says_and_flow_both_ways_alike(prior: str) -> None:
    """One input: a weight and a bias, whose allowed set is laid out on a grid. The chances of 24 parts of the set are
    their areas, weighed by the prior, and as many moves go from one part to another as back (detailed balance).
    """
    deviation = 1.0
    problem, start, bound = of_one_set(prior, deviation)
    axis = np.linspace(-6, 6, 1201)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    x = problem.rule.patterns[problem.samples.patterns[0], 0].astype(np.float64)
    labels = problem.samples.labels[0]
    linear, curved = np.zeros(grid.shape[:2]), np.zeros(grid.shape[:2])
    for value, label in zip(x, labels, strict=True):
        logits = grid[..., 0] * value + grid[..., 1]
        curved += np.logaddexp(0, logits)
        linear += label * logits
    allowed = (curved - linear) / len(x) <= bound
    assert 500 < allowed.sum() < allowed.size / 4
    assert not allowed[[0, -1]].any()
    assert not allowed[:, [0, -1]].any()
    inside = grid[allowed]
    centre = inside.mean(axis=0)
    scale = np.linalg.inv(np.linalg.cholesky(np.cov(inside.T)))

    def spread(points: np.ndarray) -> np.ndarray:
        around = (points - centre) @ scale.T
        turn = np.floor((np.arctan2(around[:, 1], around[:, 0]) / (2 * np.pi) + 0.5) * 12).astype(int) % 12
        return turn * 2 + (np.hypot(*around.T) > np.sqrt(2))

    areas = np.bincount(spread(inside), minlength=24) / len(inside)
    density = np.exp(-(inside**2).sum(axis=1) / (2 * deviation**2)) if prior == "gauss" else np.ones(len(inside))
    expected = np.bincount(spread(inside), weights=density, minlength=24) / density.sum()
    assert (np.abs(expected - areas).max() > 0.02) == (prior == "gauss"), "the prior tells"
    points = walk(problem, start, bound, 2 * inside.std(axis=0).min(), 1500 if prior == "flat" else 3000)
    cells = np.stack([spread(points[:, k]) for k in range(points.shape[1])])
    require_chances(cells, expected)
    flows = np.zeros((24, 24))
    np.add.at(flows, (cells[:, :-1], cells[:, 1:]), 1)
    there, back = flows[np.triu_indices(24, 1)], flows.T[np.triu_indices(24, 1)]
    busy = there + back > 20
    assert busy.sum() > 100
    squares = (there - back)[busy] ** 2 / (there + back)[busy]
    assert squares.mean() < 1 + 4.5 * np.sqrt(2 / busy.sum())


@pytest.mark.long
def test_on_the_sphere_neurons_keep_their_norm_and_spread_evenly_over_what_the_loss_allows() -> None:
    """A weight and a bias on a circle: twelve parts of the allowed angles that are as long as one another."""
    problem, start, bound = of_one_set("sphere")
    norm = float(np.linalg.norm(start.weights[0].astype(np.float64)))
    angles = (np.arange(4000) + 0.5) / 4000 * 2 * np.pi - np.pi
    circle = norm * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    allowed = np.array([loss(problem, 0, place.astype(np.float32)) <= bound for place in circle])
    assert 400 < allowed.sum() < 3600
    points = walk(problem, start, bound, norm, 3000)
    assert np.linalg.norm(points, axis=2) == pytest.approx(norm, rel=1e-5)
    at = ((np.arctan2(points[..., 1], points[..., 0]) / (2 * np.pi) + 0.5) * 4000).astype(int) % 4000
    assert allowed[at].mean() > 0.999, "but for those in the same 4000th as an edge"
    along = (np.cumsum(allowed) - 0.5)[at] / allowed.sum()  # of what is allowed, in one arc or several
    require_chances((np.clip(along, 0, 0.9999).T * 12).astype(int), np.full(12, 1 / 12))


def test_on_the_sphere_every_neuron_of_a_network_keeps_its_norm() -> None:
    problem = problem_of(hidden=(5, 3), prior="sphere")
    before, after = (problem.architecture.matrices(trained(problem, epochs).weights) for epochs in (FROM, FROM + 150))
    for one, other in zip(before, after, strict=True):
        assert np.linalg.norm(other, axis=2) == pytest.approx(np.linalg.norm(one, axis=2), rel=1e-5)
        assert np.abs(other - one).max() > 0.02


# What it costs


@pytest.mark.parametrize("hidden", [(), (4,), (5, 3), (10, 8, 6, 4, 2)])
def test_an_epoch_pays_for_the_multiplications_of_three_forward_passes(hidden: tuple[int, ...]) -> None:
    """Counted move by move."""
    widths = (7, *hidden, 1)
    costs = move_costs(widths)
    forward = sum((inputs + 1) * units for inputs, units in pairwise(widths))
    assert len(costs) == sum(widths[1:])
    assert costs[-1] == widths[-2] + 1
    assert costs[0] == 8 + forward - 8 * widths[1]
    spent = made = 0
    for epochs in range(60):
        while spent + costs[made % len(costs)] <= 3 * forward * epochs:
            spent += costs[made % len(costs)]
            made += 1
        assert moves_until(widths, epochs) == made
    assert moves_until(widths, 10**8) == pytest.approx(3 * forward * 1e8 * len(costs) / sum(costs), rel=1e-6)


def test_acceptance_is_absent_before_the_first_move_and_a_share_after() -> None:
    problem = problem_of()
    before, after = trained(problem, FROM), trained(problem, FROM + 60)
    assert np.isnan(acceptance(problem.architecture, before.slots)).all()
    share = acceptance(problem.architecture, after.slots)
    assert share.shape == (3, 3)
    assert ((share > 0) & (share <= 1)).all()


def test_the_torch_trainer_refuses_it() -> None:
    problem = problem_of()
    with pytest.raises(InvalidValue, match="the torch trainer has no metropolis: use --trainer fused or auto"):
        TorchTrainer(problem, begun(problem), "cpu", 1)
