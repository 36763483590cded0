"""Noise in the weights: the perceptron's closed form against fresh inputs, every network against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from ibtui_engine.errors import InvalidValue
from ibtui_engine.networks import Architecture, Samples, draw_samples
from ibtui_engine.noise import NoiseErrors, closed_form, noise_errors, perceptron_error
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.perceptron import teacher_of
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads

RULE = Rule("ramp", binary_patterns(6), np.linspace(0.02, 0.98, 64))
SEEDS = (3, 4, 5)
SIGMAS = (0.0, 0.3, 1.0)


def errors_of(
    hidden: tuple[int, ...] = (4, 3), threads: int = 1, samples: Samples | None = None, **settings: object
) -> NoiseErrors:
    shape = Architecture.of(RULE, hidden, "tanh")
    weights = 2 * shape.initial_weights(SEEDS)
    pool = Threads(threads)
    try:
        chosen = draw_samples(RULE, 0.5, SEEDS) if samples is None else samples
        return noise_errors(shape, RULE, chosen, SEEDS, weights, pool, **({"sigmas": SIGMAS} | settings))  # type: ignore[arg-type]
    finally:
        pool.close()


# The closed form


@given(st.floats(-0.999, 0.999), st.floats(-3, 3))
def test_the_chance_to_disagree_is_that_of_two_normal_fields(overlap: float, threshold: float) -> None:
    """P(u > 0, v < −t) + P(u < 0, v > −t) from the bivariate normal distribution."""
    below = multivariate_normal([0, 0], [[1, overlap], [overlap, 1]]).cdf([0.0, -threshold])
    expected = norm.cdf(-threshold) - below + 0.5 - below
    assert perceptron_error(np.array(overlap), np.array(threshold)) == pytest.approx(expected, abs=2e-5)


def test_without_bias_it_is_the_arc_cosine_of_the_overlap() -> None:
    overlap = np.linspace(-1, 1, 201)
    assert perceptron_error(overlap, np.zeros(201)) == pytest.approx(np.arccos(overlap) / np.pi, abs=1e-12)


def test_it_is_what_fresh_gaussian_inputs_say_with_noise_and_bias() -> None:
    """400 000 inputs of 400 dimensions, each with noise of its own. Of an input only its part in the plane of both
    weights counts, and its length, which the noise's field is scaled by.
    """
    random = np.random.default_rng(1)
    teacher, weights = random.normal(size=(2, 400))
    weights += teacher
    bias = 12.0
    sigmas = np.array([0.0, 0.5, 1.5])
    told = closed_form(weights[None], np.array([bias]), teacher, sigmas)[0]
    norms = np.linalg.norm(weights)
    _, inside = np.linalg.qr(np.stack([teacher, weights], axis=1))
    inside = inside.T
    wrong = np.zeros((3, 40))
    for block in range(40):
        x = random.normal(size=(10_000, 2))
        length = np.sqrt(np.square(x).sum(axis=1) + random.chisquare(398, 10_000))
        noise = random.normal(size=10_000) * length * norms / np.sqrt(400)
        wrong[:, block] = [((x @ inside[0] > 0) != (x @ inside[1] + s * noise + bias > 0)).mean() for s in sigmas]
    error = wrong.std(axis=1, ddof=1) / np.sqrt(40)
    assert (np.abs(wrong.mean(axis=1) - told) < 4.5 * error + 1e-3).all()
    assert told[0] < told[1] < told[2]


def test_a_trained_perceptron_errs_as_its_overlap_says_with_and_without_noise() -> None:
    """On the rule's 4096 patterns, whose own sampling error is left, and for the drawn noise on all inputs."""
    rule = load_rule("perceptron")
    teacher = teacher_of(rule.name, rule.parameters)
    assert teacher is not None
    shape = Architecture.of(rule, (), "tanh")
    seeds = tuple(range(40))
    weights = shape.initial_weights(seeds)
    weights[:, :-1] += 1.5 * teacher.astype(np.float32)
    weights[:, -1] = 0.1
    pool = Threads(1)
    samples = draw_samples(rule, 0.1, seeds)
    found = noise_errors(shape, rule, samples, seeds, weights, pool, sigmas=SIGMAS, draws=10, teacher=teacher)
    pool.close()
    assert found.drawn is not None
    assert found.closed is not None
    assert found.drawn[:, 0] == pytest.approx(found.closed[:, 0], abs=1e-6)
    assert found.drawn.mean(axis=0) == pytest.approx(found.closed.mean(axis=0), abs=0.01)  # 30 inputs are not many
    assert found.every.mean(axis=0) == pytest.approx(found.drawn.mean(axis=0), abs=0.006)
    assert found.outside.mean(axis=0) == pytest.approx(found.every.mean(axis=0), abs=0.002)
    assert found.closed.mean(axis=0)[0] + 0.05 < found.closed.mean(axis=0)[2], "the test tells something"


