"""Labels in every usual code give the same p(y|x); what is no label is refused with the way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.table import load_table
from ibtui_engine.rules.tables.options import Reading

BITS = [0, 1, 1, 0, 1, 0]


def read(tmp_path: Path, labels: object, kind: str, name: str = "y", **said: object):
    x = np.arange(len(np.atleast_1d(labels)))
    path = tmp_path / f"t.{kind}"
    if kind == "npz":
        np.savez(path, X=x[:, None], **{name: labels})
    else:
        path.write_text(f"x,{name}\n" + "".join(f"{a},{b}\n" for a, b in zip(x, labels, strict=True)))
    return load_table(path, reading=Reading(**said))


def refusal(*given: object, **said: object) -> str:
    with pytest.raises(InvalidValue) as caught:
        read(*given, **said)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["csv", "npz"])
@pytest.mark.parametrize(
    ("zero", "one"),
    [(0, 1), (-1, 1), (1, 2), (0, 255), (3, 7), (-5, -2), (0.0, 1.0), (1.0, 2.0), (False, True), ("a", "b"),
     ("no", "yes"), ("FALSE", "true"), ("Iris-setosa", "Iris-virginica"), (10**15, 10**15 + 1), ("-", "N")],
)  # fmt: skip
def test_two_labels_in_any_code_are_the_same(tmp_path: Path, kind: str, zero: object, one: object) -> None:
    rule = read(tmp_path, np.array([one if bit else zero for bit in BITS]), kind)
    assert rule.p_y.tolist() == BITS
    assert rule.report.label_kind == "classes"
    assert [label.count for label in rule.report.labels] == [3, 3]


@pytest.mark.parametrize("kind", ["csv", "npz"])
@pytest.mark.parametrize(
    "three", [(0, 1, 2), (1, 2, 3), (-1, 0, 1), (10, 20, 30), (1.0, 2.0, 3.0), ("a", "b", "c"), ("7", "8", "9")]
)
def test_three_labels_in_any_code_are_the_same(tmp_path: Path, kind: str, three: tuple[object, ...]) -> None:
    which = [0, 2, 1, 0, 2, 2]
    rule = read(tmp_path, np.array([three[k] for k in which]), kind)
    assert rule.p_y.tolist() == np.eye(3)[which].tolist()
    assert [label.value for label in rule.report.labels] == [
        str(int(k)) if isinstance(k, float) else str(k) for k in three
    ]


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.float32])
def test_one_hot_arrays_are_classes(tmp_path: Path, dtype: type) -> None:
    which = [0, 2, 1, 0, 2, 2]
    rule = read(tmp_path, np.eye(3, dtype=dtype)[which], "npz")
    assert (rule.p_y.tolist(), rule.report.label_kind) == (np.eye(3)[which].tolist(), "one-hot")


@pytest.mark.parametrize("turned", [False, True])
def test_labels_may_be_a_row_or_a_column(tmp_path: Path, turned: bool) -> None:
    column = np.array(BITS)[:, None]
    np.savez(tmp_path / "t.npz", X=np.arange(len(BITS))[:, None], y=column.T if turned else column)
    assert load_table(tmp_path / "t.npz").p_y.tolist() == BITS


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_probabilities_go_by_their_name_or_by_what_is_said(tmp_path: Path, kind: str) -> None:
    p = np.array([0.1, 0.9, 1 / 3, 0.5])
    assert read(tmp_path, p, kind, "p_y").p_y.tolist() == p.tolist()
    assert read(tmp_path, p, kind, label_kind="probability").p_y.tolist() == p.tolist()
    said = refusal(tmp_path, p, kind)
    assert (
        "has a continuous label, with values such as 0.1: cut it into classes of equal mass by --label-bins N" in said
    )
    assert said.endswith("if they are probabilities, call it p_y or say --label-kind probability")
    assert "allowed are probabilities from 0 to 1" in refusal(tmp_path, p * 2, kind, "p_y")
    assert read(tmp_path, p * 2, kind, label_kind="class").labels == 4
    assert not read(tmp_path, p, kind, "p_y").report.sample
    assert read(tmp_path, p, kind, label_bins=2).report.sample


def test_a_continuous_label_is_refused_also_where_its_numbers_are_whole(tmp_path: Path) -> None:
    prices = np.arange(200) * 7 % 601
    for kind in ("csv", "npz"):
        assert "has a label with 200 different values in 200 rows, which are hardly classes" in refusal(
            tmp_path, prices, kind
        )
        assert read(tmp_path, prices, kind, label_kind="class").labels == 200
    assert read(tmp_path, np.arange(200) // 5, "csv").labels == 40


@pytest.mark.parametrize("bins", [2, 3, 4, 7])
def test_bins_have_equal_mass_and_keep_equal_values_together(tmp_path: Path, bins: int) -> None:
    values = np.random.default_rng(0).normal(size=28)
    rule = read(tmp_path, values, "npz", label_bins=bins)
    ranks = values.argsort().argsort()
    which = ranks * bins // 28
    found = rule.p_y if bins == 2 else rule.p_y.argmax(axis=1)
    assert found.tolist() == which.tolist()
    assert rule.report.label_kind == "bins of equal mass"
    tied = read(tmp_path, np.array([0.5, 0.5, 0.5, 0.5, 2.5, 3.5]), "csv", label_bins=2)
    assert tied.p_y.tolist() == [0, 0, 0, 0, 1, 1]
    assert [label.value for label in tied.report.labels] == ["0.5", "2.5 to 3.5"]
    assert "make one bin" in refusal(tmp_path, np.array([0.5, 0.5]), "csv", label_bins=2)


def test_a_word_among_numbers_is_a_mistake_unless_it_is_said_to_be_a_class(tmp_path: Path) -> None:
    labels = np.array(["0", "1", "o", "1"])
    for kind, where in (("csv", "in line 4, column 2 ('y')"), ("npz", "at pattern 3 (from 1)")):
        assert f"has 'o' {where}: not a number, though other labels are numbers" in refusal(tmp_path, labels, kind)
        assert read(tmp_path, labels, kind, label_kind="class").labels == 3
    assert "neither a probability nor to be cut into bins" in refusal(tmp_path, labels, "csv", label_bins=2)


@pytest.mark.parametrize("kind", ["csv", "npz"])
@pytest.mark.parametrize("label", [0, 7, "a"])
def test_one_label_is_no_rule(tmp_path: Path, kind: str, label: object) -> None:
    assert f"has only the label {label}; a rule needs both classes" in refusal(tmp_path, np.array([label] * 3), kind)


def test_a_report_says_sample_where_every_pattern_has_one_label(tmp_path: Path) -> None:
    rule = read(tmp_path, np.array([0, 1, 1]), "npz")
    assert rule.report.sample
    assert "p(y|x): a sample, every pattern has one label" in rule.report.lines()[-1]
    path = tmp_path / "twice.csv"
    path.write_text("x,y\n0,0\n0,1\n1,1\n1,1\n")
    rule = load_table(path)
    assert (rule.report.sample, rule.report.distinct, rule.report.patterns) == (False, 2, 4)
    assert rule.p_y.tolist() == [0.5, 0.5, 1, 1]
