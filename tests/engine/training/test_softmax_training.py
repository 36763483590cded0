"""Rules of more than two labels: the torch trainer's gradients against autograd, samples, and runs in a session."""

from __future__ import annotations

import math
import sqlite3
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.errors import InvalidValue, SessionError
from ibtui_engine.experiment import Experiment
from ibtui_engine.networks import Architecture, Samples, draw_samples, drawn_labels
from ibtui_engine.remeasure import remeasure
from ibtui_engine.rules.rule import Rule
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session.history import SessionReader
from ibtui_engine.streams import shuffle_epoch
from ibtui_engine.threads import Threads
from ibtui_engine.training.batched import TorchTrainer
from ibtui_engine.training.choice import choose
from ibtui_engine.training.problem import Optimization, Problem, TrainingState

LABELS = 4


def problem_of(activation: str = "tanh", batch: int = 8) -> Problem:
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(30, 6)).astype(np.float32)
    rule = Rule("made up", patterns, rng.dirichlet(np.ones(LABELS), 30))
    samples = draw_samples(rule, 0.7, (5, 6))
    return Problem(
        Architecture.of(rule, (7, 3), activation), rule, samples, (5, 6), Optimization("sgd", 0.3, 0.9, batch)
    )


def autograd(problem: Problem, weights: np.ndarray, network: int, chosen: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of the mean cross-entropy of one batch, flat, in double precision."""
    flat = torch.tensor(weights[network].astype(np.float64), requires_grad=True)
    a, begin = torch.from_numpy(problem.rule.patterns[chosen]).double(), 0
    widths = problem.architecture.widths
    function = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}[problem.architecture.activation]
    for k, (fan_in, units) in enumerate(pairwise(widths)):
        matrix = flat[begin : begin + units * (fan_in + 1)].reshape(units, fan_in + 1)
        begin += units * (fan_in + 1)
        a = a @ matrix[:, :-1].T + matrix[:, -1]
        a = function(a) if k < len(widths) - 2 else a
    loss = torch.nn.functional.cross_entropy(a, torch.from_numpy(labels.astype(np.int64)))
    return torch.autograd.grad(loss, flat)[0].numpy()


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_an_epoch_is_the_steps_that_autograd_takes(activation: str) -> None:
    problem = problem_of(activation)
    state = TrainingState.initial(problem, 1.5)
    trainer = TorchTrainer(problem, state)
    norms = trainer.advance(1, statistics=True)
    found = trainer.state().weights
    assert norms is not None
    for network, seed in enumerate(problem.seeds):
        weights = state.weights.astype(np.float64)
        items = (problem.samples.patterns[network] * LABELS + problem.samples.labels[network]).astype(np.uint32)
        shuffle_epoch(items, np.empty(-(-items.size // 4) * 4, np.uint32), seed, 1)
        gradients = []
        for start in range(0, items.size, 8):
            batch = items[start : start + 8]
            gradients.append(autograd(problem, weights, network, batch // LABELS, batch % LABELS))
            weights[network] -= 0.3 * gradients[-1]
        assert found[network] == pytest.approx(weights[network], abs=2e-6)
        each = [m[0] for m in problem.architecture.matrices(np.array(gradients, np.float64)[:1])]
        for layer in range(len(each)):
            stack = np.stack(
                [problem.architecture.matrices(g[None])[layer][0][:, :-1] for g in np.array(gradients, np.float64)]
            )
            assert norms.mean[network, layer] == pytest.approx(np.linalg.norm(stack.mean(axis=0)), rel=1e-4)
            assert norms.std[network, layer] == pytest.approx(math.sqrt(stack.var(axis=0, ddof=1).sum()), rel=1e-4)


@given(seed=st.integers(0, 999), labels=st.integers(3, 6))
def test_a_drawn_label_is_where_the_distribution_function_passes(seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    p_y = rng.dirichlet(np.full(labels, 0.3), 20)
    p_y[:, -1] = 0
    p_y /= p_y.sum(axis=1, keepdims=True)
    uniform = rng.uniform(size=20)
    uniform[:2] = 1 - 2.0**-53, 2.0**-53
    found = drawn_labels(p_y, uniform)
    for row, u, label in zip(p_y, uniform, found, strict=True):
        assert row[label] > 0
        assert row[:label].sum() - 1e-12 <= u <= row[: label + 1].sum() + 1e-12


def test_labels_have_the_frequencies_of_p_y_and_random_ones_are_equally_likely() -> None:
    p_y = np.tile([0.1, 0.2, 0.3, 0.4], (8000, 1))
    rule = Rule("made up", np.arange(8000, dtype=np.float32)[:, None], p_y)
    for kind, expected in (("rule", p_y[0]), ("random", np.full(4, 0.25))):
        labels = draw_samples(rule, 0.5, (1, 2), kind).labels
        counts = np.stack([np.bincount(row, minlength=4) for row in labels])
        assert counts / 4000 == pytest.approx(np.tile(expected, (2, 1)), abs=5 * 0.5 / math.sqrt(4000))
        assert not np.array_equal(labels[0], labels[1])


def test_smaller_samples_lie_in_larger_ones_with_the_same_labels() -> None:
    rule = problem_of().rule
    small, large = (draw_samples(rule, fraction, (3,)) for fraction in (0.3, 0.9))
    at = np.searchsorted(large.patterns[0], small.patterns[0])
    assert np.array_equal(large.patterns[0][at], small.patterns[0])
    assert np.array_equal(large.labels[0][at], small.labels[0])


def test_more_than_two_labels_go_to_torch_and_the_fused_trainer_refuses_them() -> None:
    architecture = problem_of().architecture
    assert choose("auto", "cpu", architecture) == ("torch", "cpu")
    with pytest.raises(InvalidValue, match=r"the fused trainer has one output and learns two labels, .* has 4: use"):
        choose("fused", "auto", architecture)


# In a session


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    patterns = rng.normal(size=(60, 5))
    file = tmp_path / "three.csv"
    rows = [",".join([*map(repr, row.tolist()), str(int(row[0] > 0) + int(row[1] > 0))]) for row in patterns]
    file.write_text("\n".join(rows))
    return file


def experiment_of(table: Path, **more: object) -> Experiment:
    plain = {"rule": f"table:{table}", "hidden": [[6, 4]], "networks": 2, "epochs": 6, "batch": 16, "snapshots": 3}
    return Experiment().override({**plain, "learning_rate": 0.5, **more})


def contents(path: Path) -> list[object]:
    connection = sqlite3.connect(path)
    queries = ("SELECT * FROM layer", "SELECT * FROM learning", "SELECT * FROM network", "SELECT data FROM weights")
    found = [connection.execute(query).fetchall() for query in queries]
    connection.close()
    return found


def test_a_run_is_recorded_whole_and_goes_on_to_the_same_bits(tmp_path: Path, table: Path) -> None:
    whole, begun = tmp_path / "whole.ibs", tmp_path / "begun.ibs"
    assert Run(begin(whole, "whole", experiment_of(table)), threads=1).execute() == "finished"
    assert Run(begin(begun, "begun", experiment_of(table, epochs=2, snapshot_at=[1, 2])), threads=1).execute()
    assert Run(reopen(begun, epochs=6), threads=1).execute() == "finished"
    with SessionReader(whole) as reader, SessionReader(begun) as other:
        (ensemble,) = reader.summary.ensembles
        assert np.array_equal(reader.weights(ensemble, 6), other.weights(other.ensemble(0), 6))
        assert reader.summary.rules[0].labels == 3
        assert ensemble.widths == (6, 4, 3)
        rule, samples = reader.rule(1), reader.samples(ensemble)
        assert rule.p_y.shape == (60, 3)
        drawn: Samples = draw_samples(rule, 0.85, (0, 1))
        assert np.array_equal(samples.patterns, drawn.patterns)
        assert np.array_equal(samples.labels, drawn.labels)
        assert reader.measured(1) is None
        threads = Threads(1)
        ((_, again),) = remeasure(reader, ensemble, [6], reader.summary.experiment, threads)
        threads.close()
        assert np.array_equal(again.i_x, reader.layers(ensemble, 6).i_x[0])
        assert np.array_equal(again.i_y, reader.layers(ensemble, 6).i_y[0])


def test_what_is_measured_over_some_patterns_has_their_entropies(tmp_path: Path, table: Path) -> None:
    path = tmp_path / "some.ibs"
    Run(begin(path, "some", experiment_of(table, measured=32, seed=9)), threads=1).execute()
    with SessionReader(path) as reader:
        summary, chosen = reader.summary, reader.measured(1)
        assert chosen is not None
        assert len(set(chosen.tolist())) == 32
        part = reader.rule(1).over(chosen)
        assert (summary.rules[0].h_x, summary.rules[0].i_xy) == (part.h_x, part.i_xy) == (5.0, part.h_y)
        assert summary.rules[0].patterns == 60
        layers = reader.layers(summary.ensembles[0])
        assert (layers.i_x <= 5.0).all()
        assert (layers.distinct_t <= 32).all()


def test_a_part_of_a_rule_of_two_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"^measured is 10: rules of two labels, such as symmetric,"):
        begin(tmp_path / "x.ibs", "x", Experiment(measured=10))
    assert not list(tmp_path.iterdir())


def read_all(reader: SessionReader) -> None:
    (ensemble,) = reader.summary.ensembles
    reader.measured(1)
    reader.rule(1)
    reader.samples(ensemble)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE network SET labels = x'00'", "its 60 labels are unreadable"),
        ("UPDATE network SET labels = replace(hex(labels), '02', '03')", "its 60 labels are unreadable"),
        ("UPDATE rule SET labels = 4", "numbers where 1920 belong"),
        ("UPDATE rule SET labels = 1", "and 1 labels"),
        ("UPDATE rule SET measured = x'ff'", "its 60 flags are unreadable"),
    ],
)
def test_damage_is_named(tmp_path: Path, table: Path, damage: str, said: str) -> None:
    path = tmp_path / "x.ibs"
    begin(path, "x", experiment_of(table)).close()
    connection = sqlite3.connect(path)
    connection.execute(damage)
    connection.commit()
    connection.close()
    with SessionReader(path) as reader, pytest.raises(SessionError, match=said):
        read_all(reader)
