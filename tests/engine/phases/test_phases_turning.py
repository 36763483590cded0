"""Where I(X;T) turns, in which order layers move, and where SNR levels off: recovered where it is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ibtui_engine.experiment import log_spaced_epochs
from ibtui_engine.phases.decline import decline
from ibtui_engine.phases.depth import depth, sides
from ibtui_engine.phases.leveling import leveling
from ibtui_engine.phases.order import order
from ibtui_engine.phases.smoothing import first_passage, log_axis, smooth
from ibtui_engine.phases.turning import turning

EPOCHS = np.array(log_spaced_epochs(10_000, 120))
AXIS = log_axis(EPOCHS)


def peaked(at: float, *, high: float = 8.0, low: float = 3.0, start: float = 6.0) -> np.ndarray:
    """I(X;T) that rises to its peak at an epoch and falls after it, both as straight lines over log epoch."""
    top = np.log(at)
    rise = start + (high - start) * (AXIS - AXIS[0]) / (top - AXIS[0])
    fall = high - (high - low) * (AXIS - top) / (AXIS[-1] - top)
    return np.where(top > AXIS, rise, fall)


def columns(*curves: np.ndarray) -> np.ndarray:
    """Epochs x networks x one layer."""
    return np.stack(curves, axis=1)[:, :, None]


@given(st.floats(4, 3000), st.floats(0, 0.03), st.integers(0, 100))
def test_the_turning_point_is_where_a_rising_curve_begins_to_fall(at, noise, seed):
    scatter = np.random.default_rng(seed).normal(0, noise, len(EPOCHS)) if noise else 0
    found = turning(EPOCHS, columns(peaked(at) + scatter), columns(np.zeros(len(EPOCHS))))
    assert np.log(found.epochs[0, 0] / at) == pytest.approx(0, abs=0.3)
    assert found.compression[0, 0] == pytest.approx(5, abs=0.4)
    half = np.exp((np.log(at) + AXIS[-1]) / 2)
    assert np.log(found.half_compressed[0, 0] / half) == pytest.approx(0, abs=0.25)
    assert not found.from_start[0, 0]


def test_curves_that_only_rise_or_stay_have_no_turning_point():
    rng = np.random.default_rng(0)
    flat = np.full(len(EPOCHS), 11.99)
    curves = columns(flat, flat + rng.normal(0, 0.02, len(EPOCHS)), 5 + 0.3 * AXIS, np.full(len(EPOCHS), np.nan))
    found = turning(EPOCHS, curves, curves)
    assert np.isnan(found.epochs).all()
    assert np.isnan(found.half_compressed).all()
    assert not found.from_start.any()
    assert found.compression[[0, 2], 0].tolist() == pytest.approx([0, 0])
    assert np.isnan(found.compression[3, 0])


def test_noise_alone_does_not_turn_however_large_its_range():
    rng = np.random.default_rng(1)
    curves = 6 + rng.normal(0, 0.3, (len(EPOCHS), 200, 1))
    assert np.isfinite(turning(EPOCHS, curves, curves).epochs).mean() <= 0.02


def test_a_layer_that_falls_from_the_start_is_told_apart():
    falling = 8 - 0.5 * (AXIS - AXIS[0])
    found = turning(EPOCHS, columns(falling), columns(falling))
    assert found.from_start[0, 0]
    assert np.isnan(found.epochs[0, 0])
    assert found.compression[0, 0] == pytest.approx(0.5 * (AXIS[-1] - AXIS[0]))


def test_a_small_early_dip_is_not_the_turning_point():
    dipped = peaked(300) - 0.09 * ((EPOCHS > 5) & (EPOCHS < 40))
    assert turning(EPOCHS, columns(dipped), columns(dipped)).epochs[0, 0] == pytest.approx(300, rel=0.15)


def test_half_of_the_fitting_is_done_where_label_information_is_half_risen():
    rising = 0.1 + 0.8 / (1 + np.exp(-(AXIS - np.log(150)) / 0.4))
    already = np.full(len(EPOCHS), 0.99)
    found = turning(EPOCHS, columns(rising, already), columns(rising, already))
    assert found.half_fitted[0, 0] == pytest.approx(150, rel=0.05)
    assert np.isnan(found.half_fitted[1, 0])


def test_the_turning_point_stays_while_the_session_grows():
    curve = columns(peaked(200))
    for until in np.flatnonzero(EPOCHS > 400):
        assert turning(EPOCHS[: until + 1], curve[: until + 1], curve[: until + 1]).epochs[0, 0] == pytest.approx(
            200, rel=0.1
        )


@pytest.mark.parametrize("snapshots", [0, 1, 2])
def test_nothing_turns_in_the_first_snapshots(snapshots):
    curve = columns(peaked(200))[:snapshots]
    assert np.isnan(turning(EPOCHS[:snapshots], curve, curve).epochs).all()


def test_a_networks_missing_epochs_leave_the_others_alone():
    late = peaked(300)
    late[:3] = np.nan
    late[60] = np.nan
    both = turning(EPOCHS, columns(peaked(300), late), columns(late, late))
    alone = turning(EPOCHS, columns(peaked(300)), columns(late))
    assert both.epochs[0, 0] == alone.epochs[0, 0]
    assert both.epochs[1, 0] == pytest.approx(300, rel=0.15)


@given(st.floats(-5, 5), st.floats(-3, 3))
def test_smoothing_leaves_lines_as_they_are(level, tilt):
    line = (level + tilt * AXIS)[:, None]
    assert smooth(AXIS, line) == pytest.approx(line, abs=1e-9)


def test_smoothing_is_the_weighted_line_through_the_neighbourhood():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(len(AXIS), 2))
    values[40, 0] = np.nan
    found = smooth(AXIS, values)
    for row, column in ((50, 1), (41, 0), (len(AXIS) - 1, 1)):
        weight = np.maximum(1 - np.abs(AXIS - AXIS[row]) / 0.3, 0)
        there = (weight > 0) & np.isfinite(values[:, column])
        fit = np.polyfit(AXIS[there] - AXIS[row], values[there, column], 1, w=np.sqrt(weight[there]))
        assert found[row, column] == pytest.approx(fit[1])
    assert np.isnan(found[40, 0])


def test_a_level_is_passed_between_the_snapshots_around_it():
    axis = np.array([0.0, 1.0, 3.0])
    values = np.array([[4.0, 1.0], [2.0, 1.0], [0.0, 1.0]])
    found = first_passage(axis, values, np.array([1.0, 0.5]), np.array([0, 0]))
    assert found[0] == pytest.approx(2.0)
    assert np.isnan(found[1])


def test_agreement_of_ranks_is_that_of_friedmans_test():
    rng = np.random.default_rng(3)
    epochs = np.exp(rng.normal(size=(9, 4)) + np.array([2.0, 1.0, 1.5, 0.0]))
    epochs[2, 1] = epochs[2, 3]  # a tie
    found = order(epochs)
    expected = stats.friedmanchisquare(*epochs.T).statistic / (9 * 3)
    assert found.agreement == pytest.approx(expected)
    mean_ranks = stats.rankdata(epochs, axis=1).mean(axis=0)
    assert found.layers == tuple(int(k) + 1 for k in np.argsort(mean_ranks))
    assert found.networks == 9


def test_order_is_complete_agreement_none_or_absent():
    same = order(np.tile([30.0, 10.0, 20.0], (5, 1)))
    assert (same.layers, same.agreement, same.networks) == ((2, 3, 1), pytest.approx(1.0), 5)
    opposite = order(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    assert opposite.agreement == pytest.approx(0.0)
    absent = order(np.full((4, 3), np.nan))
    assert (absent.layers, absent.networks) == ((), 0)
    assert math.isnan(absent.agreement)
    one = order(np.array([[5.0, np.nan, 2.0]]))
    assert one.layers == (3, 1)
    assert math.isnan(one.agreement)


def test_only_layers_that_most_networks_have_are_ranked_and_only_networks_that_have_them():
    epochs = np.array([[1.0, 2.0, np.nan], [1.0, 2.0, 9.0], [1.0, np.nan, np.nan], [2.0, 1.0, np.nan]])
    found = order(epochs)
    assert found.layers == (1, 2)
    assert found.networks == 3


def falling_to(level: float, at: float, noise: float, networks: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ramp = np.log(level) + 2.0 * np.maximum(np.log(at) - np.log(np.maximum(EPOCHS, 0.5)), 0)
    return np.exp(ramp[:, None] + rng.normal(0, noise, (len(EPOCHS), networks)))


@pytest.mark.parametrize("noise", [0.01, 0.3])
@pytest.mark.parametrize(("level", "at"), [(0.12, 400.0), (0.3, 900.0)])
def test_where_snr_levels_off_and_how_high_is_recovered(level, at, noise):
    snr = falling_to(level, at, noise, 100, 4)
    transitions = np.full(100, at * level**0.5)  # where the falling line crosses one
    found = leveling(EPOCHS, snr, transitions)
    assert np.isfinite(found.epochs).mean() > 0.95
    assert np.nanmean(np.log(found.epochs / at)) == pytest.approx(0, abs=0.1)
    assert np.nanmean(np.log(found.snr / level)) == pytest.approx(0, abs=0.05)


def test_snr_that_keeps_falling_or_rises_again_or_has_no_transition_does_not_level_off():
    u = np.log(np.maximum(EPOCHS, 0.5))[:, None]
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.2, (len(EPOCHS), 60))
    transitions = np.full(60, 100.0)
    falls = np.exp(-1.5 * (u - np.log(100)) + noise)
    assert np.isfinite(leveling(EPOCHS, falls, transitions).epochs).mean() <= 0.05
    rises = np.exp(np.where(u < np.log(700), -1.5 * (u - np.log(100)), u - np.log(700) - 2.9) + noise)
    assert np.isfinite(leveling(EPOCHS, rises, transitions).epochs).mean() <= 0.05
    flat = falling_to(0.12, 400, 0.2, 3, 6)
    assert np.isnan(leveling(EPOCHS, flat, np.full(3, np.nan)).epochs).all()
    assert np.isnan(leveling(EPOCHS[:5], flat[:5], np.full(3, 1.0)).snr).all()


def test_the_break_is_that_of_the_best_broken_line_of_all():
    snr = falling_to(0.15, 350, 0.3, 1, 7)[:, 0]
    after = EPOCHS >= 150
    u, y = np.log(EPOCHS[after]), np.log(snr[after])
    errors = []
    for at in u[:-5]:
        design = np.stack([np.ones(len(u)), np.maximum(at - u, 0)], axis=1)
        errors.append(np.linalg.lstsq(design, y, rcond=None)[1].sum() if at > u[0] else np.inf)
    found = leveling(EPOCHS, snr[:, None], np.array([150.0]))
    assert np.log(found.epochs[0]) == pytest.approx(u[int(np.argmin(errors))])


def test_the_line_through_information_is_numpys():
    rng = np.random.default_rng(8)
    i_x = rng.normal(6, 1, (len(EPOCHS), 2, 2))
    i_x[-3:, 1] = np.nan
    transitions = np.array([[100.0, np.nan], [500.0, 9999.0]])
    found = decline(EPOCHS, i_x, transitions)
    for network, layer in ((0, 0), (1, 0)):
        used = (transitions[network, layer] <= EPOCHS) & np.isfinite(i_x[:, network, layer])
        u, y = np.log(EPOCHS[used]), i_x[used, network, layer]
        line = stats.linregress(u, y)
        assert found.slope[network, layer] == pytest.approx(line.slope)
        assert found.r_squared[network, layer] == pytest.approx(line.rvalue**2)
    assert np.isnan(found.slope[[0, 1], [1, 1]]).all()


def test_both_sides_of_equation_11_by_hand():
    found = depth(12.0, np.array([10.0, 7.0, 6.0, 1.0]), np.array([1.0, 2.0, 0.0, 9.0]))
    # three hidden layers compress by 2, 3 and 1 bits, the output does not count: 2^6 against 2^2 + 2^3 + 2^1
    assert found.from_below.steps == pytest.approx(np.log([4, 8, 2]))
    assert math.exp(found.from_below.log_alone) == pytest.approx(64)
    assert math.exp(found.from_below.log_together) == pytest.approx(14)
    assert math.exp(found.since_peak.log_alone) == pytest.approx(8)
    assert math.exp(found.since_peak.log_together) == pytest.approx(2 + 4 + 1)


def test_one_hidden_layer_saves_nothing_and_none_has_no_sides():
    one = depth(12.0, np.array([4.0, 1.0]), np.array([3.0, 0.0])).from_below
    assert one.log_alone == pytest.approx(one.log_together)
    none = depth(12.0, np.array([1.0]), np.array([0.0])).from_below
    assert none.steps == ()
    assert math.isnan(none.log_alone)
    assert math.isnan(depth(12.0, np.array([np.nan, 1.0]), np.array([1.0, 1.0])).from_below.log_together)


@given(st.lists(st.floats(0.7, 500), min_size=2, max_size=8))
def test_layers_that_compress_by_a_factor_of_two_or_more_are_never_slower_together(steps):
    found = sides(np.array(steps))
    assert found.log_together <= found.log_alone + 0.7
    orders = {round(sides(np.array(p)).log_together, 9) for p in itertools.islice(itertools.permutations(steps), 5)}
    assert len(orders) == 1
