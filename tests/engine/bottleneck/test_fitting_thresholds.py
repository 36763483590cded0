"""What fitting takes for granted: which classes are one, what is a distribution, how far it looks for beta."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ibtui_engine.bottleneck import fitting
from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.encoder import _alike, log_partition
from ibtui_engine.bottleneck.fits import MATRICES, LayerFits, distances, why_no_beta
from ibtui_engine.bottleneck.fitting import cells, fit_classes, fit_layers, merged
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads


def flipping(beta: float) -> tuple[Source, np.ndarray]:
    """Two classes and an encoder that mistakes a quarter of each: it is the optimal one at exactly this beta."""
    low, high = 1e-8, 0.49
    for _ in range(200):
        middle = math.sqrt(low * high)
        a = middle / 2
        if math.log(3) / (2 * middle * (math.log1p(2 * a) - math.log1p(-2 * a))) > beta:
            low = middle
        else:
            high = middle
    return Source.of(np.array([0.5 - low, 0.5 + low])), np.array([[0.75, 0.25], [0.25, 0.75]])


@pytest.mark.parametrize(("beta", "end"), [(10.0, 0), (0.9e6, 0), (1.1e6, 1)])
def test_beta_is_looked_for_up_to_a_million(beta: float, end: int) -> None:
    found = fit_classes(*flipping(beta))
    assert found.end == end
    assert found.beta == pytest.approx(beta if end == 0 else math.nan, rel=1e-3, nan_ok=True)


@pytest.mark.parametrize(("off", "refused"), [(0.99e-5, False), (1.01e-5, True), (-0.99e-5, False), (-1.01e-5, True)])
def test_rows_of_an_encoder_sum_to_one_but_for_rounding(off: float, refused: bool) -> None:
    encoder = np.array([[0.75 + off, 0.25], [0.25, 0.75]])
    if refused:
        with pytest.raises(InvalidValue, match="rows must be distributions"):
            fit_classes(Source.of(np.array([0.4, 0.6])), encoder)
    else:
        assert fit_classes(Source.of(np.array([0.4, 0.6])), encoder).end == 0


def test_an_encoder_has_a_row_for_each_class_and_no_negative_share() -> None:
    source = Source.of(np.array([0.4, 0.6]))
    for encoder in (np.ones(2), np.ones((3, 1)), np.ones((2, 1, 1))):
        with pytest.raises(InvalidValue, match="must be 2 classes"):
            fit_classes(source, encoder)
    with pytest.raises(InvalidValue, match="distributions"):
        fit_classes(source, np.array([[1.1, -0.1], [0.5, 0.5]]))


def test_values_of_t_that_never_occur_change_nothing() -> None:
    source, encoder = flipping(7.0)
    plain, more = fit_classes(source, encoder), fit_classes(source, np.insert(encoder, 1, 0.0, axis=1))
    assert plain == more


def given_to_the_kernel(monkeypatch: pytest.MonkeyPatch, angles: np.ndarray) -> tuple[int, float, LayerFits]:
    """How many classes of patterns, whose arcsin sqrt(p) less pi/4 are given, the kernel gets, and with which cells."""
    odds = -2 * np.log(np.tan(np.pi / 4 - angles))
    p = 1 / (1 + np.exp(-odds))
    rule = Rule("many", np.arange(len(p), dtype=np.float32)[:, None], p, odds=odds)
    seen: list[tuple[int, float]] = []

    def fit_groups(*arguments: Any) -> None:
        weights, class_of, near, found = arguments[7], arguments[11], arguments[12], arguments[13]
        seen.append((len(weights), near))
        assert class_of.max() == len(weights) - 1
        found[...] = np.array([2.0, 0.5, 0.0, 0.25, 1.0, 0.125])

    monkeypatch.setattr(fitting, "fit_groups", fit_groups)
    curve = cast(
        "Any",
        SimpleNamespace(
            i_xy=0.3,
            below=lambda x, y: (x * 0, x * 0),
            point_at=lambda b: (b, b),
            coarse=False,
            nearest_critical=lambda b: b,
        ),
    )
    pool = Threads(1)
    groups, counts = np.zeros((1, 1, len(p)), np.int32), np.ones((1, 1), np.int64)
    fits = fit_layers(cast("Curve", curve), rule, groups, counts, pool)
    pool.close()
    [(classes, near)] = seen
    return classes, near, fits


@pytest.mark.parametrize(("count", "classes", "near"), [(256, 256, 0.0), (257, 129, 1e-4)])
def test_more_than_256_classes_are_put_into_cells(
    monkeypatch: pytest.MonkeyPatch, count: int, classes: int, near: float
) -> None:
    """Pairs on both sides of the middle of a cell of 1e-4: two to a cell."""
    whole, half = np.divmod(np.arange(count), 2)
    angles = (1000 + 3 * whole + np.where(half, 0.45, -0.45)) * 1e-4
    assert given_to_the_kernel(monkeypatch, angles)[:2] == (classes, near)


def test_what_the_kernel_finds_is_told_in_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = given_to_the_kernel(monkeypatch, np.array([-0.2, 0.1]))[2]
    bit = math.log(2)
    numbers = {name: float(getattr(fits, name)[0, 0]) for name in ("beta", "residual", "end", "inconsistency", "i_x")}
    assert numbers == pytest.approx(
        {"beta": 2.0, "residual": 0.5 / bit, "end": 0.0, "inconsistency": 0.25 / bit, "i_x": 1.0 / bit}
    )
    assert fits.i_y[0, 0] == pytest.approx(0.3 - 0.125 / bit)
    assert (fits.greatest, fits.epoch, fits.bins, fits.fraction) == (1e6, 0, 0, 1.0)


def test_the_inconsistency_is_how_far_the_decoder_is_from_that_of_eq_9_in_bits() -> None:
    rng = np.random.default_rng(1)
    source = Source.of(np.array([0.1, 0.3, 0.6, 0.9]), np.array([1.0, 2.0, 3.0, 4.0]))
    encoder = rng.dirichlet(np.full(3, 0.5), 4)
    found = fit_classes(source, encoder)
    joint = source.weights[:, None] * encoder
    p_t, q = joint.sum(axis=0), source.p_y @ joint / joint.sum(axis=0)
    p = source.p_y[:, None]
    terms = p_t * np.exp(-found.beta * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))))
    shares = source.weights[:, None] * terms / terms.sum(axis=1, keepdims=True)
    made = source.p_y @ shares / shares.sum(axis=0)
    expected = float(p_t @ (q * np.log2(q / made) + (1 - q) * np.log2((1 - q) / (1 - made))))
    assert found.inconsistency == pytest.approx(expected, rel=1e-6)
    assert expected > 1e-6


def test_classes_in_one_cell_become_one() -> None:
    angles = np.array([-20.3, -20.0, -1.0, 1.4, 1.6, 30.0]) * 1e-3
    source = Source.of(np.sin(np.pi / 4 + angles) ** 2, np.arange(1.0, 7.0))
    assert cells(source.log_odds, 1e-3).tolist() == [0, 0, 1, 2, 3, 4]
    found = merged(source, 1e-3)
    assert found.weights == pytest.approx(np.array([3.0, 3.0, 4.0, 5.0, 6.0]) / 21)
    assert found.p_y[0] == pytest.approx((source.p_y[0] + 2 * source.p_y[1]) / 3)
    assert found.i_xy < source.i_xy


def summary(weights: bool) -> Any:
    return SimpleNamespace(
        experiment=SimpleNamespace(weights=weights, bins=30), why_not=lambda what: "it was run with --no-weights"
    )


def of_labels(labels: int, *, weighted: bool = False) -> Any:
    return SimpleNamespace(rule=SimpleNamespace(labels=labels, weighted=weighted))


def test_beta_needs_two_labels_and_weights() -> None:
    assert why_no_beta(summary(True), of_labels(2)) == ""
    assert "there are 3" in why_no_beta(summary(True), of_labels(3))
    assert "--no-weights" in why_no_beta(summary(False), of_labels(2))
    assert "p(x) has weights" in why_no_beta(summary(True), of_labels(2, weighted=True))


def matrices() -> dict[str, np.ndarray]:
    values = np.arange(6.0).reshape(3, 2)
    return {name: values + 10 * k for k, name in enumerate(MATRICES)} | {"end": np.array([[-1.0, 1], [0, 1], [-1, 0]])}


def test_fits_as_plain_data_have_means_errors_and_counts_by_layer() -> None:
    given = matrices() | {"beta": np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, np.nan]])}
    fits = LayerFits(hidden="3", fraction=0.5, epoch=7, bins=30, greatest=1e6, no_beta="why", **given)
    one, other = fits.to_dict()["layers"]
    assert (one["layer"], other["layer"]) == (1, 2)
    assert (one["beta_mean"], one["beta_error"], one["beta_networks"]) == (2.0, pytest.approx(1.0), 2)
    assert (one["beta_median"], one["beta_low"], one["beta_high"]) == (2.0, None, None)
    assert (other["beta_mean"], other["beta_error"], other["beta_networks"]) == (5.0, None, 1)
    assert (one["at_low_end"], one["at_high_end"], other["at_low_end"], other["at_high_end"]) == (2, 0, 0, 2)
    assert "end_mean" not in one
    again = LayerFits.from_dict(fits.to_dict())
    assert (again.hidden, again.fraction, again.epoch, again.bins, again.greatest) == ("3", 0.5, 7, 30, 1e6)
    assert (again.optimizer, again.no_beta) == ("sgd", "why")
    np.testing.assert_array_equal(again.beta, fits.beta)


@pytest.mark.parametrize("change", [{"beta": [[1.0]]}, {"beta": "x"}, {"epoch": "x"}, {"bins": None}])
def test_plain_data_that_are_no_fits_are_refused(change: dict[str, Any]) -> None:
    plain = LayerFits(hidden="3", fraction=0.5, epoch=7, bins=30, greatest=1e6, **matrices()).to_dict()
    assert LayerFits.from_dict(plain).epoch == 7
    with pytest.raises(InvalidValue, match="these are not fits"):
        LayerFits.from_dict(plain | change)
    with pytest.raises(InvalidValue, match="not of one shape"):
        LayerFits.from_dict(plain | {name: [1.0, 2.0] for name in MATRICES})


def test_a_coarse_curve_has_distances_and_no_points_of_a_beta() -> None:
    asked: list[np.ndarray] = []

    def point_at(beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(beta)
        return beta + 1, beta + 2

    for coarse in (True, False):
        curve = SimpleNamespace(
            coarse=coarse, below=lambda x, y: (x - y, x + y), point_at=point_at, nearest_critical=lambda b: -b
        )
        fits = LayerFits(hidden="3", fraction=0.5, epoch=7, bins=30, greatest=1e6, **matrices())
        found = fits.against(cast("Curve", curve))
        np.testing.assert_array_equal(found.distance, fits.i_x - fits.i_y)
        np.testing.assert_array_equal(found.worth, fits.i_x + fits.i_y)
        np.testing.assert_array_equal(found.critical, -fits.beta)
        assert np.isnan(asked[-1]).all() == coarse
        np.testing.assert_array_equal(found.ib_x, asked[-1] + 1)
        np.testing.assert_array_equal(found.ib_y, asked[-1] + 2)


def test_without_beta_there_are_distances_alone() -> None:
    curve = SimpleNamespace(
        coarse=False, below=lambda x, y: (x - y, x + y), point_at=lambda b: (b, b), nearest_critical=lambda b: b
    )
    plain = SimpleNamespace(stochastic=False)
    learned = {"hidden": "3", "fraction": 0.5, "optimizer": "adam", "rule": of_labels(3).rule}
    ensemble = cast("Any", SimpleNamespace(settings=plain, **learned))
    i_x, i_y = np.full((2, 3), 5.0), np.full((2, 3), 0.5)
    found = distances(summary(True), ensemble, 9, i_x, i_y, cast("Curve", curve))
    np.testing.assert_array_equal(found.distance, 4.5)
    assert (found.epoch, found.bins, found.greatest, found.optimizer) == (9, 30, 1e6, "adam")
    assert "there are 3" in found.no_beta
    for name in ("beta", "residual", "ib_x", "inconsistency", "critical"):
        assert np.isnan(getattr(found, name)).all()
    assert (found.end == 0).all()


@pytest.mark.parametrize(("nats", "counts"), [(84.99, True), (85.01, False)])
def test_a_decoder_85_nats_farther_than_the_nearest_is_left_out(nats: float, counts: bool) -> None:
    """It is given the weight that would make up for its distance."""
    weights, p_t, d = np.ones(1), np.array([1.0, math.exp(85.0)]), np.array([[0.0, nats]])
    total, _, _ = log_partition(1.0, weights, p_t, d, np.zeros(1, np.int64), False, np.empty(2))
    whole, _, _ = log_partition(1.0, weights, p_t, d, np.zeros(1, np.int64), True, np.empty(2))
    assert whole == pytest.approx(math.log1p(math.exp(85.0 - nats)), rel=1e-6)
    assert total == pytest.approx(whole if counts else 0.0, rel=1e-6)


@pytest.mark.parametrize("odds", [0.0, 3.0, -3.0])
def test_decoders_are_alike_within_rounding(odds: float) -> None:
    limit = 1e-14 * (1 + abs(odds))
    other = [np.nextafter(odds, np.inf), odds + 0.7 * limit, odds + 1.4 * limit]
    assert [bool(_alike(odds, one)) for one in other] == [True, True, False]
