"""Scratch that is used again holds nothing of what was measured in it before, and the patterns are a layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.measures.kernels import COMPILED
from ibtui_engine.measures.scratch import STEP, as_layer, make_scratch, padded
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Optimization, Problem


def problem(hidden: tuple[int, ...], activation: str) -> Problem:
    rule = load_rule("symmetric")
    seeds = (3, 4)
    samples = draw_samples(rule, 0.5, seeds)
    return Problem(Architecture.of(rule, hidden, activation), rule, samples, seeds, Optimization("sgd", 0.1, 0.9, 64))


def numbers(measured: tuple[object, object]) -> list[np.ndarray]:
    return [value for part in measured for value in vars(part).values()]


@pytest.mark.parametrize("estimator", [name for name in COMPILED if name != "kde"])  # kde alone takes seconds
@pytest.mark.parametrize("hidden", [(), (5,), (4, 9, 3)])
def test_what_was_measured_before_changes_no_bit(estimator: str, hidden: tuple[int, ...]) -> None:
    case = problem(hidden, "tanh")
    weights = case.architecture.initial_weights((3, 4), 2.0)
    fresh, used = Threads(1), Threads(1)
    try:
        expected = numbers(Measurer(case, 30, fresh, estimator).measure(weights))
        # infinite and no numbers at all, in another scratch and then in one of the same size
        for other in (problem((12, 2), "relu"), case):
            broken = other.architecture.initial_weights((5, 6), 1.0)
            for value in (np.nan, np.inf):
                broken[:, ::3] = value
                Measurer(other, 30, used, estimator).measure(broken)
            found = numbers(Measurer(case, 30, used, estimator).measure(weights))
            for one, same in zip(expected, found, strict=True):
                assert np.array_equal(one, same, equal_nan=True)
    finally:
        fresh.close()
        used.close()


@given(st.integers(1, 5000))
def test_patterns_fit_and_rows_are_no_power_of_two_apart(patterns: int) -> None:
    columns = padded(patterns)
    assert patterns <= columns < patterns + 2 * STEP
    assert columns % STEP == 0
    assert columns == STEP or columns & (columns - 1) != 0
    scratch = make_scratch((9, 7, 3, 1), patterns)
    assert scratch.z.shape == scratch.outputs[0].shape == scratch.outputs[1].shape == (8, columns)
    assert scratch.matrix.shape == (8, 10)


@given(st.integers(1, 100), st.integers(1, 9), st.integers(0, 99))
def test_patterns_are_a_layer_with_ones_under_it(patterns: int, inputs: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(patterns, inputs))
    layer = as_layer(values)
    assert layer.shape == (inputs + 1, padded(patterns))
    assert np.array_equal(layer[:inputs, :patterns], values.T)
    assert (layer[inputs] == 1).all()
    assert (layer[:inputs, patterns:] == 0).all()
