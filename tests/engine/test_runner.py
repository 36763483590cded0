"""Runs from beginning to end, and everything that can come in between: the same numbers come out."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine import cohort, runner
from ibtui_engine.errors import EngineError, InvalidValue, SessionError, StorageError, TrainingError
from ibtui_engine.experiment import OPTIMIZERS, Experiment
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.networks import Architecture, draw_samples, sample_size
from ibtui_engine.progress import Interrupt, Progress
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session import claim
from ibtui_engine.session.columns import LAYER_COLUMNS, LEARNING_COLUMNS
from ibtui_engine.session.control import send, wait_until
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary
from ibtui_engine.threads import Threads
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from tests.tiers import diagonal, first

SMALL = Experiment(
    rule="symmetric-soft",
    hidden=((4, 3),),
    fraction=(0.05,),
    networks=3,
    seed=5,
    epochs=12,
    batch=64,
    learning_rate=0.3,
    snapshot_at=(1, 4, 9),
)
"""205 samples in four batches; measured at 0, 1, 4, 9 and 12."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.ibs"


@pytest.fixture
def one_epoch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run looks for requests after every epoch."""
    monkeypatch.setattr(cohort, "CHUNK_SECONDS", 0.0)


def run(path: Path, experiment: Experiment = SMALL, **options: Any) -> str:
    return Run(begin(path, path.stem, experiment), threads=1).execute(**options)


def go_on(path: Path, *, options: dict[str, Any] | None = None, **more: int) -> str:
    return Run(reopen(path, **more), threads=1).execute(**(options or {}))


Results = dict[tuple[Any, ...], np.ndarray]


def results(path: Path) -> Results:
    """All that was measured, and the weights, by ensemble."""
    found: Results = {}
    with SessionReader(path) as reader:
        for e in reader.summary.ensembles:
            layers, learning = reader.layers(e), reader.learning(e)
            found[e.hidden, e.fraction, "epochs"] = layers.epochs
            found |= {(e.hidden, e.fraction, name): getattr(layers, name) for name in LAYER_COLUMNS}
            found |= {(e.hidden, e.fraction, name): getattr(learning, name) for name in LEARNING_COLUMNS}
            for epoch in e.snapshots if reader.summary.experiment.weights else ():
                found[e.hidden, e.fraction, "weights", epoch] = reader.weights(e, epoch)
    return found


def assert_same(one: Results, other: Results) -> None:
    """The same to the last bit."""
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert np.array_equal(value, other[key], equal_nan=True), key


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Experiment], Results]:
    """The results of an experiment that ran from beginning to end undisturbed."""
    room = tmp_path_factory.mktemp("straight")
    known: dict[str, Results] = {}

    def results_of(experiment: Experiment) -> Results:
        key = json.dumps(experiment.to_dict())
        if key not in known:
            path = room / f"{len(known)}.ibs"
            assert run(path, experiment) == "finished"
            known[key] = results(path)
        return known[key]

    return results_of


def set_in(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def bury(path: Path) -> None:
    """Make it look as if the process that wrote the session had been killed."""
    set_in(path, "UPDATE writer SET started = started - 1000")


def interrupt_at(epoch: int) -> dict[str, Any]:
    """Options that stop a run as soon as it has told of that epoch."""
    interrupt = Interrupt()

    def watch(progress: Progress) -> None:
        if progress.status == "running" and progress.epoch >= epoch:
            interrupt.request()

    return {"watch": watch, "interrupt": interrupt}


# ---- beginning


def missing_device() -> str:
    import torch

    return "mps" if torch.cuda.is_available() else "cuda"


def test_a_run_that_cannot_begin_leaves_nothing_behind(tmp_path: Path, path: Path) -> None:
    refused = [
        (Experiment(rule=f"table:{tmp_path / 'none.csv'}"), "does not exist"),
        (Experiment(trainer="torch", device=missing_device()), "is not available here; available: cpu"),
        (Experiment(theta=1e9), "labels every pattern 0"),
        (Experiment(hidden=((65_536, 65_536),)), "a session holds at most"),
    ]
    for experiment, reason in refused:
        with pytest.raises(InvalidValue, match=reason):
            begin(path, "run", experiment)
        assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_while_its_networks_are_written_down_leaves_nothing_behind(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(runner, "draw_samples", fail)
    with pytest.raises(MemoryError):
        begin(path, "run", SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_run_does_not_begin_over_another(path: Path) -> None:
    run(path)
    before = path.read_bytes()
    with pytest.raises(InvalidValue, match="exists already"):
        begin(path, "run", SMALL)
    assert path.read_bytes() == before


# ---- from beginning to end


def test_snapshots_are_exactly_the_schedule_and_every_number_is_there(path: Path) -> None:
    told: list[Progress] = []
    assert run(path, watch=told.append) == "finished"
    with SessionReader(path) as reader:
        summary = reader.summary
        (ensemble,) = summary.ensembles
        layers, learning = reader.layers(ensemble), reader.learning(ensemble)
        assert (summary.status, summary.epochs_done, ensemble.trainer, ensemble.device) == (
            "finished",
            12,
            "fused",
            "cpu",
        )
        assert ensemble.snapshots == tuple(layers.epochs.tolist()) == SMALL.snapshot_epochs == (0, 1, 4, 9, 12)
        assert reader.seeds(ensemble) == [5, 6, 7]
        assert ensemble.sample_size == sample_size(4096, 0.05) == 205
    assert layers.i_x.shape == (5, 3, 3)
    for name in LAYER_COLUMNS:
        values = getattr(layers, name)
        gradients = name.startswith("grad_")
        if name.endswith(("_lower", "_error", "_most")) or name == "acceptance" or name.startswith("held_out"):
            # of bounds, of ceilings, of sampled noise, of Monte-Carlo moves, and of tables with rows held out only
            assert np.isnan(values).all(), name
            continue
        assert np.isfinite(values[1:]).all(), name
        assert np.isnan(values[0]).all() if gradients else np.isfinite(values[0]).all(), name
    assert (layers.grad_mean[1:] > 0).all()
    assert (layers.grad_std[1:] > 0).all()
    for name in LEARNING_COLUMNS:
        assert np.isfinite(getattr(learning, name)).all() != name.startswith("held_out"), name
    assert list(path.parent.iterdir()) == [path]

    assert [p.snapshot for p in told if p.snapshot is not None] == [0, 1, 4, 9, 12]
    assert (told[0].status, told[-1].status) == ("preparing", "finished")
    assert {p.status for p in told[1:-1]} == {"running"}
    done = [p.done for p in told]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0.0, 1.0)
    assert told[-1].epoch == told[-1].epochs == 12


def problem_of(experiment: Experiment) -> Problem:
    rule = load_rule(experiment.rule[0])
    (ensemble,) = experiment.ensembles
    seeds = tuple(range(experiment.seed, experiment.seed + experiment.networks))
    assert isinstance(ensemble.batch, int)
    how = Optimization(ensemble.optimizer, ensemble.learning_rate, ensemble.momentum, ensemble.batch)
    samples = draw_samples(rule, ensemble.fraction, seeds)
    return Problem(Architecture.of(rule, ensemble.hidden, ensemble.activation), rule, samples, seeds, how)


def test_the_weights_in_a_session_give_its_numbers_when_they_are_measured_again(path: Path) -> None:
    run(path)
    threads = Threads(1)
    problem = problem_of(SMALL)
    with SessionReader(path) as reader:
        (ensemble,) = reader.summary.ensembles
        assert reader.rule(1).digest == problem.rule.digest
        samples = reader.samples(ensemble)
        assert np.array_equal(samples.patterns, problem.samples.patterns)
        assert np.array_equal(samples.labels, problem.samples.labels)
        stored = Problem(reader.architecture(ensemble), reader.rule(1), samples, (5, 6, 7), problem.optimization)
        measurer = Measurer(stored, SMALL.bins, threads)
        layers, learning = reader.layers(ensemble), reader.learning(ensemble)
        for place, epoch in enumerate(ensemble.snapshots):
            weights = reader.weights(ensemble, epoch)
            information, learned = measurer.measure(weights)
            assert np.array_equal(information.i_x, layers.i_x[place])
            assert np.array_equal(information.i_y, layers.i_y[place])
            assert np.array_equal(information.distinct, layers.distinct_t[place])
            assert np.array_equal(learned.test_loss, learning.test_loss[place])
            for layer, matrix in enumerate(stored.architecture.matrices(weights)):
                norms = np.linalg.norm(matrix[:, :, :-1].astype(float), axis=(1, 2))
                assert norms == pytest.approx(layers.weight_norm[place, :, layer], rel=1e-12)
    threads.close()


def test_what_a_run_records_is_what_its_trainer_makes_in_one_go(path: Path) -> None:
    run(path)
    threads = Threads(1)
    problem = problem_of(SMALL)
    with SessionReader(path) as reader:
        (ensemble,) = reader.summary.ensembles
        layers = reader.layers(ensemble)
        for place, epoch in enumerate(ensemble.snapshots):
            trainer = FusedTrainer(problem, TrainingState.initial(problem, *SMALL.init_scale), threads)
            norms = trainer.advance(epoch, statistics=True) if epoch else None
            assert np.array_equal(reader.weights(ensemble, epoch), trainer.state().weights)
            if norms is not None:
                assert np.array_equal(layers.grad_mean[place], norms.mean / layers.weight_norm[place])
                assert np.array_equal(layers.grad_std[place], norms.std / layers.weight_norm[place])
    threads.close()


GRID = {
    "rule": ["symmetric-soft", "committee"],
    "theta": ["auto", 5.0],
    "gamma": [4.0, 12.0],
    "i_xy": [0.5, 0.9],
    "batch": [64, "full"],
    "learning_rate": [0.02, 0.1],
    "activation": ["tanh", "relu"],
    "init_scale": [1.0, 2.0],
    "labels": ["rule", "random"],
}
"""Two values of each, beside the settings that the runs of this file have."""


@pytest.mark.parametrize("name", GRID)
def test_an_ensemble_of_a_grid_has_the_bits_that_it_has_alone(path: Path, name: str) -> None:
    small = SMALL.override({"networks": 2, "epochs": 3, "snapshot_at": []})
    run(path, small.override({name: GRID[name]}))
    with SessionReader(path) as reader:
        both = reader.summary.ensembles
        assert [getattr(one.settings, name) for one in both] == GRID[name]
        assert [reader.summary.batches(one) for one in both] == [
            1 if one.settings.batch == "full" else -(-one.sample_size // one.settings.batch) for one in both
        ]
        assert reader.architecture(both[1]).activation == both[1].settings.activation
        for ensemble, value in zip(both, GRID[name], strict=True):
            alone = path.with_name(f"alone-{ensemble.index}.ibs")
            run(alone, small.override({name: value}))
            with SessionReader(alone) as other:
                (one,) = other.summary.ensembles
                assert one.settings == replace(ensemble.settings, index=0)
                assert np.array_equal(reader.weights(ensemble, 3), other.weights(one, 3))
                assert np.array_equal(reader.layers(ensemble).i_x, other.layers(one).i_x)
                assert np.array_equal(reader.samples(ensemble).labels, other.samples(one).labels)
                assert one.rule == replace(ensemble.rule, number=1)
                assert other.rule(1).digest == reader.rule(ensemble.rule.number).digest
        assert not np.array_equal(reader.weights(both[0], 3), reader.weights(both[1], 3))


def test_a_row_of_a_grid_says_what_distinguishes_it(path: Path) -> None:
    wide = {"fraction": [0.1, 0.2], "batch": [64, "full"], "hidden": ["3", "none"]}
    run(path, SMALL.override({"networks": 1, "epochs": 1, "snapshot_at": [], **wide}))
    with closing(sqlite3.connect(path)) as connection:
        rows = [json.loads(text) for (text,) in connection.execute("SELECT settings FROM ensemble ORDER BY id")]
    assert rows == [
        {"hidden": hidden, "fraction": fraction, "batch": batch}
        for hidden in wide["hidden"]
        for fraction in wide["fraction"]
        for batch in wide["batch"]
    ]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE ensemble SET settings = json_set(settings, '$.batch', 65) WHERE id = 2")
    with pytest.raises(SessionError, match=r"its ensemble 2 has 'batch' 65, which is not in its experiment"):
        read_summary(path)


def test_rules_of_a_grid_may_differ_in_their_inputs(path: Path) -> None:
    both = SMALL.override({"rule": ["symmetric", "perceptron"], "networks": 1, "epochs": 2, "snapshot_at": []})
    run(path, both)
    with SessionReader(path) as reader:
        sphere, teacher = reader.summary.ensembles
        assert [reader.architecture(one).widths[0] for one in (sphere, teacher)] == [12, 30]
        assert [one.rule.settings.rule for one in (sphere, teacher)] == ["symmetric", "perceptron"]
        assert teacher.rule.i_xy == reader.rule(2).i_xy != sphere.rule.i_xy
        assert reader.recorded_ensemble(1).i_xy == teacher.rule.i_xy
    writer = reopen(path, epochs=3)
    assert Run(writer).execute() == "finished"
    alone = path.with_name("alone.ibs")
    run(alone, both.override({"rule": "perceptron", "epochs": 3}))
    with SessionReader(path) as reader, SessionReader(alone) as other:
        last = reader.summary.ensembles[1]
        assert np.array_equal(reader.weights(last, 3), other.weights(other.summary.ensembles[0], 3))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE ensemble SET rule = 1", "its ensemble 1 learns the rule 1, in its experiment 2"),
        ("UPDATE ensemble SET rule = 'x' WHERE id = 0", "its ensemble 0 learns the rule 'x', in its experiment 1"),
        ("DELETE FROM rule WHERE id = 2", "its rules are numbered [1], where its experiment has 2, from 1"),
        ("UPDATE rule SET id = 3 WHERE id = 2", "its rules are numbered [1, 3], where its experiment has 2, from 1"),
        ("DELETE FROM rule", "it has no rule"),
    ],
)
def test_a_session_whose_rules_are_not_those_of_its_experiment_is_damaged(
    path: Path, statement: str, told: str
) -> None:
    run(path, SMALL.override({"gamma": [4.0, 12.0], "networks": 1, "epochs": 1, "snapshot_at": []}))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    with pytest.raises(SessionError, match=re.escape(told)):
        read_summary(path)


def test_a_run_learns(path: Path) -> None:
    run(path, SMALL.override({"fraction": 0.5, "epochs": 60, "snapshot_at": []}))
    (key,) = [key for key in results(path) if key[-1] == "test_accuracy"]
    accuracy = results(path)[key]
    assert (accuracy[-1] > 0.8).all()
    assert (accuracy[-1] > accuracy[0] + 0.1).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": "none"},
        {"networks": 1},
        {"fraction": 1e-9},
        {"epochs": 1, "snapshot_at": []},
        {"snapshots": 0, "snapshot_at": []},
        {"hidden": "1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1", "epochs": 3, "snapshot_at": []},
        {"batch": 1, "epochs": 2, "snapshot_at": []},
        {"fraction": 1.0, "epochs": 2, "snapshot_at": []},
        {"bins": 2},
        {"bins": 1_000_000},
        {"activation": "relu", "init_scale": 1e-30},
        {"activation": "linear", "init_scale": 1e-30},
        {"activation": "softsign", "optimizer": "adam", "learning_rate": 0.1},
        {"activation": "sigmoid", "optimizer": "momentum", "momentum": 0},
        {"weights": False},
        {"seed": 2**62},
        {"rule": "committee", "theta": "auto", "i_xy": 0.5},
    ],
    ids=lambda settings: " ".join(f"{key}={str(value)[:9]}" for key, value in settings.items() if value != []),
)
def test_unusual_settings_run_to_their_end_with_every_number_in_place(path: Path, settings: dict[str, Any]) -> None:
    experiment = SMALL.override(settings)
    assert run(path, experiment) == "finished"
    (ensemble,) = read_summary(path).ensembles
    assert ensemble.snapshots == experiment.snapshot_epochs
    found = {key[-1]: value for key, value in results(path).items() if "weights" not in key}
    for name in ("i_x", "i_y", "distinct_t", "low", "high", "weight_norm", "train_loss", "train_accuracy"):
        assert np.isfinite(found[name]).all(), name
    assert np.isfinite(found["grad_mean"][1:]).all()
    batches = -(-ensemble.sample_size // experiment.batch[0])  # type: ignore[operator]
    assert np.isfinite(found["grad_std"][1:]).all() if batches > 1 else np.isnan(found["grad_std"]).all()
    everything = ensemble.sample_size == 4096
    assert np.isnan(found["test_loss"]).all() if everything else np.isfinite(found["test_loss"]).all()
    assert (found["i_x"] >= 0).all()
    assert (found["i_x"] <= 12).all()
    assert (found["i_y"] <= found["i_x"] + 1e-12).all()


def test_a_sample_is_at_least_one_pattern(path: Path) -> None:
    run(path, SMALL.override({"fraction": 1e-9}))
    assert read_summary(path).ensembles[0].sample_size == 1


@pytest.mark.parametrize("batch", ["full", 205, 10_000])
def test_with_one_batch_an_epoch_there_is_no_spread_and_no_signal_to_noise(path: Path, batch: int | str) -> None:
    run(path, SMALL.override({"batch": batch}))
    with SessionReader(path) as reader:
        layers = reader.layers(reader.ensemble(0))
    assert np.isnan(layers.grad_std).all()
    assert np.isnan(layers.snr).all()
    assert np.isfinite(layers.grad_mean[1:]).all()
    with closing(sqlite3.connect(path)) as connection:  # absent in the file, too: not 0 and not infinite
        assert connection.execute("SELECT count(*), count(grad_std) FROM layer").fetchone() == (45, 0)


def test_a_full_batch_is_the_whole_sample(straight: Callable[[Experiment], Results]) -> None:
    full, as_many = (straight(SMALL.override({"batch": batch})) for batch in ("full", 205))
    assert_same(full, as_many)


def test_each_ensemble_of_a_grid_is_what_it_is_alone(straight: Callable[[Experiment], Results]) -> None:
    grid = straight(SMALL.override({"hidden": ["4-3", "none"], "fraction": [0.05, 0.02]}))
    assert len({key[:2] for key in grid}) == 4
    alone: Results = {}
    for hidden in ("4-3", "none"):
        for fraction in (0.05, 0.02):
            alone |= straight(SMALL.override({"hidden": hidden, "fraction": fraction}))
    assert_same(grid, alone)


def test_ensembles_of_a_grid_come_forward_together(path: Path) -> None:
    told: list[tuple[int, int]] = []

    def watch(progress: Progress) -> None:
        if progress.snapshot is not None:
            assert progress.ensemble is not None
            told.append((progress.snapshot, progress.ensemble.index))

    run(path, SMALL.override({"hidden": ["4-3", "none"], "fraction": [0.05, 0.02]}), watch=watch)
    assert told == [(epoch, index) for epoch in SMALL.snapshot_epochs for index in range(4)]


def test_neither_threads_nor_other_networks_change_a_network(
    path: Path, straight: Callable[[Experiment], Results]
) -> None:
    Run(begin(path, "run", SMALL), threads=3).execute()
    assert_same(results(path), straight(SMALL))
    alone = straight(SMALL.override({"networks": 1, "seed": 6}))
    for key, values in straight(SMALL).items():
        if key[-1] != "epochs":
            axis = 0 if "weights" in key else 1
            assert np.array_equal(np.take(values, [1], axis), alone[key], equal_nan=True), key


def test_more_snapshots_change_no_other_snapshot(straight: Callable[[Experiment], Results]) -> None:
    few, many = straight(SMALL), straight(SMALL.override({"snapshot_at": list(range(13))}))
    places = list(SMALL.snapshot_epochs)
    for key, values in few.items():
        again = many[key]
        assert np.array_equal(values, again if "weights" in key else again[places], equal_nan=True), key


# ---- stopped and gone on with


@pytest.mark.parametrize(*diagonal(optimizer=OPTIMIZERS, stops=([0], [1], [6], [2, 3, 11])))
@pytest.mark.usefixtures("one_epoch_at_a_time")
def test_a_run_that_was_stopped_goes_on_to_the_same_numbers(
    path: Path, straight: Callable[[Experiment], Results], optimizer: str, stops: list[int]
) -> None:
    relaxing = {"relax_from": 5} if optimizer == "metropolis" else {}
    experiment = SMALL.override({"optimizer": optimizer, "learning_rate": 0.05} | relaxing)
    assert run(path, experiment, **interrupt_at(stops[0])) == "stopped"
    for epoch in stops[1:]:
        assert read_summary(path).status == "stopped"
        assert list(path.parent.iterdir()) == [path]
        assert go_on(path, options=interrupt_at(epoch)) == "stopped"
        assert read_summary(path).epochs_done == epoch
    assert go_on(path) == "finished"
    assert_same(results(path), straight(experiment))


@pytest.mark.parametrize("prior", ["gauss", "sphere"])
@pytest.mark.usefixtures("one_epoch_at_a_time")
def test_a_relaxation_has_the_prior_and_the_scale_that_are_recorded_also_when_it_goes_on(
    path: Path, straight: Callable[[Experiment], Results], prior: str
) -> None:
    relaxing = SMALL.override({"optimizer": "metropolis", "relax_from": 5, "relax_prior": prior, "init_scale": 0.5})
    assert run(path, relaxing, **interrupt_at(8)) == "stopped"
    assert go_on(path) == "finished"
    assert read_summary(path).experiment == relaxing
    assert_same(results(path), straight(relaxing))
    flat = path.with_name("flat.ibs")
    run(flat, relaxing.override({"relax_prior": None}))
    with SessionReader(path) as reader, SessionReader(flat) as other:
        (one,) = reader.summary.ensembles
        same = {epoch: np.array_equal(reader.weights(one, epoch), other.weights(one, epoch)) for epoch in one.snapshots}
        assert same == {epoch: epoch <= 5 for epoch in one.snapshots}
        if prior == "sphere":
            before, after = (reader.architecture(one).matrices(reader.weights(one, epoch)) for epoch in (5, 12))
            for layer, later in zip(before, after, strict=True):
                assert np.linalg.norm(later, axis=2) == pytest.approx(np.linalg.norm(layer, axis=2), rel=1e-5)


def test_sgd_and_its_relaxation_part_where_the_relaxation_begins(path: Path) -> None:
    run(path, SMALL.override({"optimizer": ["sgd", "metropolis"], "relax_from": 6, "trainer": "auto"}))
    with SessionReader(path) as reader:
        plain, relaxed = reader.summary.ensembles
        assert (plain.optimizer, relaxed.optimizer) == ("sgd", "metropolis")
        assert plain.snapshots == relaxed.snapshots == (0, 1, 4, 6, 9, 12)
        for epoch in plain.snapshots:
            same = np.array_equal(reader.weights(plain, epoch), reader.weights(relaxed, epoch))
            assert same == (epoch <= 6)
        before, after = reader.layers(plain), reader.layers(relaxed)
        assert np.isfinite(before.snr[1:]).all()
        assert np.isfinite(after.snr[1:4]).all()
        assert np.isnan(after.grad_mean[4:]).all()
        assert np.isnan(before.acceptance).all()
        assert np.isnan(after.acceptance[:4]).all()
        assert (after.acceptance[4:] > 0).all()
        loss = reader.learning(relaxed).train_loss
        assert (loss[4:] <= loss[3] * (1 + 2e-6)).all()


def test_stopping_between_snapshots_keeps_the_epochs_since(path: Path, one_epoch_at_a_time: None) -> None:
    run(path, **interrupt_at(7))
    summary = read_summary(path)
    assert (summary.status, summary.epochs_done) == ("stopped", 7)
    assert summary.ensembles[0].snapshots == (0, 1, 4)


def test_a_torch_run_that_was_stopped_goes_on_to_the_same_numbers(
    path: Path, straight: Callable[[Experiment], Results], one_epoch_at_a_time: None
) -> None:
    experiment = SMALL.override({"trainer": "torch", "device": "cpu", "optimizer": "adam", "learning_rate": 0.01})
    run(path, experiment, **interrupt_at(6))
    assert go_on(path) == "finished"
    assert (read_summary(path).ensembles[0].trainer, read_summary(path).ensembles[0].device) == ("torch", "cpu")
    assert_same(results(path), straight(experiment))


def test_a_grid_that_was_stopped_goes_on_to_the_same_numbers(
    path: Path, straight: Callable[[Experiment], Results], one_epoch_at_a_time: None
) -> None:
    experiment = SMALL.override({"hidden": ["4-3", "none"], "fraction": [0.05, 0.02]})
    run(path, experiment, **interrupt_at(7))
    assert len({e.epochs_done for e in read_summary(path).ensembles}) > 1  # not all had come equally far
    go_on(path)
    assert_same(results(path), straight(experiment))


@pytest.mark.parametrize("how", ["finished", "stopped", "killed"])
def test_a_longer_run_is_what_it_would_have_been_from_the_start(
    path: Path, straight: Callable[[Experiment], Results], one_epoch_at_a_time: None, how: str
) -> None:
    if how == "finished":
        run(path)
    elif how == "stopped":
        run(path, **interrupt_at(6))
    else:
        begin(path, "run", SMALL).close()
        bury(path)
    before = results(path)
    assert go_on(path, epochs=30) == "finished"
    summary = read_summary(path)
    assert (summary.status, summary.experiment.epochs) == ("finished", 30)
    epochs = summary.ensembles[0].snapshots
    assert epochs[:5] == SMALL.snapshot_epochs
    assert epochs[-1] == 30
    assert_same(results(path), straight(SMALL.override({"epochs": 30, "snapshot_at": list(epochs)})))
    done = len(before["4-3", 0.05, "epochs"]) if before else 0
    for key, values in before.items():
        again = results(path)[key]
        assert np.array_equal(values, again if "weights" in key else again[:done], equal_nan=True), key


@pytest.mark.parametrize("stop", [None, 6])
def test_networks_added_later_are_what_they_would_have_been_from_the_start(
    path: Path, straight: Callable[[Experiment], Results], one_epoch_at_a_time: None, stop: int | None
) -> None:
    experiment = SMALL.override({"hidden": ["4-3", "none"]})
    run(path, experiment, **(interrupt_at(stop) if stop else {}))
    assert go_on(path, networks=5) == "finished"
    assert [e.networks for e in read_summary(path).ensembles] == [5, 5]
    with SessionReader(path) as reader:
        assert reader.seeds(reader.ensemble(0)) == [5, 6, 7, 8, 9]
    assert_same(results(path), straight(experiment.override({"networks": 5})))
    # and once more, longer too
    assert go_on(path, networks=6, epochs=20) == "finished"
    epochs = list(read_summary(path).ensembles[0].snapshots)
    settings = {"networks": 6, "epochs": 20, "snapshot_at": epochs}
    assert_same(results(path), straight(experiment.override(settings)))


def test_a_finished_session_is_not_reopened_for_nothing(path: Path) -> None:
    run(path)
    before = path.read_bytes()
    hint = r"session 'run' is finished at epoch 12: give --epochs above 12 or --networks above 3 to go on"
    for more in ({}, {"epochs": 12}, {"networks": 3}, {"epochs": 12, "networks": 3}):
        with pytest.raises(InvalidValue, match=hint):
            reopen(path, **more)
    for less in (11, 0, -1):
        with pytest.raises(InvalidValue, match="--epochs must be greater than 12, which session 'run' already has"):
            reopen(path, epochs=less)
    for less in (2, 0, -1):
        with pytest.raises(InvalidValue, match="--networks must be greater than 3, which session 'run' already has"):
            reopen(path, networks=less)
    with pytest.raises(InvalidValue, match=r"epochs must be .*, got 1000000000"):
        reopen(path, epochs=10**9)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("missing", "said"),
    [("torch", "needs torch, which is not installed"), ("cuda", "not available here; available: cpu")],
)
def test_a_session_whose_trainer_is_not_available_here_stays_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, said: str
) -> None:
    run(path, SMALL.override({"trainer": "torch", "device": "cpu"}))
    if missing == "cuda":  # it was trained on another machine
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE ensemble SET device = 'cuda'")
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    else:
        monkeypatch.setitem(sys.modules, "torch", None)
    before = path.read_bytes()
    for more in ({"epochs": 20}, {"networks": 5}):
        with pytest.raises(InvalidValue, match=said):
            reopen(path, **more)
    assert path.read_bytes() == before


def test_a_session_that_is_running_is_not_reopened(path: Path) -> None:
    with begin(path, "run", SMALL), pytest.raises(SessionError, match="is in use: process"):
        reopen(path, epochs=50)
    assert read_summary(path).experiment == SMALL


def test_a_session_that_could_not_be_taken_up_can_be_once_what_was_wrong_is_not(
    path: Path, straight: Callable[[Experiment], Results], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    run(path)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(runner, "draw_samples", full)
        with pytest.raises(StorageError):
            reopen(path, networks=5)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert go_on(path, networks=5) == "finished"
    assert_same(results(path), straight(SMALL.override({"networks": 5})))


def test_a_run_killed_before_its_first_snapshot_is_taken_up(
    path: Path, straight: Callable[[Experiment], Results]
) -> None:
    begin(path, "run", SMALL).close()
    bury(path)
    assert read_summary(path).status == "interrupted"
    assert go_on(path) == "finished"
    assert_same(results(path), straight(SMALL))


@pytest.mark.parametrize(
    "lost",
    [
        ("DELETE FROM network WHERE ensemble = 1", "DELETE FROM cohort WHERE ensemble = 1"),
        ("DELETE FROM network", "DELETE FROM cohort", "DELETE FROM ensemble"),
        (
            "DELETE FROM network WHERE ensemble = 1",
            "DELETE FROM cohort WHERE ensemble = 1",
            "DELETE FROM ensemble WHERE id = 1",
        ),
    ],
    ids=["a cohort", "all", "an ensemble"],
)
def test_networks_that_a_killed_run_had_not_yet_written_down_are_added(
    path: Path, straight: Callable[[Experiment], Results], lost: tuple[str, ...]
) -> None:
    experiment = SMALL.override({"hidden": ["4-3", "none"]})
    begin(path, "run", experiment).close()
    set_in(path, *lost)
    bury(path)
    assert go_on(path) == "finished"
    assert_same(results(path), straight(experiment))


KILLED = """
import sys
from pathlib import Path
from ibtui_engine import cohort, runner
from ibtui_engine.experiment import Experiment
cohort.CHUNK_SECONDS = runner.CHECKPOINT_SECONDS = 0.0
import json
experiment = Experiment.from_dict(json.loads(sys.argv[2]))
run = runner.Run(runner.begin(Path(sys.argv[1]), "run", experiment), threads=1)
run.execute(lambda progress: print(progress.epoch, flush=True))
"""


@pytest.mark.parametrize("lines", first(1, [60, 2]))
def test_a_run_whose_process_is_killed_goes_on_to_the_same_numbers(
    path: Path, straight: Callable[[Experiment], Results], lines: int
) -> None:
    experiment = SMALL.override({"epochs": 20_000, "snapshots": 12, "fraction": 0.01, "snapshot_at": []})
    command = [sys.executable, "-c", KILLED, str(path), json.dumps(experiment.to_dict())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline()
        process.kill()
    summary = read_summary(path)
    assert summary.status == "interrupted"
    with closing(sqlite3.connect(path)) as connection:  # each snapshot is whole
        assert set(connection.execute("SELECT count(*) FROM layer GROUP BY snapshot")) <= {(9,)}
        without = "SELECT count(*) FROM snapshot WHERE id NOT IN (SELECT snapshot FROM weights)"
        assert connection.execute(without).fetchone() == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert go_on(path) == "finished"
    assert_same(results(path), straight(experiment))


def test_a_session_of_a_table_needs_the_table_s_file_no_more(
    path: Path, tmp_path: Path, one_epoch_at_a_time: None
) -> None:
    table = tmp_path / "soft.csv"
    table.write_text("a,b,p_y\n0.5,0,0\n0,1.5,1\n1,0,1\n1,1,0.25\n")
    experiment = SMALL.override({"rule": f"table:{table}", "fraction": 1, "batch": 2})
    run(path, experiment)
    whole = results(path)
    path.unlink()
    run(path, experiment, **interrupt_at(5))
    table.unlink()
    assert go_on(path) == "finished"
    assert_same(results(path), whole)
    with SessionReader(path) as reader:
        assert reader.rule(1).p_y.tolist() == [0, 1, 1, 0.25]


# ---- asked for from outside


ENDLESS = SMALL.override({"epochs": 100_000_000, "snapshots": 60, "snapshot_at": []})


def in_the_background(path: Path, act: Callable[[], None]) -> tuple[threading.Thread, list[BaseException]]:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)
            send(path, "stop")

    thread = threading.Thread(target=work)
    thread.start()
    return thread, failures


def test_a_run_pauses_resumes_and_stops_when_asked(path: Path) -> None:
    def ask() -> None:
        assert wait_until(path, ("running",), 30) == "running"
        time.sleep(0.1)
        send(path, "resume")  # nothing to resume: nothing happens
        send(path, "pause")
        assert wait_until(path, ("paused",), 30) == "paused"
        paused = read_summary(path)
        time.sleep(0.6)
        again = read_summary(path)
        assert again.live
        assert again.epochs_done == paused.epochs_done
        assert again.writer is not None
        assert paused.writer is not None
        assert again.writer.heartbeat > paused.writer.heartbeat  # a paused run still shows that it lives
        send(path, "resume")
        assert wait_until(path, ("running",), 30) == "running"
        end = time.monotonic() + 30
        while read_summary(path).epochs_done == paused.epochs_done and time.monotonic() < end:
            time.sleep(0.02)
        send(path, "pause")
        assert wait_until(path, ("paused",), 30) == "paused"
        assert read_summary(path).epochs_done > paused.epochs_done
        send(path, "stop")  # also while it pauses

    run_ = Run(begin(path, "run", ENDLESS), threads=1)
    thread, failures = in_the_background(path, ask)
    assert run_.execute() == "stopped"
    thread.join()
    assert failures == []
    summary = read_summary(path)
    assert summary.status == "stopped"
    assert summary.epochs_done > 0
    with closing(sqlite3.connect(path)) as connection:
        kinds = [kind for (kind,) in connection.execute("SELECT kind FROM event ORDER BY id")]
    assert kinds == ["paused", "running", "paused", "stopped"]


def test_pausing_changes_no_number(
    path: Path, straight: Callable[[Experiment], Results], one_epoch_at_a_time: None
) -> None:
    def watch(progress: Progress) -> None:
        if progress.status == "paused":
            send(path, "resume")
        elif progress.status == "running" and progress.epoch in (3, 4, 10):
            send(path, "pause")

    assert run(path, watch=watch) == "finished"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM event WHERE kind = 'paused'").fetchone()[0] >= 3
    assert_same(results(path), straight(SMALL))


def test_a_run_is_stopped_from_another_process(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ibtui_engine.session.control import send;"
        "send(Path(sys.argv[1]), sys.argv[2])"
    )

    def ask() -> None:
        subprocess.run([sys.executable, "-c", code, str(path), "stop"], check=True, timeout=60)

    run_ = Run(begin(path, "run", ENDLESS), threads=1)
    thread, failures = in_the_background(path, ask)
    assert run_.execute() == "stopped"
    thread.join()
    assert failures == []
    assert read_summary(path).status == "stopped"


def test_a_watcher_s_interrupt_key_ends_the_run_at_once_and_says_so(
    path: Path, straight: Callable[[Experiment], Results]
) -> None:
    def watch(progress: Progress) -> None:
        if progress.snapshot == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, watch=watch)
    assert read_summary(path).status == "stopped"
    assert list(path.parent.iterdir()) == [path]
    assert go_on(path) == "finished"
    assert_same(results(path), straight(SMALL))


def require_interrupted(path: Path) -> None:
    """It says that it runs, and the process that ran it has gone: the tests' own stands for that."""
    assert read_summary(path).status == "running"
    set_in(path, "UPDATE writer SET started = started - 1000")
    assert read_summary(path).status == "interrupted"


