"""How weights move after the transition: known processes are recognised, and a session's weights are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.experiment import Experiment, log_spaced_epochs
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.networks import Architecture
from ibtui_engine.phases.diffusion import by_noise, correlations, diffusion, exponents, independent_correlation
from ibtui_engine.runner import begin
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.writer import Measured, SessionWriter
from ibtui_engine.training.problem import TrainingState

SHAPE = Architecture((12, 8, 5, 1), "tanh")
EPOCHS = np.array(log_spaced_epochs(4000, 90))
NETWORKS = 12
BEGINS = 50.0

Walk = list[tuple[int, np.ndarray]]


def walk(kind: str, seed: int = 0) -> Walk:
    """Weights of networks that rest until an epoch and then move in a known way, at the epochs measured."""
    rng = np.random.default_rng(seed)
    size = (NETWORKS, SHAPE.parameters)
    position = rng.normal(size=size)
    velocity = 0.002 * rng.normal(size=size)
    found: Walk = []
    last = 0
    for epoch in EPOCHS.tolist():
        steps = max(epoch - max(last, BEGINS), 0)
        if kind == "wiener":
            position = position + 0.01 * np.sqrt(steps) * rng.normal(size=size)
        elif kind == "ballistic":
            position = position + velocity * steps
        elif kind == "ornstein-uhlenbeck" and steps:  # exact transition of dx = -x/20 dt + 0.01 dW about its start
            if last < BEGINS:
                centre = position.copy()
            decay = np.exp(-steps / 20)
            position = centre + (position - centre) * decay
            position = position + 0.01 * np.sqrt(10 * (1 - decay**2)) * rng.normal(size=size)
        found.append((epoch, position.astype(np.float32)))
        last = epoch
    return found


def transitions(value: float = BEGINS) -> np.ndarray:
    return np.full((NETWORKS, SHAPE.layers), value)


@pytest.mark.parametrize(("kind", "exponent"), [("wiener", 1.0), ("ballistic", 2.0)])
def test_the_exponent_of_a_known_process_is_recovered_within_its_interval(kind: str, exponent: float) -> None:
    rows, _ = diffusion(walk(kind), SHAPE, transitions())
    for row in rows:
        assert row.exponent.count == NETWORKS
        assert row.exponent.mean == pytest.approx(exponent, abs=max(4 * row.exponent.error, 0.01))
        assert row.exponent.error < 0.15
        assert row.late_exponent.mean == pytest.approx(exponent, abs=max(4 * row.late_exponent.error, 0.01))


def test_a_confined_walk_spreads_ever_less() -> None:
    rows, _ = diffusion(walk("ornstein-uhlenbeck"), SHAPE, transitions())
    for row in rows:
        assert row.exponent.high < 0.8
        assert row.late_exponent.mean == pytest.approx(0, abs=max(4 * row.late_exponent.error, 0.05))
        assert row.displacement.mean == pytest.approx(0.01 * np.sqrt(10), rel=0.2)


@pytest.mark.parametrize(("kind", "ratio"), [("wiener", (0.9, 1.1)), ("ballistic", (20.0, 1e9))])
def test_a_walk_goes_as_far_as_its_noise_takes_it(kind: str, ratio: tuple[float, float]) -> None:
    _, moves = diffusion(walk(kind), SHAPE, transitions())
    weights = [inputs * units for inputs, units in zip(SHAPE.widths[:-1], SHAPE.widths[1:], strict=True)]
    noise = np.sqrt(np.array(weights) * 0.01**2 / 7) / 0.02 * np.ones((len(EPOCHS), NETWORKS, 1))
    found = by_noise(moves, weights, noise, batches=7, learning_rate=0.02)
    assert ratio[0] < np.exp(np.log(found[:, 0]).mean()) < ratio[1]
    assert (ratio[0] < found.mean(axis=0)[:2]).all()
    twice = by_noise(moves, weights, 2 * noise, batches=7, learning_rate=0.02)
    np.testing.assert_allclose(twice, found / 4)


def test_noise_is_integrated_from_the_transition_to_the_end_by_the_trapezoid_rule() -> None:
    ones = np.ones((1, SHAPE.parameters), np.float32)
    steps = [(0, 0 * ones), (10, 5 * ones), (14, 6 * ones), (20, 8 * ones)]
    _, moves = diffusion(iter(steps), SHAPE, np.array([[5.0, 5.0, np.nan]]))
    noise = np.sqrt(np.array([9.0, 1.0, 3.0, 5.0]))[:, None, None] * np.ones((4, 1, 3))
    found = by_noise(moves, (96, 40, 5), noise, batches=2, learning_rate=0.5)
    square = 2 * 0.25 * (4 * 2.0 + 6 * 4.0)
    np.testing.assert_allclose(found, [[9 * 96 / square, 9 * 40 / square, np.nan]])


def test_displacement_is_from_the_first_snapshot_after_each_layers_own_transition() -> None:
    steps = walk("wiener")
    starts = transitions()
    starts[0] = (60, 777.7, np.nan)
    starts[1] = 10_000  # not reached
    _, moves = diffusion(iter(steps), SHAPE, starts)
    weights = dict(steps)
    for layer, at in ((0, 60.0), (1, 777.7)):
        origin = min(e for e in weights if e >= at)
        for row, (epoch, now) in enumerate(steps):
            if epoch < origin:
                assert np.isnan(moves.squared[row, 0, layer])
                continue
            then = SHAPE.matrices(weights[origin])[layer][0, :, :-1].astype(float)
            expected = np.mean((SHAPE.matrices(now)[layer][0, :, :-1].astype(float) - then) ** 2)
            assert moves.squared[row, 0, layer] == pytest.approx(expected, rel=1e-9)
            assert moves.since[row, 0, layer] == epoch - origin
    assert np.isnan(moves.squared[:, 0, 2]).all()
    assert np.isnan(moves.squared[:, 1]).all()


def test_without_a_transition_or_after_few_snapshots_there_is_no_exponent() -> None:
    steps = walk("wiener")
    for rows in (diffusion(steps, SHAPE, transitions(np.nan))[0], diffusion(steps[-4:], SHAPE, transitions())[0]):
        assert [row.exponent.present for row in rows] == [False] * 3
    assert diffusion(steps, SHAPE, transitions(np.nan))[0][0].correlation.count == NETWORKS
    rows, moves = diffusion([], SHAPE, transitions())
    assert moves.squared.shape == (0, NETWORKS, 3)
    assert not any(row.correlation.present or row.displacement.present for row in rows)


@given(st.floats(0.2, 2.5), st.floats(-5, 5), st.integers(8, 40))
def test_a_power_law_has_its_own_exponent(power: float, level: float, count: int) -> None:
    since = np.concatenate([[np.nan, 0.0], np.cumsum(np.arange(1.0, count))])
    with np.errstate(invalid="ignore"):
        squared = np.exp(level) * since**power
    assert exponents(since[:, None], squared[:, None]) == pytest.approx(power)


@given(st.integers(0, 1000), st.integers(3, 12), st.integers(2, 9))
def test_correlations_are_numpys(seed: int, inputs: int, units: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(3, units, inputs))
    absolute, square = correlations(matrix)
    pairs = np.triu_indices(units, 1)
    for network in range(3):
        r = np.corrcoef(matrix[network])[pairs]
        assert absolute[network] == pytest.approx(np.abs(r).mean())
        assert square[network] == pytest.approx((r**2).mean())


def test_one_neuron_two_inputs_or_neurons_that_do_not_vary_have_no_correlation() -> None:
    rng = np.random.default_rng(0)
    for matrix in (rng.normal(size=(2, 1, 9)), rng.normal(size=(2, 5, 2)), np.ones((2, 4, 6))):
        assert np.isnan(correlations(matrix)).all()
    mixed = rng.normal(size=(1, 3, 6))
    mixed[0, 1] = 0.5  # dead: no weight differs from another
    r = np.corrcoef(mixed[0, [0, 2]])[0, 1]
    assert correlations(mixed)[0] == pytest.approx(abs(r))


@pytest.mark.parametrize("inputs", [3, 4, 8, 12, 300])
def test_independent_vectors_are_as_correlated_as_is_said(inputs: int) -> None:
    matrix = np.random.default_rng(1).normal(size=(40, 60, inputs))
    absolute, square = correlations(matrix)
    assert absolute.mean() == pytest.approx(independent_correlation(inputs), rel=0.02)
    assert square.mean() == pytest.approx(1 / (inputs - 1), rel=0.03)
    assert np.isnan(independent_correlation(2))


def test_displacement_and_correlations_are_those_from_the_first_snapshot_at_the_transition_on() -> None:
    """Written out for one layer of each network; of one snapshot after the transition, one epoch later, too."""
    rng = np.random.default_rng(7)
    steps = [(epoch, rng.normal(size=(NETWORKS, SHAPE.parameters)).astype(np.float32)) for epoch in (0, 49, 50, 51)]
    at = {epoch: SHAPE.matrices(weights) for epoch, weights in steps}
    for steps_so_far, last in ((steps, 51), (steps[:3], 50)):
        rows, moves = diffusion(steps_so_far, SHAPE, transitions(50.0))
        for k, row in enumerate(rows):
            first, end = (at[epoch][k][:, :, :-1].astype(float) for epoch in (50, last))
            squared = np.square(end - first).reshape(NETWORKS, -1).mean(axis=1)
            assert moves.squared[-1, :, k] == pytest.approx(squared)
            assert moves.since[-1, :, k].tolist() == [last - 50] * NETWORKS
            if last > 50:
                assert row.displacement.mean == pytest.approx(np.sqrt(squared).mean())
            else:
                assert not row.displacement.present
            inputs = SHAPE.widths[k]
            assert row.independent_square == pytest.approx(1 / (inputs - 1))
            if SHAPE.widths[k + 1] > 1:
                assert row.correlation_at_transition.mean == pytest.approx(correlations(first)[0].mean())
                assert row.correlation.mean == pytest.approx(correlations(end)[0].mean())
                assert row.correlation_square.mean == pytest.approx(correlations(end)[1].mean())


def test_an_exponent_is_that_of_least_squares_weighed_by_stretches_of_the_log_axis() -> None:
    rng = np.random.default_rng(6)
    since = np.sort(rng.uniform(1, 1000, 20))
    squared = since**1.3 * np.exp(rng.normal(0, 0.5, 20))
    u, y = np.log(since), np.log(squared)
    middles = (u[1:] + u[:-1]) / 2
    weight = np.diff([u[0], *middles, u[-1]])
    slope = np.polyfit(u, y, 1, w=np.sqrt(weight))[0]
    assert exponents(since[:, None], squared[:, None])[0] == pytest.approx(slope)
    for place, absent in ((7, 0.0), (0, np.nan)):  # at rest there, or not measured: as if there were no such snapshot
        more, other = np.insert(since, place, since[place] - 0.01), np.insert(squared, place, absent)
        assert exponents(more[:, None], other[:, None])[0] == pytest.approx(slope)
    assert exponents(np.array([0.0, *since])[:, None], np.array([9.0, *squared])[:, None])[0] == pytest.approx(slope)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A session file whose networks did a Wiener walk, written with the engine's own writer."""
    experiment = Experiment(
        hidden=((8, 5),), networks=NETWORKS, epochs=int(EPOCHS[-1]), snapshots=90, trainer="fused", batch=512
    )
    path = tmp_path / "walk.ibs"
    writer = begin(path, "walk", experiment)
    record(writer, walk("wiener"), keep=True)
    writer.set_status("finished")
    writer.close()
    return path


def record(writer: SessionWriter, steps: Walk, *, keep: bool) -> None:
    (cohort,) = writer.cohorts()
    flat = np.ones((NETWORKS, 3))
    information = LayerInformation(*[flat] * 9)
    learning = Learning(*(np.ones(NETWORKS) for _ in range(4)))
    for epoch, weights in steps:
        state = TrainingState(epoch, weights, np.zeros((0, *weights.shape), np.float32))
        snr = flat * (3.0 if epoch < BEGINS else 0.2)
        measured = Measured(information, learning, snr, flat, SHAPE.weight_norms(weights))
        writer.record(cohort, measured, state, keep_weights=keep)


def test_a_sessions_weights_are_followed_through_its_reader(recorded: Path) -> None:
    with SessionReader(recorded) as reader:
        ensemble = reader.ensemble(0)
        snapshots = ((epoch, reader.weights(ensemble, epoch)) for epoch in ensemble.snapshots)
        rows, _ = diffusion(snapshots, reader.architecture(ensemble), transitions())
        expected, _ = diffusion(walk("wiener"), SHAPE, transitions())
    assert rows == expected
    assert rows[0].exponent.mean == pytest.approx(1, abs=4 * rows[0].exponent.error)
