"""Estimates grow with what costs time, and are of the right size; calibration gives usable rates."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.calibration import FIXED_BYTES, JUDGED, Speed, calibrate, estimate
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin

SPEED = Speed(train=1e-9, measure=1e-8)
TRAINING = Speed(train=1e-9, measure=0.0)
MEASURING = Speed(train=0.0, measure=1e-8)


@given(st.integers(1, 50), st.integers(2, 20))
def test_time_and_size_go_with_the_networks(networks: int, times: int) -> None:
    one = estimate(Experiment(networks=networks), SPEED)
    more = estimate(Experiment(networks=networks * times), SPEED)
    assert more.seconds == pytest.approx(times * one.seconds)
    assert more.bytes - FIXED_BYTES == pytest.approx(times * (one.bytes - FIXED_BYTES))


@given(st.integers(2, 1000), st.integers(2, 20))
def test_training_goes_with_the_epochs_and_measuring_with_the_snapshots(epochs: int, times: int) -> None:
    few, many = (Experiment(epochs=n, snapshots=0) for n in (epochs, epochs * times))
    assert estimate(many, TRAINING).seconds == pytest.approx(times * estimate(few, TRAINING).seconds)
    assert estimate(many, MEASURING).seconds == pytest.approx(estimate(few, MEASURING).seconds)
    measured = Experiment(epochs=1000, snapshots=2 * times - 2)  # with the first and the last: twice `times`
    ends = Experiment(epochs=1000, snapshots=0)
    assert estimate(measured, MEASURING).seconds == pytest.approx(times * estimate(ends, MEASURING).seconds)


@given(st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_training_goes_with_the_sample_and_measuring_does_not(fraction: float) -> None:
    part, whole = Experiment(fraction=(fraction,)), Experiment(fraction=(1.0,))
    expected = fraction * estimate(whole, TRAINING).seconds
    assert estimate(part, TRAINING).seconds == pytest.approx(expected, rel=1e-2)
    assert estimate(part, MEASURING).seconds == estimate(whole, MEASURING).seconds


def test_stochastic_units_cost_as_many_states_as_they_have() -> None:
    def cost(hidden: tuple[int, ...], speed: Speed, batch: int | str = "full") -> float:
        experiment = Experiment(units=("stochastic",), hidden=(hidden,), batch=(batch,))  # type: ignore[arg-type]
        return estimate(experiment, speed).seconds

    for speed in (TRAINING, MEASURING):
        assert cost((12,), speed) > 3 * cost((10,), speed)
        assert cost((12, 12), speed) > cost((12, 6), speed) > cost((12,), speed)
    assert cost((10, 8), TRAINING, 512) > cost((10, 8), TRAINING) > cost((10,), TRAINING)
    assert cost((10,), TRAINING, 512) == pytest.approx(cost((10,), TRAINING))
    assert cost((10, 8), MEASURING, 512) == cost((10, 8), MEASURING)
    guided = Experiment(units=("stochastic",), ib_beta=(5.0,), hidden=((10, 8),), batch=("full",))
    assert estimate(guided, TRAINING).seconds > 5 * cost((10, 8), TRAINING)


def test_gaussian_noise_costs_a_pass_of_the_sample_for_each_step_and_dropout_its_draws() -> None:
    plain, full = (estimate(Experiment(batch=(batch,)), TRAINING).seconds for batch in (512, "full"))
    noisy = estimate(Experiment(sampling=("gaussian",)), TRAINING).seconds
    assert noisy > 7 * plain  # 3482 samples are 7 batches of 512
    assert noisy == pytest.approx(7 * estimate(Experiment(sampling=("gaussian",), batch=("full",)), TRAINING).seconds)
    assert plain == full
    dropped = [estimate(Experiment(dropout=(0.1,), hidden=(hidden,)), TRAINING).seconds for hidden in ((4,), (8,))]
    without = [estimate(Experiment(hidden=(hidden,)), TRAINING).seconds for hidden in ((4,), (8,))]
    assert dropped[1] - without[1] == pytest.approx(2 * (dropped[0] - without[0]))


def test_measuring_goes_with_what_is_measured_and_how() -> None:
    """kde with the pairs of patterns, the others with the patterns."""

    def cost(estimator: str, measured: int | None) -> float:
        experiment = Experiment(estimator=estimator, measured=measured, rule="digits" if measured else "symmetric")
        return estimate(experiment, MEASURING, [(4000, 12, 10 if measured else 2)]).seconds

    assert cost("binning", 500) == pytest.approx(cost("exact", 500))
    assert cost("binning", 1000) == pytest.approx(2 * cost("binning", 500))
    assert cost("quantile", 500) > 5 * cost("binning", 500)
    assert cost("kde", 3000) / cost("kde", 1500) == pytest.approx(4, rel=0.05)
    assert cost("binning", 9000) == cost("binning", 4000)  # there are no more


def test_more_labels_take_longer_to_learn() -> None:
    two, ten = (estimate(Experiment(hidden=((50,),)), TRAINING, [(1000, 64, labels)]).seconds for labels in (2, 10))
    assert ten > 3 * two


def test_a_grid_costs_what_its_ensembles_cost() -> None:
    parts = [Experiment(hidden=(h,), fraction=(f,)) for h in ((4, 3), (10,)) for f in (0.2, 0.8)]
    costs = [estimate(part, SPEED) for part in parts]
    grid = estimate(Experiment(hidden=((4, 3), (10,)), fraction=(0.2, 0.8)), SPEED)
    seconds, size = JUDGED  # it differs in two settings
    assert grid.seconds - 4 * seconds == pytest.approx(sum(cost.seconds for cost in costs))
    assert grid.bytes - FIXED_BYTES - 4 * size == pytest.approx(sum(cost.bytes - FIXED_BYTES for cost in costs))


def test_weights_take_room_but_no_time() -> None:
    kept, not_kept = (estimate(Experiment(weights=kept), SPEED) for kept in (True, False))
    assert kept.bytes > not_kept.bytes
    assert kept.seconds == not_kept.seconds


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"networks": 10, "epochs": 200, "snapshots": 60}, marks=pytest.mark.long),
        pytest.param({"networks": 20, "epochs": 100, "snapshots": 40, "weights": False}, marks=pytest.mark.long),
        {"networks": 4, "epochs": 100, "snapshots": 30, "hidden": ((20, 10), (5,)), "fraction": (0.3, 0.8)},
    ],
)
def test_the_size_is_within_a_factor_of_two(tmp_path: Path, settings: dict[str, Any]) -> None:
    experiment = Experiment(**settings)
    path = tmp_path / "a.ibs"
    Run(begin(path, "a", experiment), threads=1).execute()
    assert 0.5 < estimate(experiment, SPEED).bytes / path.stat().st_size < 2


def test_this_machine_has_a_speed() -> None:
    speed = calibrate(1)
    for rate in (speed.train, speed.measure):
        assert math.isfinite(rate)
        assert 1e-13 < rate < 1e-4
    assert 0 < estimate(Experiment(), speed).seconds < 1e6


def test_estimators_of_arrays_cost_so_much_for_each_layer() -> None:
    """gauss with draws and patterns, renyi with the cube of the patterns that it compares, probe with the patterns."""

    def cost(patterns: int, **how: Any) -> float:
        experiment = Experiment(hidden=((1,),), snapshots=0, epochs=1, **how)
        return estimate(experiment, MEASURING, [(patterns, 12, 2)]).seconds

    assert cost(4000, estimator="gauss", noise_samples=10_000) == pytest.approx(
        10 * cost(4000, estimator="gauss", noise_samples=1000), rel=0.01
    )
    assert cost(800, estimator="renyi") == pytest.approx(8 * cost(400, estimator="renyi"), rel=0.01)
    assert cost(4000, estimator="renyi") == pytest.approx(cost(1000, estimator="renyi"), rel=0.01)
    assert cost(4000, estimator="probe") == pytest.approx(4 * cost(1000, estimator="probe"), rel=0.01)