# Any network


def test_without_noise_it_is_the_networks_own_error() -> None:
    shape = Architecture.of(RULE, (4, 3), "tanh")
    weights = 2 * shape.initial_weights(SEEDS)
    samples = draw_samples(RULE, 0.5, SEEDS)
    found = errors_of(draws=3)
    for k in range(3):
        values = RULE.patterns.astype(np.float64)
        for layer, matrix in enumerate(shape.matrices(weights[k : k + 1])):
            values = values @ matrix[0, :, :-1].T + matrix[0, :, -1]
            values = np.tanh(values) if layer < 2 else values
        wrong = np.where(values[:, 0] > 0, 1 - RULE.p_y, RULE.p_y)
        assert found.every[k, 0] == pytest.approx(wrong.mean(), abs=1e-12)
        outside = np.delete(wrong, samples.patterns[k])
        assert found.outside[k, 0] == pytest.approx(outside.mean(), abs=1e-12)
    assert found.drawn is None
    assert found.closed is None


def test_noise_is_scaled_to_each_layers_weights_and_leaves_biases_alone() -> None:
    from ibtui_engine.noise import _noise

    shape = Architecture((20, 30, 10, 1), "tanh")
    weights = shape.initial_weights((0,))
    for matrix, scale in zip(shape.matrices(weights), (1.0, 5.0, 0.2), strict=True):
        matrix[:, :, :-1] *= scale
        matrix[:, :, -1] = 100.0
    draws = np.stack([_noise(shape, weights[0], 7, draw) for draw in range(300)])
    for noise, matrix in zip(shape.matrices(draws), shape.matrices(weights), strict=True):
        assert not noise[:, :, -1].any()
        squares = np.square(noise[:, :, :-1]).sum(axis=(1, 2))
        assert squares.mean() == pytest.approx(np.square(matrix[:, :, :-1]).sum(), rel=0.1)
        assert np.abs(noise.mean(axis=0)).max() < 5 * noise.std() / np.sqrt(300)


def test_what_is_drawn_depends_on_the_networks_seed_alone_and_not_on_threads_or_other_sizes() -> None:
    many = errors_of(draws=4)
    assert np.array_equal(errors_of(draws=4, threads=2).every, many.every)
    assert np.array_equal(errors_of(draws=4, sigmas=(1.0,)).every[:, 0], many.every[:, 2])
    assert not np.array_equal(errors_of(draws=5).every, many.every)
    assert (many.every[:, 2] > many.every[:, 0] - 0.1).all()


def test_networks_that_have_seen_everything_have_no_error_outside() -> None:
    found = errors_of(samples=draw_samples(RULE, 1.0, SEEDS), draws=1)
    assert np.isnan(found.outside).all()
    assert np.isfinite(found.every).all()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sigmas": ()}, "sigma must be numbers from 0 to"),
        ({"sigmas": (-0.1,)}, "sigma must be numbers from 0 to"),
        ({"sigmas": (float("nan"),)}, "sigma must be numbers from 0 to 1e.06, got nan"),
        ({"sigmas": (1e7,)}, "sigma must be numbers from 0 to 1e.06"),
        ({"draws": 0}, "draws must be a whole number from 1 to 10000"),
        ({"draws": 10_001}, "draws must be a whole number from 1 to 10000, got 10001"),
    ],
)
def test_sizes_and_draws_out_of_range_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidValue, match=told):
        errors_of(**settings)
