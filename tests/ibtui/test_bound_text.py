"""Rows about the bound say no more than the curve is certified to."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ibtui.bound_text import CERTAIN, COLUMNS, _number, fit_rows
from ibtui_engine.bottleneck.fits import MATRICES, LayerFits
from ibtui_engine.bottleneck.solver import WANTED_GAP


def fits(distance: float) -> LayerFits:
    """One layer of two networks that are so far below the curve."""
    arrays = {name: np.full((2, 1), distance if name == "distance" else 0.5) for name in MATRICES}
    return LayerFits(hidden="none", fraction=0.85, epoch=40, bins=30, greatest=1e4, **arrays)


@pytest.mark.parametrize(
    ("distance", "told"),
    [(6.5e-13, "< 1e-09"), (0.0, "< 1e-09"), (-3e-12, "< 1e-09"), (2e-9, "2e-09 ± 0"), (0.0141, "0.0141 ± 0")],
)
def test_a_distance_below_the_certificate_is_none(distance: float, told: str) -> None:
    (row,) = fit_rows(fits(distance))
    assert row[COLUMNS.index("below")] == told


@pytest.mark.parametrize(
    ("betas", "told"),
    [
        ([math.nan] * 6, "none"),
        ([*range(10, 15), math.nan], "12"),  # of fewer than six there is no interval
        ([1.0, 2.0, 3.0, 4.0, 5.0, 25_312.0], "3.5 (1 to 25300)"),
    ],
)
def test_beta_is_a_median_with_its_interval(betas: list[float], told: str) -> None:
    one = replace(fits(0.1), **{name: np.full((6, 1), 0.5) for name in MATRICES} | {"beta": np.array(betas)[:, None]})
    (row,) = fit_rows(one)
    assert row[COLUMNS.index("beta*")] == told


def test_the_certificate_is_the_solvers() -> None:
    assert CERTAIN == WANTED_GAP


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(70.2, 1, "70"), (9.6, 1, "10"), (9.4, 1, "9"), (0.0213, 1, "0.02"), (197.4, 3, "197"), (25_312, 3, "25300"),
     (999.6, 3, "1000"), (2e7, 3, "2e+07")],
)  # fmt: skip
def test_no_number_of_readable_size_has_an_exponent(value: float, digits: int, text: str) -> None:
    assert _number(value, digits) == text
