"""A rule's entropies against sums over the joint distribution."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.patterns import binary_patterns, distinct_rows
from ibtui_engine.rules.rule import Rule, binary_entropy


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Random rules whose rows repeat, with p(y|x) a function of the pattern, often 0 or 1."""
    rows, inputs = draw(st.integers(1, 30)), draw(st.integers(1, 4))
    dtype = draw(st.sampled_from([np.uint8, np.float32]))
    patterns = draw(arrays(dtype, (rows, inputs), elements=st.integers(0, 1 if dtype is np.uint8 else 3)))
    probability = st.sampled_from([0.0, 1.0, 0.5, 1e-9]) | st.floats(0, 1)
    p_of = {tuple(row): draw(probability) for row in patterns.tolist()}
    return Rule("random", patterns, np.array([p_of[tuple(row)] for row in patterns.tolist()]))


def entropy(distribution: Counter) -> float:
    return -math.fsum(p * math.log2(p) for p in distribution.values() if p > 0)


@given(rules())
def test_entropies_and_information_are_those_of_the_joint_table(rule: Rule) -> None:
    x, y, xy = Counter(), Counter(), Counter()
    for row, p in zip(rule.patterns.tolist(), rule.p_y.tolist(), strict=True):
        for label, share in ((1, p), (0, 1 - p)):
            mass = share / len(rule.patterns)
            x[tuple(row)] += mass
            y[label] += mass
            xy[tuple(row), label] += mass
    assert rule.h_x == pytest.approx(entropy(x), abs=1e-12)
    assert rule.h_y == pytest.approx(entropy(y), abs=1e-12)
    assert rule.p_y1 == pytest.approx(y[1], abs=1e-12)
    assert rule.i_xy == pytest.approx(entropy(x) + entropy(y) - entropy(xy), abs=1e-12)
    assert 0 <= rule.i_xy <= rule.h_y + 1e-15
    assert rule.classes == len(set(rule.p_y.tolist()))
    assert rule.inputs == len(rule.patterns[0])


def test_binary_entropy_of_certainty_is_zero_and_of_a_fair_coin_one() -> None:
    assert binary_entropy(np.array([0.0, 1.0, 0.5])).tolist() == [0.0, 0.0, 1.0]
    assert binary_entropy(np.array([[0.11, 0.89]])) == pytest.approx(np.array([[0.499916, 0.499916]]), abs=1e-6)


@given(st.floats(1e-300, 1e-20))
def test_binary_entropy_of_a_rare_label_keeps_its_digits(p: float) -> None:
    assert float(binary_entropy(np.array(p))) == pytest.approx(p * (1 / math.log(2) - math.log2(p)), rel=1e-12)


def test_binary_patterns_count_from_the_first_column() -> None:
    patterns = binary_patterns(3)
    assert patterns.dtype == np.uint8
    assert patterns.tolist() == [[k >> 2 & 1, k >> 1 & 1, k & 1] for k in range(8)]
    assert len(np.unique(binary_patterns(12), axis=0)) == 4096


@pytest.mark.parametrize("inputs", [0, 21])
def test_numbers_of_binary_inputs_that_make_no_sense_are_refused(inputs: int) -> None:
    with pytest.raises(InvalidValue, match=f"binary inputs must be 1 to 20, got {inputs}"):
        binary_patterns(inputs)


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 12), st.integers(1, 3)),
        elements=st.sampled_from([-0.0, 0, 1.5, -2]),
    )
)
def test_rows_are_grouped_exactly_where_they_are_equal(patterns: np.ndarray) -> None:
    group, counts = distinct_rows(patterns)
    equal = (patterns[:, None] == patterns[None]).all(axis=2)
    assert ((group[:, None] == group[None]) == equal).all()
    assert (counts[group] == equal.sum(axis=1)).all()


def test_digests_differ_exactly_where_patterns_types_shapes_or_probabilities_do() -> None:
    patterns, p = binary_patterns(2), np.array([0.0, 0.25, 0.5, 1.0])
    rule = Rule("one", patterns, p)
    assert rule.digest == Rule("another name", np.asfortranarray(patterns), p.copy(), {"gamma": 1.0}).digest
    others = [
        Rule("one", patterns.astype(np.float32), p),
        Rule("one", patterns[:, ::-1], p),
        Rule("one", patterns, np.nextafter(p, 0.5)),
        Rule("one", np.hstack([patterns, patterns]), p),
        Rule("one", patterns[:2], p[:2]),
    ]
    assert len({rule.digest, *(other.digest for other in others)}) == 6
    assert len(rule.digest) == 64


@pytest.mark.parametrize(
    ("patterns", "p_y", "message"),
    [
        (binary_patterns(2)[0], np.zeros(2), "patterns of shape"),
        (binary_patterns(2).astype(float), np.zeros(4), "float64; allowed are uint8 or float32"),
        (binary_patterns(2), np.zeros(3), "for 4 patterns; allowed is one float64 for each"),
        (binary_patterns(2), np.zeros(4, dtype=int), "for 4 patterns; allowed is one float64 for each"),
        (binary_patterns(2), np.array([0, 0.5, 1, 1.1]), r"must lie in \[0, 1\]"),
        (binary_patterns(2), np.array([0, 0.5, 1, np.nan]), r"must lie in \[0, 1\]"),
    ],
)
def test_a_rule_whose_arrays_do_not_fit_is_refused(patterns, p_y, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Rule("odd", patterns, p_y)
