"""Networks that round their activations: trained and measured as `tests.naive` says, with exact information.

Lorenzen, Igel and Nielsen (2022): t takes finitely many values, so that I(X;T) = H(T) needs no bins, and a layer is a
function of what the one below hands on, so that the data processing inequalities hold to the last bit.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from ibtui_engine.bottleneck.layers import layer_groups
from ibtui_engine.errors import InvalidValue
from ibtui_engine.estimation import Estimation
from ibtui_engine.experiment import Experiment, log_spaced_epochs
from ibtui_engine.forward import ACTIVATION_CODES, round_to_levels
from ibtui_engine.measures.choice import make_measurer
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.measures.softmax import SoftmaxMeasurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.noise import noise_errors
from ibtui_engine.presets import PRESETS
from ibtui_engine.progress import Interrupt
from ibtui_engine.remeasure import remeasure
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session.history import SessionReader
from ibtui_engine.settings import BOUNDED
from ibtui_engine.threads import Threads
from ibtui_engine.training.batched import TorchTrainer, rounded
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from tests import naive

BITS = Rule("bits", binary_patterns(6), np.linspace(0.05, 0.95, 64))
SEEDS = (3, 4)
FIGURE_4 = Path(__file__).parents[2] / "sessions" / "example-figure-4.ibs"
SMALL = {"networks": 2, "epochs": 30, "snapshots": 4, "hidden": "5-4-2", "fraction": 0.5, "activation_bits": 3}


def problem_of(
    activation: str = "tanh", bits: int = 3, hidden: tuple[int, ...] = (5, 4, 2), batch: int = 45, rule: Rule = BITS,
    optimizer: str = "sgd", rate: float = 1.0, seeds: tuple[int, ...] = SEEDS,
) -> Problem:  # fmt: skip
    samples = draw_samples(rule, 0.7, seeds)
    how = Optimization(optimizer, rate, 0.9, min(batch, samples.size))
    return Problem(Architecture.of(rule, hidden, activation, bits), rule, samples, seeds, how)


def far_from_edges(network: naive.Network, patterns: np.ndarray, activation: str, bits: int) -> bool:
    """Whether rounding errors of single precision carry no output across the edge of its cell."""
    low, high = naive.RANGES[activation]
    below = patterns.astype(np.float64)
    for matrix in network[:-1]:
        y = naive.FUNCTIONS[activation](below @ matrix[:, :-1].T + matrix[:, -1])
        place = (y - low) / (high - low) * 2**bits
        inside = (np.round(place) > 0) & (np.round(place) < 2**bits)
        if (inside & (abs(place - np.round(place)) < 1e-5 * 2**bits)).any():
            return False
        below = naive.rounded(y, activation, bits)
    return True


# levels


@given(
    st.sampled_from(BOUNDED), st.integers(1, 12), st.sampled_from([np.float32, np.float64]),
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20),
)  # fmt: skip
def test_an_output_is_rounded_to_the_centre_of_its_cell_in_every_precision(
    activation: str, bits: int, kind: type, values: list[float]
) -> None:
    low, _ = naive.RANGES[activation]
    edges = np.arange(2**bits + 1)[:40] / 2**bits
    y = np.concatenate([np.abs(values) if low == 0 else values, edges * (1 - low) + low]).astype(kind)[None]
    expected = naive.rounded(y.astype(np.float64), activation, bits)
    found = np.empty_like(y)
    round_to_levels(ACTIVATION_CODES[activation], bits, y, found, 0, *y.shape)
    assert np.array_equal(found, expected)
    assert np.array_equal(rounded(torch.from_numpy(y), activation, bits).numpy(), expected)
    again = y.copy()
    round_to_levels(ACTIVATION_CODES[activation], bits, again, again, 0, *y.shape)
    assert np.array_equal(again, found)


def test_levels_are_as_many_as_the_bits_say_and_lie_symmetrically() -> None:
    y = np.tanh(np.linspace(-20, 20, 10_001))[None]
    found = np.empty_like(y)
    for bits in (1, 2, 5):
        round_to_levels(ACTIVATION_CODES["tanh"], bits, y, found, 0, *y.shape)
        levels = np.unique(found)
        assert len(levels) == 2**bits
        assert np.array_equal(levels, -levels[::-1])
        assert levels[-1] == 1 - 2.0**-bits


def test_what_is_no_number_is_rounded_to_none() -> None:
    y = np.array([[math.nan, 0.3, math.nan]])
    round_to_levels(ACTIVATION_CODES["tanh"], 3, y, y, 0, *y.shape)
    assert np.isnan(y).tolist() == [[True, False, True]]
    assert rounded(torch.tensor([math.nan]), "tanh", 3).isnan().all()


# training


@given(st.lists(st.integers(1, 7), max_size=3).map(tuple), st.sampled_from(BOUNDED), st.integers(1, 6))
def test_a_step_follows_the_straight_through_gradient_in_both_trainers(
    hidden: tuple[int, ...], activation: str, bits: int
) -> None:
    problem = problem_of(activation, bits, hidden)
    start = TrainingState.initial(problem, 3.0)
    start.weights[:] += np.random.default_rng(0).normal(0, 0.1, start.weights.shape)
    widths = problem.architecture.widths
    moved = {"fused": FusedTrainer(problem, start, Threads(1)), "torch": TorchTrainer(problem, start)}
    for trainer in moved.values():
        trainer.advance(1)
    for k in range(len(SEEDS)):
        network = naive.network_of(start.weights[k], widths)
        patterns = problem.rule.patterns[problem.samples.patterns[k]]
        assume(far_from_edges(network, patterns, activation, bits))
        expected = naive.gradients(network, patterns, problem.samples.labels[k].astype(float), activation, bits)
        for trainer in moved.values():
            step = start.weights[k].astype(np.float64) - trainer.state().weights[k]
            assert step == pytest.approx(naive.parameters_of(expected), abs=2e-6)


def test_the_straight_through_gradient_is_that_of_autograd_with_rounding_taken_for_the_identity() -> None:
    problem = problem_of("softsign", 2)
    start = TrainingState.initial(problem, 2.0)
    trainer = TorchTrainer(problem, start)
    inputs = torch.from_numpy(problem.rule.patterns[problem.samples.patterns]).float()
    labels = torch.from_numpy(problem.samples.labels.astype(np.int64))
    found = trainer.gradients(inputs, labels)
    matrices = [torch.from_numpy(m.copy()).requires_grad_() for m in problem.architecture.matrices(start.weights)]
    a = inputs
    for k, matrix in enumerate(matrices):
        z = torch.baddbmm(matrix[:, None, :, -1], a, matrix[:, :, :-1].transpose(1, 2))
        y = torch.nn.functional.softsign(z)
        levels = torch.from_numpy(naive.rounded(y.detach().double().numpy(), "softsign", 2)).float()
        a = y + (levels - y).detach() if k < len(matrices) - 1 else z
    losses = torch.nn.functional.binary_cross_entropy_with_logits(a[:, :, 0], labels.float(), reduction="none")
    losses.mean(dim=1).sum().backward()
    for one, matrix in zip(found, matrices, strict=True):
        assert matrix.grad is not None
        assert torch.allclose(one, matrix.grad, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_the_trainers_agree_over_epochs(optimizer: str, bits: int) -> None:
    problem = problem_of("tanh", bits, batch=20, optimizer=optimizer, rate=0.01 if optimizer == "adam" else 0.1)
    start = TrainingState.initial(problem, 1.0)
    start.weights[:] += np.random.default_rng(1).normal(0, 0.05, start.weights.shape)  # no output on an edge
    trainers = FusedTrainer(problem, start, Threads(1)), TorchTrainer(problem, start)
    norms = [trainer.advance(8, statistics=True) for trainer in trainers]
    fused, batched = (trainer.state() for trainer in trainers)
    assert fused.weights == pytest.approx(batched.weights, abs=1e-4)
    assert norms[0] is not None
    assert norms[1] is not None
    assert norms[0].std == pytest.approx(norms[1].std, rel=1e-3)
    plain = FusedTrainer(problem_of("tanh", 0, batch=20, optimizer=optimizer, rate=problem.optimization.learning_rate),
                         start, Threads(1))  # fmt: skip
    plain.advance(8)
    assert not np.allclose(plain.state().weights, fused.weights, atol=1e-4)


def test_monte_carlo_moves_keep_the_loss_of_the_rounded_network_below_its_bound() -> None:
    problem = problem_of("tanh", 3, optimizer="metropolis")
    start = TrainingState.initial(problem, 2.0)
    trainer = FusedTrainer(problem, start, Threads(1))
    trainer.advance(40)
    ended = trainer.state()
    assert not np.allclose(ended.weights, start.weights, atol=0.05)
    for k in range(len(SEEDS)):
        patterns, labels = problem.rule.patterns[problem.samples.patterns[k]], problem.samples.labels[k]
        networks = [naive.network_of(state.weights[k], problem.architecture.widths) for state in (start, ended)]
        logits = [naive.outputs(network, patterns, "tanh", 3)[1] for network in networks]
        losses = [naive.losses(one, labels).mean() for one in logits]
        assert losses[1] <= losses[0] * (1 + 1e-6)
        bound = problem.architecture.matrices(ended.slots[1])[0][k, 0, 1]
        assert bound == pytest.approx(losses[0], rel=1e-5)


# measuring


def entropy(values: list[object]) -> float:
    return -math.fsum(n / len(values) * math.log2(n / len(values)) for n in Counter(values).values())


def expected_information(t: list[tuple[float, ...]], p_y: np.ndarray) -> tuple[float, float]:
    """(I(X;T), I(T;Y)) of equally likely patterns, by adding up over all values; p(y|x) has a column a label."""
    joint: Counter[tuple[tuple[float, ...], int]] = Counter()
    for one, row in zip(t, p_y, strict=True):
        for y, p in enumerate(row):
            joint[one, y] += p / len(t)  # type: ignore[assignment]
    p_t = {one: n / len(t) for one, n in Counter(t).items()}
    marginal = p_y.mean(axis=0)
    i_y = math.fsum(p * math.log2(p / (p_t[one] * marginal[y])) for (one, y), p in joint.items() if p > 0)
    return entropy(list(t)), i_y


@pytest.mark.parametrize("activation", BOUNDED)
@pytest.mark.parametrize("bits", [1, 3, 8])
@pytest.mark.parametrize("measurer", ["compiled", "products"])
def test_exact_measures_what_counting_tuples_of_levels_says(activation: str, bits: int, measurer: str) -> None:
    problem = problem_of(activation, bits)
    weights = problem.architecture.initial_weights(SEEDS, 3.0)
    weights += np.random.default_rng(2).normal(0, 0.3, weights.shape).astype(np.float32)
    how, threads = Estimation(estimator="exact"), Threads(1)
    measure = {"compiled": lambda: Measurer(problem, 30, threads, "exact"),
               "products": lambda: SoftmaxMeasurer(problem, how, threads)}[measurer]  # fmt: skip
    found, learning = measure().measure(weights)
    for k in range(len(SEEDS)):
        values, logits = naive.outputs(
            naive.network_of(weights[k], problem.architecture.widths), BITS.patterns, activation, bits
        )
        for layer, outputs in enumerate(values):
            t = [tuple(row) for row in outputs.tolist()]
            i_x, i_y = expected_information(t, np.stack([1 - BITS.p_y, BITS.p_y], axis=1))
            assert found.i_x[k, layer] == pytest.approx(i_x, abs=1e-12)
            assert found.i_y[k, layer] == pytest.approx(i_y, abs=1e-12)
            assert found.distinct[k, layer] == len(set(t)) <= 2 ** (bits * outputs.shape[1])
            assert (found.low[k, layer], found.high[k, layer]) == (outputs.min(), outputs.max())
        inside = problem.samples.patterns[k]
        outside = np.setdiff1d(np.arange(64), inside)
        assert learning.train_loss[k] == pytest.approx(naive.losses(logits[inside], problem.samples.labels[k]).mean())
        assert learning.test_loss[k] == pytest.approx(naive.losses(logits[outside], BITS.p_y[outside]).mean())
        wrong = np.where(logits > 0, 1 - BITS.p_y, BITS.p_y)
        assert learning.test_accuracy[k] == pytest.approx(1 - wrong[outside].mean())
    noise = noise_errors(problem.architecture, BITS, problem.samples, SEEDS, weights, threads, sigmas=(0.0,), draws=1)
    assert 1 - noise.outside[:, 0] == pytest.approx(learning.test_accuracy)


def test_a_softmax_is_rounded_where_it_is_measured_and_not_in_its_loss() -> None:
    rng = np.random.default_rng(5)
    rule = Rule("three", rng.normal(size=(40, 4)).astype(np.float32), rng.dirichlet(np.ones(3), 40))
    problem = problem_of("tanh", 2, (6, 3), rule=rule, batch=30)
    weights = problem.architecture.initial_weights(SEEDS, 3.0)
    found, learning = SoftmaxMeasurer(problem, Estimation(estimator="exact"), Threads(1)).measure(weights)
    for k in range(len(SEEDS)):
        below = rule.patterns.astype(np.float64)
        for layer, matrix in enumerate(naive.network_of(weights[k], problem.architecture.widths)):
            z = below @ matrix[:, :-1].T + matrix[:, -1]
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            below = naive.rounded(np.tanh(z), "tanh", 2) if layer < 2 else naive.rounded(p, "sigmoid", 2)
            i_x, i_y = expected_information([tuple(row) for row in below.tolist()], rule.p_y)
            assert found.i_x[k, layer] == pytest.approx(i_x, abs=1e-12)
            assert found.i_y[k, layer] == pytest.approx(i_y, abs=1e-12)
        inside = problem.samples.patterns[k]
        loss = -np.log(p[inside, problem.samples.labels[k]]).mean()
        assert learning.train_loss[k] == pytest.approx(loss)


@pytest.mark.parametrize(
    ("bits", "expected"), [(8, (12, 12, 12, 10.39, 3.32, 1.33)), (4, (12, 11.98, 10.95, 5.65, 1.76, 1.16))]
)
def test_the_converged_networks_of_figure_4_have_the_known_information_once_they_are_rounded(
    bits: int, expected: tuple[float, ...]
) -> None:
    """They were trained without levels. The values are known from a prototype, whose layers hand rounded outputs on."""
    with SessionReader(FIGURE_4) as reader:
        ensemble, rule = reader.ensemble(0), reader.rule(1)
        weights, widths = reader.weights(ensemble, 10_000)[:10], reader.architecture(ensemble).widths
    seeds = tuple(range(len(weights)))
    problem = Problem(Architecture(widths, "tanh", bits), rule, draw_samples(rule, 0.5, seeds), seeds,
                      Optimization("sgd", 0.1, 0.9, 512))  # fmt: skip
    found, _ = Measurer(problem, 30, Threads(2), "exact").measure(weights)
    assert len(weights) == 10
    assert found.i_x.mean(axis=0) == pytest.approx(expected, abs=0.0051)


# the data processing inequality


def random_weights(problem: Problem, networks: int, seed: int) -> np.ndarray:
    """Of every size, from nearly linear units to saturated ones."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(-2, 3, (networks, 1)))
    return (rng.normal(size=(networks, problem.architecture.parameters)) * size).astype(np.float32)


