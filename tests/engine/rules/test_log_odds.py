"""Probabilities by their log-odds: agreement with the definitions in high precision, and no side of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import exp, log, log1p, mpf, workdps

from ibtui_engine.rules.log_odds import divergences, entropies, log_odds_of, log_ratio, logistic, soft_plus

ODDS = st.floats(-800, 800) | st.floats(-3, 3)


def tails(odds: float) -> tuple[mpf, mpf]:
    """p(y=0) and p(y=1), in the precision at work."""
    return 1 / (1 + exp(mpf(odds))), 1 / (1 + exp(-mpf(odds)))


@example(50.0, 52.0)
@example(-50.0, -52.0)
@example(700.0, 700.0000001)
@given(ODDS, ODDS)
def test_divergences_have_the_digits_of_both_tails(a: float, b: float) -> None:
    with workdps(800):
        exact = sum(p * (log(p) - log(q)) for p, q in zip(tails(a), tails(b), strict=True))
        exact = float(exact)
    found = float(divergences(np.array(a), np.array(b)))
    assert found == pytest.approx(exact, rel=1e-9, abs=1e-300)


@given(ODDS)
def test_entropies_have_the_digits_of_both_tails(a: float) -> None:
    with workdps(800):
        exact = float(-sum(p * log(p) for p in tails(a)) / log(2))
    assert float(entropies(np.array(a))) == pytest.approx(exact, rel=1e-12, abs=1e-300)


@given(ODDS | st.just(math.inf), ODDS | st.just(-math.inf))
def test_nothing_depends_on_which_label_is_called_1(a: float, b: float) -> None:
    one, other = np.array(a), np.array(b)
    assert divergences(one, other) == divergences(-one, -other)
    assert entropies(one) == entropies(-one)
    assert soft_plus(one) - soft_plus(-one) == pytest.approx(a, rel=1e-12, abs=1e-12)


def test_certain_labels_are_far_from_what_rules_them_out_and_from_nothing_else() -> None:
    inf = math.inf
    assert divergences(np.array([inf, -inf, inf, 2.0, 2.0]), np.array([inf, -inf, -inf, inf, -inf])).tolist() == [
        0, 0, inf, inf, inf,
    ]  # fmt: skip
    assert float(divergences(np.array(inf), np.array(3.0))) == pytest.approx(math.log1p(math.exp(-3)))
    assert entropies(np.array([inf, -inf])).tolist() == [0, 0]
    assert log_odds_of(np.array([0.0, 0.5, 1.0])).tolist() == [-inf, 0, inf]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 1000))
def test_equal_ratios_are_equal_log_odds(ones: int, zeros: int, times: int) -> None:
    found = log_ratio(np.array(ones), np.array(zeros))
    assert np.array_equal(found, log_ratio(np.array(ones * times), np.array(zeros * times)), equal_nan=True)
    if ones and zeros:
        assert float(found) == pytest.approx(math.log(ones) - math.log(zeros), rel=1e-12, abs=1e-12)


def test_ratios_beyond_all_numbers_have_logarithms() -> None:
    assert float(log_ratio(np.array(1e300), np.array(1e-300))) == pytest.approx(600 * math.log(10))
    assert log_ratio(np.array([1.0, 0.0]), np.array([0.0, 1.0])).tolist() == [math.inf, -math.inf]


@given(st.floats(-700, 15))
def test_log_odds_and_probabilities_are_inverse(odds: float) -> None:
    assert float(log_odds_of(logistic(np.array(odds)))) == pytest.approx(odds, rel=1e-12, abs=1e-9)
    with workdps(50):
        assert float(logistic(np.array(odds))) == pytest.approx(float(tails(odds)[1]), rel=1e-13)
        assert float(soft_plus(np.array(odds))) == pytest.approx(float(log1p(exp(mpf(odds)))), rel=1e-13)
