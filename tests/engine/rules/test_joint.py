"""Tables of more than two labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.rule import binary_entropy
from ibtui_engine.rules.table import load_table, save_rule


def saved(path: Path, labels: np.ndarray, patterns: np.ndarray | None = None) -> Path:
    file = path / "t.npz"
    np.savez(file, patterns=np.arange(len(labels))[:, None] if patterns is None else patterns, y=labels)
    return file


def test_each_number_is_a_label_and_equal_patterns_share_their_mean(tmp_path: Path) -> None:
    rule = load_table(saved(tmp_path, np.array([5, 0, 9, 9]), np.array([[1, 0], [1, 0], [0, 1], [1, 1]])))
    half = [0.5, 0.5, 0.0]
    assert rule.p_y.tolist() == [half, half, [0, 0, 1], [0, 0, 1]]
    assert (rule.labels, rule.outputs, rule.classes) == (3, 3, 2)
    assert (rule.h_x, rule.h_y, rule.i_xy) == pytest.approx((1.5, 1.5, 1.0))


def test_a_matrix_is_p_of_y_given_x_and_is_the_same_when_saved(tmp_path: Path) -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(3), 6)
    rule = load_table(saved(tmp_path, p))
    assert rule.p_y == pytest.approx(p)
    save_rule(rule, tmp_path / "again.npz")
    assert load_table(tmp_path / "again.npz").p_y == pytest.approx(rule.p_y, abs=1e-15)


def test_a_matrix_of_two_labels_is_the_probability_of_the_second(tmp_path: Path) -> None:
    rule = load_table(saved(tmp_path, np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])))
    assert rule.p_y.tolist() == [0.75, 0.0, 0.5]
    assert (rule.labels, rule.outputs) == (2, 1)
    assert rule.h_y == float(binary_entropy(np.array(1.25 / 3)))


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_whole_numbers_of_more_than_two_kinds_are_labels_in_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    labels = np.array([2, 0, 1, 2])
    file = saved(tmp_path, labels)
    if suffix == "csv":
        file = tmp_path / "t.csv"
        file.write_text("".join(f"{x},{label}\n" for x, label in enumerate(labels)))
    assert load_table(file).p_y.tolist() == np.eye(3)[labels].tolist()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([[0.5, 0.6], [1, 0], [0, 1]], "not to 1"),
        ([[1.5, -0.5], [1, 0], [0, 1]], "outside"),
        ([[0, 0, 1]] * 3, "only the label 2"),
        ([[1, 0]] * 3, "only the label 0"),
        (np.arange(257), "a label with 257 different values in 257 rows, which are hardly classes"),
        (np.arange(1028) // 4, "has 257 different labels; allowed are at most 256"),
        (np.full((2, 257), 1 / 257), "has 257 labels; allowed are at most 256"),
        ([0, 1, 2, 3, 4], None),
    ],
)
def test_what_is_no_distribution_is_refused(tmp_path: Path, labels: list[float], said: str | None) -> None:
    if said is None:
        file = saved(tmp_path, np.array(labels), np.arange(4)[:, None])
        said = "has 5 labels for 4 patterns"
    else:
        file = saved(tmp_path, np.array(labels))
    with pytest.raises(InvalidValue, match=said):
        load_table(file)
