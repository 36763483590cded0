"""Answers of networks, against SciPy's tests, against the adjusted p-values of Holm's procedure, and by drawing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ibtui_engine.account.criteria import AtLeast, AtMost, Between, Share
from ibtui_engine.account.questions import (
    ERROR,
    LessThanChance,
    Mean,
    Median,
    OfShare,
    Question,
    _rejected,
    answers,
    medians,
    resampled,
)

NUMBERS = st.lists(st.floats(-10, 10).map(lambda x: round(x, 3)), min_size=2, max_size=30)


@given(NUMBERS, st.floats(-10, 10).map(lambda x: round(x, 3) + 0.0005))
def test_a_mean_is_tested_by_students_t(values: list[float], limit: float) -> None:
    array = np.array(values)
    if array.std() < 1e-6:
        return
    for criterion, against, other in (
        (AtLeast(limit), "greater", "less"),
        (AtMost(limit), "less", "greater"),
    ):
        no, yes = Mean("", array, criterion).chances()
        assert no == pytest.approx(stats.ttest_1samp(array, limit, alternative=against).pvalue, rel=1e-9, abs=1e-14)
        assert yes == pytest.approx(stats.ttest_1samp(array, limit, alternative=other).pvalue, rel=1e-9, abs=1e-14)


@given(NUMBERS, st.floats(0.1, 5))
def test_between_two_limits_is_an_equivalence_test(values: list[float], width: float) -> None:
    array = np.array(values)
    if array.std() < 1e-6:
        return
    no, yes = Mean("", array, Between(-width, width)).chances()
    above, below = (
        stats.ttest_1samp(array, at, alternative=side).pvalue for at, side in ((-width, "greater"), (width, "less"))
    )
    assert no == pytest.approx(max(above, below), rel=1e-9, abs=1e-14)
    assert yes == pytest.approx(min(1.0, 2 * min(1 - above, 1 - below)), rel=1e-6, abs=1e-12)


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, math.inf, -math.inf]), min_size=1, max_size=40))
def test_a_median_is_tested_by_signs(values: list[float]) -> None:
    array = np.array(values)
    within = int((array >= 2.5).sum())
    no, yes = Median("", array, AtLeast(2.5)).chances()
    assert no == pytest.approx(stats.binomtest(within, len(array), 0.5, alternative="greater").pvalue)
    assert yes == pytest.approx(stats.binomtest(len(array) - within, len(array), 0.5, alternative="greater").pvalue)


@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from([0.25, 0.5, 0.9]))
def test_a_share_is_tested_exactly(count: int, networks: int, share: float) -> None:
    count = min(count, networks)
    no, yes = OfShare("", np.arange(networks) < count, Share(share)).chances()
    assert no == pytest.approx(stats.binomtest(count, networks, share, alternative="greater").pvalue)
    assert yes == pytest.approx(stats.binomtest(count, networks, share, alternative="less").pvalue)


def test_a_resolution_that_all_share_adds_to_the_error() -> None:
    values = np.array([1.0, 2.0, 3.0])
    alone, shared = (Mean("", values, AtLeast(1.0), common).chances()[0] for common in (0.0, 2.0))
    error = math.hypot(1 / math.sqrt(3), 2.0)
    assert shared == pytest.approx(stats.t.sf(1 / error, 2))
    assert alone < shared


def test_networks_without_a_number_do_not_count() -> None:
    some, all_of_them = np.array([1.0, math.nan, 2.0, 4.0]), np.array([1.0, 2.0, 4.0])
    for kind in (Mean, Median):
        assert kind("", some, AtLeast(0.5)).chances() == kind("", all_of_them, AtLeast(0.5)).chances()
        assert kind("", some, AtLeast(0.5)).networks == 4
        nobody = kind("", np.full(4, math.nan), AtLeast(0.5))
        assert (nobody.chances(), nobody.stands()) == ((1.0, 1.0), False)


def test_one_network_decides_nothing_by_its_mean() -> None:
    assert answers([Mean("", np.array([5.0]), AtLeast(1.0))]) == [None]


@pytest.mark.parametrize(("value", "answer"), [(1.0, True), (0.999999, False), (1.000001, True)])
def test_networks_that_all_say_the_same_decide(value: float, answer: bool) -> None:
    assert answers([Mean("", np.full(5, value), AtLeast(1.0))]) == [answer]


@pytest.mark.parametrize(("short", "answer"), [(0.95e-12, True), (1.05e-12, False)])
def test_networks_that_all_say_the_same_may_be_rounded(short: float, answer: bool) -> None:
    asked = Mean("", np.full(5, 1 - short), AtLeast(1.0))
    assert asked.chances() == ((0.0, 1.0) if answer else (1.0, 0.0))
    assert answers([asked]) == [answer]


def test_a_limit_of_nought_is_kept_by_networks_that_are_all_there() -> None:
    for criterion in (AtLeast(0.0), AtMost(0.0)):
        assert answers([Mean("", np.zeros(5), criterion)]) == [True]


@pytest.mark.parametrize(("apart", "chance"), [(0.95e-13, 0.0), (1.05e-13, 0.5)])
def test_networks_that_differ_by_more_than_rounding_do_not_all_say_the_same(apart: float, chance: float) -> None:
    values = np.array([1 - apart, 1 + apart])  # whose mean has this standard error
    assert Mean("", values, AtLeast(1.0)).chances()[0] == pytest.approx(chance, abs=0.01)


def test_one_chance_in_forty_of_a_wrong_yes_and_of_a_wrong_no_is_taken() -> None:
    assert _rejected([0.0249]) == _rejected([0.025]) == [True]
    assert _rejected([0.0251]) == [False]
    assert _rejected([0.0126, 0.02]) == [False, False]
    assert _rejected([0.0124, 0.0249, 0.0251]) == [False, False, False]
    assert _rejected([0.0083, 0.0124, 0.0249]) == [True, True, True]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holms_procedure(chances: list[float]) -> None:
    """Its adjusted p-values are the running maximum of (m − k) p_(k)."""
    order = np.argsort(chances, kind="stable")
    adjusted = np.maximum.accumulate((len(chances) - np.arange(len(chances))) * np.array(chances)[order])
    expected = np.empty(len(chances), bool)
    expected[order] = adjusted <= ERROR
    near = np.abs(adjusted - ERROR) < 1e-12
    if not near.any():
        assert _rejected(chances) == expected.tolist()


def test_all_questions_of_a_claim_share_one_chance_of_error() -> None:
    """p = .0156 of six networks that agree decides one question, and none of two."""
    agreeing = Median("", np.full(6, 5.0), AtLeast(1.0))
    assert answers([agreeing]) == [True]
    assert answers([agreeing, Median("", np.full(6, 5.0), AtLeast(1.0))]) == [None, None]
    sure = Mean("", np.full(6, 5.0), AtLeast(1.0))
    assert answers([agreeing, sure]) == [True, True]  # the surer one first


def test_wrong_answers_are_rare() -> None:
    """Five true means at their limits: a yes or a no of any is wrong, and comes at most once in twenty times."""
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(1000):
        asked: list[Question] = [Mean("", rng.normal(1.0, 1.0, 12), AtLeast(1.0)) for _ in range(5)]
        wrong += any(one is not None for one in answers(asked))
    assert 20 <= wrong <= 70  # 50 expected, 6.9 its standard deviation


def test_medians_of_rows() -> None:
    rows = np.array(
        [[3.0, 1.0, math.nan, 2.0], [math.inf, 1.0, 2.0, math.inf], [math.nan] * 4, [math.inf, 1, 2, -math.inf]]
    )
    assert medians(rows).tolist()[:2] == [2.0, math.inf]
    assert math.isnan(medians(rows)[2])
    assert medians(rows)[3] == 1.5


def test_resampled_answers_are_those_of_the_networks_drawn() -> None:
    values = np.array([1.0, 2.0, 9.0, math.nan])
    drawn = resampled(4, 200)
    assert drawn.shape == (200, 4)
    assert (drawn == resampled(4, 200)).all()
    for row, mean, median in zip(
        drawn, Mean("", values, AtLeast(2.5)).so(drawn), Median("", values, AtLeast(2.5)).so(drawn), strict=True
    ):
        known = values[row][~np.isnan(values[row])]
        assert mean == (len(known) > 0 and known.mean() >= 2.5)
        assert median == (len(known) > 0 and np.median(known) >= 2.5)
    having = np.array([True, False, False, False])
    assert OfShare("", having, Share(0.5)).so(drawn).tolist() == [having[row].sum() >= 2 for row in drawn]


def test_less_than_chance_is_tested_by_random_draws() -> None:
    random = np.random.default_rng(3)
    drawn = random.random((199, 5)) + random.random((199, 1))  # what networks have in common counts once
    for shift in (-0.5, 0.0, 0.4):
        values = drawn[7] + shift
        values[2] = np.nan
        there = [0, 1, 3, 4]
        means = [np.mean([row[k] for k in there]) for row in drawn]
        found = np.mean([values[k] for k in there])
        no, yes = LessThanChance("", values, drawn).chances()
        assert no == pytest.approx((1 + sum(mean <= found for mean in means)) / 200)
        assert yes == pytest.approx((1 + sum(mean >= found for mean in means)) / 200)


def test_chance_decides_where_it_does() -> None:
    """Of numbers that chance made, no share of p is more frequent than it should be."""
    random = np.random.default_rng(4)
    rows = random.random((400, 1)) + 0.1 * random.random((400, 6))
    below = []
    for k in range(400):
        others = np.delete(rows, k, axis=0)
        below.append(LessThanChance("", rows[k], others).chances()[0])
    assert np.sort(below) == pytest.approx(np.arange(1, 401) / 400)


def test_as_it_stands_less_than_chance_is_less_than_half_of_the_draws() -> None:
    random = np.random.default_rng(5)
    drawn, values = random.random((99, 4)), np.array([0.5, np.nan, 0.48, 0.51])
    question = LessThanChance("", values, drawn)
    samples = resampled(4, 50)
    for networks, answer in zip(samples, question.so(samples), strict=True):
        there = [k for k in networks if k != 1]
        if there:
            mean = values[there].mean()
            assert answer == (sum(row[there].mean() > mean for row in drawn) > 99 / 2)
    none = LessThanChance("", np.full(3, np.nan), drawn[:, :3])
    assert (none.chances(), none.stands(), none.networks) == ((1.0, 1.0), False, 3)
