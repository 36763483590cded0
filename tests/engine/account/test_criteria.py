"""Criteria hold up to their limits and no further, and say them."""

from __future__ import annotations

import math

import pytest

from ibtui_engine.account.criteria import CLEARLY, AtLeast, AtMost, Below, Between, Clear, Factor, Share
from ibtui_engine.statistics import Spread


def mean(value: float, error: float = 0.0) -> Spread:
    return Spread(value, math.nan, error, math.nan, math.nan, 5, 5)


@pytest.mark.parametrize(
    ("criterion", "inside", "outside", "words"),
    [
        (AtMost(2.0, "bits"), (2.0, -5.0), (2.0000001, math.nan), "at most 2 bits"),
        (AtMost(0.5), (0.5,), (0.5000001,), "at most 0.5"),
        (AtLeast(2.0, "bits"), (2.0, 5.0), (1.9999999, math.nan), "at least 2 bits"),
        (Below(2.0), (1.9999999,), (2.0, math.nan), "below 2"),
        (Between(1.0, 2.0), (1.0, 2.0), (0.9999999, 2.0000001, math.nan), "between 1 and 2"),
        (
            Factor(2.0),
            (math.log(2.0), -math.log(2.0), 0.0),
            (math.log(2.001), -math.log(2.001), math.nan),
            "within a factor 2",
        ),
    ],
)
def test_a_number_is_held_to_the_limit(
    criterion: AtMost | AtLeast | Below | Between | Factor,
    inside: tuple[float, ...],
    outside: tuple[float, ...],
    words: str,
) -> None:
    assert [criterion.holds(value) for value in inside] == [True] * len(inside)
    assert [criterion.holds(value) for value in outside] == [False] * len(outside)
    assert str(criterion) == words


def test_a_share_of_the_networks_is_at_least_one_of_them() -> None:
    share = Share(0.25)
    assert [share.holds(count, 8) for count in (0, 1, 2, 8)] == [False, False, True, True]
    assert not Share(0.0).holds(0, 8)
    assert Share(0.0).holds(1, 8)
    assert str(share) == "at least 25 % of the networks"


def test_clear_is_by_both_the_amount_and_the_errors() -> None:
    clear = Clear(0.5, 2.0)
    assert clear.holds(mean(0.5))
    assert not clear.holds(mean(0.4999999))
    assert clear.holds(mean(0.6, 0.2999))
    assert not clear.holds(mean(0.6, 0.3))
    assert not clear.holds(mean(math.nan))
    assert str(clear) == "at least 0.5 bits and more than 2 standard errors"


def test_what_is_clearly_above_nothing_has_no_amount() -> None:
    clear = Clear()
    assert clear.errors == CLEARLY == 3.0
    assert clear.holds(mean(3.001, 1.0))
    assert not clear.holds(mean(3.0, 1.0))
    assert str(clear) == "more than 3 standard errors"


def test_the_mean_of_one_network_has_to_be_above_nothing() -> None:
    assert Clear().holds(mean(0.001, math.nan))
    assert not Clear().holds(mean(0.0, math.nan))
    assert not Clear(0.5).holds(mean(0.4, math.nan))
