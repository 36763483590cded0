"""Sampled Gaussian noise: closed forms, integrals, the bounds of kde, and what its error means."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ibtui_engine.estimation import Estimation
from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.measures.layer import noise_variance
from ibtui_engine.measures.outputs_by_block import LayerOutputs
from tests import naive

RANDOM = np.random.default_rng(11)


def gauss(outputs: np.ndarray, p_y: np.ndarray, noise: float, **settings: object) -> tuple[float, float, float, float]:
    found = measure_outputs({"a": outputs}, p_y, "gauss", noise=noise, **settings).information
    assert found.i_x_error is not None
    assert found.i_y_error is not None
    return found.i_x[0, 0], found.i_y[0, 0], found.i_x_error[0, 0], found.i_y_error[0, 0]


@pytest.mark.parametrize(("ratio", "bits"), [(0.5, 0.16075), (1.0, 0.48594), (2.0, 0.91282)])
def test_two_patterns_are_the_binary_input_gaussian_channel(ratio: float, bits: float) -> None:
    i_x, i_y, x_error, y_error = gauss(np.array([-ratio, ratio]), np.array([0, 1]), 1.0, samples=200_000)
    assert abs(i_x - bits) < 4 * x_error < 0.012
    assert abs(i_y - bits) < 4 * y_error < 0.012  # y is known from x, and x from y


def test_the_error_is_how_far_the_number_is_off() -> None:
    off = []
    for seed in range(200):
        i_x, _, error, _ = gauss(np.array([-1.0, 1.0]), np.array([0, 1]), 1.0, samples=400, seed=seed)
        off.append((i_x - 0.48594) / error)
    assert 0.8 < float(np.std(off)) < 1.2
    assert abs(float(np.mean(off))) < 0.3


def test_without_noise_it_is_the_entropy_of_the_values_and_with_much_nothing() -> None:
    values, p_y = RANDOM.integers(0, 3, (50, 2)), RANDOM.random(50)
    i_x, i_y, distinct = naive.information(values, p_y)
    assert distinct < 50
    assert gauss(values, p_y, 1e-12)[:2] == pytest.approx((i_x, i_y), abs=0.05)
    exact = gauss(values, p_y, 1e-12, samples=50_000)
    assert abs(exact[0] - i_x) < 4 * exact[2] + 1e-9
    assert exact[1] == pytest.approx(i_y, abs=4 * exact[3] + 1e-9)
    assert gauss(values, p_y, 1e6)[:2] == pytest.approx((0.0, 0.0), abs=1e-3)


def test_on_a_line_it_is_the_integral() -> None:
    places, noise = np.array([0.0, 0.7, 1.9, 2.4]), 0.25
    p_y = np.array([0.1, 0.5, 0.8, 0.9])
    grid = np.linspace(-6, 9, 60_001)
    densities = np.exp(-((grid - places[:, None]) ** 2) / (2 * noise)) / math.sqrt(2 * math.pi * noise)
    mixture = densities.mean(axis=0)
    ones = (p_y[:, None] * densities).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(densities > 0, densities * np.log2(densities / mixture), 0.0).mean(axis=0)
        share = np.clip(np.where(mixture > 0, ones / mixture, 0.5), 1e-300, 1 - 1e-16)
    unsure = -mixture * (share * np.log2(share) + (1 - share) * np.log2(1 - share))
    h_y = naive.entropy(np.array([p_y.mean(), 1 - p_y.mean()]))
    i_x, i_y, x_error, y_error = gauss(places, p_y, noise, samples=100_000)
    assert abs(i_x - float(np.trapezoid(terms, grid))) < 4 * x_error < 0.05
    assert abs(i_y - (h_y - float(np.trapezoid(unsure, grid)))) < 4 * y_error < 0.02


@pytest.mark.parametrize("noise", [0.01, 0.1, 1.0, 10.0])
def test_it_lies_between_the_bounds_of_kde(noise: float) -> None:
    outputs, labels = RANDOM.normal(size=(200, 3)), RANDOM.integers(0, 4, 200)
    kde = measure_outputs({"a": outputs}, labels, "kde", noise=noise).information
    i_x, i_y, x_error, y_error = gauss(outputs, labels, noise, samples=4000)
    assert kde.i_x_lower[0, 0] - 4 * x_error < i_x < kde.i_x[0, 0] + 4 * x_error
    assert kde.i_y_lower[0, 0] - 4 * y_error < i_y < kde.i_y[0, 0] + 4 * y_error


def test_a_wide_layer_has_the_information_of_the_narrow_one_that_it_is_rotated_from() -> None:
    narrow = RANDOM.normal(size=(80, 4))
    rotation = np.linalg.qr(RANDOM.normal(size=(900, 4)))[0]
    labels = RANDOM.integers(0, 3, 80)
    one, other = (gauss(outputs, labels, 0.3, samples=20_000) for outputs in (narrow, narrow @ rotation.T))
    assert abs(one[0] - other[0]) < 4 * math.hypot(one[2], other[2])
    assert abs(one[1] - other[1]) < 4 * math.hypot(one[3], other[3])


def test_noise_of_the_layer_or_of_a_unit_goes_with_the_scale_of_the_outputs() -> None:
    outputs, labels = RANDOM.normal(size=(100, 30)), RANDOM.integers(0, 2, 100)
    for scale in ("unit", "layer"):
        plain = gauss(outputs, labels, 0.1, scale=scale)
        assert gauss(1e4 * outputs + 3, labels, 0.1, scale=scale) == pytest.approx(plain, abs=1e-6)
    whole = noise_variance(Estimation(estimator="gauss", noise=0.1, scale="layer"), LayerOutputs(outputs))
    assert whole == pytest.approx(0.1 * outputs.var(axis=0).sum())
    each = noise_variance(Estimation(estimator="gauss", noise=0.1, scale="unit"), LayerOutputs(outputs))
    assert each == pytest.approx(0.1 * outputs.var(axis=0).mean())


def test_a_layer_that_says_nothing_has_no_information() -> None:
    assert gauss(np.ones((20, 3)), np.arange(20) % 2, 0.1, scale="layer")[:2] == (0.0, 0.0)
