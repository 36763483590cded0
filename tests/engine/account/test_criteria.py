"""Criteria hold up to their limits and no further, and say them."""

from __future__ import annotations

import math

import pytest

from ibtui_engine.account.criteria import AtLeast, AtMost, Between, Criterion, Factor, Share


@pytest.mark.parametrize(
    ("criterion", "inside", "outside", "words"),
    [
        (AtMost(2.0, "bits"), (2.0, -5.0), (2.0000001, math.nan), "at most 2 bits"),
        (AtMost(0.5), (0.5,), (0.5000001,), "at most 0.5"),
        (AtLeast(2.0, "bits"), (2.0, 5.0), (1.9999999, math.nan), "at least 2 bits"),
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
    criterion: Criterion, inside: tuple[float, ...], outside: tuple[float, ...], words: str
) -> None:
    assert [bool(criterion.holds(value)) for value in inside] == [True] * len(inside)
    assert [bool(criterion.holds(value)) for value in outside] == [False] * len(outside)
    assert str(criterion) == words


def test_a_share_of_the_networks_is_at_least_one_of_them() -> None:
    share = Share(0.25)
    assert [bool(share.holds(count, 8)) for count in (0, 1, 2, 8)] == [False, False, True, True]
    assert not Share(0.0).holds(0, 8)
    assert Share(0.0).holds(1, 8)
    assert str(share) == "at least 25 % of the networks"
