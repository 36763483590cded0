"""Inputs are scaled where they are far from [−3, 3], and patterns that differ in a file differ in the rule."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.table import load_table, save_rule
from ibtui_engine.rules.tables.options import SCALES, Reading
from ibtui_engine.rules.tables.scaling import FAR, as_matrix, scaled


def read(tmp_path: Path, x: object, scale: str = "auto", kind: str = "npz"):
    x = np.asarray(x)
    x = x[:, None] if x.ndim == 1 else x
    y = np.arange(len(x)) % 2
    path = tmp_path / f"t.{kind}"
    if kind == "npz":
        np.savez(path, X=x, y=y)
    else:
        path.write_text(
            "".join(f"{','.join(map(str, row.tolist()))},{label}\n" for row, label in zip(x, y, strict=True))
        )
    return load_table(path, reading=Reading(scale=scale))


def test_inputs_about_the_origin_are_left_as_they_are(tmp_path: Path) -> None:
    x = np.array([[0.5, -2.75], [3.5, 1.0], [0.0, 2.0]])
    rule = read(tmp_path, x)
    assert rule.patterns.tolist() == x.tolist()
    assert rule.report.scaling.kind == "none"


def test_the_limit_is_a_root_mean_square_of_3(tmp_path: Path) -> None:
    assert read(tmp_path, [FAR, -FAR, FAR]).report.scaling.kind == "none"
    assert read(tmp_path, [1.01 * FAR, -FAR, FAR]).report.scaling.kind == "standard"


@pytest.mark.parametrize("kind", ["npz", "csv"])
def test_far_inputs_are_standardised_and_binary_ones_stay(tmp_path: Path, kind: str) -> None:
    x = np.array([[1000.0, 0, 0.001], [1001.0, 1, 0.002], [1005.0, 1, 0.004], [999.5, 0, 0.001]])
    rule = read(tmp_path, x, kind=kind)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    assert rule.patterns[:, [0, 2]] == pytest.approx(z[:, [0, 2]], abs=1e-6)
    assert rule.patterns[:, 1].tolist() == x[:, 1].tolist()
    assert rule.report.scaling.why == "1 of 3 inputs lie far outside [−3, 3]"
    assert rule.report.scaling.offset == pytest.approx([x[:, 0].mean(), 0, x[:, 2].mean()])
    assert rule.report.scaling.divisor == pytest.approx([x[:, 0].std(), 1, x[:, 2].std()])


def test_every_scale_does_what_it_says(tmp_path: Path) -> None:
    x = np.array([[0.0, 10.0], [1.0, 20.0], [4.0, 15.0]])
    assert read(tmp_path, x, "none").patterns.tolist() == x.tolist()
    assert read(tmp_path, x, "unit").patterns == pytest.approx(np.array([[0, 0], [0.25, 1], [1, 0.5]]))
    assert read(tmp_path, x, "standard").patterns == pytest.approx((x - x.mean(axis=0)) / x.std(axis=0), abs=1e-6)
    bits = np.array([[0, 1], [1, 0], [1, 1]])
    assert read(tmp_path, bits, "standard").patterns.dtype == np.float32
    assert read(tmp_path, bits, "none").patterns.dtype == np.uint8
    assert "[0, 1] (as asked for)" in read(tmp_path, x, "unit").report.lines()[-2]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", ["npz", "csv"])
@pytest.mark.parametrize(
    "x",
    [
        [16777216, 16777217, 16777218, 16777219],
        [2**53, 2**53 + 1, 2**53 + 2, 0],
        [2**63 - 1, 2**63 - 2, -(2**63), 0],
        [1.0, 1 + 2**-30, 1 + 2**-40, 1 + 2**-52],
        [0.0, 1e-60, 1e-50, -1e-60],
        [1e15, 1e15 + 0.125, 1e15 - 0.125, 1e15 + 1],
        [-(2**24), -(2**24) - 1, -(2**24) - 2, 2**24 + 1],
        [0.5, math.nextafter(0.5, 1), math.nextafter(0.5, 0), -0.5],
        [1.7e9, 1.7e9 + 1, 1.7e9 + 2, 1.7e9 + 3],
    ],
)  # fmt: skip
def test_patterns_that_differ_in_the_file_differ_in_the_rule(tmp_path: Path, scale: str, kind: str, x: list) -> None:
    rule = read(tmp_path, x, scale, kind)
    assert (rule.h_x, rule.i_xy) == (2.0, 1.0)
    assert rule.report.distinct == 4
    assert (rule.patterns[:, 0].argsort() == np.array(x, dtype=object).argsort()).all()
    if scale in ("auto", "standard"):
        assert np.abs(rule.patterns).max() < 3


@given(st.lists(st.floats(-1e30, 1e30, allow_subnormal=True), min_size=2, max_size=30), st.sampled_from(SCALES))
def test_no_scale_merges_patterns_or_changes_their_order(values: list[float], scale: str) -> None:
    matrix, offsets = as_matrix([np.array(values)])
    patterns, *_ = scaled(matrix, offsets, scale, str)
    assert np.isfinite(patterns).all()
    order = np.argsort(values, kind="stable")
    steps = np.diff(np.array(values)[order]) > 0
    assert ((np.diff(patterns[order, 0]) > 0) == steps).all()


def test_what_does_not_fit_single_precision_is_refused_unless_it_is_scaled(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"has the value 1e\+39 in pattern 2, input 1 .* or --scale standard"):
        read(tmp_path, [0.0, 1e39], "none")
    assert read(tmp_path, [0.0, 1e39, 2e39]).h_x == pytest.approx(math.log2(3))
    assert read(tmp_path, [-1e308, 1e308]).patterns[:, 0].tolist() == [-1, 1]


def test_a_saved_rule_is_not_scaled_again(tmp_path: Path) -> None:
    for scale in SCALES:
        rule = read(tmp_path, np.array([[1000.0, 7], [1001.0, 8], [1005.0, 8]]), scale)
        save_rule(rule, tmp_path / "saved.npz")
        again = load_table(tmp_path / "saved.npz")
        assert again.digest == rule.digest
        assert again.report.scaling.kind == "none"


def test_a_saved_rule_keeps_its_constant_inputs(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", patterns=np.array([[0.5, 9.0], [0.25, 9.0]], np.float32), p_y=[0.25, 0.5])
    rule = load_table(tmp_path / "s.npz")
    assert rule.patterns.tolist() == [[0.5, 9.0], [0.25, 9.0]]


def test_pixels_have_one_scale_and_stay_where_they_are(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 100))
    pixels[:, 0] = 0
    pixels[0, 1:] = 255
    for kind in ("npz", "csv"):
        rule = read(tmp_path, pixels, kind=kind)
        assert (rule.patterns == pixels.astype(np.float32) / np.float32(255)).all()
        assert rule.report.scaling.why == "pixels from 0 to 255"
    few = read(tmp_path, pixels[:, :20])
    assert (few.inputs, few.report.scaling.kind) == (19, "standard")
