"""Results are values that cannot be changed; those with arrays, for which == has no one answer, are not compared."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import is_dataclass
from typing import Any

import pytest

import ibtui_engine.account
import ibtui_engine.phases

ROOMS = (ibtui_engine.account, ibtui_engine.phases)
MODULES = [
    *(f"{room.__name__}.{module.name}" for room in ROOMS for module in pkgutil.iter_modules(room.__path__)),
    "ibtui_engine.bottleneck.fits",
    "ibtui_engine.bottleneck.fitting",
    "ibtui_engine.session.liveness",
]
IDENTITY = ("Evidence", "Case", "Question", "Mean", "Median")
"""Compared as what they are, since they keep what they work out, or what is to be done with it."""


def values(module: str) -> list[Any]:
    found = vars(importlib.import_module(module)).values()
    return [one for one in found if isinstance(one, type) and is_dataclass(one) and one.__module__ == module]


@pytest.mark.parametrize("module", MODULES)
def test_results_cannot_be_changed_and_are_compared_where_they_can_be(module: str) -> None:
    for one in values(module):
        parameters: Any = one.__dataclass_params__  # type: ignore[attr-defined]
        arrays = any("ndarray" in str(each) for each in one.__annotations__.values())
        within = any(name in str(each) for each in one.__annotations__.values() for name in ("Transition", "Turning"))
        assert parameters.frozen, one
        assert parameters.eq is not (arrays or within or one.__name__ in IDENTITY), one
