"""Tables of any number of labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import InvalidValue
from engine.rules.joint import binary, load_joint


def saved(path: Path, labels: np.ndarray, patterns: np.ndarray | None = None) -> Path:
    file = path / "t.npz"
    np.savez(file, patterns=np.arange(len(labels))[:, None] if patterns is None else patterns, y=labels)
    return file


def test_each_number_is_a_label_and_equal_patterns_share_their_mean(tmp_path: Path) -> None:
    file = saved(tmp_path, np.array([5, 0, 9, 9]), np.array([[1, 0], [1, 0], [0, 1], [1, 1]]))
    assert not binary(file)
    half = [0.5, 0.5, 0.0]
    assert load_joint(file).p_y.tolist() == [half, half, [0, 0, 1], [0, 0, 1]]


def test_a_matrix_is_p_of_y_given_x(tmp_path: Path) -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(3), 6)
    file = saved(tmp_path, p)
    assert not binary(file)
    assert load_joint(file).p_y == pytest.approx(p)


@pytest.mark.parametrize("labels", [[0, 1, 1], [0.2, 0.7, 1.0], [[0], [1], [1]]])
def test_tables_of_rules_stay_rules(tmp_path: Path, labels: list[float]) -> None:
    assert binary(saved(tmp_path, np.array(labels)))


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1.5, 3], "whole numbers"),
        ([3, 3, 3], "only the label 3"),
        ([[0.5, 0.6], [1, 0], [0, 1]], "not to 1"),
        ([[1.5, -0.5], [1, 0], [0, 1]], "outside"),
        ([np.nan, 1, 2], "whole numbers"),
    ],
)
def test_what_is_no_distribution_is_refused(tmp_path: Path, labels: list[float], said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        load_joint(saved(tmp_path, np.array(labels)))
