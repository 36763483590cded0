"""Weight decay, Gaussian dropout and how batches are sampled: both trainers against one network at a time in plain
torch, double precision, with the same random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ibtui_engine.streams import Purpose, normals, order_epoch, words
from ibtui_engine.training.problem import Problem, TrainingState
from tests.engine.training.test_gradients import TRAINERS, PlainNetwork, both, matrices, problem_of, relative_error
from tests.tiers import diagonal

RATES = {"sgd": 0.5, "momentum": 0.1, "adam": 0.01}
EPOCHS = 3
CLOSE = {"sgd": 2e-5, "momentum": 2e-5, "adam": 1e-4}
CONTROLS: dict[str, dict[str, Any]] = {
    "decay": {"weight_decay": 0.3},
    "replacement": {"sampling": "replacement"},
    "gaussian": {"sampling": "gaussian"},
    "dropout": {"dropout": 0.4},
    "all": {"weight_decay": 0.1, "sampling": "gaussian", "dropout": 0.2},
}
every_control = pytest.mark.parametrize("control", CONTROLS)


def controlled(control: str, optimizer: str = "sgd", **more: Any) -> tuple[Problem, TrainingState]:
    """45 samples in batches of 16, so that the last one is smaller."""
    given = {"batch": 16, "optimizer": optimizer, "rate": RATES[optimizer], **more}
    problem, state = problem_of(**given)
    return replace(problem, optimization=replace(problem.optimization, **CONTROLS[control])), state


def steps(problem: Problem, seed: int, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray, list[np.ndarray]]]:
    """The samples of each step of an epoch, what they count, and what their outputs are multiplied by."""
    how, size, widths = problem.optimization, problem.samples.size, problem.architecture.widths[1:-1]
    order = np.arange(size, dtype=np.uint32)
    if how.sampling == "replacement":
        order = (
            (words(size, seed, Purpose.BATCHES, epoch).astype(np.uint64) * np.uint64(size)) >> np.uint64(32)
        ).astype(np.uint32)
    elif how.sampling == "shuffled":
        order_epoch(order.copy(), order, np.empty(-(-size // 4) * 4, np.uint32), 0, seed, epoch)
    for number, start in enumerate(range(0, size, how.batch)):
        step = (epoch - 1) * problem.batches + number + 1
        chosen = order[start : start + how.batch]
        portions = np.full(len(chosen), 1 / len(chosen))
        if how.sampling == "gaussian":
            z = normals(size, seed, Purpose.GRADIENT_NOISE, step).astype(np.float64)
            spread = math.sqrt((1 / len(chosen) - 1 / size) / (size - 1))
            chosen, portions = order, 1 / size + (z - z.mean()) * spread
        drawn = normals(sum(widths) * len(chosen), seed, Purpose.DROPOUT, step).astype(np.float64)
        factors = np.split(1 + math.sqrt(how.dropout) * drawn.reshape(-1, len(chosen)), np.cumsum(widths)[:-1])
        yield chosen, portions, [factor.T for factor in factors]


@pytest.mark.parametrize(*diagonal(trainer=TRAINERS, control=CONTROLS, optimizer=RATES))
def test_it_trains_as_plain_torch_does(trainer: str, control: str, optimizer: str) -> None:
    problem, state = controlled(control, optimizer)
    worker = TRAINERS[trainer](problem, state)
    worker.advance(EPOCHS - 1)
    norms = worker.advance(1, statistics=True)
    assert norms is not None
    for network, seed in enumerate(problem.seeds):
        plain = PlainNetwork(problem, state.weights, network)
        for epoch in range(1, EPOCHS + 1):
            gradients = [plain.step(*step) for step in steps(problem, seed, epoch)]
        for layer, found in enumerate(matrices(problem, worker.state().weights, network)):
            assert relative_error(found, plain.weights()[layer]) < CLOSE[optimizer]
            of_weights = np.array([batch[layer][:, :-1] for batch in gradients])
            expected = np.linalg.norm(of_weights.mean(axis=0)), np.sqrt(of_weights.var(axis=0, ddof=1).sum())
            assert norms.mean[network, layer] == pytest.approx(expected[0], rel=2e-3)
            assert norms.std[network, layer] == pytest.approx(expected[1], rel=2e-3)


@both
@every_control
def test_bits_are_the_same_however_training_is_cut_up(trainer: str, control: str) -> None:
    problem, state = controlled(control)
    whole, first = TRAINERS[trainer](problem, state), TRAINERS[trainer](problem, state)
    whole.advance(7)
    first.advance(3)
    second = TRAINERS[trainer](problem, first.state())
    second.advance(4)
    assert np.array_equal(whole.state().weights, second.state().weights)


@every_control
def test_a_network_trains_alone_as_it_does_beside_others_and_in_any_tiles(
    control: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, state = controlled(control, networks=3)
    together = TRAINERS["fused"](problem, state)
    together.advance(5)
    alone = replace(
        problem,
        seeds=problem.seeds[2:],
        samples=type(problem.samples)(problem.samples.patterns[2:], problem.samples.labels[2:]),
    )
    only = TRAINERS["fused"](alone, TrainingState(0, state.weights[2:], state.slots[:, 2:]))
    only.advance(5)
    assert np.array_equal(only.state().weights[0], together.state().weights[2])
    monkeypatch.setattr("ibtui_engine.training.fused.TILE_BYTES", 1)  # the smallest tiles that there are
    in_tiles = TRAINERS["fused"](problem, state)
    in_tiles.advance(5)
    np.testing.assert_allclose(in_tiles.state().weights, together.state().weights, rtol=1e-4, atol=1e-5)


@both
def test_rounded_outputs_are_handed_on_times_their_factors(trainer: str) -> None:
    """Rounding comes first: without weights below the last layer, outputs are a level, and the gradient shows it."""
    problem, state = controlled("dropout", widths=(12, 2, 1), batch=45)
    problem = replace(problem, architecture=replace(problem.architecture, bits=1))
    state.weights[:] = 0.0
    problem.architecture.matrices(state.weights)[0][:, :, -1] = 0.9  # tanh(0.9) is rounded to 0.5
    worker = TRAINERS[trainer](problem, state)
    worker.advance(1)
    for network, seed in enumerate(problem.seeds):
        ((chosen, portions, (factors,)),) = steps(problem, seed, 1)
        slopes = (0.5 - problem.samples.labels[network][chosen]) * portions
        found = matrices(problem, worker.state().weights, network)[1][0, :-1]
        np.testing.assert_allclose(found, -RATES["sgd"] * slopes @ (0.5 * factors), rtol=1e-5)


def test_without_a_choice_nothing_is_drawn_or_taken_away() -> None:
    problem, state = problem_of(batch=16, rate=0.5)
    with_defaults = replace(problem.optimization, weight_decay=0.0, dropout=0.0, sampling="shuffled")
    assert problem.optimization == with_defaults
    trained = [TRAINERS["fused"](replace(problem, optimization=with_defaults), state) for _ in range(2)]
    for one in trained:
        one.advance(4)
    assert np.array_equal(trained[0].state().weights, trained[1].state().weights)


@both
def test_a_batch_that_is_the_sample_has_no_gaussian_noise(trainer: str) -> None:
    problem, state = controlled("gaussian", batch=45)
    plain = replace(problem, optimization=replace(problem.optimization, sampling="shuffled"))
    noisy, without = TRAINERS[trainer](problem, state), TRAINERS[trainer](plain, state)
    noisy.advance(4)
    without.advance(4)
    np.testing.assert_allclose(noisy.state().weights, without.state().weights, rtol=1e-4, atol=1e-5)
