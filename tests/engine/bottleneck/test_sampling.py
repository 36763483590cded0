"""What the optimal encoders of a sample are worth under the true rule."""

from __future__ import annotations

import numpy as np
import pytest

from ibtui_engine.bottleneck.sampling import (
    attained,
    evaluate_sample,
    information_of,
    sample_points,
    sampled_bound,
)
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve
from ibtui_engine.networks import Samples, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.threads import Threads
from tests.engine.bottleneck.conftest import plane


@pytest.mark.long
def test_no_sample_s_encoder_crosses_the_bound_and_larger_samples_come_nearer() -> None:
    rule = load_rule("symmetric-soft")
    curve = ib_curve(Source.of_rule(rule))
    betas = np.array([1.2, 2.0, 5.0, 20.0, 100.0])
    pool = Threads(2)
    below = []
    for fraction in (0.03, 0.2, 1.0):
        found = sampled_bound(rule, fraction, tuple(range(6)), pool, betas)
        assert (found.i_y <= curve.upper(found.i_x) + 1e-9).all()  # the curve is concave: means lie below it too
        assert (found.error >= 0).all()
        below.append(float((curve.lower(found.i_x) - found.i_y)[2:].mean()))
    pool.close()
    assert below[0] > below[1] > below[2]


def test_a_sample_that_is_the_rule_gives_the_curve() -> None:
    rule = load_rule("symmetric")
    hard = Source.of((rule.p_y > 0.5).astype(float))
    exact = type(rule)("hard", rule.patterns, (rule.p_y > 0.5).astype(np.float64))
    sample = Samples(np.arange(4096)[None], (rule.p_y > 0.5).astype(np.uint8)[None])
    i_x, i_y, promised = evaluate_sample(exact, sample, np.array([1.5, 10.0]))
    assert i_x == pytest.approx([hard.h_y] * 2, abs=1e-6)
    assert i_y == pytest.approx(promised, abs=1e-6)
    assert i_y == pytest.approx([hard.h_y] * 2, abs=1e-6)


def test_information_is_that_of_the_joint_table() -> None:
    random = np.random.default_rng(0)
    source = Source.of(random.random(7), random.random(7))
    encoder = random.dirichlet(np.ones(4), 7)
    assert information_of(source, encoder) == pytest.approx(plane(source, encoder), abs=1e-12)


def test_one_sample_has_no_spread_and_seeds_decide() -> None:
    rule = load_rule("symmetric-soft")
    pool = Threads(1)
    one, again = (sampled_bound(rule, 0.1, (3,), pool, np.array([3.0])) for _ in range(2))
    pool.close()
    assert np.isnan(one.error).all()
    assert (one.i_x, one.i_y) == (again.i_x, again.i_y)


def test_points_are_those_of_each_sample_by_itself() -> None:
    rule, betas, pool = load_rule("symmetric"), np.array([2.0, 30.0]), Threads(2)
    found = sample_points(rule, 0.1, (4, 7), pool, betas)
    pool.close()
    for k, seed in enumerate((4, 7)):
        assert found[:, k] == pytest.approx(evaluate_sample(rule, draw_samples(rule, 0.1, (seed,)), betas), abs=1e-9)


def test_what_a_sample_attains_rises_to_its_highest_point_and_is_flat_then() -> None:
    points = np.array([[1.0, 0.5, 2.0, 3.0], [0.8, 0.6, 0.7, 0.9]])  # the third is below what less has
    at = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 12.0])
    assert attained(at, points) == pytest.approx([0, 0.3, 0.6, 0.7, 0.8, 0.8, 0.8, 0.85, 0.9, 0.9])
