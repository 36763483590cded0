"""Runs of stochastic networks: the same numbers whatever comes between, and what a session of them can and cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine import cohort
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.fit import fit_session
from ibtui_engine.measures.checks import violations
from ibtui_engine.noise import noise_of
from ibtui_engine.remeasure import Remeasurer, by_every_estimator, save_remeasured
from ibtui_engine.session.columns import LAYER_COLUMNS
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary
from ibtui_engine.sweep import sweep
from ibtui_engine.threads import Threads
from tests.engine.test_held_out import table
from tests.engine.test_runner import KILLED, SMALL, Results, assert_same, go_on, interrupt_at, results, run

STOCHASTIC = SMALL.override({"units": "stochastic"})
BOTH = SMALL.override({"units": ["deterministic", "stochastic"]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.ibs"


def straight(path: Path, experiment: Experiment) -> Results:
    other = path.with_name("straight.ibs")
    assert run(other, experiment) == "finished"
    return results(other)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd"},
        {"optimizer": "momentum"},
        {"optimizer": "adam"},
        {"optimizer": "adam", "ib_beta": 20.0},
        {"optimizer": "adam", "ib_beta": 20.0, "ib_method": "self-consistent"},
        {"weight_decay": 0.1, "sampling": "replacement"},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_a_run_that_was_stopped_or_extended_goes_on_to_the_same_numbers(
    path: Path, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort, "CHUNK_SECONDS", 0.0)
    experiment = STOCHASTIC.override({**settings, "learning_rate": 0.05})
    assert run(path, experiment.override({"networks": 2, "epochs": 9}), **interrupt_at(3)) == "stopped"
    assert go_on(path, options=interrupt_at(6)) == "stopped"
    assert go_on(path, epochs=12, networks=3) == "finished"
    (ensemble,) = read_summary(path).ensembles
    assert (ensemble.trainer, ensemble.device, ensemble.settings.stochastic) == ("stochastic", "cpu", True)
    expected = straight(path, experiment)
    again = results(path)
    places = [list(again["4-3", 0.05, "epochs"]).index(epoch) for epoch in (0, 1, 4, 12)]
    for name in LAYER_COLUMNS:
        assert np.array_equal(
            again["4-3", 0.05, name][places], expected["4-3", 0.05, name][[0, 1, 2, 4]], equal_nan=True
        ), name


@pytest.mark.long
def test_a_run_whose_process_is_killed_goes_on_to_the_same_numbers(path: Path) -> None:
    experiment = STOCHASTIC.override({"epochs": 3_000, "snapshots": 8, "snapshot_at": []})
    command = [sys.executable, "-c", KILLED, str(path), json.dumps(experiment.to_dict())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(30):
            assert process.stdout.readline()
        process.kill()
    assert read_summary(path).status == "interrupted"
    assert go_on(path) == "finished"
    assert_same(results(path), straight(path, experiment))


def test_both_kinds_of_units_are_what_they_are_alone(path: Path) -> None:
    run(path, BOTH)
    with SessionReader(path) as reader:
        found = [(one.layers, one.measured_by, one.title) for one in reader.recorded_ensembles()]
    assert [how for _, how, _ in found] == ["binning", "own-noise"]
    assert [title for *_, title in found] == [f"4-3 at 0.05, {kind} units" for kind in BOTH.units]
    for name, (layers, *_) in zip(("plain", "stochastic"), found, strict=True):
        alone = path.with_name(f"{name}.ibs")
        run(alone, SMALL if name == "plain" else STOCHASTIC)
        for column in LAYER_COLUMNS:
            assert np.array_equal(getattr(layers, column), results(alone)["4-3", 0.05, column], equal_nan=True), column


def test_numbers_are_exact_and_in_place(path: Path) -> None:
    run(path, STOCHASTIC.override({"hidden": "5-4-2", "init_scale": 3.0}))
    with SessionReader(path) as reader:
        one = reader.recorded_ensemble(0)
    assert violations(one.layers.i_x, one.layers.i_y, one.h_x, one.i_xy) == ()
    assert one.layers.distinct_t[0, 0].tolist() == [32, 16, 4, 2]
    for name in ("i_x", "i_y", "low", "high", "saturated", "nonlinear", "weight_norm"):
        assert np.isfinite(getattr(one.layers, name)).all(), name
    for name in ("i_x_error", "i_y_error", "i_x_lower", "i_x_most", "acceptance"):
        assert np.isnan(getattr(one.layers, name)).all(), name
    assert np.isfinite(one.layers.snr[1:]).all()
    assert (one.layers.i_x[..., -1] <= 1).all()


@pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
def test_tables_with_weights_and_rows_held_out_run(path: Path, tmp_path: Path, weighted: bool) -> None:
    file = table(tmp_path / "t.csv", 2)
    if weighted:
        head, *lines = file.read_text().splitlines()
        file.write_text("\n".join([f"weight,{head}", *(f"{1 + k % 3},{line}" for k, line in enumerate(lines))]) + "\n")
    run(path, STOCHASTIC.override({"rule": f"table:{file}", "test_fraction": 0.3, "fraction": 0.8, "batch": 16}))
    with SessionReader(path) as reader:
        one = reader.recorded_ensemble(0)
    assert one.ensemble.rule.weighted == weighted
    for name in ("i_x", "held_out_i_x", "held_out_i_y"):
        assert np.isfinite(getattr(one.layers, name)).all()
    assert np.isfinite(one.learning.held_out_loss).all()
    assert violations(one.layers.i_x, one.layers.i_y, one.h_x, one.i_xy) == ()


def test_rules_of_more_than_two_labels_are_refused(path: Path, tmp_path: Path) -> None:
    rule = f"table:{table(tmp_path / 't.csv', 3)}"
    with pytest.raises(InvalidValue, match=r"^stochastic units learn two labels, and the rule table:.* has 3$"):
        run(path, STOCHASTIC.override({"rule": rule}))
    assert not path.exists()


def test_what_needs_deterministic_units_is_refused(path: Path) -> None:
    run(path, STOCHASTIC.override({"epochs": 1, "snapshot_at": []}))
    summary = read_summary(path)
    assert {what: summary.can(what) for what in ("resume", "remeasure", "estimators", "fit", "weights")} == {
        "resume": True, "remeasure": False, "estimators": False, "fit": True, "weights": True
    }  # fmt: skip
    exact = "its units are stochastic: information is exact, and there is no estimator to choose"
    assert summary.why_not("remeasure") == exact
    threads = Threads(1)
    with SessionReader(path) as reader:
        ensemble = reader.ensemble(0)
        with pytest.raises(InvalidValue, match=exact):
            Remeasurer(reader, ensemble, summary.experiment, threads)
        with pytest.raises(InvalidValue, match="noise is added to weights of deterministic units"):
            noise_of(reader, ensemble, threads)
        with pytest.raises(InvalidValue, match="stochastic units have no bins: their information is exact"):
            sweep(reader, ensemble, summary.experiment, [10], [0, 1], threads)
        with pytest.raises(InvalidValue, match="information of stochastic ones is exact"):
            next(by_every_estimator(reader, reader.recorded_ensemble(0), 1, ["kde"], {}, threads))
    threads.close()


def test_beside_deterministic_units_they_keep_their_numbers_when_those_are_measured_again(path: Path) -> None:
    run(path, BOTH)
    other = path.with_name("again.ibs")
    threads = Threads(1)
    with SessionReader(path) as reader:
        save_remeasured(reader, other, "again", BOTH.override({"bins": 5}), threads)
    threads.close()
    with SessionReader(path) as before, SessionReader(other) as after:
        for index, same in ((0, False), (1, True)):
            one, again = (reader.layers(reader.ensemble(index)) for reader in (before, after))
            assert np.array_equal(one.i_x, again.i_x) == same


def test_layers_are_fitted_with_their_true_encoders(path: Path) -> None:
    run(path, BOTH.override({"hidden": "3-2", "init_scale": 2.0}))
    _, _, ((_, binned), (_, exact)) = fit_session(path)
    assert (binned.bins, exact.bins) == (30, 0)
    with SessionReader(path) as reader:
        layers = reader.layers(reader.ensemble(1))
    np.testing.assert_allclose(exact.i_x, layers.i_x[-1], atol=1e-9)
    np.testing.assert_allclose(exact.i_y, layers.i_y[-1], atol=1e-9)
    assert {field.name for field in fields(exact)} >= {"residual", "inconsistency"}
    assert np.isfinite(exact.residual).all()
