"""Numbers in pictures, as people write them."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("matplotlib")

from ibtui.figures.lettering import symbol
from ibtui.figures.plots import _short


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "none"),
        (1.0482, "1.05"),
        (100.4, "100"),
        (1960.3, "1960"),
        (9_999.0, "10000"),
        (10_000.0, r"$1.0 \times 10^{4}$"),
        (116_375.0, r"$1.2 \times 10^{5}$"),
    ],
)
def test_a_number_in_a_picture_is_short(value: float, written: str) -> None:
    assert _short(value) == written


@pytest.mark.parametrize(
    ("name", "written"), [("T1", "$T_{1}$"), ("T12", "$T_{12}$"), ("output", "output"), ("T1b", "T1b"), ("$x", r"\$x")]
)
def test_layers_without_a_name_of_their_own_are_t_with_an_index(name: str, written: str) -> None:
    assert symbol(name) == written
