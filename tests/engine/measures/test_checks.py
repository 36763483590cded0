"""Ceilings and broken inequalities, on made-up numbers and on real layers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ibtui_engine.measures.checks import (
    WHY_CEILING,
    WHY_VIOLATION,
    Ceiling,
    at_ceiling,
    broken_snapshots,
    ceilings,
    violations,
)
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.settings import ESTIMATORS, OWN_NOISE
from ibtui_engine.threads import Threads
from tests.engine.measures.test_estimators import SMALL, problem_of

NAN = np.nan


def chain(*layers: float, networks: int = 2) -> np.ndarray:
    """One snapshot, networks with equal layers."""
    return np.array([[layers] * networks], np.float64)


def test_layers_that_keep_the_inequalities_are_not_noted() -> None:
    assert violations(chain(12, 11, 11, 3), chain(0.9, 0.9, 0.5, 0.1), 12.0, 0.99) == ()
    assert violations(chain(12, 11 + 1e-12, 11, 3), chain(0.99, 0.9, 0.9 + 1e-12, 0), 12.0, 0.99) == ()


def test_a_layer_above_the_one_below_it_is_noted_with_its_size() -> None:
    i_x = chain(12, 10, 9, networks=3)
    i_x[0, 1, 2] = 10.5  # one network of three
    i_y = chain(0.9, 0.5, 0.6, networks=3)
    found = violations(i_x, i_y, 12.0, 0.99)
    assert tuple(map(astuple, found)) == (
        ("i_x", 3, 2, 1, 3, 1, 0.5, pytest.approx((0.5 - 1 - 1) / 3)),
        ("i_y", 3, 2, 3, 3, 1, pytest.approx(0.1), pytest.approx(0.1)),
    )


def test_the_first_layer_is_held_against_the_input() -> None:
    (above_x, above_y) = violations(chain(12.5, 3), chain(1.0, 0.1), 12.0, 0.99)
    assert (above_x.layer, above_x.below, above_x.largest) == (1, 0, 0.5)
    assert (above_y.layer, above_y.below, above_y.largest) == (1, 0, pytest.approx(0.01))


def test_snapshots_and_networks_are_counted_and_the_largest_is_told() -> None:
    i_x = np.concatenate([chain(12, 3, 3), chain(12, 3, 4), chain(12, 3, 3), chain(12, 3, 3)])
    i_x[3, 1, 2] = 6
    (found,) = violations(i_x, np.zeros_like(i_x), 12.0, 0.99)
    assert (found.networks, found.of, found.snapshots) == (2, 2, 2)
    assert (found.largest, found.of_means) == (3.0, 1.5)


@pytest.mark.parametrize("absent", [np.nan, np.inf, -np.inf])
def test_absent_networks_break_nothing(absent: float) -> None:
    i_x = chain(12, 3, 4, networks=3)
    i_x[0, 2] = absent
    (found,) = violations(i_x, np.full_like(i_x, absent), 12.0, 0.99)
    assert (found.networks, found.of, found.of_means) == (2, 2, 1.0)
    assert not at_ceiling(i_x[0, 2], 12.0).any()
    assert violations(np.full_like(i_x, NAN), np.full_like(i_x, NAN), 12.0, 0.99) == ()
    assert violations(i_x[:0], i_x[:0], 12.0, 0.99) == ()


def test_of_bounds_only_what_is_certain_counts() -> None:
    upper, lower = chain(12, 5, 8), chain(12, 2, 4.9)
    none = np.zeros_like(upper)
    assert violations(upper, none, 12.0, 0.99, lower, none) == ()
    lower[0, 0, 2] = 5.5
    (found,) = violations(upper, none, 12.0, 0.99, lower, none)
    assert (found.networks, found.largest) == (1, 0.5)


@given(
    arrays(np.float64, (2, 4, 2, 3), elements=st.sampled_from([0.0, 0.5, 0.99, 3.0, 12.0, 12.5, NAN, np.inf])),
    arrays(np.float64, (2, 4, 2, 3), elements=st.sampled_from([0.0, 0.4, 11.0, NAN])),
    st.booleans(),
)
def test_snapshots_with_a_violation_are_counted(upper: np.ndarray, lower: np.ndarray, bounds: bool) -> None:
    below = lower if bounds else np.full_like(lower, NAN)
    each = [violations(*upper[:, k : k + 1], 12.0, 0.99, *below[:, k : k + 1]) for k in range(4)]
    assert broken_snapshots(*upper, 12.0, 0.99, *below) == sum(map(bool, each))


def test_a_layer_is_at_the_ceiling_where_every_pattern_has_its_own_t() -> None:
    i_x = np.array([[12.0, 11.9995, 3.0], [12.0, 12.0, NAN]])
    assert at_ceiling(i_x, 12.0).tolist() == [[True, False, False], [True, True, False]]
    assert ceilings(at_ceiling(i_x, 12.0), np.isfinite(i_x)) == (Ceiling(1, 2, 2), Ceiling(2, 1, 2))
    lower = np.array([[11.995, 11.9, 2.0], [11.0, 11.999, NAN]])
    assert at_ceiling(i_x, 12.0, lower).tolist() == [[True, False, False], [False, True, False]]


@pytest.mark.parametrize("estimator", ["binning", "exact"])
def test_ceilings_are_where_there_are_as_many_t_as_different_patterns(estimator: str) -> None:
    """Of a rule in which some patterns stand twice, and of the 4096 patterns."""
    threads = Threads(1)
    reached = 0
    for rule, patterns in ((SMALL, 280), (load_rule("symmetric"), 4096)):
        problem = problem_of(rule, (8, 5, 2), "tanh", networks=3)
        weights = problem.architecture.initial_weights(problem.seeds, 2.0)
        found, _ = Measurer(problem, 60, threads, estimator).measure(weights)
        expected = found.distinct == patterns
        assert np.array_equal(at_ceiling(found.i_x, rule.h_x), expected)
        reached += int(expected.sum())
    assert reached > 0


def test_exact_outputs_break_no_inequality_and_bins_do() -> None:
    threads = Threads(1)
    problem = problem_of(load_rule("symmetric"), (6, 4, 4, 3, 2), "tanh", networks=6)
    weights = problem.architecture.initial_weights(problem.seeds, 3.0)
    found = {}
    for estimator, bins in (("exact", 2), ("binning", 3)):
        measured, _ = Measurer(problem, bins, threads, estimator).measure(weights)
        rule = problem.rule
        found[estimator] = violations(measured.i_x[None], measured.i_y[None], rule.h_x, rule.i_xy)
    assert found["exact"] == ()
    assert {violation.quantity for violation in found["binning"]} == {"i_x", "i_y"}
    assert all(violation.below > 0 for violation in found["binning"])  # never above what the input knows


def test_every_estimator_has_its_reasons() -> None:
    assert set(WHY_CEILING) == set(WHY_VIOLATION) == {*ESTIMATORS, OWN_NOISE}


def test_checking_waits_for_no_compiler() -> None:
    code = (
        "import sys, ibtui_engine.measures.checks; print({'numba', 'jaxtyping', 'scipy', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"
