"""Which column is the label, which are inputs, and which are neither: found, or asked for with the choices."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.table import load_table
from ibtui_engine.rules.tables.options import Reading

sklearn_data = pytest.importorskip("sklearn.datasets")


def read(tmp_path: Path, text: str, **said: object):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return load_table(path, reading=Reading(**said))


def refusal(tmp_path: Path, text: str, **said: object) -> str:
    with pytest.raises(InvalidValue) as caught:
        read(tmp_path, text, **said)
    return str(caught.value)


BODY = "0,0,0\n0,1,1\n1,0,1\n1,1,0\n"


@pytest.mark.parametrize(
    "name", ["label", "labels", "y", "target", "class", "species", "diagnosis", "outcome", "response", "output", "p_y"]
)
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
def test_a_usual_name_at_either_end_is_the_label(tmp_path: Path, name: str, spelled) -> None:
    last = read(tmp_path, f"a,b,{spelled(name)}\n{BODY}")
    assert last.report.label == spelled(name)
    assert last.p_y.tolist() == [0, 1, 1, 0]
    first = read(tmp_path, f"{spelled(name)},a,b\n0,0,0\n1,0,1\n1,1,0\n0,1,1\n")
    assert first.patterns.tolist() == last.patterns.tolist()
    assert first.p_y.tolist() == last.p_y.tolist()


@pytest.mark.parametrize("header", ["x,y,label", "x,y,Class", "X,Y,z", "label,x,y", "target,x,y"])
def test_x_and_y_are_a_plane_beside_a_label(tmp_path: Path, header: str) -> None:
    rows = [(0.5, 0.25, 0), (0.5, 0.75, 1), (1.0, 0.25, 1), (1.0, 0.75, 0)]
    first = header.split(",")[0] in ("label", "target")
    text = "\n".join([header, *(f"{c},{a},{b}" if first else f"{a},{b},{c}" for a, b, c in rows)])
    rule = read(tmp_path, text)
    assert rule.patterns.tolist() == [list(row[:2]) for row in rows]
    assert rule.p_y.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("header", "two"),
    [("target,a,class", "'target' and 'class'"), ("y,a,label", "'y' and 'label'"), ("a,y,p_y", "'y' and 'p_y'"),
     ("Label,a,labels", "'Label' and 'labels'"), ("a,species,Outcome", "'species' and 'Outcome'")],
)  # fmt: skip
def test_two_usual_names_stop_with_the_choices(tmp_path: Path, header: str, two: str) -> None:
    said = refusal(tmp_path, f"{header}\n{BODY}")
    assert f"has more than one column that may be the label, {two}: choose one by --label (" in said
    assert all(repr(name) in said for name in header.split(","))
    chosen = read(tmp_path, f"{header}\n{BODY}", label=header.split(",")[2])
    assert chosen.p_y.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "last", [["0.5", "0.25", "0.75", "0.1", "0.3"], ["3", "1", "4", "15", "9"], ["a", "b", "c", "d", "e"]]
)
@pytest.mark.parametrize("header", ["a,b\n", ""])
def test_a_last_column_that_does_not_look_like_labels_stops_with_the_choices(tmp_path: Path, last, header) -> None:
    text = header + "".join(f"{k % 2},{cell}\n" for k, cell in enumerate(last))
    said = refusal(tmp_path, text)
    assert "the last one, does not look like labels: name the label column by --label (" in said
    assert ("'a', 'b'" if header else "1, 2") in said


def test_the_label_is_a_name_or_a_number(tmp_path: Path) -> None:
    text = f"a,3,b\n{BODY}"
    for label in ("a", "A", "1", " a "):
        assert read(tmp_path, text, label=label).report.label == "a"
    assert read(tmp_path, text, label="3").report.label == "3"  # a name wins: column 2
    assert read(tmp_path, BODY, label="2").p_y.tolist() == [0, 1, 0, 1]
    assert "has no column 'z' for --label: choose 'a', '3', 'b'" in refusal(tmp_path, text, label="z")
    assert "has no column '9' for --label: choose 1, 2, 3" in refusal(tmp_path, BODY, label="9")
    assert "has 2 columns called 'a': give --label the number of one" in refusal(tmp_path, f"a,a,b\n{BODY}", label="a")


def test_ignored_columns_are_left_out_and_reported(tmp_path: Path) -> None:
    text = "name,a,b,y\nx,0,0,0\nx,0,1,1\nz,1,0,1\nz,1,1,0\n"
    assert (
        "has 'x' in line 2, column 1: not a number for 'name'; mend it, or leave out the column by --ignore 'name'"
        in (refusal(tmp_path, text))
    )
    for ignored in ("name", "NAME", "1"):
        rule = read(tmp_path, text, ignore=ignored)
        assert (rule.inputs, rule.p_y.tolist()) == (2, [0, 1, 1, 0])
        assert [(one.name, one.why) for one in rule.report.left_out] == [("name", "as asked for")]
    assert read(tmp_path, text, ignore="name, a").inputs == 1
    assert "has no column 'q' for --ignore" in refusal(tmp_path, text, ignore="name,q")
    assert "has its label y among the columns to ignore" in refusal(tmp_path, text, ignore="y", label="y")


def test_a_column_that_is_ignored_is_no_second_label(tmp_path: Path) -> None:
    assert read(tmp_path, f"target,a,class\n{BODY}", ignore="target").report.label == "class"


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "id", "ID", "rownames", "Row.names", "row_names"])
def test_columns_that_number_the_rows_are_no_inputs(tmp_path: Path, name: str) -> None:
    rule = read(tmp_path, f"{name},a,b,y\n7,0,0,0\n3,0,1,1\n9,1,0,1\n4,1,1,0\n")
    assert [one.name for one in rule.report.ranges] == ["a", "b"]
    assert [one.why for one in rule.report.left_out] == ["numbers or names the rows"]
    assert rule.h_x == 2.0


def test_constant_columns_are_no_inputs(tmp_path: Path) -> None:
    rule = read(tmp_path, "a,one,b,half,y\n0,1,0,0.5,0\n0,1,1,0.5,1\n1,1,0,0.5,1\n1,1,1,0.5,0\n")
    assert [one.name for one in rule.report.ranges] == ["a", "b"]
    assert [(one.name, one.why) for one in rule.report.left_out] == [("one", "always 1"), ("half", "always 0.5")]
    assert "patterns, all of them equal" in refusal(tmp_path, "a,y\n1,0\n1,1\n")


# One-hot labels


@pytest.mark.parametrize(
    "header",
    ["x,y0,y1,y2", "x,y_0,y_1,y_2", "x,class_a,class_b,class_c", "x,Species=a,Species=b,Species=c",
     "x,label 1,label 2,label 3", "x,a,b,c", None],
)  # fmt: skip
def test_one_hot_columns_at_the_end_are_the_label_and_no_inputs(tmp_path: Path, header: str | None) -> None:
    body = "0,1,0,0\n0,0,1,0\n1,0,1,0\n1,0,0,1\n"
    rule = read(tmp_path, (f"{header}\n" if header else "") + body)
    assert (rule.inputs, rule.labels, rule.report.label_kind) == (1, 3, "one-hot")
    assert (rule.h_x, rule.h_y, rule.i_xy) == pytest.approx((1.0, 1.5, 0.5))
    assert [one.count for one in rule.report.labels] == [1, 2, 1]


def test_one_hot_columns_go_by_their_prefix_wherever_they_stand(tmp_path: Path) -> None:
    rule = read(tmp_path, "y_red,y_blue,x,id\n1,0,0,1\n0,1,1,2\n1,0,2,3\n")
    assert (rule.patterns.tolist(), rule.p_y.tolist()) == ([[0], [1], [2]], [0, 1, 0])
    assert [one.value for one in rule.report.labels] == ["red", "blue"]


def test_one_hot_columns_may_be_named_by_their_prefix_or_one_by_one(tmp_path: Path) -> None:
    text = "kind_a,x,kind_b\n1,0,0\n0,1,1\n0,0,1\n"
    for label in ("kind", "kind_a,kind_b", "1,3"):
        rule = read(tmp_path, text, label=label)
        assert (rule.inputs, rule.report.label_kind, rule.p_y.tolist()) == (1, "one-hot", [0.5, 1, 0.5])


def test_truth_values_of_dummies_are_one_hot(tmp_path: Path) -> None:
    frame = pandas.get_dummies(pandas.DataFrame({"x": [0, 1, 2, 3], "y": list("abca")}), columns=["y"])
    path = tmp_path / "d.csv"
    frame.to_csv(path, index=False)
    assert load_table(path).p_y.argmax(axis=1).tolist() == [0, 1, 2, 0]


def test_two_columns_without_names_of_which_one_is_always_1_are_asked_about(tmp_path: Path) -> None:
    text = "0,0,0,1\n0,1,1,0\n1,0,1,0\n1,1,0,1\n"
    said = refusal(tmp_path, text)
    assert "say whether the label is the last one (--label 4) or both (--label 3,4)" in said
    assert read(tmp_path, text, label="4").inputs == 3
    assert read(tmp_path, text, label="3,4").inputs == 2


def test_one_hot_inputs_stay_inputs_where_the_label_has_a_name(tmp_path: Path) -> None:
    rule = read(tmp_path, "label,c_r,c_g,c_b\n0,1,0,0\n1,0,1,0\n1,0,0,1\n")
    assert (rule.inputs, rule.p_y.tolist()) == (3, [0, 1, 1])


# scikit-learn's data


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("header", ["class", "unknown", None])
@pytest.mark.parametrize("index", [False, True])
def test_the_usual_data_sets_in_every_order(tmp_path: Path, name, words, first, header, index) -> None:
    if index and header is None:
        pytest.skip("an index without a name cannot be told from an input")
    data = getattr(sklearn_data, f"load_{name}")()
    frame = pandas.DataFrame(data.data, columns=data.feature_names)
    label = data.target_names[data.target] if words else data.target
    frame.insert(0 if first else frame.shape[1], header or "unknown", label)
    path = tmp_path / "t.csv"
    frame.to_csv(path, header=header is not None, index=index)
    rule = load_table(path)
    rows = np.unique(data.data, axis=0, return_counts=True)[1] / len(data.data)
    kinds = np.array(list(Counter(data.target.tolist()).values())) / len(data.target)
    assert (rule.labels, rule.inputs) == (len(kinds), data.data.shape[1])
    assert rule.h_x == pytest.approx(-(rows * np.log2(rows)).sum())
    assert rule.h_y == pytest.approx(-(kinds * np.log2(kinds)).sum())
    assert rule.i_xy == pytest.approx(rule.h_y, abs=1e-9)  # equal flowers are of one kind
    scaled = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    assert rule.patterns == pytest.approx(scaled, abs=1e-4)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("header", [False, True])
def test_images_are_those_of_the_rule_of_images(tmp_path: Path, first: bool, header: bool) -> None:
    from ibtui_engine.rules.catalogue import load_rule

    data = sklearn_data.load_digits()
    parts = [data.target[:, None], data.data.astype(int)]
    table = np.hstack(parts if first else parts[::-1])
    names = [f"p{k}" for k in range(64)]
    names.insert(0 if first else 64, "label")
    path = tmp_path / "digits.csv"
    pandas.DataFrame(table, columns=names).to_csv(path, index=False, header=header)
    assert load_table(path).digest == load_rule("digits").digest
