"""Matrix-based entropy: closed forms, eigenvalues by hand, and that no scale matters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ibtui_engine.measures import renyi
from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.measures.renyi import entropy, gram, joint_entropy, matrix_information

RANDOM = np.random.default_rng(2)


def test_entropy_is_that_of_the_eigenvalues() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    rotation = np.linalg.qr(RANDOM.normal(size=(3, 3)))[0]
    expected = math.log2((shares**1.01).sum()) / (1 - 1.01)
    assert entropy(rotation @ np.diag(shares) @ rotation.T) == pytest.approx(expected, abs=1e-9)
    assert entropy(np.eye(8) / 8) == pytest.approx(3.0)
    assert entropy(np.full((8, 8), 1 / 8)) == pytest.approx(0.0, abs=1e-9)


def test_the_kernel_is_that_of_all_pairs() -> None:
    points = RANDOM.normal(size=(6, 2))
    distances = [math.dist(a, b) for k, a in enumerate(points) for b in points[k + 1 :]]
    width = 0.7 * math.sqrt(np.median(np.square(distances)))
    expected = [[math.exp(-(math.dist(a, b) ** 2) / (2 * width**2)) / 6 for b in points] for a in points]
    assert gram(points, 0.7) == pytest.approx(np.array(expected), abs=1e-12)


def test_a_layer_that_is_the_label_has_the_bits_of_the_label_and_one_of_noise_fewer() -> None:
    labels = np.arange(64) % 4
    found = measure_outputs({"label": labels * 1.0, "noise": RANDOM.normal(size=(64, 2))}, labels, "renyi", width=0.05)
    assert found.information.i_x[0, 0] == pytest.approx(2.0, abs=1e-6)
    assert found.information.i_y[0, 0] == pytest.approx(2.0, abs=1e-6)
    assert math.isnan(found.information.i_x_lower[0, 0])
    wide = measure_outputs({"noise": RANDOM.normal(size=(64, 2))}, labels, "renyi", width=1.0)
    assert 0 <= wide.information.i_y[0, 0] < 0.5


def test_inputs_are_compared_by_their_own_kernel() -> None:
    outputs, inputs, labels = RANDOM.normal(size=(30, 40)), RANDOM.normal(size=(30, 3)), np.arange(30) % 3
    found = matrix_information(outputs, np.eye(3)[labels], inputs, 0.5)
    of_t, of_x = gram(outputs, 0.5), gram(inputs, 0.5)
    assert found.most == entropy(of_x)
    assert found.i_x == pytest.approx(entropy(of_x) + entropy(of_t) - joint_entropy(of_x, of_t))
    public = measure_outputs({"a": outputs}, labels, "renyi", inputs=inputs.reshape(30, 3, 1)).information
    assert public.i_x[0, 0] == pytest.approx(found.i_x, abs=1e-9)
    assert public.i_y[0, 0] == pytest.approx(found.i_y, abs=1e-9)
    assert found.i_x < matrix_information(outputs, np.eye(3)[labels], None, 0.5).i_x


def test_the_scale_and_the_place_of_outputs_do_not_matter() -> None:
    outputs, labels = RANDOM.normal(size=(40, 7)), np.arange(40) % 2
    plain, moved = (measure_outputs({"a": a}, labels, "renyi").information for a in (outputs, 1e3 * outputs - 50))
    assert moved.i_x[0, 0] == pytest.approx(plain.i_x[0, 0], abs=1e-6)
    assert moved.i_y[0, 0] == pytest.approx(plain.i_y[0, 0], abs=1e-6)


def test_outputs_that_are_mostly_equal_or_all_equal_have_a_kernel() -> None:
    mostly = np.zeros(20)
    mostly[:3] = 1.0, 2.0, 3.0
    assert entropy(gram(mostly[:, None], 0.1)) == pytest.approx(entropy(np.diag([17, 1, 1, 1]) / 20), abs=0.05)
    assert entropy(gram(np.zeros((20, 1)), 0.5)) == pytest.approx(0.0, abs=1e-9)


def test_of_many_patterns_some_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renyi, "MOST_PATTERNS", 16)
    found = measure_outputs({"a": np.arange(50.0)}, np.arange(50) % 2, "renyi", width=1e-3)
    assert found.information.i_x[0, 0] == pytest.approx(4.0, abs=1e-3)
    assert found.information.distinct[0, 0] == 50
    assert found.at_ceiling[0]
