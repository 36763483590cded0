"""Rules by name: the figures of the built-in ones, their settings, and what is refused."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.catalogue import BUILT_INS, RULE_NAMES, load_rule
from ibtui_engine.rules.names import FIXED, IMAGE_SENTENCES, TABLE_FORM, parse_rule_name, rule_kind

FIGURES = [
    # name, p(y=1) and its tolerance, I(X;Y) and its tolerance
    ("symmetric", 0.5167, 5e-5, 0.9901, 5e-5),
    ("symmetric-soft", 0.50092, 5e-6, 0.89948, 5e-6),
    ("committee", 0.499, 1e-3, 0.99, 1e-12),
]


@pytest.mark.parametrize(("name", "p_y1", "p_tolerance", "i_xy", "i_tolerance"), FIGURES)
def test_built_in_rules_have_the_published_figures(name, p_y1, p_tolerance, i_xy, i_tolerance) -> None:
    rule = load_rule(name)
    assert rule.name == name
    assert rule.patterns.shape == (4096, 12)
    assert rule.patterns.dtype == np.uint8
    assert rule.h_x == 12
    assert rule.p_y1 == pytest.approx(p_y1, abs=p_tolerance)
    assert rule.i_xy == pytest.approx(i_xy, abs=i_tolerance)
    assert rule.parameters == {"theta": BUILT_INS[name].theta, "gamma": BUILT_INS[name].gamma}


def test_symmetric_rules_have_64_classes() -> None:
    assert load_rule("symmetric-soft").classes == 64
    assert load_rule("symmetric").classes == 64  # in 23 of them p rounds to 1: only log-odds tell them apart
    assert load_rule("symmetric", gamma=5).classes == 64


def test_p_is_the_logistic_function_of_f_with_the_rules_parameters() -> None:
    for name, built_in in BUILT_INS.items():
        f = built_in.statistic()
        rule = load_rule(name, theta=built_in.theta + 0.01, gamma=20)
        assert rule.parameters == {"theta": built_in.theta + 0.01, "gamma": 20.0}
        direct = [1 / (1 + math.exp(-20 * (value - built_in.theta - 0.01))) for value in f.tolist()]
        np.testing.assert_allclose(rule.p_y, direct, rtol=1e-12)


@pytest.mark.parametrize("name", BUILT_INS)
def test_theta_auto_balances_the_labels_whatever_sets_gamma(name: str) -> None:
    for settings in ({}, {"gamma": 30.0}, {"i_xy": 0.7}):
        assert load_rule(name, theta="auto", **settings).p_y1 == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("name", BUILT_INS)
@pytest.mark.parametrize("theta", [None, "auto"])
def test_the_information_asked_for_is_what_the_rule_carries(name: str, theta) -> None:
    rule = load_rule(name, theta=theta, i_xy=0.85)
    assert rule.i_xy == pytest.approx(0.85, abs=1e-12)
    again = load_rule(name, theta=rule.parameters["theta"], gamma=rule.parameters["gamma"])
    assert again.digest == rule.digest


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("symmetric", {"gamma": 5.0, "i_xy": 0.5}, "gamma 5 and i_xy 0.5 both set the steepness"),
        ("symmetric", {"gamma": 0.0}, "gamma must be a finite number above 0, got 0.0"),
        ("symmetric", {"gamma": -1.0}, "gamma must be .*, got -1.0"),
        ("symmetric", {"gamma": math.nan}, "gamma must be .*, got nan"),
        ("symmetric", {"gamma": math.inf}, "gamma must be .*, got inf"),
        ("symmetric", {"theta": math.nan}, "theta must be a finite number or 'auto', got nan"),
        ("symmetric", {"theta": math.inf}, "theta must be .*, got inf"),
        ("symmetric", {"theta": "half"}, "theta must be .*, got 'half'"),
        ("symmetric", {"theta": 1e6}, "theta must be about 0 to .*, got 1e[+]06, which labels every pattern 0"),
        ("symmetric", {"theta": -50.0}, "theta must be about .*, got -50, which labels every pattern 1"),
        (
            "symmetric",
            {"i_xy": 0.0},
            "i-xy must be above 0 and below 0.999157",
        ),
        ("symmetric", {"i_xy": 1.0}, "i-xy must be above 0 and below 0.999157.*, got 1"),
        ("symmetric", {"i_xy": math.nan}, "i-xy must be .*, got nan"),
        ("table:x.npz", {"gamma": 5.0}, "rule 'table:x.npz' has its own labels and no gamma: leave it out"),
        ("table:x.npz", {"theta": "auto"}, "has its own labels and no theta"),
        ("x.csv", {"i_xy": 0.5}, "rule 'x.csv' has its own labels and no i_xy"),
        ("perceptron", {"gamma": 5.0}, "rule 'perceptron' has its own labels and no gamma: leave it out"),
        ("simmetric", {}, "unknown rule 'simmetric': choose one of symmetric, .* did you mean symmetric?"),
        ("comittee", {}, "did you mean committee?"),
        ("", {}, "unknown rule ''"),
        ("table:", {}, "rule 'table:' names no file; write table:FILE"),
        ("table:x.xlsx", {}, "table 'x.xlsx': cannot read .xlsx: save it as .csv .known are .csv"),
        ("x.xlsx", {}, "cannot read .xlsx: save it as .csv"),
        ("data/x.ods", {}, "cannot read .ods: save it as .csv"),
    ],
)
def test_settings_and_names_that_are_not_allowed_are_refused_in_one_line(name, settings, message) -> None:
    with pytest.raises(InvalidValue, match=message) as caught:
        load_rule(name, **settings)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_answered_with_every_name_there_is_and_no_far_fetched_guess() -> None:
    with pytest.raises(InvalidValue) as caught:
        load_rule("zebra")
    assert all(name in str(caught.value) for name in RULE_NAMES)
    assert "did you mean" not in str(caught.value)


def test_every_built_in_name_has_a_rule_and_a_sentence_and_the_table_form_comes_last() -> None:
    assert list(RULE_NAMES) == [*BUILT_INS, *FIXED, *IMAGE_SENTENCES, TABLE_FORM]
    assert all(load_rule(name).name == name for name in FIXED)
    for name, built_in in BUILT_INS.items():
        assert built_in.name == name
        assert built_in.sentence == RULE_NAMES[name]
    assert all(sentence.endswith(".") for sentence in RULE_NAMES.values())


def test_tables_are_told_from_built_in_rules_by_prefix_or_suffix() -> None:
    assert {rule_kind(name) for name in ("table:x", "a/b.npz", "B.MAT", "c.csv", "d.tsv.GZ", "e.arff")} == {"table"}
    assert [rule_kind(name) for name in ("symmetric", "npz", "x.xlsx")] == ["built-in", "", ""]
    assert parse_rule_name("table:anything.npz").kind == "table"  # no file is looked for
    assert parse_rule_name("symmetric").kind == "built-in"


def test_a_tilde_in_a_tables_path_is_the_home_directory(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert parse_rule_name("table:~/x.npz").path == tmp_path / "x.npz"
    assert str(parse_rule_name("table:~nobody-of-this-name/x.npz").path) == "~nobody-of-this-name/x.npz"


@pytest.mark.parametrize("by_prefix", [True, False])
def test_a_table_is_loaded_by_prefix_or_by_its_bare_path_and_keeps_the_name_it_was_given(tmp_path, by_prefix) -> None:
    path = tmp_path / "small.csv"
    path.write_text("0,0,0\n0,1,1\n")
    name = f"table:{path}" if by_prefix else str(path)
    rule = load_rule(name)
    assert rule.name == name
    assert rule.p_y.tolist() == [0, 1]
    assert rule.parameters == {}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("ibtui_engine.rules.names", {"numpy", "scipy", "torch"}),
        ("ibtui_engine.rules.catalogue", {"scipy", "torch", "numba"}),
    ],
)
def test_a_module_does_not_drag_in_heavy_libraries(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(*({unwanted!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
