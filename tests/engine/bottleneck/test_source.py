"""Classes of patterns with equal p(y|x)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ibtui_engine.bottleneck.source import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.log_odds import divergences, log_odds_of, logistic

PROBABILITY = st.sampled_from([0.0, 1.0, 0.5, 1e-300, 1e-9]) | st.floats(0, 1)


@pytest.mark.parametrize("name", ["symmetric", "symmetric-soft", "committee"])
def test_the_classes_of_a_rule_know_all_that_its_patterns_know(name: str) -> None:
    rule = load_rule(name)
    source = Source.of_rule(rule)
    assert len(source.p_y) == rule.classes
    assert source.i_xy == pytest.approx(rule.i_xy, abs=1e-12)
    assert source.h_y == pytest.approx(rule.h_y, abs=1e-12)
    assert source.entropy <= rule.h_x + 1e-12


@given(st.lists(st.tuples(PROBABILITY, st.floats(1e-6, 1e6)), min_size=1, max_size=30), st.randoms())
def test_equal_posteriors_are_one_class_in_any_order(pairs: list[tuple[float, float]], random: object) -> None:
    p, w = map(np.array, zip(*pairs, strict=True))
    source = Source.of(p, w)
    assert source.log_odds.tolist() == np.unique(log_odds_of(np.abs(p))).tolist()
    assert source.p_y == pytest.approx(logistic(source.log_odds), rel=1e-12)
    assert math.fsum(source.weights) == pytest.approx(1, abs=1e-14)
    random.shuffle(pairs)  # type: ignore[attr-defined]
    p, w = map(np.array, zip(*pairs, strict=True))
    again = Source.of(p, w * 3)
    assert np.array_equal(again.p_y, source.p_y)
    assert again.weights == pytest.approx(source.weights, rel=1e-12)


@pytest.mark.parametrize(
    ("p", "w"),
    [([0.5, 1.1], None), ([0.5, -0.1], None), ([math.nan], None), ([0.5], [0.0]), ([0.5, 0.6], [1.0, -1.0]),
     ([0.5], [math.inf]), ([0.5], [1.0, 2.0]), ([], None)],
)  # fmt: skip
def test_what_is_no_distribution_is_refused(p: list[float], w: list[float] | None) -> None:
    with pytest.raises(InvalidValue):
        Source.of(np.array(p), None if w is None else np.array(w))


@example(1.0, 2.225073858507203e-309)  # their ratio is beyond all numbers, its logarithm is not
@given(PROBABILITY, PROBABILITY)
def test_divergences_are_those_of_the_definition(p: float, q: float) -> None:
    found = float(divergences(log_odds_of(np.array(p)), log_odds_of(np.array(q))))
    assert found >= 0
    if 0 < q < 1:
        terms = [a * (math.log(a) - math.log(b)) for a, b in ((p, q), (1 - p, 1 - q)) if a > 0 and b > 0]
        if len(terms) == (p > 0) + (p < 1):
            assert found == pytest.approx(max(math.fsum(terms), 0), rel=1e-9, abs=1e-13)
    elif p != q:
        assert math.isinf(found)
