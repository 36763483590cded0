"""The examples of tables that come with the issue's data, where they are at hand: entropies as counted by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.table import load_table

TABLES = Path(__file__).parents[5] / "shared" / "data" / "tables"

pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="the examples are not at hand")

TRUTH = [
    "c02_bom_crlf.csv",
    "c05_space.csv",
    "c08_r_factor.csv",
    "c18_latin1.csv",
    "m01_v5.mat",
    "m02_v4.mat",
    "m21_v73.mat",
    "n02_x_lower.npz",
    "n12_col.npz",
]
"""All of the same 16 patterns of four bits, with the exclusive or of the first and the last."""


@pytest.mark.parametrize("name", TRUTH)
def test_a_truth_table_is_the_same_in_every_dress(name: str) -> None:
    rule = load_table(TABLES / name)
    bits = [[(k >> place) & 1 for place in (3, 2, 1, 0)] for k in range(16)]
    assert rule.patterns.tolist() == bits
    labels = np.array([row[0] ^ row[3] for row in bits])
    if name == "c08_r_factor.csv":
        labels = 1 - labels  # 0 is "virginica", the second word
    assert rule.p_y.tolist() == labels.tolist()
    assert (rule.h_x, rule.h_y, rule.i_xy) == (4.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "h_x", "h_y", "i_xy", "inputs"),
    [
        ("s5_float32.csv", 2.0, 1.0, 1.0, 1),
        ("t02_index_conflict.csv", 1.0, 1.0, 0.0, 1),
        ("t03_target_first.csv", 2.0, 1.0, 1.0, 2),
        ("t04_onehot_leak.csv", 1.0, 1.5, 0.5, 1),
        ("t09_pm1.csv", 1.0, 1.0, 1.0, 1),
        ("t10_12.csv", 1.0, 1.0, 1.0, 1),
        ("t16_semicolon.csv", 1.0, 1.0, 1.0, 1),
    ],
)
def test_small_tables_have_the_entropies_of_their_counts(
    name: str, h_x: float, h_y: float, i_xy: float, inputs: int
) -> None:
    rule = load_table(TABLES / name)
    assert (rule.h_x, rule.h_y, rule.i_xy) == pytest.approx((h_x, h_y, i_xy), abs=1e-12)
    assert rule.inputs == inputs


def test_inputs_in_their_own_units_are_standardised() -> None:
    rule = load_table(TABLES / "t11_units.csv")
    raw = np.loadtxt(TABLES / "t11_units.csv", delimiter=",", skiprows=1)
    x, y = raw[:, :2], raw[:, 2]
    assert rule.patterns == pytest.approx((x - x.mean(axis=0)) / x.std(axis=0), abs=1e-6)
    assert rule.p_y.tolist() == y.tolist()
    assert rule.h_x == pytest.approx(math.log2(len(raw)))
    assert rule.report is not None
    assert rule.report.scaling.kind == "standard"
    assert rule.report.scaling.offset == pytest.approx(x.mean(axis=0))
    assert rule.report.scaling.divisor == pytest.approx(x.std(axis=0))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("c17b_NA.csv", "has 'NA' in line 17, column 2: not a number for 'x2'; fill it in"),
        ("t06_first_row_lost.csv", "has '?' in line 1, column 1: not a number; fill it in"),
        ("t15_regression.csv", "has a continuous label, with values such as 0.1: cut it into classes of equal mass by "
         "--label-bins N"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_labels_is_refused_at_its_cell(name: str, said: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        load_table(TABLES / name)
    assert said in str(caught.value)
