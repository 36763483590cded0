"""All that a history says of the phases, put together: each layer its own, and absent where there is nothing."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ibtui_engine.experiment import log_spaced_epochs
from ibtui_engine.phases.summary import phases
from ibtui_engine.session.columns import LAYER_COLUMNS, LayerHistory
from ibtui_engine.statistics import Spread

EPOCHS = np.array(log_spaced_epochs(10_000, 120))
U = np.log(np.maximum(EPOCHS, 0.5))[:, None]
WIDTHS = (6, 3, 1)


def two_phases(networks: int, *, turns_after: float, seed: int = 0) -> LayerHistory:
    """Layers whose SNR falls from 3 through one at epochs 100, 200 and 400, to level off, and whose I(X;T) turns
    by a factor later; each network a little earlier or later.
    """
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 0.15, networks)
    snr, i_x, i_y = (np.zeros((len(EPOCHS), networks, 3)) for _ in range(3))
    for layer, at in enumerate((100, 200, 400)):
        crossing = np.log(at) + own
        ramp = np.clip(-1.5 * (U - crossing), np.log(0.1), np.log(3))
        snr[:, :, layer] = np.exp(ramp + rng.normal(0, 0.2, ramp.shape))
        turn = crossing + np.log(turns_after) + rng.normal(0, 0.05, networks)
        i_x[:, :, layer] = 8 - layer + np.where(turn > U, 0.4 * (U - turn), -0.5 * (U - turn))
        i_y[:, :, layer] = 0.9 / (1 + np.exp(-3 * (U - crossing + 1)))
    i_x[0], snr[0] = i_x[1], np.nan
    ones = np.ones_like(snr)
    norm = ones * np.linspace(1, 2, len(EPOCHS))[:, None, None]
    absent = np.full_like(snr, np.nan)
    std = np.where(np.isnan(snr), np.nan, 1.0)
    return LayerHistory(EPOCHS, i_x, i_y, ones, -ones, ones, snr, std, norm, *[absent] * (len(LAYER_COLUMNS) - 8))


def test_each_layer_has_its_own_transition_turning_order_and_line() -> None:
    found = phases(two_phases(20, turns_after=1.0), widths=WIDTHS, batches=7, h_x=12)
    for row, at in zip(found.layers, (100, 200, 400), strict=True):
        assert row.transition.epoch == pytest.approx(at, rel=0.15)
        assert row.turning.epoch == pytest.approx(at, rel=0.2)
        assert (row.transition.count, row.turning.count, row.returns, row.from_start) == (20, 20, 0, 0)
        assert row.drift_share.mean == pytest.approx(at / 10_000, rel=0.2)
        assert row.slope.mean == pytest.approx(-0.5, abs=0.05)
        assert row.r_squared.mean > 0.95
        assert row.compression.mean == pytest.approx(0.5 * np.log(10_000 / at), abs=0.15)
        assert row.level.mean == pytest.approx(0.1, rel=0.1)
        assert (row.norm_first.mean, row.norm_last.mean) == (1.0, 2.0)
    assert [(row.layer, row.width) for row in found.layers] == list(enumerate(WIDTHS, start=1))
    assert found.drift_share.mean == pytest.approx(found.transition.network_epochs.mean() / 10_000)
    assert found.fitting.layers == (1, 2, 3)
    assert found.compressing.layers == (1, 2, 3)
    assert found.fitting.agreement == pytest.approx(1.0)
    assert found.floor == pytest.approx(1 / math.sqrt(7))
    assert found.epochs == 10_000
    assert found.transition.network.count == 20
    assert found.depth.from_below.log_alone == pytest.approx(
        math.log(2) * (12 - np.mean(two_phases(20, turns_after=1.0).i_x[-1, :, 1]))
    )


@pytest.mark.parametrize(("turns_after", "coincide"), [(1.0, True), (2.0, False), (0.5, False)])
def test_turning_and_transition_coincide_where_they_do_and_not_where_they_do_not(turns_after, coincide) -> None:
    found = phases(two_phases(20, turns_after=turns_after), widths=WIDTHS, batches=7, h_x=12)
    for row in found.layers:
        assert row.coincide is coincide
        assert row.delay.mean == pytest.approx(math.log(turns_after), abs=0.2)


@pytest.mark.parametrize(
    ("low", "high", "coincide"), [(-1.0, 0.0, True), (0.0, 1.0, True), (-1.0, -0.1, False), (0.1, 1.0, False)]
)
def test_they_coincide_where_the_interval_of_the_delay_reaches_nought(low: float, high: float, coincide: bool) -> None:
    row = phases(two_phases(3, turns_after=1.0), widths=WIDTHS, batches=7, h_x=12).layers[0]
    assert replace(row, delay=Spread((low + high) / 2, 1.0, 0.1, low, high, 3, 3)).coincide is coincide


@pytest.mark.parametrize("batches", [2, 3])
def test_two_batches_have_a_floor(batches: int) -> None:
    assert phases(two_phases(3, turns_after=1.0), widths=WIDTHS, batches=batches, h_x=12).floor == 1 / math.sqrt(
        batches
    )


def test_networks_that_differ_say_nothing_of_each_others_delay() -> None:
    """The difference is taken in each network: that they fall at different times does not blur it."""
    history = two_phases(20, turns_after=2.0)
    shift = np.exp(np.linspace(-1, 1, 20))
    moved = [np.interp(U[:, 0], U[:, 0] + np.log(s), np.arange(len(EPOCHS))) for s in shift]
    rows = np.round(np.stack(moved, axis=1)).astype(int)
    parts = {
        name: np.take_along_axis(getattr(history, name), rows[:, :, None], axis=0)
        for name in ("i_x", "i_y", "grad_mean", "grad_std")
    }
    found = phases(replace(history, **parts), widths=WIDTHS, batches=7, h_x=12)
    assert found.layers[1].transition.log_error > 0.1
    assert found.layers[1].delay.error < 0.08
    assert found.layers[1].coincide is False


def test_one_network_has_values_without_intervals() -> None:
    found = phases(two_phases(1, turns_after=1.0), widths=WIDTHS, batches=7, h_x=12)
    row = found.layers[0]
    assert row.transition.epoch == pytest.approx(100, rel=0.5)
    assert math.isnan(row.transition.low)
    assert row.coincide is None
    assert math.isnan(found.fitting.agreement)


def test_one_batch_an_epoch_leaves_information_and_takes_the_rest() -> None:
    history = two_phases(5, turns_after=1.0)
    found = phases(replace(history, grad_std=np.full_like(history.i_x, np.nan)), widths=WIDTHS, batches=1, h_x=12)
    assert not found.transition.measured
    assert math.isnan(found.floor)
    for row in found.layers:
        assert row.turning.count == 5
        for absent in (row.transition, row.delay, row.drift_share, row.levels_at, row.level, row.slope, row.r_squared):
            assert not absent.present
        assert row.coincide is None


@pytest.mark.parametrize("snapshots", [0, 1, 2, 5, 20])
def test_a_session_that_has_just_begun_has_rows_and_nothing_in_them(snapshots: int) -> None:
    whole = two_phases(3, turns_after=1.0)
    begun = LayerHistory(*(getattr(whole, name)[:snapshots] for name in LayerHistory.__dataclass_fields__))
    found = phases(begun, widths=WIDTHS, batches=7, h_x=12)
    assert len(found.layers) == 3
    assert found.epochs == (EPOCHS[snapshots - 1] if snapshots else 0)
    assert not any(row.transition.present or row.turning.present for row in found.layers)


def test_the_app_can_read_phases_without_waiting_for_compilers() -> None:
    code = "import sys, ibtui_engine.phases.summary; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert set(loaded).isdisjoint({"numba", "scipy", "torch", "jaxtyping", "ibtui"})
