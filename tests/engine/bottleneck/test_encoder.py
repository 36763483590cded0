"""The sums behind beta*, each against the formula as it stands, written with NumPy or in many digits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibtui_engine.bottleneck.encoder import decoder_gap, divergences_of, log_partition, mean_log_odds, nearest_of
from ibtui_engine.rules.log_odds import divergences, logistic

ODDS = st.lists(st.floats(-40, 40), min_size=1, max_size=12)


def setting(odds: list[float], t: list[float]) -> tuple[np.ndarray, ...]:
    """Classes with these log odds, p and 1 − p, ascending decoders, and what divergences are between them."""
    own, decoders = np.array(odds, np.float64), np.sort(np.array(t, np.float64))
    p, rest = logistic(own), logistic(-own)
    d = np.empty((len(own), len(decoders)))
    divergences_of(p, rest, own, decoders, d)
    return own, p, rest, decoders, d


@given(ODDS, ODDS)
@settings(deadline=None)
def test_divergences_are_those_found_one_by_one(odds: list[float], t: list[float]) -> None:
    own, _, _, decoders, d = setting(odds, t)
    exact = divergences(own[:, None], decoders[None, :])
    assert d == pytest.approx(exact - exact.min(axis=1, keepdims=True), rel=1e-10, abs=1e-11 * (1 + abs(exact).max()))
    assert (d.min(axis=1) == 0).all()


@given(st.floats(-30, 30), st.floats(-8, 3))
@settings(deadline=None)
def test_near_divergences_keep_their_digits(odds: float, decades: float) -> None:
    """Of two decoders, the nearer one's is taken away; the further one is that far from the class alone."""
    apart = 10.0**decades
    own, _, _, decoders, d = setting([odds], [odds, odds + apart])
    with mpmath.workdps(500):
        q, one = (1 / (1 + mpmath.exp(-mpmath.mpf(float(x)))) for x in (decoders[1], own[0]))
        exact = one * mpmath.log(one / q) + (1 - one) * mpmath.log((1 - one) / (1 - q))
    if decoders[1] > decoders[0]:
        assert float(d[0, 1]) == pytest.approx(float(exact), rel=1e-9)


@given(ODDS, ODDS, st.floats(-2, 5))
@settings(deadline=None)
def test_what_is_left_out_of_the_partition_is_nothing(odds: list[float], t: list[float], decades: float) -> None:
    _, _, _, decoders, d = setting(odds, t)
    beta = 10.0**decades
    weights, p_t = np.full(len(d), 1 / len(d)), np.full(len(decoders), 1 / len(decoders))
    found = log_partition(beta, weights, p_t, d, nearest_of(d), False, np.empty(len(decoders)))
    terms = p_t * np.exp(-beta * d)
    z = terms.sum(axis=1)
    once, twice = (terms * d).sum(axis=1) / z, (terms * d * d).sum(axis=1) / z
    assert found[0] == pytest.approx(weights @ np.log(z), rel=1e-12, abs=1e-12)
    assert found[1] == pytest.approx(weights @ once, rel=1e-9, abs=1e-30)
    assert found[2] == pytest.approx(weights @ np.maximum(twice - once**2, 0), rel=1e-6, abs=1e-12 * (1 + twice.max()))


@pytest.mark.parametrize("beta", [0.5, 40.0, 3000.0])
def test_the_decoder_that_eq_9_makes_also_where_no_class_is_near(beta: float) -> None:
    _, p, rest, decoders, d = setting([-6.0, -1.0, 0.5], [-6.0, -0.9, 0.4, 7.0])  # 7: far from all of them
    weights, p_t = np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.4, 0.4, 0.1])
    found = decoder_gap(beta, weights, p, rest, p_t, decoders, d)
    with mpmath.workdps(400):
        terms = [[mpmath.mpf(p_t[k]) * mpmath.exp(-mpmath.mpf(beta) * d[i, k]) for k in range(4)] for i in range(3)]
        total = mpmath.mpf(0)
        for k in range(4):
            r = [weights[i] * terms[i][k] / sum(terms[i]) for i in range(3)]
            made = sum(r[i] * p[i] for i in range(3)) / sum(r)
            q = 1 / (1 + mpmath.exp(-mpmath.mpf(decoders[k])))
            total += mpmath.mpf(p_t[k]) * (q * mpmath.log(q / made) + (1 - q) * mpmath.log((1 - q) / (1 - made)))
    assert found == pytest.approx(float(total), rel=1e-9)


