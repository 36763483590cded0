"""Rows that are held out: which they are, how they are scaled, and what a second table may be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.rule import Rule
from ibtui_engine.rules.table import load_table
from ibtui_engine.rules.tables.held_out import held_out_rows
from ibtui_engine.rules.tables.options import Reading
from ibtui_engine.rules.tables.report import TableReport


def frame(rows: int = 120, seed: int = 0) -> pandas.DataFrame:
    chance = np.random.default_rng(seed)
    x = np.round(chance.normal(size=(rows, 3)) * (1, 50, 1) + (0, 700, 0), 4)
    label = np.array(["red", "green", "blue"])[np.digitize(x[:, 0], [-0.9, 0.4])]
    return pandas.DataFrame(x, columns=["a", "b", "c"]).assign(label=label)


def held(rule: Rule) -> Rule:
    assert rule.held_out is not None
    return rule.held_out


@pytest.mark.parametrize("fraction", [0.1, 0.25, 1 / 3, 0.5, 0.8])
@pytest.mark.parametrize("labels", [2, 3, 7])
def test_a_split_has_its_share_of_every_label(fraction: float, labels: int) -> None:
    which = np.random.default_rng(labels).integers(0, labels, 500)
    p_y = (which == 1).astype(float) if labels == 2 else np.eye(labels)[which]
    chosen = held_out_rows(np.arange(500.0)[:, None], p_y, fraction, 3)
    assert abs(chosen.sum() - fraction * 500) <= 1
    for label in range(labels):
        assert abs(chosen[which == label].sum() - fraction * (which == label).sum()) <= 1
    assert np.array_equal(chosen, held_out_rows(np.arange(500.0)[:, None], p_y, fraction, 3))
    assert not np.array_equal(chosen, held_out_rows(np.arange(500.0)[:, None], p_y, fraction, 4))


def test_rows_of_equal_inputs_stay_together_and_no_label_is_held_out_whole() -> None:
    x = np.repeat(np.arange(40.0), 5)[:, None]
    p_y = np.tile([0.0, 0.0, 0.0, 0.0, 1.0], 40)
    p_y[-5:] = 1.0  # the only pattern that is mostly 1
    for seed in range(20):
        chosen = held_out_rows(x, p_y, 0.5, seed)
        assert set(Counter(x[chosen, 0]).values()) == {5}
        assert not chosen[-5:].any()
        assert abs(chosen.sum() - 100) <= 5


def test_the_words_behind_a_split_never_change() -> None:
    chosen = held_out_rows(np.arange(20.0)[:, None], np.arange(20) % 2.0, 0.3, 7)
    assert np.flatnonzero(chosen).tolist() == [1, 5, 7, 8, 12, 16], "other rows are held out than in earlier versions"


@pytest.mark.parametrize("scale", ["auto", "standard", "unit", "none"])
def test_rows_held_out_are_scaled_by_those_that_train(tmp_path: Path, scale: str) -> None:
    table = frame()
    table.to_csv(tmp_path / "t.csv", index=False)
    rule = load_table(tmp_path / "t.csv", reading=Reading(test_fraction=0.25, scale=scale), seed=5)
    raw, labels = table[["a", "b", "c"]].to_numpy(), table["label"].to_numpy()
    names = sorted(set(labels))
    chosen = held_out_rows(raw, np.eye(3)[[names.index(one) for one in labels]], 0.25, 5)
    train, beside = raw[~chosen], raw[chosen]
    shift, divisor = {
        "unit": (train.min(axis=0), np.ptp(train, axis=0)),
        "none": (np.zeros(3), np.ones(3)),
    }.get(scale, (train.mean(axis=0), train.std(axis=0)))
    assert np.allclose(rule.patterns, (train - shift) / divisor, atol=1e-5, rtol=1e-6)
    assert np.allclose(held(rule).patterns, (beside - shift) / divisor, atol=1e-5, rtol=1e-6)
    assert [names[k] for k in held(rule).p_y.argmax(axis=1)] == labels[chosen].tolist()
    report = rule.report
    assert report is not None
    assert report.held_out is not None
    assert (report.patterns, report.held_out.rows, report.held_out.trained) == (90, 30, 0)
    assert {one.value: one.count for one in report.held_out.labels} == Counter(labels[chosen])
    assert {one.value: one.count for one in report.labels} == Counter(labels[~chosen])
    assert "drawn by seed 5" in report.lines()[-1]
    assert TableReport.from_dict(report.to_dict()) == report


def test_a_second_table_is_read_like_the_first(tmp_path: Path) -> None:
    first, second = frame(), frame(40, seed=1)
    first.assign(always=1.0).to_csv(tmp_path / "first.csv", index=True)
    second = pandas.concat([second, first[:2]])  # two rows that train, too
    second[["label", "c", "b", "a"]].assign(always=2.0).to_csv(tmp_path / "second.csv", sep=";", index=False)
    rule = load_table(tmp_path / "first.csv", reading=Reading(test=str(tmp_path / "second.csv")))
    train, beside = (one[["a", "b", "c"]].to_numpy() for one in (first, second))
    assert np.allclose(held(rule).patterns, (beside - train.mean(axis=0)) / train.std(axis=0), atol=1e-5)
    names = sorted(set(first["label"]))
    assert [names[k] for k in held(rule).p_y.argmax(axis=1)] == second["label"].tolist()
    assert rule.report is not None
    assert rule.report.held_out is not None
    assert (rule.report.held_out.rows, rule.report.held_out.trained) == (42, 2)
    assert "2 of them have a pattern that trains, too" in rule.report.lines()[-1]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([-1, 1, 1, -1], [1, 1, 1, -1], [1, 1, 1, 0]),
        ([1, 2, 2, 1], [2.0, 1.0, 1.0, 1.0], [1, 0, 0, 0]),
        (["no", "yes", "yes", "no"], ["yes"] * 4, [1, 1, 1, 1]),
        ([True, False, True, False], ["true", "False", "TRUE", "true"], [1, 0, 1, 1]),
        ([3, 5, 7, 3], [7, 3, 7, 5], [2, 0, 2, 1]),
        (["1", "2", "a", "a"], [2, 1, 2, 2], [1, 0, 1, 1]),
    ],
)
def test_labels_of_a_second_table_are_matched_by_their_value(
    tmp_path: Path, first: list[object], second: list[object], expected: list[int]
) -> None:
    for name, labels in (("first", first), ("second", second)):
        pandas.DataFrame({"a": [0.1, 0.2, 0.3, 0.4], "b": [1.0, -1, 1, 0], "label": labels}).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    reading = Reading(test=str(tmp_path / "second.csv"), label_kind="class")
    rule = held(load_table(tmp_path / "first.csv", reading=reading))
    found = rule.p_y if rule.labels == 2 else rule.p_y.argmax(axis=1)
    assert found.tolist() == expected


def test_bins_and_probabilities_and_arrays_of_a_second_table(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40.0) / 8
    pandas.DataFrame(x, columns=["a", "b"]).assign(out=y).to_csv(tmp_path / "a.csv", index=False)
    pandas.DataFrame(x, columns=["a", "b"]).assign(out=y + 0.01).to_csv(tmp_path / "b.csv", index=False)
    reading = Reading(test=str(tmp_path / "b.csv"), label="out", label_bins=4)
    rule = load_table(tmp_path / "a.csv", reading=reading)
    assert held(rule).p_y.argmax(axis=1).tolist() == [k // 10 for k in range(40)]
    for name in "ab":
        np.savez(tmp_path / f"{name}.npz", X=x + (name == "b"), p_y=y / 5)
    rule = load_table(tmp_path / "a.npz", reading=Reading(test=str(tmp_path / "b.npz")))
    assert np.array_equal(held(rule).p_y, y / 5)
    assert np.array_equal(held(rule).patterns, (x + 1).astype(np.float32))
    for name in "ab":
        np.savez(tmp_path / f"{name}.npz", X=x + (name == "b"), y=np.eye(3)[np.arange(40) % 3])
    rule = load_table(tmp_path / "a.npz", reading=Reading(test=str(tmp_path / "b.npz")))
    assert np.array_equal(held(rule).p_y, np.eye(3)[np.arange(40) % 3])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="b"), "has no column 'b', which the table that trains has"),
        (lambda t: t.rename(columns={"b": "B"}), "has the column 'B', which the table that trains has not"),
        (lambda t: t.assign(d=1.0), "has the column 'd', which the table that trains has not"),
        (lambda t: t.assign(label="violet"), "has the label 'violet' in line 2, column 4 (label), which"),
        (lambda t: t.assign(b="x"), "not a number for 'b'"),
        (lambda t: t[:0], "has no patterns"),
    ],
)
def test_a_second_table_that_is_another_one_is_refused(tmp_path: Path, change: object, said: str) -> None:
    frame().to_csv(tmp_path / "first.csv", index=False)
    change(frame(seed=1)).to_csv(tmp_path / "second.csv", index=False)  # type: ignore[operator]
    with pytest.raises(InvalidValue) as refused:
        load_table(tmp_path / "first.csv", reading=Reading(test=str(tmp_path / "second.csv")))
    told = str(refused.value).replace("'label'", "label")
    assert told.startswith(f"table {str(tmp_path / 'second.csv')!r} ")
    assert said in told
    assert refused.value.setting == "test"


def test_a_split_of_too_few_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("a,b,y\n0,1,0\n1,1,1\n0,0,0\n1,0,1\n")
    with pytest.raises(InvalidValue, match=r"has 4 rows, of which test-fraction 0\.1 holds out none") as refused:
        load_table(tmp_path / "few.csv", reading=Reading(test_fraction=0.1))
    assert refused.value.setting == "test_fraction"


def test_of_a_rule_whole_patterns_are_held_out(tmp_path: Path) -> None:
    (tmp_path / "rule.csv").write_text("a,b,p_y\n" + "".join(f"{k},{k % 3},{k / 40}\n" for k in range(40)))
    rule = load_table(tmp_path / "rule.csv", reading=Reading(test_fraction=0.25, scale="none"))
    for one in (rule, held(rule)):
        assert np.array_equal(one.p_y, one.patterns[:, 0].astype(float) / 40)
    assert len(held(rule).p_y) == 10
    assert rule.report is not None
    assert "whole patterns with their p(y|x)" in rule.report.lines()[-1]
