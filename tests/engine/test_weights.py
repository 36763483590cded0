"""Patterns that are not equally likely: whole weights are as many equal rows, to whatever trains and measures."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.bottleneck.annealing import annealed_curve
from ibtui_engine.bottleneck.choice import coarse_curve, rule_curve
from ibtui_engine.bottleneck.sampling import evaluate_sample
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import ACTIVATIONS, Experiment
from ibtui_engine.measures.choice import make_measurer
from ibtui_engine.measures.kernels import COMPILED
from ibtui_engine.measures.softmax import SoftmaxMeasurer
from ibtui_engine.networks import Architecture, Samples
from ibtui_engine.noise import noise_errors
from ibtui_engine.rules.rule import Rule
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import Threads
from ibtui_engine.training.batched import TorchTrainer
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def threads() -> Threads:
    return Threads(1)


def pair(labels: int, *, hard: bool, rows: int = 40) -> tuple[Rule, Rule, np.ndarray]:
    """A rule with whole weights, one in which each row stands as often as its weight says, and those."""
    chance = np.random.default_rng(labels + 10 * hard)
    x = chance.normal(size=(rows, 3)).astype(np.float32)
    counts = chance.integers(1, 6, rows)
    p = chance.dirichlet(np.full(labels, 0.5), rows)
    if hard:
        p = np.eye(labels)[p.argmax(axis=1)]
    p_y = p[:, 1].copy() if labels == 2 else p
    repeated = np.repeat(np.arange(rows), counts)
    weighted = Rule("w", x, p_y, p_x=counts / counts.sum())
    return weighted, Rule("r", x[repeated], p_y[repeated]), repeated


def samples_of(rule: Rule, labels: np.ndarray, inside: np.ndarray) -> Samples:
    """All networks learn these patterns."""
    return Samples(np.tile(inside, (len(SEEDS), 1)), np.tile(labels[inside].astype(np.uint8), (len(SEEDS), 1)))


def problems(labels: int, *, hard: bool = True, activation: str = "tanh", **how: object) -> tuple[Problem, Problem]:
    weighted, plain, repeated = pair(labels, hard=hard)
    y = (weighted.p_y > 0.5).astype(int) if labels == 2 else weighted.p_y.argmax(axis=1)
    inside = np.arange(0, 40, 3) if how.pop("part", False) else np.arange(40)
    settings = {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9, "batch": 10_000} | how
    found = []
    for rule, rows in ((weighted, np.arange(40)), (plain, repeated)):
        chosen = np.flatnonzero(np.isin(rows, inside))
        samples = samples_of(rule, y[rows], chosen)
        batch = min(int(settings["batch"]), samples.size)  # type: ignore[call-overload]
        optimization = Optimization(**{**settings, "batch": batch})  # type: ignore[arg-type]
        found.append(Problem(Architecture.of(rule, (4, 3), activation), rule, samples, SEEDS, optimization))
    return found[0], found[1]


@pytest.mark.parametrize("estimator", COMPILED)
@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_whole_weights_measure_like_so_many_equal_rows(
    estimator: str, labels: int, activation: str, threads: Threads
) -> None:
    """The equal rows of two labels are measured by the compiled loops, the weighted ones by matrix products."""
    for hard in (True, False):
        one, other = problems(labels, hard=hard, activation=activation, part=True)
        weights = one.architecture.initial_weights(SEEDS, 3.0)
        experiment = Experiment(estimator=estimator, bins=7)
        (found, learned), (expected, taught) = (
            make_measurer(problem, experiment, threads, None).measure(weights) for problem in (one, other)
        )
        for name in ("i_x", "i_y", "i_x_lower", "i_y_lower", "low", "high", "saturated", "nonlinear", "distinct"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-9, nan_ok=True), name
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
            assert getattr(learned, name) == pytest.approx(getattr(taught, name), abs=1e-9), name


def test_information_of_weighted_patterns_is_that_of_the_joint_table(threads: Threads) -> None:
    problem, _ = problems(2, hard=False)
    rule = problem.rule
    weights = problem.architecture.initial_weights(SEEDS, 2.0)
    found, _ = make_measurer(problem, Experiment(bins=5), threads, None).measure(weights)
    edges = np.linspace(-1, 1, 6)[1:-1]
    for network in range(len(SEEDS)):
        below = rule.patterns.astype(np.float64)
        for layer, matrix in enumerate(problem.architecture.matrices(weights[network : network + 1])):
            z = below @ matrix[0, :, :-1].astype(np.float64).T + matrix[0, :, -1]
            below = 1 / (1 + np.exp(-z)) if layer == 2 else np.tanh(z)
            table: dict[tuple[int, ...], list[float]] = {}
            assert rule.p_x is not None
            for row, p, share in zip(np.searchsorted(edges, below, side="right"), rule.p_y, rule.p_x, strict=True):
                mass = table.setdefault(tuple(row.tolist()), [0.0, 0.0])
                mass[0] += share * (1 - p)
                mass[1] += share * p
            p_ty = np.array(list(table.values()))

            def entropy(p: np.ndarray) -> float:
                return -math.fsum(q * math.log2(q) for q in p.ravel().tolist() if q > 0)

            h_t = entropy(p_ty.sum(axis=1))
            assert found.i_x[network, layer] == pytest.approx(h_t, abs=1e-12)
            assert found.i_y[network, layer] == pytest.approx(
                h_t + entropy(p_ty.sum(axis=0)) - entropy(p_ty), abs=1e-12
            )


@pytest.mark.parametrize("estimator", COMPILED)
def test_equally_likely_patterns_measure_alike_in_both_ways(estimator: str, threads: Threads) -> None:
    problem, _ = problems(2, hard=False, part=True)
    plain = replace(problem, rule=replace(problem.rule, odds=None, p_x=None))
    weights = plain.architecture.initial_weights(SEEDS, 3.0)
    experiment = Experiment(estimator=estimator, bins=7)
    found, learned = SoftmaxMeasurer(plain, experiment.estimation, threads).measure(weights)
    expected, taught = make_measurer(plain, experiment, threads, None).measure(weights)
    for name in ("i_x", "i_y", "i_x_lower", "i_y_lower", "saturated", "nonlinear", "distinct"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-9, nan_ok=True), name
    assert learned.test_loss == pytest.approx(taught.test_loss)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_whole_weights_train_like_so_many_equal_rows(activation: str, optimizer: str, threads: Threads) -> None:
    """In one batch an epoch, the gradient is that of the expected loss under p(x)."""
    rate = 0.01 if optimizer == "adam" else 0.1
    one, other = problems(2, activation=activation, optimizer=optimizer, learning_rate=rate, part=True)
    trained = []
    for problem in (one, other):
        trainer = FusedTrainer(problem, TrainingState.initial(problem, 1.0), threads)
        norms = trainer.advance(20, statistics=True)
        assert norms is not None
        trained.append((trainer.state().weights, norms.mean))
    assert trained[0][0] == pytest.approx(trained[1][0], abs=2e-4)
    assert trained[0][1] == pytest.approx(trained[1][1], rel=2e-2)
    beside = TorchTrainer(one, TrainingState.initial(one, 1.0))
    beside.advance(20)
    assert beside.state().weights == pytest.approx(trained[0][0], abs=2e-4)


@pytest.mark.parametrize("batch", [5, 10_000])
def test_both_trainers_take_weights_in_batches(batch: int, threads: Threads) -> None:
    problem, _ = problems(2, batch=batch, part=True)
    first, second = (
        kind(problem, TrainingState.initial(problem, 1.0), *more)
        for kind, more in ((FusedTrainer, (threads,)), (TorchTrainer, ()))
    )
    first.advance(15)
    second.advance(15)
    assert first.state().weights == pytest.approx(second.state().weights, abs=1e-4)


def test_the_softmax_of_many_labels_trains_by_weights() -> None:
    one, other = problems(3, part=True)
    trainers = [TorchTrainer(problem, TrainingState.initial(problem, 1.0)) for problem in (one, other)]
    for trainer in trainers:
        trainer.advance(20)
    assert trainers[0].state().weights == pytest.approx(trainers[1].state().weights, abs=2e-4)


def test_a_relaxation_keeps_the_weighted_loss_below_where_it_began(threads: Threads) -> None:
    one, _ = problems(2, optimizer="metropolis", part=True)
    problem = replace(one, optimization=replace(one.optimization, relax_from=40))
    trainer = FusedTrainer(problem, TrainingState.initial(problem, 1.0), threads)
    measurer = make_measurer(problem, Experiment(), threads, None)
    trainer.advance(40)
    began = measurer.measure(trainer.state().weights)[1].train_loss
    trainer.advance(40)
    after = trainer.state().weights
    assert (measurer.measure(after)[1].train_loss <= began + 1e-5).all()
    plain = replace(problem, rule=replace(problem.rule, odds=None, p_x=None))
    other = FusedTrainer(plain, TrainingState.initial(plain, 1.0), threads)
    other.advance(80)
    assert not np.array_equal(other.state().weights, after)


@pytest.mark.parametrize("labels", [2, 3])
def test_curves_are_those_of_so_many_equal_rows(labels: int) -> None:
    weighted, plain, _ = pair(labels, hard=False, rows=9)
    for curve in (coarse_curve, rule_curve):
        one, other = curve(weighted), curve(plain)
        assert (one.i_xy, one.h_y, one.entropy) == pytest.approx((other.i_xy, other.h_y, other.entropy), abs=1e-12)
        at = np.linspace(0, one.entropy, 20)
        assert one.lower(at) == pytest.approx(
            other.lower(at), abs=3e-3 if curve is coarse_curve or labels > 2 else 2e-6
        )


def test_the_curve_of_weighted_labels_that_are_certain_ends_at_their_entropy() -> None:
    weighted, plain, _ = pair(3, hard=True)
    assert rule_curve(weighted).h_y == pytest.approx(plain.h_y, abs=1e-12)
    assert annealed_curve(weighted.p_y, weighted.p_x).i_xy == pytest.approx(plain.i_xy, abs=1e-12)


def test_the_bound_of_a_sample_and_noise_take_weights(threads: Threads) -> None:
    weighted, plain, repeated = pair(2, hard=True, rows=12)
    labels = (weighted.p_y > 0.5).astype(np.uint8)
    inside = np.arange(0, 12, 2)
    chosen = np.flatnonzero(np.isin(repeated, inside))
    one = Samples(inside[None], labels[inside][None])
    other = Samples(chosen[None], labels[repeated][chosen][None])
    betas = np.array([2.0, 20.0])
    assert evaluate_sample(weighted, one, betas) == pytest.approx(evaluate_sample(plain, other, betas), abs=1e-6)
    architecture = Architecture.of(weighted, (3,), "tanh")
    weights = architecture.initial_weights((0,), 2.0)
    found, expected = (
        noise_errors(architecture, rule, samples, (0,), weights, threads, sigmas=(0.0, 0.5), draws=3)
        for rule, samples in ((weighted, one), (plain, other))
    )
    assert found.outside == pytest.approx(expected.outside)
    assert found.every == pytest.approx(expected.every)


def test_a_session_keeps_p_of_x_and_goes_on_with_it(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    x, w = chance.normal(size=(50, 3)).round(3), chance.integers(0, 5, 50)
    lines = [f"{a},{b},{c},{k},{int(a * b > 0)}\n" for (a, b, c), k in zip(x, w, strict=True)]
    (tmp_path / "t.csv").write_text("a,b,c,weight,label\n" + "".join(lines))
    settings = {"rule": f"table:{tmp_path / 't.csv'}", "hidden": "4-3", "networks": 2, "batch": 8, "snapshots": 2}

    def run(name: str, **more: object) -> Path:
        path = tmp_path / f"{name}.ibs"
        experiment = Experiment.from_dict({**settings, **more})
        assert Run(begin(path, name, experiment), threads=1).execute() == "finished"
        return path

    path = run("begun", epochs=10)
    assert Run(reopen(path, epochs=14), threads=1).execute() == "finished"
    uniform = run("uniform", epochs=14, ignore="weight")
    with (
        SessionReader(path) as reader,
        SessionReader(run("whole", epochs=14)) as other,
        SessionReader(uniform) as plain,
    ):
        assert reader.rule(1).p_x == pytest.approx(w[w > 0] / w.sum())
        assert reader.summary.rules[0].weighted
        assert not plain.summary.rules[0].weighted
        ensembles = [one.ensemble(0) for one in (reader, other, plain)]
        assert np.array_equal(reader.weights(ensembles[0], 14), other.weights(ensembles[1], 14))
        assert reader.weights(ensembles[0], 0).tolist() == plain.weights(ensembles[2], 0).tolist()
        assert not np.array_equal(reader.weights(ensembles[0], 14), plain.weights(ensembles[2], 14))
        assert (
            reader.recorded_ensemble(0).fits().no_beta.startswith("beta* is fitted where patterns are equally likely")
        )
        with pytest.raises(InvalidValue, match="here p\\(x\\) has weights"):
            reader.recorded_ensemble(0).fits(require_beta=True)


@pytest.mark.parametrize(
    "p_x", [[0.5, 0.5, 0.5], [0.5, 0.25, 0.25, 0.0], [1.0, 0.5, -0.25, -0.25], [0.5, 0.25, 0.25, math.nan], [0.1] * 4]
)
def test_what_is_no_p_of_x_is_refused(p_x: list[float]) -> None:
    with pytest.raises(InvalidValue, match=r"p\(x\)"):
        Rule("odd", np.eye(4, dtype=np.uint8), np.array([0.0, 1.0, 0.5, 0.5]), p_x=np.array(p_x))