def require_chain(networks: int, each: int, activation: str, bits: int, hidden: tuple[int, ...]) -> None:
    """Every layer is a function of the one below, and knows no more than it, in so many random networks."""
    problem, threads = problem_of(activation, bits, hidden), Threads(2)
    measurer = Measurer(problem_of(activation, bits, hidden, seeds=tuple(range(each))), 30, threads, "exact")
    for turn in range(networks // each):
        weights = random_weights(problem, each, turn)
        found, _ = measurer.measure(weights)
        assert (np.diff(found.i_x, axis=1) <= 1e-12).all()
        assert (np.diff(found.i_y, axis=1) <= 1e-12).all()
        groups, counts = layer_groups(BITS, problem.architecture, weights, 30, threads)
        assert np.array_equal(counts, found.distinct)
        pairs = np.sort(groups[:, :-1].astype(np.int64) * 64 + groups[:, 1:], axis=2)
        assert np.array_equal(1 + (np.diff(pairs, axis=2) > 0).sum(axis=2), counts[:, :-1])
    threads.close()


@pytest.mark.parametrize("activation", BOUNDED)
@pytest.mark.parametrize("bits", [1, 2, 5])
def test_no_layer_of_a_random_network_knows_more_than_the_one_below(activation: str, bits: int) -> None:
    require_chain(400, 200, activation, bits, (4, 5, 3, 2))


@pytest.mark.long
def test_no_layer_of_a_hundred_thousand_random_networks_knows_more_than_the_one_below() -> None:
    for bits in range(1, 11):
        require_chain(10_000, 1_000, BOUNDED[bits % 3], bits, (5, 4, 3, 2))


def test_equal_levels_stay_equal_in_products_of_any_size() -> None:
    """BLAS may round equal columns of a product differently; a layer must not tell them apart."""
    rng = np.random.default_rng(0)
    patterns = np.repeat(rng.integers(0, 2, (43, 8)), 7, axis=0)
    rule = Rule("repeated", patterns.astype(np.float32), rng.dirichlet(np.ones(3), len(patterns)))
    problem = problem_of("tanh", 2, (33, 17, 9, 3), rule=rule, batch=30)
    for turn in range(20):
        weights = random_weights(problem, 2, turn)
        found, _ = SoftmaxMeasurer(problem, Estimation(estimator="exact"), Threads(1)).measure(weights)
        assert (np.diff(found.distinct, axis=1) <= 0).all()
        assert (np.diff(found.i_x, axis=1) <= 1e-12).all()


# runs


def run(path: Path, **changes: object) -> Path:
    experiment = Experiment.from_dict({**SMALL, **changes})
    assert Run(begin(path, path.stem, experiment), threads=1).execute() == "finished"
    return path


def test_a_quantised_run_is_measured_exactly_and_measures_again_what_it_recorded(tmp_path: Path) -> None:
    with SessionReader(run(tmp_path / "q.ibs")) as reader:
        summary, ensemble = reader.summary, reader.ensemble(0)
        assert summary.experiment.estimator == "exact"
        assert summary.experiment.activation_bits == (3,)
        assert reader.architecture(ensemble).bits == 3
        layers = reader.layers(ensemble)
        assert (np.diff(layers.i_x, axis=2) <= 1e-12).all()
        again = dict(remeasure(reader, ensemble, ensemble.snapshots, summary.experiment, Threads(1)))
        for row, epoch in enumerate(ensemble.snapshots):
            assert np.array_equal(again[epoch].i_x, layers.i_x[row])
            assert np.array_equal(again[epoch].i_y, layers.i_y[row])
        rule, weights = reader.rule(1), reader.weights(ensemble, 30)
        values, _ = naive.outputs(naive.network_of(weights[0], reader.architecture(ensemble).widths),
                                  rule.patterns, "tanh", 3)  # fmt: skip
        assert layers.i_x[-1, 0] == pytest.approx([entropy([tuple(r) for r in v.tolist()]) for v in values], abs=1e-3)


def test_it_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    straight = run(tmp_path / "straight.ibs")
    path = tmp_path / "stopped.ibs"
    interrupt = Interrupt()
    stopped = Run(begin(path, "stopped", Experiment.from_dict(SMALL)), threads=1)
    seen = []

    def watch(progress: object) -> None:
        seen.append(progress)
        if len(seen) == 6:
            interrupt.request()

    assert stopped.execute(watch, interrupt) == "stopped"
    assert Run(reopen(path), threads=1).execute() == "finished"
    with SessionReader(straight) as one, SessionReader(path) as other:
        assert np.array_equal(one.weights(one.ensemble(0), 30), other.weights(other.ensemble(0), 30))
        assert np.array_equal(one.layers(one.ensemble(0)).i_x, other.layers(other.ensemble(0)).i_x)


def test_networks_with_and_without_levels_make_a_grid(tmp_path: Path) -> None:
    path = run(tmp_path / "grid.ibs", activation_bits=["none", 1], networks=1)
    plain = run(tmp_path / "plain.ibs", activation_bits="none", networks=1)
    with SessionReader(path) as reader, SessionReader(plain) as alone:
        assert reader.summary.experiment.estimator == "binning"
        assert [one.settings.bits for one in reader.summary.ensembles] == [0, 1]
        named = [one.settings.told_apart(reader.summary.experiment.varied) for one in reader.summary.ensembles]
        assert named == ["5-4-2 at 0.5, activation bits none", "5-4-2 at 0.5, activation bits 1"]
        weights = [reader.weights(one, 30) for one in reader.summary.ensembles]
        assert np.array_equal(weights[0], alone.weights(alone.ensemble(0), 30))
        assert not np.array_equal(weights[0], weights[1])


def test_both_trainers_run_it(tmp_path: Path) -> None:
    found = []
    for trainer in ("fused", "torch"):
        with SessionReader(run(tmp_path / f"{trainer}.ibs", trainer=trainer, epochs=5)) as reader:
            found.append(reader.weights(reader.ensemble(0), 5))
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_measurers_of_held_out_rows_and_weighted_patterns_round_too() -> None:
    rng = np.random.default_rng(1)
    weighted = Rule("weighted", BITS.patterns, BITS.p_y, p_x=rng.dirichlet(np.ones(64)))
    problem = problem_of("sigmoid", 2, rule=weighted)
    measurer = make_measurer(problem, Experiment(estimator="exact"), Threads(1), None)
    weights = problem.architecture.initial_weights(SEEDS, 6.0)
    found, _ = measurer.measure(weights)
    for k in range(len(SEEDS)):
        values, _ = naive.outputs(
            naive.network_of(weights[k], problem.architecture.widths), BITS.patterns, "sigmoid", 2
        )
        for layer, outputs in enumerate(values):
            mass: Counter[tuple[float, ...]] = Counter()
            for row, p in zip(outputs.tolist(), weighted.p_x if weighted.p_x is not None else (), strict=True):
                mass[tuple(row)] += p
            assert found.i_x[k, layer] == pytest.approx(-sum(p * math.log2(p) for p in mass.values()), abs=1e-12)


# settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"activation_bits": 0}, "activation-bits must be a whole number from 1 to 12 or none, got 0"),
        ({"activation_bits": 13}, "activation-bits must be a whole number from 1 to 12 or none, got 13"),
        ({"activation_bits": 2.5}, "activation-bits must be a whole number from 1 to 12 or none, got 2.5"),
        ({"activation_bits": True}, "activation-bits must be a whole number from 1 to 12 or none, got True"),
        ({"activation_bits": "many"}, "activation-bits must be a whole number from 1 to 12 or none, got 'many'"),
        ({"activation_bits": None}, "activation-bits must be a whole number from 1 to 12 or none, got None"),
        ({"activation_bits": [4, 4]}, "activation-bits names the same value twice: 4, 4"),
        (
            {"activation_bits": 4, "activation": ["tanh", "relu"]},
            "activation must be tanh, sigmoid or softsign where activation-bits rounds it, got 'relu'",
        ),
        (
            {"activation_bits": ["none", 4], "activation": "linear"},
            "activation must be tanh, sigmoid or softsign where activation-bits rounds it, got 'linear'",
        ),
    ],
)
def test_what_cannot_be_rounded_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        Experiment.from_dict(settings)
    assert str(refused.value) == said


