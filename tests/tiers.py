"""What `pytest` runs each time of tests that have many cases, and what it leaves to `pytest -m long`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest


def diagonal(**axes: Iterable[Any]) -> tuple[tuple[str, ...], list[Any]]:
    """Arguments of `parametrize` for all combinations of the values; those that are not needed for each value to occur
    once are long.
    """
    lists = [list(values) for values in axes.values()]
    needed = {tuple(k % len(values) for values in lists) for k in range(max(map(len, lists)))}
    cases = []
    for places in itertools.product(*(range(len(values)) for values in lists)):
        values = (values[place] for place, values in zip(places, lists, strict=True))
        cases.append(pytest.param(*values, marks=[] if places in needed else [pytest.mark.long]))
    return tuple(axes), cases


def first(count: int, values: Iterable[Any]) -> list[Any]:
    """Values of a parameter, of which all but the first are long."""
    return [pytest.param(value, marks=[] if k < count else [pytest.mark.long]) for k, value in enumerate(values)]
