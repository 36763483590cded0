"""The perceptron rule: what it says of its patterns, and that it is one and the same for everybody."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.perceptron import INPUTS, perceptron_rule, teacher_of


def test_labels_are_the_sign_of_the_teachers_field_which_its_parameters_give() -> None:
    rule = load_rule("perceptron")
    teacher = teacher_of(rule.name, rule.parameters)
    assert teacher is not None
    assert teacher.shape == (INPUTS,)
    assert np.linalg.norm(teacher) == pytest.approx(1, abs=1e-15)
    field = rule.patterns.astype(np.float64) @ teacher
    assert np.array_equal(rule.p_y, field > 0)
    assert np.abs(field).min() > 1e-9  # no pattern is so close that rounding decides
    assert teacher_of("committee", rule.parameters) is None


def test_patterns_are_isotropic_gaussian_and_all_different() -> None:
    rule = perceptron_rule()
    assert rule.patterns.shape == (4096, INPUTS)
    assert rule.patterns.dtype == np.float32
    assert kstest(rule.patterns.ravel(), "norm").pvalue > 1e-3
    covariance = np.cov(rule.patterns.T)
    assert np.abs(covariance - np.eye(INPUTS)).max() < 5 * np.sqrt(2 / 4096)
    assert rule.h_x == 12


def test_the_label_is_known_for_sure_and_about_one_bit() -> None:
    rule = perceptron_rule()
    assert rule.i_xy == rule.h_y
    assert rule.h_y > 0.99
    assert rule.classes == 2


def test_it_is_the_same_each_time() -> None:
    assert perceptron_rule().digest == perceptron_rule().digest
