"""Choosing theta and gamma: properties that hold for every statistic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.log_odds import logistic
from ibtui_engine.rules.logistic import balanced_theta, gamma_for_information, hard_information, label_log_odds
from ibtui_engine.rules.rule import label_information

# Statistics with ties, as classes of patterns have; steps of 1/8 keep neighbours apart.
STATISTICS = arrays(np.float64, st.integers(2, 40), elements=st.integers(-40, 40).map(lambda i: i / 8))
GAMMAS = st.floats(0.01, 50)


def probability(f: np.ndarray, theta: float, gamma: float) -> np.ndarray:
    return logistic(label_log_odds(f, theta, gamma))


@given(st.floats(-30, 30))
def test_logistic_is_the_textbook_formula_where_that_is_safe(z: float) -> None:
    assert float(logistic(np.array(z))) == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-14)


def test_logistic_neither_overflows_nor_loses_small_values() -> None:
    z = np.array([-np.inf, -745.0, -700.0, 0.0, 700.0, np.inf])
    assert logistic(z).tolist() == [0.0, math.exp(-745), pytest.approx(math.exp(-700)), 0.5, 1.0, 1.0]


@given(STATISTICS, st.floats(-5, 5), GAMMAS)
def test_probabilities_rise_with_f_and_are_equal_where_f_is(f: np.ndarray, theta: float, gamma: float) -> None:
    p = probability(f, theta, gamma)
    order = np.argsort(f, kind="stable")
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p[order]) >= 0).all()
    assert (np.diff(p[order])[np.diff(f[order]) == 0] == 0).all()


def test_a_pattern_at_theta_has_probability_one_half_and_a_huge_gamma_gives_hard_labels() -> None:
    assert probability(np.array([1.0, 2.0, 4.0]), 2.0, 1e308).tolist() == [0.0, 0.5, 1.0]


@given(STATISTICS, GAMMAS)
@settings(deadline=None)
def test_the_balanced_theta_makes_both_labels_equally_frequent(f: np.ndarray, gamma: float) -> None:
    theta = balanced_theta(f, gamma)
    assert f.min() <= theta <= f.max()
    assert probability(f, theta, gamma).mean() == pytest.approx(0.5, abs=1e-12)


@given(STATISTICS, GAMMAS, st.floats(1.01, 3))
@settings(deadline=None)
def test_information_of_a_balanced_rule_never_falls_with_gamma(f: np.ndarray, gamma: float, factor: float) -> None:
    less, more = (label_information(probability(f, balanced_theta(f, g), g)) for g in (gamma, gamma * factor))
    assert more >= less - 1e-12


@given(STATISTICS)
@settings(deadline=None)
def test_hard_information_is_the_limit_of_large_gamma(f: np.ndarray) -> None:
    gamma = 1e4
    for theta, at in (("auto", balanced_theta(f, gamma)), (0.5, 0.5), (0.55, 0.55)):
        assert label_information(probability(f, at, gamma)) == pytest.approx(hard_information(f, theta), abs=1e-9)


@given(STATISTICS, st.floats(0.001, 0.999), st.sampled_from(["auto", 0.05, -1.0]))
@settings(deadline=None)
def test_the_gamma_found_gives_the_information_asked_for(f: np.ndarray, share: float, theta: float | str) -> None:
    most = hard_information(f, theta)
    assume(most > 1e-3)
    gamma = gamma_for_information(f, theta, share * most)
    at = balanced_theta(f, gamma) if theta == "auto" else theta
    # Steps of theta's last bit move I by far less than this as long as gamma is moderate.
    assert label_information(probability(f, at, gamma)) == pytest.approx(share * most, abs=1e-11)


@pytest.mark.parametrize("theta", ["auto", 0.0])
@pytest.mark.parametrize("wanted", [0.0, -0.1, 1.0, 2.0, math.nan, math.inf])
def test_information_beyond_the_hard_labels_is_refused_with_the_most_there_is(theta, wanted: float) -> None:
    f = np.array([-2.0, -1.0, 1.0, 3.0])
    with pytest.raises(InvalidValue, match=r"above 0 and below 1 bits"):
        gamma_for_information(f, theta, wanted)


def test_labels_that_all_agree_carry_nothing_to_ask_for() -> None:
    for f, theta in ((np.ones(5), "auto"), (np.ones(5), 1.0), (np.arange(1.0, 6.0), 0.0)):
        with pytest.raises(InvalidValue, match="below 0 bits"):
            gamma_for_information(f, theta, 0.5)


def test_the_most_that_is_named_can_itself_be_had() -> None:
    f = np.array([0.0, 1.0, 2.0, 3.0, 4.0])  # hard labels: H(0.4) = 0.9709505...
    assert hard_information(f, 2.5) == pytest.approx(0.970950594, abs=1e-9)
    with pytest.raises(InvalidValue, match=r"below 0\.97095 bits"):
        gamma_for_information(f, 2.5, 0.98)
    assert gamma_for_information(f, 2.5, 0.97095) > 0


def test_a_wish_that_floats_cannot_resolve_is_refused_and_not_searched_for_ever() -> None:
    f = np.array([0.0, 1.0, np.nextafter(1.0, 2), 2.0])  # the middle pair can hardly be told apart
    with pytest.raises(InvalidValue, match="too close to the most, 1: ask for less"):
        gamma_for_information(f, "auto", 0.75)
