"""Bounds under Gaussian noise against the truth by numerical integration, plain NumPy, and their limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from ibtui_engine.measures.density import BLOCK, FARTHEST, density_bounds, exponentials
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule, label_information
from ibtui_engine.threads import Threads
from tests import naive
from tests.engine.measures.test_estimators import SMALL, counted, outputs_of, problem_of

ONE_THREAD = Threads(1)


def bounds(points: np.ndarray, p_y: np.ndarray, noise: float) -> tuple[float, float, float, float]:
    """(i_x, i_y, i_x_lower, i_y_lower) of outputs, patterns x units, equal ones as one."""
    _, groups = np.unique(points, axis=0, return_inverse=True)
    room = np.full((points.shape[1], len(points) + 5), np.nan)  # what lies beyond the patterns must not be looked at
    room[:, : len(points)] = points.T
    count = int(groups.max()) + 1
    i_xy = max(label_information(p_y), 0.0)
    return density_bounds(room, points.shape[1], noise, groups.ravel().astype(np.int32), count, p_y, i_xy)


def truth(points: np.ndarray, p_y: np.ndarray, noise: float) -> tuple[float, float]:
    """I(X;T+noise) and I(T+noise;Y) in bits of one neuron, by summing over a fine grid."""
    deviation = math.sqrt(noise)
    grid = np.arange(points.min() - 9 * deviation, points.max() + 9 * deviation, deviation / 12)
    density = norm.pdf(grid[:, None], points[:, 0], deviation)
    joint = np.stack([density @ (1 - p_y), density @ p_y]) / len(p_y)
    step = grid[1] - grid[0]

    def entropy(p: np.ndarray) -> float:
        return -float((p * np.log2(p, out=np.zeros_like(p), where=p > 0)).sum() * step)

    whole = entropy(joint.sum(axis=0))
    of_label = joint.sum(axis=1) * step
    given_y = sum(entropy(row / share) * share for row, share in zip(joint, of_label, strict=True) if share > 1e-12)
    return whole - 0.5 * math.log2(2 * math.pi * math.e * noise), whole - given_y


POINTS = arrays(np.float64, st.integers(1, 40), elements=st.floats(-3, 3).map(lambda v: round(v, 2)))


@given(POINTS, st.integers(0, 2**32 - 1), st.sampled_from([1e-4, 1e-2, 0.1, 1.0, 30.0]), st.booleans())
def test_the_truth_lies_between_the_bounds(points: np.ndarray, seed: int, noise: float, hard: bool) -> None:
    random = np.random.default_rng(seed)
    p_y = random.random(len(points))
    if hard:
        p_y = np.round(p_y)
    i_x, i_y = truth(points[:, None], p_y, noise)
    upper_x, upper_y, lower_x, lower_y = bounds(points[:, None], p_y, noise)
    assert lower_x - 1e-9 <= i_x <= upper_x + 1e-9
    assert lower_y - 1e-9 <= i_y <= upper_y + 1e-9


def test_bounds_say_something_where_gaussians_overlap() -> None:
    """The second upper bound of I(T;Y): 400 mixed-up labels on a line say little, and the bound is not I(X;Y)."""
    random = np.random.default_rng(4)
    points, p_y = random.normal(size=(400, 1)), random.integers(0, 2, 400).astype(float)
    i_x, i_y = truth(points, p_y, 0.01)
    upper_x, upper_y, lower_x, _ = bounds(points, p_y, 0.01)
    assert upper_y < 0.5 * label_information(p_y)
    assert i_y <= upper_y
    assert upper_x - lower_x < 1.0
    assert lower_x < i_x < upper_x


@pytest.mark.parametrize("patterns", [1, 2, 7, 8, 9, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 13])
@pytest.mark.parametrize("units", [1, 3])
def test_bounds_are_those_of_all_pairs_at_once(patterns: int, units: int) -> None:
    random = np.random.default_rng(patterns)
    points = random.normal(size=(patterns, units))
    points[patterns // 2 :: 3] = points[0]  # some that are the same
    p_y = random.random(patterns)
    for noise in (1e-3, 0.3):
        assert bounds(points, p_y, noise) == pytest.approx(naive.density_bounds(points, p_y, noise), abs=1e-11)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_where_there_is_one_label_there_is_nothing_to_know_of_it(p: float) -> None:
    points = np.random.default_rng(1).normal(size=(50, 2))
    _, i_y, _, lower = bounds(points, np.full(50, p), 0.1)
    assert i_y == lower == 0.0


def test_little_noise_tells_every_value_apart_and_much_noise_none() -> None:
    random = np.random.default_rng(2)
    points = np.round(random.normal(size=(300, 2)), 1)
    p_y = random.random(300)
    i_x, i_y, _ = counted([tuple(row) for row in points.tolist()], p_y)
    upper_x, upper_y, lower_x, lower_y = bounds(points, p_y, 1e-6)
    assert upper_x == pytest.approx(i_x, abs=1e-9)
    assert lower_x == pytest.approx(i_x, abs=1e-9)
    assert lower_y == pytest.approx(i_y, abs=1e-9)
    assert i_y - 1e-9 <= upper_y <= label_information(p_y) + 1e-12
    assert bounds(points, p_y, 1e-30) == pytest.approx((upper_x, upper_y, lower_x, lower_y), abs=1e-12)
    assert bounds(points, p_y, 1e9) == pytest.approx((0, 0, 0, 0), abs=1e-6)


def test_more_noise_never_adds_information_about_the_input() -> None:
    random = np.random.default_rng(3)
    points, p_y = random.normal(size=(200, 3)), random.random(200)
    found = np.array([bounds(points, p_y, noise) for noise in np.geomspace(1e-5, 1e3, 30)])
    assert (np.diff(found[:, [0, 2]], axis=0) <= 1e-12).all()
    assert (found[:, 0] >= found[:, 2] - 1e-12).all()
    assert (found[:, 1] >= found[:, 3] - 1e-12).all()


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_patterns_and_neurons_does_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    points, p_y = random.normal(size=(90, 3)), random.random(90)
    order, turn = random.permutation(90), random.permutation(3)
    assert bounds(points[order][:, turn], p_y[order], 0.05) == pytest.approx(bounds(points, p_y, 0.05), abs=1e-12)


def test_outputs_at_the_end_of_floating_point_are_far_apart() -> None:
    points = np.array([[0.0], [1e200], [-1e308], [1e308]])
    p_y = np.array([0.0, 1.0, 0.0, 1.0])
    assert bounds(points, p_y, 1e-3) == pytest.approx((2.0, 1.0, 2.0, 1.0), abs=1e-12)


def test_exponentials_are_right_to_the_last_bits() -> None:
    x = np.concatenate([[0.0, 5e-324, 1e-17, math.log(2) / 2, FARTHEST], np.random.default_rng(1).uniform(0, 87, 4000)])
    room = np.zeros((1, len(x) + 3))
    room[0, : len(x)] = x
    exponentials(room, len(x))
    assert room[0, : len(x)] == pytest.approx(np.exp(-x), rel=2e-14)
    assert (room[0, len(x) :] == 0).all()
    far = np.array([[87.5, 1e300, math.inf, math.nan]])
    exponentials(far, 4)
    assert far == pytest.approx(np.full((1, 4), math.exp(-FARTHEST)), rel=1e-13)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_snapshot_has_the_bounds_of_its_outputs(activation: str) -> None:
    problem = problem_of(SMALL, (5, 3), activation)
    weights = problem.architecture.initial_weights(problem.seeds, 1.5)
    found, _ = Measurer(problem, 30, ONE_THREAD, "kde", 0.02).measure(weights)
    for network, row in enumerate(weights):
        for layer, values in enumerate(outputs_of(problem, row)):
            numbers = [getattr(found, name)[network, layer] for name in ("i_x", "i_y", "i_x_lower", "i_y_lower")]
            assert numbers == pytest.approx(naive.density_bounds(values, SMALL.p_y, 0.02), abs=1e-9)
            assert found.low[network, layer] == pytest.approx(values.min(), abs=1e-12)
            assert found.high[network, layer] == pytest.approx(values.max(), abs=1e-12)


def test_threads_change_no_bit() -> None:
    problem = problem_of(SMALL, (4,), "tanh", networks=5)
    weights = problem.architecture.initial_weights(problem.seeds, 1.0)
    threads = Threads(3)
    try:
        one, _ = Measurer(problem, 30, ONE_THREAD, "kde").measure(weights)
        three, _ = Measurer(problem, 30, threads, "kde").measure(weights)
    finally:
        threads.close()
    for name in ("i_x", "i_y", "i_x_lower", "i_y_lower"):
        assert np.array_equal(getattr(one, name), getattr(three, name))


def test_the_whole_rule_stays_below_its_own_information() -> None:
    rule: Rule = load_rule("symmetric")
    problem = problem_of(rule, (3,), "tanh", networks=1)
    found, _ = Measurer(problem, 30, ONE_THREAD, "kde").measure(problem.architecture.initial_weights((0,), 1.0))
    assert (found.i_x <= rule.h_x + 1e-9).all()
    assert (found.i_y <= rule.i_xy).all()
    assert (found.i_x_lower <= found.i_x).all()
    assert (found.i_y_lower <= found.i_y).all()