@pytest.mark.parametrize("scale", [1.0, 30.0, 300.0])
def test_mean_log_odds_are_those_of_the_mean(scale: float) -> None:
    """Beyond 700 no double holds the less likely label, and the sums are of logarithms."""
    draw = np.random.default_rng(2)
    group = np.concatenate([np.arange(5), draw.integers(0, 5, 35)]).astype(np.int32)
    odds = draw.normal(0, 1, 40) * scale
    ones, zeros, found = (np.empty(5) for _ in range(3))
    mean_log_odds(group, logistic(odds), logistic(-odds), odds, ones, zeros, found)
    with mpmath.workdps(1200):
        for t in range(5):
            each = [mpmath.mpf(float(x)) for x in odds[group == t]]
            one = sum(1 / (1 + mpmath.exp(-x)) for x in each)
            zero = sum(1 / (1 + mpmath.exp(x)) for x in each)
            assert found[t] == pytest.approx(float(mpmath.log(one / zero)), rel=1e-12, abs=1e-12)
    swapped = np.empty(5)
    mean_log_odds(group, logistic(-odds), logistic(odds), -odds, ones, zeros, swapped)
    assert (swapped == -found).all()


@pytest.mark.parametrize(("share", "plain"), [(0.99e-4, False), (1.01e-4, True)])
def test_divergences_are_plain_differences_from_a_ten_thousandth_of_their_terms_on(share: float, plain: bool) -> None:
    """Which costs them a few digits: 1e-13 of the divergence at least in the worst of eighty, 1e-12 at most."""
    worst = 0.0
    for odds in np.linspace(-3.0, -0.1, 80):
        low, high = odds, odds + 1.0
        for _ in range(60):
            middle = (low + high) / 2
            enough = divergences(np.array(odds), np.array(middle)) > share * (1 + np.logaddexp(0, middle))
            low, high = (low, middle) if enough else (middle, high)
        own, _, _, decoders, d = setting([odds], [odds, high])
        with mpmath.workdps(60):
            q, one = (1 / (1 + mpmath.exp(-mpmath.mpf(float(x)))) for x in (decoders[1], own[0]))
            exact = one * mpmath.log(one / q) + (1 - one) * mpmath.log((1 - one) / (1 - q))
            worst = max(worst, abs(float(d[0, 1] / exact - 1)))
    assert (worst > 1e-13) is plain
    assert worst < 2e-12


@pytest.mark.parametrize("beta", [80.0, 100.0, 180.0, 400.0, 700.0, 708.0, 715.0, 2000.0])
def test_a_decoder_far_from_certain_classes_has_the_odds_of_the_nearer_one(beta: float) -> None:
    """Its share of either label is down to nothing beside what rounding would leave of the other class."""
    own, p, rest, decoders, d = setting([46.0, -46.0], [-46.0, 1.0, 46.0])
    weights, p_t = np.array([0.5, 0.5]), np.array([0.4, 0.2, 0.4])
    found = decoder_gap(beta, weights, p, rest, p_t, decoders, d)
    with mpmath.workdps(2000):
        ones, zeros = ([1 / (1 + mpmath.exp(-sign * mpmath.mpf(x))) for x in own] for sign in (1, -1))
        terms = [[mpmath.mpf(p_t[k]) * mpmath.exp(-mpmath.mpf(beta) * d[i, k]) for k in range(3)] for i in range(2)]
        total = mpmath.mpf(0)
        for k in range(3):
            r = [terms[i][k] / sum(terms[i]) for i in range(2)]
            made = [sum(r[i] * of_label[i] for i in range(2)) / sum(r) for of_label in (ones, zeros)]
            q = 1 / (1 + mpmath.exp(-mpmath.mpf(decoders[k])))
            total += mpmath.mpf(p_t[k]) * (q * mpmath.log(q / made[0]) + (1 - q) * mpmath.log((1 - q) / made[1]))
    assert found == pytest.approx(float(total), rel=1e-12)


@pytest.mark.parametrize(("apart", "plain"), [(-0.01, True), (0.01, False)])
def test_sums_of_probabilities_are_taken_down_to_1e_minus_290(apart: float, plain: bool) -> None:
    """Below, logarithms are summed up; what that gives is another number in the last digits, at least once in forty."""
    draw = np.random.default_rng(3)
    same = []
    for _ in range(40):
        above = draw.uniform(0, 3, 5)
        odds = 290 * np.log(10) + apart + np.log(np.exp(-above).sum()) + above  # the less likely label: 1e-290 in all
        ones, zeros, found = (np.empty(1) for _ in range(3))
        mean_log_odds(np.zeros(5, np.int32), logistic(odds), logistic(-odds), odds, ones, zeros, found)
        p, rest = (float(np.cumsum(logistic(sign * odds))[-1]) for sign in (1, -1))
        same.append(found[0] == math.log(p) - math.log(rest))
    assert all(same) is plain
