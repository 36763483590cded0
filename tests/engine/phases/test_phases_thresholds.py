"""Every threshold of the phases: a case just inside and one just outside; and hundreds of curves, many of them close to
one threshold or another, dated as the specification in `naive` dates them.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from ibtui_engine.networks import Architecture
from ibtui_engine.phases.decline import decline
from ibtui_engine.phases.diffusion import correlations, diffusion, exponents, independent_correlation
from ibtui_engine.phases.leveling import leveling
from ibtui_engine.phases.order import order
from ibtui_engine.phases.smoothing import first_passage, log_axis, smooth
from ibtui_engine.phases.transition import crossings
from ibtui_engine.phases.turning import turning
from tests.engine.phases import naive

DOUBLING = 2.0 ** np.arange(12)  # further apart than smoothing reaches


def same(found: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


# smoothing


def test_smoothing_reaches_three_tenths_of_an_e_fold_and_no_further() -> None:
    values = np.array([1.0, 0.0, 1.0])[:, None]
    assert smooth(np.array([-0.299, 0.0, 0.299]), values)[1, 0] > 0
    assert smooth(np.array([-0.301, 0.0, 0.301]), values)[1, 0] == 0


def test_epoch_0_stands_at_half_an_epoch() -> None:
    assert log_axis(np.array([0, 1, 2])).tolist() == [math.log(0.5), 0.0, math.log(2)]
    assert log_axis(np.array([0.499, 0.501])).tolist() == [math.log(0.5), math.log(0.501)]


def test_smooth_courses_are_those_of_the_specification() -> None:
    rng = np.random.default_rng(0)
    for seed in range(10):
        axis = np.cumsum(np.random.default_rng(seed).exponential(0.1, 25))
        values = rng.normal(size=(25, 3))
        values[rng.random((25, 3)) < 0.2] = np.nan
        for column in range(3):
            same(smooth(axis, values)[:, column], naive.smoothed(axis.tolist(), values[:, column].tolist()))


def test_passages_are_those_of_the_specification() -> None:
    rng = np.random.default_rng(1)
    axis = np.cumsum(rng.exponential(1, 8))
    values = np.round(rng.normal(size=(8, 60)), 1)
    levels, begins = np.round(rng.normal(size=60), 1), rng.integers(0, 8, 60)
    expected = [
        naive.passage(axis.tolist(), values[:, k].tolist(), float(levels[k]), int(begins[k])) for k in range(60)
    ]
    same(first_passage(axis, values, levels, begins), expected)
    assert 10 < np.isfinite(expected).sum() < 60


# turning


def turned(i_x: list[float], i_y: list[float] | None = None) -> dict[str, float]:
    epochs = DOUBLING[: len(i_x)]
    one, other = (np.array(course)[:, None, None] for course in (i_x, i_y or i_x))
    found = turning(epochs, one, other)
    return {name: float(getattr(found, name)[0, 0]) for name in found.__dataclass_fields__}


@pytest.mark.parametrize(("bits", "there"), [(0.1001, True), (0.0999, False)])
def test_a_fall_or_rise_has_a_tenth_of_a_bit(bits: float, there: bool) -> None:
    falls = [5.0 - 0.01, *np.linspace(5.0, 5.0 - bits, 10)]
    found = turned(falls, (5.0 - bits + np.abs(np.array(falls) - 5.0)).tolist())
    assert (found["epochs"] == 2.0, math.isfinite(found["half_compressed"])) == (there, there)
    assert bool(turned(falls[1:])["from_start"]) is there
    rising = np.linspace(0.0, bits, 10).tolist()
    assert math.isfinite(turned(falls[:10], rising)["half_fitted"]) is there


def test_a_fall_or_rise_of_exactly_a_tenth_is_one() -> None:
    falls = [0.09, *(np.arange(10, -1, -1) / 100).tolist()]
    rises = (np.arange(11) / 100).tolist()
    assert turned(falls, [*rises, 0.1])["epochs"] == pytest.approx(2.0)
    assert math.isfinite(turned(falls, [*rises, 0.1])["half_fitted"])


@pytest.mark.parametrize(("rise", "there"), [(0.470, True), (0.473, False)])
def test_a_fall_is_more_than_six_times_the_scatter(rise: float, there: bool) -> None:
    """Ten steps: a rise, two falls of 1, and none: 2 against sqrt((rise² + 2) / 20)."""
    found = turned([3.0 - rise, 3.0, 2.0, 1.0, *[1.0] * 7])
    assert math.isfinite(found["epochs"]) is there
    assert found["compression"] == pytest.approx(2.0)


def test_a_peak_may_be_the_last_but_one_snapshot() -> None:
    epochs = 2.0 ** np.arange(24)
    i_x = np.concatenate([np.full(21, 2.9), [2.95, 3.0, 2.0]])[:, None, None]
    found = turning(epochs, i_x, i_x)
    assert found.epochs[0, 0] == pytest.approx(2.0**22)
    assert found.resolution[0, 0] == pytest.approx(math.log(2) / math.sqrt(12))


def test_turning_points_are_those_of_the_specification() -> None:
    rng = np.random.default_rng(2)
    epochs = np.array([0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 130, 200])
    axis = np.log(np.maximum(epochs, 0.5))[:, None]
    count = 400
    top = rng.uniform(-1, 6, count)
    size = rng.choice([0.05, 0.1, 0.3, 3.0], count)
    i_x = 5 - size * np.abs(axis - top) / 3 + rng.choice([0.0, 0.01, 0.1, 0.4], count) * rng.normal(size=(14, count))
    i_x[:, ::7] = np.round(i_x[:, ::7], 1)
    gaps = rng.random(i_x.shape) < 0.15 * (np.arange(count) % 3 == 0)
    gaps[5] = False
    i_x[gaps] = np.nan
    i_y = rng.choice([0.08, 0.1, 0.12, 0.9], count) / (1 + np.exp(-2 * (axis - top))) + 0.1
    i_y = i_y + 0.02 * rng.normal(size=(14, count)) * (np.arange(count) % 2)
    i_y[gaps[::-1]] = np.nan
    found = turning(epochs, i_x[:, :, None], i_y[:, :, None])
    expected = [naive.turned(epochs.tolist(), i_x[:, k].tolist(), i_y[:, k].tolist()) for k in range(count)]
    for name in found.__dataclass_fields__:
        same(getattr(found, name)[:, 0].astype(float), [each[name] for each in expected])
    assert 50 < np.isfinite(found.epochs).sum() < 350
    assert found.from_start.sum() > 10


# leveling


def level_of(u: np.ndarray, log_snr: np.ndarray, begin: float = 0.0) -> float:
    """Where it levels off, on the log axis."""
    return float(np.log(leveling(np.exp(u), np.exp(log_snr)[:, None], np.array([math.exp(begin)])).epochs[0]))


def broken(u: np.ndarray, at: float, trend: float = 0.0) -> np.ndarray:
    return np.where(u < at, 2.0 * (at - u), trend * (u - at)) - 3.0


@pytest.mark.parametrize(("lasts", "there"), [(0.71, True), (0.69, False)])
def test_a_level_lasts_seven_tenths_of_an_e_fold(lasts: float, there: bool) -> None:
    u = np.concatenate([np.arange(0, 2.05, 0.1), np.linspace(2.1, 2.0 + lasts, 8)])
    assert math.isfinite(level_of(u, broken(u, 2.0))) is there


@pytest.mark.parametrize(("snapshots", "there"), [(5, True), (4, False)])
def test_a_level_has_five_snapshots(snapshots: int, there: bool) -> None:
    u = np.concatenate([np.arange(0, 2.95, 0.1), 3.0 + 0.5 * np.arange(snapshots)])
    found = level_of(u, broken(u, 3.0))
    assert (found == pytest.approx(3.0)) is there


@pytest.mark.parametrize(("share", "there"), [(0.099, True), (0.101, False)])
def test_a_level_falls_less_than_a_tenth_as_fast(share: float, there: bool) -> None:
    u = np.arange(0, 12.05, 0.1)
    steep, gentle = (2.0, 2.0 * share)
    log_snr = np.where(u < 4.0, steep * (4.0 - u), -gentle * (u - 4.0))
    found = leveling(np.exp(u), np.exp(log_snr)[:, None], np.array([1.0])).epochs[0]
    expected = naive.leveled(np.exp(u).tolist(), np.exp(log_snr).tolist(), 1.0)[0]
    assert math.isnan(found) == math.isnan(expected)


def test_a_short_level_may_have_a_trend_within_its_noise() -> None:
    u = np.concatenate([np.arange(0, 3.95, 0.1), 4 + 0.16 * np.arange(6)])
    log_snr = np.where(u < 4, 4 - u, 0.4 * (u - 4)) - 3  # more than a tenth of the fall before
    log_snr[-6:] += 0.1 * np.array([1, -1, 1, -1, 1, -1])
    assert math.isfinite(level_of(u, log_snr))
    assert math.isfinite(naive.leveled(np.exp(u).tolist(), np.exp(log_snr).tolist(), 1.0)[0])


def test_levels_are_those_of_the_specification() -> None:
    rng = np.random.default_rng(3)
    u = np.sort(rng.uniform(-0.5, 6, 26))
    count = 600
    at, noise = rng.uniform(0.5, 6.5, count), rng.choice([0.02, 0.1, 0.3, 0.6], count)
    at[400:] = rng.uniform(4.2, 5.2, 200)  # short levels
    steep, rises = rng.choice([0.3, 1.0, 3.0], count), rng.choice([-0.3, -0.1, -0.03, 0.0, 0.03, 0.1, 0.3], count)
    before, after = np.maximum(at - u[:, None], 0), np.maximum(u[:, None] - at, 0)
    log_snr = steep * before + rises * after + noise * rng.normal(size=(26, count))
    log_snr[rng.random(log_snr.shape) < 0.1 * (np.arange(count) % 4 == 0)] = np.nan
    begins = np.exp(rng.uniform(-0.5, 3, count))
    begins[::7] = np.exp(u)[rng.integers(3, 15, len(begins[::7]))]
    begins[::50] = np.nan
    found = leveling(np.exp(u), np.exp(log_snr), begins)
    expected = [
        naive.leveled(np.exp(u).tolist(), np.exp(log_snr[:, k]).tolist(), float(begins[k])) for k in range(count)
    ]
    same(found.epochs, [epoch for epoch, _ in expected])
    same(found.snr, [level for _, level in expected])
    assert 50 < np.isfinite(found.epochs).sum() < 450


# transition


@pytest.mark.parametrize(("above", "below", "there"), [(3, 3, True), (2, 3, False), (3, 2, False)])
def test_drift_and_diffusion_have_three_snapshots_each(above: int, below: int, there: bool) -> None:
    snr = np.array([1.0] * 2 + [9.0] * above + [1 / 9] * below + [1.0] * 2)[:, None]
    u = np.arange(len(snr)) * 1.0
    assert np.isfinite(crossings(np.exp(u), snr).epochs[0]) == there


def test_transitions_are_those_of_the_specification() -> None:
    rng = np.random.default_rng(4)
    epochs = np.array([0, 1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 110, 160, 220])
    u = np.log(np.maximum(epochs, 0.5))[:, None]
    count = 800
    at, noise = rng.uniform(0, 5, count), rng.choice([0.1, 0.5, 1.0, 2.0], count)
    high, low = rng.choice([0.2, 1.0, 3.0], count), rng.choice([0.2, 1.0, 3.0], count)
    log_snr = np.where(u < at, high, -low) + noise * rng.normal(size=(16, count))
    log_snr += np.where((u > at + 2.0) & (np.arange(count) % 4 == 1), low + high, 0.0)  # returns
    log_snr[:, ::9] = np.round(log_snr[:, ::9])
    log_snr[rng.random(log_snr.shape) < 0.15 * (np.arange(count) % 3 == 0)] = np.nan
    seldom = np.isin(np.arange(16), (1, 3, 5, 7, 8, 10, 12, 14))  # one pair of neighbours
    log_snr[~seldom, ::6] = np.nan
    found = crossings(epochs, np.exp(log_snr))
    expected = [naive.crossed(epochs.tolist(), np.exp(log_snr[:, k]).tolist()) for k in range(count)]
    same(found.epochs, [epoch for epoch, _, _ in expected])
    same(found.resolution, [resolution for _, resolution, _ in expected])
    assert found.returns.tolist() == [returns for _, _, returns in expected]
    assert 100 < np.isfinite(found.epochs).sum() < 700
    assert found.returns.sum() > 5


@pytest.mark.parametrize("count", range(4, 9))
def test_six_snapshots_are_needed_for_a_transition(count: int) -> None:
    snr = np.exp(np.linspace(3, -3, count))[:, None]
    found = crossings(np.exp(np.arange(count)), snr)
    expected = naive.crossed(np.exp(np.arange(count)).tolist(), snr[:, 0].tolist())
    same(found.epochs, [expected[0]])
    assert math.isfinite(expected[0]) == (count >= 6)


# what comes after


@pytest.mark.parametrize(("transition", "there"), [(8.0, True), (8.001, False)])
def test_a_line_through_information_needs_five_snapshots(transition: float, there: bool) -> None:
    epochs = DOUBLING[:8]  # 8 is the fourth, and five are left from it on
    i_x = np.arange(8.0)[:, None, None]
    found = decline(epochs, i_x, np.array([[transition]]))
    assert (np.isfinite(found.slope[0, 0]), np.isfinite(found.r_squared[0, 0])) == (there, there)


@pytest.mark.parametrize(("size", "there"), [(1.02e-9, True), (0.98e-9, False)])
def test_information_that_does_not_vary_has_no_share_explained(size: float, there: bool) -> None:
    i_x = size * np.array([1.0, -1.0, -1.0, 1.0])[:, None, None]
    epochs = np.array([1.0, 2.0, 4.0, 8.0])
    twice = np.concatenate([i_x, i_x]), np.concatenate([epochs, 16 * epochs])
    found = decline(twice[1], twice[0], np.array([[1.0]]))
    assert np.isfinite(found.slope[0, 0])
    assert np.isfinite(found.r_squared[0, 0]) == there


def test_epochs_before_the_first_are_left_out_of_lines() -> None:
    epochs = np.array([0.0, 0.99, 1.0, 2.0, 4.0, 8.0, 16.0])
    i_x = np.array([99.0, 99.0, 5.0, 4.0, 3.0, 2.0, 1.0])[:, None, None]
    found = decline(epochs, i_x, np.array([[0.5]]))
    assert found.slope[0, 0] == pytest.approx(-1 / math.log(2))
    assert found.r_squared[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize(("count", "there"), [(6, True), (5, False)])
def test_an_exponent_needs_six_snapshots(count: int, there: bool) -> None:
    since = np.concatenate([[0.0], np.arange(1.0, count + 1)])[:, None]
    found = exponents(since, since**1.5)
    assert found[0] == pytest.approx(1.5) if there else math.isnan(found[0])
    other = np.arange(count + 1.0)[:, None]
    beside = exponents(np.hstack([since, other]), np.hstack([np.nan * since, other]))  # the first has none
    assert beside[1] == pytest.approx(1.0) if there else math.isnan(beside[1])


def test_a_late_exponent_is_of_the_later_half_of_the_log_axis() -> None:
    u = np.linspace(0, 5, 11)
    squared = np.where(u < 2.5, 3 * (u - 2.5), 0.5 * (u - 2.5))  # the sixth snapshot is the first of the later half
    found = exponents(np.exp(u)[:, None], np.exp(squared)[:, None], late=True)
    assert found[0] == pytest.approx(0.5)
    fewer = exponents(np.exp(u[:10])[:, None], np.exp(squared[:10])[:, None], late=True)
    assert math.isnan(fewer[0])


def test_correlations_need_three_inputs() -> None:
    matrix = np.random.default_rng(5).normal(size=(1, 3, 3))
    assert np.isfinite(correlations(matrix)[0]).all()
    assert np.isnan(correlations(matrix[:, :, :2])[0]).all()
    assert np.isfinite(correlations(matrix[:, :2])[0]).all()
    assert np.isnan(correlations(matrix[:, :1])[0]).all()
    assert independent_correlation(3) == pytest.approx(2 / math.pi)
    assert math.isnan(independent_correlation(2))
    shape = Architecture((3, 2, 1), "tanh")
    rows, _ = diffusion([(1, np.ones((1, shape.parameters), np.float32))], shape, np.ones((1, 2)))
    assert rows[0].independent_square == 0.5
    assert math.isnan(rows[1].independent_square)


def test_agreement_is_of_the_ranks_however_few_differ() -> None:
    """Kendall's W of one network with an order and one with a tie: the sums of ranks scatter by 1/2, at most by 1."""
    assert order(np.array([[1.0, 2.0], [3.0, 3.0]])).agreement == pytest.approx(0.5)


def test_without_networks_there_is_no_order() -> None:
    found = order(np.zeros((0, 3)))
    assert (found.layers, found.networks) == ((), 0)
    assert math.isnan(found.agreement)


@pytest.mark.parametrize(("have", "ranked"), [(3, (2, 1)), (2, (1,))])
def test_layers_are_ranked_that_more_than_half_of_the_networks_have(have: int, ranked: tuple[int, ...]) -> None:
    epochs = np.array([[3.0, 1.0]] * have + [[3.0, np.nan]] * (4 - have))
    assert order(epochs).layers == ranked
