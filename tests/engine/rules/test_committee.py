"""The committee machine against the authors' labels and a computation with plain floats."""

from __future__ import annotations

import hashlib
import math
import random

import numpy as np
import pytest

from ibtui_engine.rules.catalogue import COMMITTEE_GAMMA
from ibtui_engine.rules.committee import OFFSET, SLOPE, WEIGHTS, committee_statistic
from ibtui_engine.rules.log_odds import logistic
from ibtui_engine.rules.logistic import label_log_odds
from ibtui_engine.rules.rule import label_information


def test_hard_labels_are_the_authors() -> None:
    labels = committee_statistic() > 1.945
    assert labels.mean() == 0.499267578125
    assert (
        hashlib.sha256(np.packbits(labels).tobytes()).hexdigest()
        == "9f86aaba2114f1639595cfaf817b25d806c5d7033313aa851300892a06cf2c30"
    )


def test_the_statistic_is_the_sum_of_three_logistic_units() -> None:
    f = committee_statistic()
    for k in random.Random(1).sample(range(4096), 200):
        x = [int(bit) for bit in f"{k:012b}"]
        units = [
            1 / (1 + math.exp(-SLOPE * (sum(w * b for w, b in zip(row, x, strict=True)) / sum(row) - OFFSET)))
            for row in WEIGHTS
        ]
        assert f[k] == pytest.approx(sum(units), abs=1e-13)


def test_patterns_with_equal_sums_have_equal_statistics_and_all_others_lie_apart() -> None:
    """In whole numbers: so that rounding, which differs between processors, neither parts nor joins classes."""
    f = committee_statistic()
    sums: dict[tuple[int, ...], set[float]] = {}
    for k in range(4096):
        x = [int(bit) for bit in f"{k:012b}"]
        sums.setdefault(tuple(sum(w * b for w, b in zip(row, x, strict=True)) for row in WEIGHTS), set()).add(f[k])
    assert all(len(values) == 1 for values in sums.values())
    values = np.sort([value for (value,) in sums.values()])
    assert len(values) == 3872
    assert np.diff(values).min() > 1e-8


def test_the_weights_are_the_papers() -> None:
    assert [weight / 20 for weight in WEIGHTS[1]] == [0.4, 0.7, 0.7, 0.4, 0.6, 0.6, 0.3, 0.1, 0.15, 0.25, 0.45, 0.05]


def test_the_statistic_grows_when_an_input_is_switched_on() -> None:
    f = committee_statistic().reshape((2,) * 12)
    for i in range(12):
        assert (np.take(f, 1, axis=i) > np.take(f, 0, axis=i)).all()


def test_at_the_catalogues_gamma_the_rule_carries_0_99_bits() -> None:
    p = logistic(label_log_odds(committee_statistic(), 1.945, COMMITTEE_GAMMA))
    assert label_information(p) == pytest.approx(0.99, abs=1e-12)