def test_numbers_of_bits_are_read_from_text() -> None:
    assert Experiment.from_dict({"activation_bits": "12"}).activation_bits == (12,)
    assert Experiment.from_dict({"activation_bits": ["none", "1"]}).activation_bits == ("none", 1)
    assert Experiment.from_dict({"activation_bits": "none", "activation": "relu"}).activation == ("relu",)


def test_the_estimator_is_the_one_that_fits_the_networks_unless_another_is_chosen() -> None:
    usual, rounding = Experiment(), Experiment(activation_bits=(4,))
    assert (usual.estimator, rounding.estimator) == ("binning", "exact")
    assert Experiment(activation_bits=("none", 4)).estimator == "binning"
    assert usual.override({"activation_bits": 4}).estimator == "exact"
    assert rounding.override({"activation_bits": "none"}).estimator == "binning"
    assert rounding.override({"epochs": 5}).estimator == "exact"
    assert rounding.override({"estimator": "binning"}).override({"activation_bits": 2}).estimator == "binning"
    assert Experiment(estimator="kde").override({"activation_bits": 4}).estimator == "kde"
    assert usual.override({"activation_bits": 4, "estimator": "binning"}).estimator == "binning"
    assert Experiment.from_dict(rounding.to_dict()) == rounding
    chosen = Experiment(activation_bits=(4,), estimator="binning")
    assert Experiment.from_dict(chosen.to_dict()) == chosen
    assert "-4-bit-" in rounding.title
    assert "exact" not in rounding.title
    assert "-4-bit-binning-" in chosen.title


def test_the_preset_is_figure_2_with_levels() -> None:
    changed = PRESETS["quantised"].experiment.to_dict()
    figure = PRESETS["figure-2"].experiment.to_dict()
    assert {name for name in figure if figure[name] != changed[name]} == {"activation_bits", "estimator"}
    quick = PRESETS["quantised"].quick
    assert (quick.estimator, quick.activation_bits, quick.networks) == ("exact", (4,), 4)
    assert quick.snapshot_epochs[-1] == 1_000
    assert len(quick.snapshot_epochs) >= len(log_spaced_epochs(1_000, 40))
