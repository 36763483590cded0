"""The curve where y is a function of x: the closed form, beside the certified solver's and random encoders."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.bottleneck.annealing import annealed_curve
from ibtui_engine.bottleneck.choice import rule_curve
from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.deterministic import deterministic_curve
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule

SHARES = st.lists(st.integers(1, 9), min_size=2, max_size=6)


def rule_of(counts: list[int]) -> Rule:
    """As many patterns of each label, which their numbers tell apart."""
    labels = np.repeat(np.arange(len(counts)), counts)
    patterns = np.arange(len(labels), dtype=np.float32)[:, None]
    p_y = (labels == 1).astype(np.float64) if len(counts) == 2 else np.eye(len(counts))[labels]
    return Rule("some", patterns, p_y)


@given(SHARES, st.integers(0, 2**32 - 1))
def test_no_encoder_lies_above_it_and_the_label_itself_at_its_corner(counts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    curve = rule_curve(rule_of(counts))
    weights = np.array(counts) / sum(counts)
    for encoder in (random.dirichlet(np.full(4, 0.3), len(counts)), np.eye(len(counts))):
        joint = weights[:, None] * encoder
        p_t = joint.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            i_x = float(np.where(joint > 0, joint * np.log2(encoder / p_t), 0).sum())
        # y is the class itself: I(T;Y) = I(T;class), which is all of I(X;T)
        assert i_x <= float(curve.upper(i_x)) + 1e-12
        assert float(curve.lower(i_x)) == pytest.approx(min(i_x, curve.h_y), abs=1e-12)
    assert i_x == pytest.approx(curve.h_y)


@given(SHARES)
def test_it_is_min_of_i_x_and_h_y_everywhere_and_certified(counts: list[int]) -> None:
    curve = rule_curve(rule_of(counts))
    h = -sum(c / sum(counts) * math.log2(c / sum(counts)) for c in counts)
    assert (curve.h_y, curve.i_xy, curve.entropy) == pytest.approx((h, h, h))
    x = np.linspace(0, h + 1, 50)
    assert curve.lower(x) == pytest.approx(np.minimum(x, h))
    assert curve.upper(x) == pytest.approx(np.minimum(x, h))
    assert curve.certified
    assert curve.exact
    assert curve.critical == 1
    assert curve.classes == len(counts)
    assert curve.beta_at(0.5 * h) == pytest.approx(1)
    assert Curve.from_dict(curve.to_dict()).lower(x).tolist() == curve.lower(x).tolist()


@pytest.mark.parametrize("share", [0.5, 0.3, 1e-3])
def test_the_certified_solver_finds_the_same(share: float) -> None:
    source = Source.of(np.array([0.0, 1.0]), np.array([1 - share, share]))
    curve = ib_curve(source)
    assert curve.exact
    for beta in (1.01, 2.0, 50.0):
        found = solve(source, beta)
        assert (found.i_x, found.i_y) == pytest.approx(tuple(map(float, curve.point_at(beta))), abs=1e-6)
        assert found.intercept + 0.1 * curve.h_y / beta >= float(curve.upper(0.1 * curve.h_y)) - 1e-9


def test_annealing_of_three_labels_comes_to_it_and_no_further() -> None:
    rule = rule_of([3, 5, 2])
    exact, annealed = rule_curve(rule), annealed_curve(rule.p_y)
    x = np.linspace(0.05, 1.6, 40)
    assert (annealed.lower(x) <= exact.upper(x) + 1e-9).all()
    assert annealed.lower(x) == pytest.approx(exact.lower(x), abs=1e-3)


def test_which_method_is_taken() -> None:
    assert rule_curve(load_rule("perceptron")).exact
    soft = rule_curve(load_rule("symmetric-soft"), error=1e-3)
    assert soft.certified
    assert not soft.exact
    third = Rule("third", np.arange(3, dtype=np.float32)[:, None], np.array([[1.0, 0, 0], [0, 1, 0], [0, 0.5, 0.5]]))
    assert not rule_curve(third).certified
    sure = load_rule("symmetric", gamma=1e7)  # rounds to 0 and 1 on both sides, and is not certain for all that
    assert set(sure.p_y.tolist()) == {0.0, 1.0}
    assert not sure.deterministic


def test_one_label_alone_is_a_flat_curve() -> None:
    curve = deterministic_curve(np.array([1.0, 0.0]))
    assert curve.i_y_at(1.0) == (0.0, 0.0)
    assert math.isinf(curve.critical)
    assert len(curve.segments) == len(curve.beta) == 0
