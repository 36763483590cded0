"""Multiplications of an epoch, against loops that do nothing but count them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ibtui_engine.experiment import Experiment
from ibtui_engine.multiplications import epochs_of_equal_work, multiplications_per_epoch

WIDTHS = (3, 2, 4, 1)


def of(widths: tuple[int, ...] = WIDTHS, sample: int = 10, **settings: object) -> int:
    (ensemble,) = Experiment.from_dict({"hidden": [list(widths[1:-1])], **settings}).ensembles
    return multiplications_per_epoch(ensemble, sample, widths)


def deterministic(widths: tuple[int, ...], examples: int) -> int:
    count = 0
    for _ in range(examples):
        for inputs, units in pairwise(widths):
            count += sum(1 for _ in range(units) for _ in range(inputs))  # z = W a
        for inputs, units in pairwise(widths):
            count += sum(1 for _ in range(units) for _ in range(inputs))  # gradient: delta a
        for inputs, units in pairwise(widths[1:]):
            count += sum(1 for _ in range(units) for _ in range(inputs))  # delta below: W delta
    return count


@pytest.mark.parametrize("widths", [WIDTHS, (12, 10, 8, 6, 4, 2, 1), (5, 1)], ids=str)
def test_a_batch_has_its_examples_forward_and_back(widths: tuple[int, ...]) -> None:
    assert of(widths) == deterministic(widths, 10)
    for same in ({"batch": 3}, {"batch": "full"}, {"optimizer": "adam"}, {"sampling": "replacement", "batch": 3}):
        assert of(widths, **same) == of(widths)
    assert of(widths, sampling="gaussian", batch=4) == deterministic(widths, 3 * 10)  # each of 3 steps is of all
    assert of(widths, optimizer="metropolis", epochs=500) == of(widths)


def by_messages(batch: int) -> int:
    """From every pattern, and every state of a layer below, to every state: once up, twice down, and per label."""
    count = 0
    rows, labels = batch, 1
    for inputs, units in pairwise(WIDTHS[:-1]):
        for _ in range(rows):
            count += sum(2 for _ in range(units) for _ in range(inputs))
            count += sum(3 for _ in range(labels) for _ in range(2**units))
        rows, labels = 2**units, 2
    return count + sum(2 for _ in range(rows) for _ in range(WIDTHS[-2]))


def by_encoders(batch: int) -> int:
    """Products of whole matrices: (patterns x states below) (states below x states), and its two derivatives."""
    count, below = 0, 0
    for inputs, units in pairwise(WIDTHS[:-1]):
        rows = below or batch
        count += sum(2 * inputs + 2**units for _ in range(rows) for _ in range(units))
        count += sum(3 for _ in range(batch) for _ in range(below) for _ in range(2**units))
        below = 2**units
    return count + sum(2 for _ in range(below) for _ in range(WIDTHS[-2]))


@pytest.mark.parametrize(("batch", "sizes"), [("full", [10]), (10, [10]), (4, [4, 4, 2]), (99, [10])])
def test_steps_of_stochastic_units_go_through_all_states(batch: int | str, sizes: list[int]) -> None:
    plain = of(units="stochastic", batch=batch)
    assert plain == sum(map(by_messages, sizes))
    for method in ("gradient", "self-consistent"):
        guided = of(units="stochastic", batch=batch, ib_beta=5, ib_method=method)
        assert guided == sum(map(by_encoders, sizes))
    assert guided > plain


def test_without_hidden_layers_there_is_the_output_alone() -> None:
    assert of((3, 1), units="stochastic") == 10 * 2 * 3


def test_equal_work_is_what_the_least_trained_one_has_done() -> None:
    assert epochs_of_equal_work([500, 500, 40], [10, 700, 100]) == [400, 5, 40]
    assert epochs_of_equal_work([500, 0], [10, 700]) == [0, 0]
    assert epochs_of_equal_work([7], [3]) == [7]