@pytest.mark.parametrize("what", [KeyboardInterrupt, TrainingError])
def test_a_run_that_ends_while_another_program_has_its_session_locked_ends_for_its_own_reason(
    path: Path, straight: Callable[[Experiment], Results], monkeypatch: pytest.MonkeyPatch, what: type[BaseException]
) -> None:
    monkeypatch.setattr(claim, "LEAVING_SECONDS", 0.0)
    interrupt = Interrupt()
    with ExitStack() as held:

        def watch(progress: Progress) -> None:
            if progress.snapshot == 4:
                holder = held.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
                holder.execute("BEGIN IMMEDIATE")
                interrupt.request()
                raise what("it ends")

        with pytest.raises(what, match="it ends"):
            run(path, watch=watch, interrupt=interrupt)
    require_interrupted(path)
    assert go_on(path) == "finished"
    assert_same(results(path), straight(SMALL))


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_run_that_is_stopped_while_its_session_is_locked_is_stopped(
    path: Path, straight: Callable[[Experiment], Results], monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    """From within the wait for the lock: by the request, or by an exception there."""
    monkeypatch.setattr(claim, "LEAVING_SECONDS", 0.0)
    monkeypatch.setattr(claim, "TOLD_SECONDS", 0.0)
    interrupt = Interrupt()
    with ExitStack() as held:

        def watch(progress: Progress) -> None:
            if "locked" in progress.note:
                interrupt.request()
                if interrupted:
                    raise KeyboardInterrupt
            elif progress.snapshot == 4:
                holder = held.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
                holder.execute("BEGIN IMMEDIATE")

        if interrupted:
            with pytest.raises(KeyboardInterrupt):
                run(path, watch=watch, interrupt=interrupt)
        else:
            assert run(path, watch=watch, interrupt=interrupt) == "stopped"
    require_interrupted(path)
    assert go_on(path) == "finished"
    assert_same(results(path), straight(SMALL))


# ---- what goes wrong


def whole(path: Path) -> None:
    """The file is in order and every snapshot in it complete."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    for key, values in results(path).items():
        if key[-1] in ("i_x", "i_y", "train_loss", "weight_norm"):
            assert np.isfinite(values).all(), key


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_networks_that_diverge_end_the_run_in_one_line_and_what_was_measured_stays(path: Path, activation: str) -> None:
    settings = {"activation": activation, "learning_rate": 1e30, "hidden": "5-5", "epochs": 200, "snapshots": 60}
    with pytest.raises(TrainingError, match=r"has diverged by epoch \d+: try a smaller --learning-rate") as caught:
        run(path, SMALL.override(settings))
    assert "seed " in str(caught.value)
    assert "\n" not in str(caught.value)
    summary = read_summary(path)
    assert summary.status == "stopped"
    assert 0 in summary.ensembles[0].snapshots
    whole(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT text FROM event WHERE kind = 'stopped'").fetchone() == (str(caught.value),)


@pytest.mark.parametrize(
    "settings",
    [
        {"init_scale": 1e37, "hidden": "-".join("4" * 16), "activation": "linear"},
        {"init_scale": 1e37, "hidden": "-".join("4" * 16), "activation": "relu"},
        {"learning_rate": 3e38, "activation": "linear"},
        {"learning_rate": 3e38, "optimizer": "adam"},
    ],
    ids=str,
)
def test_numbers_beyond_floating_point_are_divergence_wherever_they_turn_up(
    path: Path, settings: dict[str, Any]
) -> None:
    """Weights may be finite and what they make of the inputs not."""
    with pytest.raises(TrainingError, match=r"has diverged by epoch \d+: try a smaller --(learning-rate|init-scale)"):
        run(path, SMALL.override(settings))
    assert read_summary(path).status == "stopped"
    whole(path)


@pytest.mark.parametrize("room", first(2, [0, 5, 1, 20]))
def test_a_full_disk_ends_the_run_and_leaves_the_session_whole(
    path: Path, straight: Callable[[Experiment], Results], room: int
) -> None:
    experiment = SMALL.override({"networks": 30, "snapshot_at": list(range(13))})
    writer = begin(path, "run", experiment)
    pages = writer._connection.execute("PRAGMA page_count").fetchone()[0]
    writer._connection.execute(f"PRAGMA max_page_count = {pages + room}")
    with pytest.raises(StorageError, match=r"cannot be written: .*full.*it is whole up to its last snapshot"):
        Run(writer, threads=1).execute()
    whole(path)
    summary = read_summary(path)
    assert summary.status in ("stopped", "running")  # the latter where not even that could be written
    assert len(summary.ensembles[0].snapshots) < 13
    bury(path)
    assert go_on(path) == "finished"  # somebody has made room
    assert_same(results(path), straight(experiment))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE session SET schedule = '[5'",
        "UPDATE session SET experiment = '{}' || experiment",
        "UPDATE session SET experiment = replace(experiment, '\"4-3\"', '\"4-4\"')",
        "UPDATE checkpoint SET data = x'00'",
        "UPDATE checkpoint SET epoch = 'x'",
        "UPDATE cohort SET first = 'x'",
        "UPDATE cohort SET first = -1",
        "UPDATE cohort SET first = 9223372036854775807",
        "UPDATE cohort SET networks = 100001",
        "UPDATE cohort SET ensemble = 7",
        "UPDATE rule SET p_y = x'00'",
        "UPDATE rule SET rows = 1000000000000",
        "UPDATE ensemble SET trainer = 'torch', device = 'abacus'",
        "UPDATE writer SET pid = 'x'",
        "DELETE FROM rule",
        "DELETE FROM session",
    ],
)
def test_a_damaged_session_is_refused_and_never_trained_on(path: Path, one_epoch_at_a_time: None, damage: str) -> None:
    run(path, **interrupt_at(6))
    set_in(path, damage)
    before = path.read_bytes()
    for further in ({}, {"epochs": 50}, {"networks": 4}):
        with pytest.raises(EngineError) as caught:
            go_on(path, **further)
        assert "\n" not in str(caught.value)
    assert path.read_bytes() == before, "a refused command changes nothing"
    assert list(path.parent.iterdir()) == [path]
