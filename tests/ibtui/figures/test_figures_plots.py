"""Numbers in pictures, as people write them."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("matplotlib")

from ibtui.figures.plots import _plus_minus


@pytest.mark.parametrize(
    ("mean", "error", "written"),
    [
        (math.nan, math.nan, "none"),
        (1.0482, 0.003, "1.048 ± 0.003"),
        (100.4, 16.0, "100 ± 16"),
        (1.7312, math.nan, "1.73"),
        (39_601.0, math.nan, r"$4.0 \times 10^{4}$"),
        (116_375.0, 53_514.0, r"$(1.2 \pm 0.5) \times 10^{5}$"),
    ],
)
def test_a_mean_with_its_error(mean: float, error: float, written: str) -> None:
    assert _plus_minus(mean, error) == written
