"""Linear probes: what they can read, what they cannot, and that they never promise more than there is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.measures.probe import probe_information

RANDOM = np.random.default_rng(8)


def probe(outputs: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    found = measure_outputs({"a": outputs}, labels, "probe").information
    assert math.isnan(found.i_x[0, 0])
    assert found.i_y_error is not None
    return found.i_y[0, 0], found.i_y_error[0, 0]


def test_labels_that_a_line_separates_are_read_whole() -> None:
    labels = RANDOM.integers(0, 4, 300)
    bits, error = probe(np.eye(4)[labels] * 5 + RANDOM.normal(size=(300, 4)) / 50, labels)
    assert 1.9 < bits < 2.0
    assert error < 0.05


def test_random_labels_are_not_read_from_what_they_were_not_fitted_to() -> None:
    for units in (3, 50, 700):
        bits, error = probe(RANDOM.normal(size=(200, units)), RANDOM.integers(0, 2, 200))
        assert bits <= 3 * error + 0.02, units


def test_what_no_line_separates_is_not_read() -> None:
    corners = RANDOM.integers(0, 2, (400, 2))
    labels = corners[:, 0] ^ corners[:, 1]
    outputs = corners + RANDOM.normal(size=(400, 2)) / 20
    bits, error = probe(outputs, labels)
    assert bits <= 3 * error + 0.02
    assert measure_outputs({"a": outputs}, labels, "gauss", noise=0.01).information.i_y[0, 0] > 0.9


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_it_is_a_lower_bound_of_what_two_gaussians_say_and_near_it(shift: float) -> None:
    """Of two Gaussians with one covariance, log p(y|t) is linear in t: the best probe says it all."""
    labels = np.arange(2000) % 2
    outputs = RANDOM.normal(size=(2000, 3))
    outputs[:, 0] += shift * (2 * labels - 1)
    true = {0.5: 0.16075, 1.0: 0.48594, 2.0: 0.91282}[shift]
    bits, error = probe(outputs, labels)
    assert true - 4 * error - 0.02 < bits < true + 4 * error


def test_soft_labels_are_read_up_to_what_they_say() -> None:
    z = RANDOM.normal(size=(1500, 1)) * 2
    p = 1 / (1 + np.exp(-3 * z[:, 0]))
    i_xy = measure_outputs({"a": z}, p, "exact").information.i_y[0, 0]
    bits, error = probe(z, p)
    assert i_xy - 0.03 < bits < i_xy + 3 * error


def test_too_few_patterns_and_layers_without_differences_say_nothing() -> None:
    assert probe_information(np.arange(4.0)[:, None], np.eye(2)[np.arange(4) % 2])[0] == 0.0
    assert probe_information(np.zeros((30, 2)), np.eye(2)[np.arange(30) % 2]) == (0.0, 0.0)


def test_layers_that_are_wider_than_there_are_patterns_are_probed() -> None:
    labels = RANDOM.integers(0, 3, 120)
    bits, _ = probe(np.eye(3)[labels] @ RANDOM.normal(size=(3, 5000)) + RANDOM.normal(size=(120, 5000)) / 10, labels)
    assert bits > 1.4
