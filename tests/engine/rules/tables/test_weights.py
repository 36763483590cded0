"""p(x) from a table: a column or an array of weights, or a matrix p(x,y)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy.io import savemat

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.rule import Rule
from ibtui_engine.rules.table import load_table, save_rule
from ibtui_engine.rules.tables.options import Reading


def joint_of(rule: Rule) -> dict[tuple[float, ...], list[float]]:
    """p(x,y) by pattern, added up row by row."""
    found: dict[tuple[float, ...], list[float]] = {}
    shares = [1 / len(rule.p_y)] * len(rule.p_y) if rule.p_x is None else rule.p_x.tolist()
    for x, share, p in zip(rule.patterns.tolist(), shares, rule.p_y.tolist(), strict=True):
        of_y = [1 - p, p] if rule.labels == 2 else p
        before = found.get(tuple(x), [0.0] * len(of_y))
        found[tuple(x)] = [a + share * b for a, b in zip(before, of_y, strict=True)]
    return found


def entropy(masses: list[float]) -> float:
    return -math.fsum(m * math.log2(m) for m in masses if m > 0)


def require_information(rule: Rule) -> None:
    """H(X), H(Y) and I(X;Y) are those of p(x,y), added up anew."""
    joint = joint_of(rule)
    h_x = entropy([sum(of_y) for of_y in joint.values()])
    h_y = entropy([math.fsum(column) for column in zip(*joint.values(), strict=True)])
    h_xy = entropy([m for of_y in joint.values() for m in of_y])
    assert rule.h_x == pytest.approx(h_x, abs=1e-12)
    assert rule.h_y == pytest.approx(h_y, abs=1e-12)
    assert rule.i_xy == pytest.approx(h_x + h_y - h_xy, abs=1e-12)


@pytest.mark.parametrize("name", ["weight", "Weight", "WEIGHT", " weight "])
@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("labels", [2, 3])
def test_a_weight_column_is_p_of_x_wherever_it_stands(tmp_path: Path, name: str, place: int, labels: int) -> None:
    chance = np.random.default_rng(labels)
    x, w, y = chance.integers(0, 3, (40, 2)), chance.integers(0, 5, 40), chance.integers(0, labels, 40)
    frame = pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "label": y})
    frame.insert(place, name, w)
    frame.to_csv(tmp_path / "t.csv", index=False)
    rule = load_table(tmp_path / "t.csv", reading=Reading(scale="none"))
    expected: dict[tuple[float, ...], list[float]] = {}
    for row, mass, label in zip(x.tolist(), w.tolist(), y.tolist(), strict=True):
        if mass:
            of_y = expected.setdefault(tuple(map(float, row)), [0.0] * labels)
            of_y[label] += mass / w.sum()
    found = joint_of(rule)
    assert found.keys() == expected.keys()
    for pattern, of_y in expected.items():
        assert found[pattern] == pytest.approx(of_y, abs=1e-14)
    require_information(rule)
    report = rule.report
    assert report is not None
    assert (report.weight.strip(), report.weightless) == (name.strip(), int((w == 0).sum()))
    assert report.weights == (1.0, 4.0)
    (told,) = [line for line in report.lines() if line.startswith("p(x): in proportion to ")]
    assert "of weight 0 left out; --weight none takes it for an input" in told
    assert rule.inputs == 2


def test_people_name_another_column_or_none(tmp_path: Path) -> None:
    pandas.DataFrame({"a": [1.0, 2, 3, 4], "n": [1, 2, 3, 4], "weight": [5, 7, 9, 8], "y": [0, 1, 0, 1]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    named = load_table(tmp_path / "t.csv", reading=Reading(weight="n"))
    assert named.p_x is not None
    assert named.p_x.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert named.inputs == 2
    none = load_table(tmp_path / "t.csv", reading=Reading(weight="none"))
    assert none.p_x is None
    assert none.inputs == 3
    label = load_table(tmp_path / "t.csv", reading=Reading(label="weight", label_kind="class"))
    assert label.p_x is None


def test_equal_weights_are_no_weights(tmp_path: Path) -> None:
    plain = pandas.DataFrame({"a": [1.0, 2, 3, 4], "y": [0, 1, 0, 1]})
    plain.to_csv(tmp_path / "plain.csv", index=False)
    plain.assign(weight=0.3).to_csv(tmp_path / "equal.csv", index=False)
    one, other = (load_table(tmp_path / f"{name}.csv") for name in ("plain", "equal"))
    assert other.p_x is None
    assert one.digest == other.digest


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1, -2, 3, 4], "has the weight -2 in row 2 of 'weight'; allowed are finite numbers from 0; --weight none"),
        ([0, 0, 0, 0], "has the weight 0 in every row of 'weight'"),
        (
            ["1", "heavy", "3", "4"],
            "has 'heavy' in line 3, column 2: not a number for 'weight'; mend it, or leave out the",
        ),
        ([1, float("inf"), 3, 4], "inf"),
        ([1, 5e-324, 1e300, 1], "whose ratio is beyond double precision"),
    ],
)
def test_weights_that_are_none_are_refused(tmp_path: Path, weights: list[object], said: str) -> None:
    frame = pandas.DataFrame({"a": [1.0, 2, 3, 4], "weight": weights, "y": [0, 1, 0, 1]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InvalidValue) as refused:
        load_table(tmp_path / "t.csv")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("weight", ["z", "y"])
def test_a_weight_column_that_is_not_there_is_refused(tmp_path: Path, weight: str) -> None:
    pandas.DataFrame({"a": [1.0, 2, 3, 4], "y": [0, 1, 0, 1]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InvalidValue) as refused:
        load_table(tmp_path / "t.csv", reading=Reading(weight=weight, label="y"))
    assert refused.value.setting == "weight"


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("kind", ["npz", "mat", "npy"])
@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_a_matrix_of_p_of_x_and_y_is_a_rule(tmp_path: Path, labels: int, kind: str, unit: float) -> None:
    joint = np.random.default_rng(labels).random((7, labels)) ** 3
    joint[2, 1] = joint[4] = 0
    joint *= unit / joint.sum()
    path = tmp_path / f"t.{kind}"
    if kind == "npy":
        joint /= joint.sum()
        np.save(path, joint)
    elif kind == "npz":
        np.savez(path, p_xy=joint)
    else:
        savemat(path, {"P_XY": joint})
    rule = load_table(path)
    assert np.array_equal(rule.patterns, np.eye(6))  # the row without probability is gone
    p = np.delete(joint / joint.sum(), 4, axis=0)
    for (_, found), expected in zip(joint_of(rule).items(), p.tolist(), strict=True):
        assert found == pytest.approx(expected, abs=1e-15)
    require_information(rule)
    assert rule.report is not None
    assert rule.report.weightless == 1


def test_the_rows_of_p_of_x_and_y_may_have_patterns(tmp_path: Path) -> None:
    joint, x = np.array([[0.1, 0.2], [0.3, 0.0], [0.15, 0.25]]), np.array([[0.5, 1], [2, -1], [0.5, 0]])
    np.savez(tmp_path / "t.npz", p_xy=joint, X=x)
    rule = load_table(tmp_path / "t.npz")
    assert np.allclose(rule.patterns, x)
    assert rule.p_x == pytest.approx([0.3, 0.3, 0.4])
    assert rule.p_y == pytest.approx([2 / 3, 0, 0.625])
    assert rule.log_odds.tolist() == pytest.approx([math.log(2), -math.inf, math.log(5 / 3)])


@pytest.mark.parametrize(
    ("joint", "said"),
    [
        (np.array([[0.1, -0.1], [0.5, 0.5]]), "with -0.1 in row 1, column 2"),
        (np.array([[0.1, np.nan], [0.5, 0.5]]), "with nan in row 1, column 2"),
        (np.zeros((3, 2)), "that is 0 everywhere"),
        (np.array([[0.5, 0], [0.5, 0]]), "with one label, 0, alone"),
        (np.ones(4), "of shape (4,)"),
        (np.ones((2, 2, 2)), "of shape (2, 2, 2)"),
        (np.ones((15_000, 2)), "alone, which makes 15000 patterns of 15000 inputs"),
    ],
)
def test_a_matrix_that_is_no_distribution_is_refused(tmp_path: Path, joint: np.ndarray, said: str) -> None:
    np.savez(tmp_path / "t.npz", p_xy=joint)
    with pytest.raises(InvalidValue) as refused:
        load_table(tmp_path / "t.npz")
    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["weight", "weights", "p_x"])
def test_arrays_may_have_weights_and_a_saved_rule_keeps_them(tmp_path: Path, name: str) -> None:
    chance = np.random.default_rng(0)
    x, p_y, w = chance.normal(size=(6, 2)), chance.random(6), np.arange(6.0)
    np.savez(tmp_path / "t.npz", **{"X": x, "p_y": p_y, name: w})
    rule = load_table(tmp_path / "t.npz")
    assert rule.p_x == pytest.approx(w[1:] / 15)
    assert rule.p_y.tolist() == p_y[1:].tolist()
    require_information(rule)
    save_rule(rule, tmp_path / "again.npz")
    again = load_table(tmp_path / "again.npz")
    assert again.digest == rule.digest


def test_rows_that_are_held_out_have_their_own_p_of_x(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    x, w, y = chance.normal(size=(50, 2)), chance.integers(0, 4, 50), chance.integers(0, 2, 50)
    frame = pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "weight": w, "y": y})
    frame.to_csv(tmp_path / "t.csv", index=False)
    rule = load_table(tmp_path / "t.csv", reading=Reading(test_fraction=0.3, scale="none"))
    weight_of = {tuple(np.float32(row).tolist()): mass for row, mass in zip(x, w, strict=True)}
    assert rule.held_out is not None
    for one in (rule, rule.held_out):
        expected = np.array([weight_of[tuple(row)] for row in one.patterns.tolist()], float)
        assert one.p_x == pytest.approx(expected / expected.sum())
        require_information(one)
    frame.to_csv(tmp_path / "second.csv", index=False)
    beside = load_table(tmp_path / "t.csv", reading=Reading(test=str(tmp_path / "second.csv"))).held_out
    assert beside is not None
    assert beside.p_x == pytest.approx(w[w > 0] / w.sum())
    frame.drop(columns="weight").to_csv(tmp_path / "second.csv", index=False)
    with pytest.raises(InvalidValue, match="has no column 'weight', which the table that trains has"):
        load_table(tmp_path / "t.csv", reading=Reading(test=str(tmp_path / "second.csv")))
