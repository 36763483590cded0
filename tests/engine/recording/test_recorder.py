"""Recordings from arrays: what is in the session, what is noted, and that nothing ends the training."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ibtui
from ibtui_engine.errors import InvalidValue, SessionError, StorageError
from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.recorded import Recording
from ibtui_engine.recording.recorder import Recorder, RecordingWarning
from ibtui_engine.recording.schedule import EACH_UP_TO, Schedule
from ibtui_engine.session.connection import open_session
from ibtui_engine.session.control import send
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.recording_writer import RecordingWriter
from ibtui_engine.session.summary import read_summary

RANDOM = np.random.default_rng(4)
LABELS = RANDOM.integers(0, 3, 40)
INPUTS = RANDOM.normal(size=(40, 6)).astype(np.float32)


def layers_at(epoch: int, network: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(100 * network + epoch)
    return {"conv": random.normal(size=(40, 2, 3, 3)).astype(np.float32), "head": random.normal(size=(40, 3))}


def notes_of(path: Path) -> list[str]:
    with closing(open_session(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM event WHERE kind = 'note' ORDER BY id")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own.ibs"


def test_a_session_has_what_was_recorded_and_nothing_else(path: Path) -> None:
    gradients = {"conv": (0.4, 0.2), "head": (0.3, math.nan)}
    weights = {"conv": np.full((2, 2), 1.0), "head": 3.0}
    with Recorder(path, LABELS, inputs=INPUTS, data="blobs", epochs=9, name="mine") as recorder:
        assert recorder.snapshot(0, layers_at(0), weights=weights, batches=7)
        assert recorder.snapshot(
            1, layers_at(1), gradients=gradients, weights=weights, losses=(0.7, 0.8), accuracies={"test": 0.5}
        )
    with SessionReader(path) as reader:
        summary, one = reader.summary, reader.recorded_ensemble(0)
    assert (summary.name, summary.status, summary.recorded) == ("mine", "finished", True)
    assert isinstance(summary.experiment, Recording)
    assert (summary.experiment.data, summary.experiment.epochs, summary.experiment.networks) == ("blobs", 9, 1)
    assert summary.experiment.varied == ()
    assert (summary.rules[0].patterns, summary.rules[0].labels) == (40, 3)
    assert summary.rules[0].h_x == pytest.approx(math.log2(40))
    assert one.layer_names == ("conv", "head")
    assert one.widths == (18, 3)
    assert one.batches == 7
    assert one.epochs == (0, 1)
    for row, epoch in enumerate((0, 1)):
        expected = measure_outputs(layers_at(epoch), LABELS, "gauss").information
        for name in ("i_x", "i_y", "i_x_error", "i_y_error", "low", "high"):
            assert np.array_equal(getattr(one.layers, name)[row], getattr(expected, name)), name
    assert one.layers.weight_norm[1, 0].tolist() == [2.0, 3.0]
    assert one.layers.grad_mean[1, 0] == pytest.approx([0.2, 0.1])
    assert one.layers.grad_std[1, 0] == pytest.approx([0.1, math.nan], nan_ok=True)
    assert np.isnan(one.layers.grad_mean[0]).all()
    learned = [
        getattr(one.learning, name)[1, 0] for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    ]
    assert learned == pytest.approx([0.7, 0.8, math.nan, 0.5], nan_ok=True)
    assert np.isnan(one.learning.train_loss[0, 0])
    assert notes_of(path) == []


def test_a_recording_says_what_it_cannot_do(path: Path) -> None:
    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, layers_at(0))
    summary = read_summary(path)
    for ability in ("resume", "remeasure", "fit", "weights"):
        assert not summary.can(ability)
        assert summary.why_not(ability).startswith("it is a recording")
    with pytest.raises(InvalidValue, match="cannot be resumed: it is a recording"):
        ibtui.reopen(path, epochs=50)
    with SessionReader(path) as reader, pytest.raises(InvalidValue, match="has no weights: it is a recording"):
        reader.weights(reader.ensemble(0), 0)
    with pytest.raises(InvalidValue, match="is the data of a recording, which cannot be run"):
        ibtui.Experiment(rule=summary.experiment.rule)


def test_inputs_are_kept_where_that_is_asked_for_and_else_as_a_digest(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "kept.ibs"
    twice = np.concatenate([INPUTS[:20], INPUTS[:20]])
    for file, keep in ((path, False), (other, True)):
        with Recorder(file, LABELS, inputs=twice, keep_inputs=keep) as recorder:
            recorder.snapshot(0, layers_at(0))
    with SessionReader(path) as reader, SessionReader(other) as kept:
        assert np.array_equal(kept.rule(1).patterns, twice)
        assert reader.rule(1).patterns.shape == (40, 1)
        assert np.array_equal(reader.rule(1).p_y, kept.rule(1).p_y)
        assert reader.summary.rules[0].h_x == kept.summary.rules[0].h_x == pytest.approx(math.log2(20))
    assert INPUTS[:1].tobytes() not in path.read_bytes()


def test_several_networks_and_ensembles_share_a_session(path: Path) -> None:
    for network in (5, 9):
        with Recorder(path, LABELS) as recorder:
            for epoch in (0, 1):
                recorder.snapshot(epoch, layers_at(epoch, network), network=network)
    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, {"only": layers_at(0)["head"]}, ensemble="small")
    with SessionReader(path) as reader:
        first, second = reader.recorded_ensembles()
    assert first.values("i_x").shape == (2, 2, 2)
    assert np.isfinite(first.values("i_x")).all()
    assert (second.ensemble.hidden, second.layer_names) == ("small", ("only",))
    assert first.layer_figures(1)[0].i_x.count == 2


def test_layers_may_be_beyond_what_a_run_may_have(path: Path) -> None:
    with Recorder(path, LABELS, estimator="exact") as recorder:
        recorder.snapshot(0, {f"block{k}": np.tile(layers_at(k)["head"], (1, k + 1)) for k in range(60)})
        wide = np.zeros((40, 1_000_000), np.float32)
        wide[:20, 7] = 1
        recorder.snapshot(0, {"wide": wide}, ensemble="wide")
    with SessionReader(path) as reader:
        deep, wide_one = reader.recorded_ensembles()
    assert len(deep.layer_names) == 60
    assert wide_one.widths == (1_000_000,)
    assert wide_one.layers.i_x[0, 0, 0] == 1.0


def test_held_out_patterns_are_measured_separately(path: Path) -> None:
    fresh = np.random.default_rng(77)
    beside = {"conv": fresh.normal(size=(25, 18)), "head": fresh.normal(size=(25, 3))}
    labels = fresh.integers(0, 2, 25)
    with Recorder(path, LABELS, held_out=labels) as recorder:
        recorder.snapshot(0, layers_at(0), held_out=beside)
        recorder.snapshot(1, layers_at(1))
    with SessionReader(path) as reader:
        one, rule = reader.recorded_ensemble(0), reader.summary.rules[0]
    expected = measure_outputs(beside, np.eye(3)[labels], "gauss").information
    assert np.array_equal(one.layers.held_out_i_x[0], expected.i_x)
    assert np.array_equal(one.layers.held_out_i_y[0], expected.i_y)
    assert np.isnan(one.layers.held_out_i_x[1]).all()
    assert np.isfinite(one.layers.i_x).all()
    assert rule.held_out is not None
    assert (rule.held_out.patterns, rule.labels) == (25, 3)


def test_the_schedule_decides_what_is_measured_and_arrays_are_asked_for_only_then(path: Path) -> None:
    asked = []

    def outputs(epoch: int) -> Callable[[], dict[str, np.ndarray]]:
        def give() -> dict[str, np.ndarray]:
            asked.append(epoch)
            return layers_at(epoch)

        return give

    with Recorder(path, LABELS, every=3) as recorder:
        for epoch in range(8):
            assert recorder.snapshot(epoch, outputs(epoch))
            assert recorder.due(epoch) == (epoch % 3 == 0)
    assert asked == [0, 3, 6]
    assert read_summary(path).ensembles[0].snapshots == (0, 3, 6)


def test_an_app_follows_a_recording_while_it_grows(path: Path) -> None:
    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, layers_at(0))
        with Follower(path) as follower:
            assert follower.summary.status == "running"
            recorder.snapshot(1, layers_at(1))
            assert follower.update()
            assert follower.recorded_ensemble(0).epochs == (0, 1)
    assert read_summary(path).status == "finished"


def test_stop_ends_the_training_and_pause_holds_it(path: Path) -> None:
    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, layers_at(0))
        send(path, "pause")
        send(path, "resume")
        assert recorder.snapshot(1, layers_at(1))
        send(path, "stop")
        assert not recorder.snapshot(2, layers_at(2))
        assert not recorder.snapshot(3, layers_at(3))
        assert recorder.stopped
    summary = read_summary(path)
    assert (summary.status, summary.ensembles[0].snapshots) == ("stopped", (0, 1))


def test_an_exception_in_the_loop_is_not_swallowed_and_leaves_a_whole_session(path: Path) -> None:
    def train() -> None:
        with Recorder(path, LABELS) as recorder:
            recorder.snapshot(0, layers_at(0))
            raise ZeroDivisionError("my own")

    with pytest.raises(ZeroDivisionError):
        train()
    assert read_summary(path).status == "stopped"
    with closing(open_session(path)) as connection:
        text = connection.execute("SELECT text FROM event WHERE kind = 'stopped'").fetchone()[0]
    assert text == "the training loop ended with ZeroDivisionError: my own"


Step = Callable[[Recorder], Any]


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (lambda r: r.snapshot(1, layers_at(1)), "it comes after epoch 1: epochs may not be repeated or go back"),
        (lambda r: r.snapshot(0, layers_at(0)), "it comes after epoch 1: epochs may not be repeated or go back"),
        (lambda r: r.snapshot(-1, layers_at(0)), "epoch must be a whole number from 0 to 100000000, got -1"),
        (lambda r: r.snapshot(2.5, layers_at(0)), "epoch must be a whole number from 0 to 100000000, got 2.5"),
        (lambda r: r.snapshot(2, {**layers_at(2), "new": LABELS}), "'new' is no layer of the recording: conv, head"),
        (lambda r: r.snapshot(2, {"conv": layers_at(2)["conv"]}), "layer 'head' is missing"),
        (lambda r: r.snapshot(2, layers_at(2) | {"head": np.ones((40, 5))}), "'head' has 5 units now, and had 3"),
        (lambda r: r.snapshot(2, layers_at(2) | {"head": np.ones((39, 3))}), "must have a row for each of the 40"),
        (lambda r: r.snapshot(2, layers_at(2), gradients={"x": (1.0, 1.0)}), "'x' is no layer: conv, head"),
        (lambda r: r.snapshot(2, layers_at(2), gradients={"conv": 3.0}), "gradients of 'conv' must be"),
        (lambda r: r.snapshot(2, layers_at(2), losses={"of": 1.0}), "losses must be of train and test, got 'of'"),
        (lambda r: r.snapshot(2, layers_at(2), accuracies=(1, 2, 3)), "accuracies must be one number, or two"),
        (lambda r: r.snapshot(2), "no outputs were given"),
        (lambda r: r.snapshot(2, lambda: 1 / 0), "ZeroDivisionError: division by zero"),
        (lambda r: r.snapshot(2, layers_at(2), network=-1), "network must be a whole number from 0, got -1"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_a_warning_and_a_note_and_training_goes_on(path: Path, step: Step, text: str) -> None:
    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, layers_at(0))
        recorder.snapshot(1, layers_at(1))
        with pytest.warns(RecordingWarning) as warned:
            assert step(recorder) is True
        assert text in str(warned[0].message)
        assert warned[0].filename == __file__
        assert recorder.snapshot(3, layers_at(3))
    (note,) = notes_of(path)
    assert text in note
    assert read_summary(path).ensembles[0].snapshots == (0, 1, 3)


def test_outputs_that_are_no_numbers_are_noted_once_and_the_other_layers_are_measured(path: Path) -> None:
    with Recorder(path, LABELS) as recorder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for epoch in range(4):
            outputs = layers_at(epoch)
            if epoch > 1:
                outputs["conv"][:5] = np.nan
            assert recorder.snapshot(epoch, outputs)
        assert recorder.snapshot(2, layers_at(2))  # another thing, which is only noted
    assert len(warned) == 1
    assert "layer 'conv': 90 of 720 outputs are NaN or infinite" in str(warned[0].message)
    assert len(notes_of(path)) == 2
    with SessionReader(path) as reader:
        i_x = reader.recorded_ensemble(0).layers.i_x
    assert np.isnan(i_x[2:, 0, 0]).all()
    assert np.isfinite(i_x[:, 0, 1]).all()
    assert np.isfinite(i_x[:2]).all()


def test_warnings_that_are_errors_do_not_end_the_training_either(path: Path) -> None:
    with Recorder(path, LABELS) as recorder, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert recorder.snapshot(0)
        assert recorder.snapshot(1, layers_at(1))
    assert len(notes_of(path)) == 1


@pytest.mark.parametrize("error", [StorageError("the disk is full"), SessionError("it was taken over")])
def test_where_nothing_can_be_stored_any_more_the_recording_ends_and_training_goes_on(
    path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, layers_at(0))
        with monkeypatch.context() as patched:
            patched.setattr(RecordingWriter, "record_arrays", fail)
            with pytest.warns(RecordingWarning, match="ends here, and training goes on: "):
                assert recorder.snapshot(1, layers_at(1))
        assert recorder.snapshot(2, layers_at(2))
    assert read_summary(path).ensembles[0].snapshots == (0,)


def test_a_session_that_is_deleted_meanwhile_does_not_end_the_training(path: Path) -> None:
    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, layers_at(0))
        path.unlink()
        with pytest.warns(RecordingWarning, match="was moved, deleted or replaced"):
            assert recorder.snapshot(1, layers_at(1))
        assert recorder.snapshot(2, layers_at(2))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"path": "own.db"}, "path must end in .ibs, got 'own.db'"),
        ({"estimator": "best"}, "estimator must be binning, "),
        ({"estimator": "binning", "bins": 3}, None),
        ({"bins": 3}, "bins applies only to binning, adaptive or quantile, not to gauss"),
        ({"noise": -1.0}, "noise must be a variance"),
        ({"labels": np.full(4, -1)}, "labels must be whole numbers"),
        ({"inputs": np.zeros((3, 2))}, "inputs must have a row for each of the 40 patterns"),
        ({"keep_inputs": True}, "keep_inputs needs inputs"),
        ({"keep_inputs": True, "inputs": INPUTS, "held_out": LABELS}, "keep_inputs keeps no held-out inputs"),
        ({"held_out": LABELS + 3}, "held-out patterns have 6 labels, and the others 3"),
        ({"every": 0}, "every must be a whole number from 1, got 0"),
        ({"every": 2, "at": [1]}, "every and at both say which epochs are measured"),
        ({"at": [-1]}, "at must name whole numbers from 0, got -1"),
        ({"epochs": 0}, "epochs must be a whole number from 1 to 100000000, got 0"),
        ({"data": ""}, "a name must be 1 to 500 characters, got ''"),
    ],
)
def test_what_is_wrong_at_the_beginning_is_refused_and_leaves_nothing(
    tmp_path: Path, change: dict[str, Any], text: str | None
) -> None:
    given: dict[str, Any] = {"path": "own.ibs", "labels": LABELS, **change}
    file = tmp_path / given.pop("path")
    if text is None:
        Recorder(file, **given).close()
        return
    with pytest.raises(InvalidValue) as refused:
        Recorder(file, **given)
    assert text.replace("'own.db'", repr(str(file))) in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_goes_on_only_with_the_same_data_measured_alike(path: Path, tmp_path: Path) -> None:
    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, layers_at(0))
    with pytest.raises(InvalidValue, match="is of other inputs or labels"):
        Recorder(path, LABELS[::-1].copy())
    with pytest.raises(InvalidValue, match=r"is measured by gauss, noise 0\.03 of the layer's variance, not by exact"):
        Recorder(path, LABELS, estimator="exact")
    with (
        Recorder(path, LABELS) as recorder,
        pytest.warns(RecordingWarning, match="network 0 is in the recording already"),
    ):
        recorder.snapshot(1, layers_at(1))
    run = tmp_path / "run.ibs"
    with ibtui.begin(run, "run", ibtui.Experiment(networks=1, epochs=1)) as writer:
        writer.set_status("stopped")
    before = run.read_bytes()
    with pytest.raises(InvalidValue, match="is the session of a run"):
        Recorder(run, LABELS)
    assert run.read_bytes() == before
    assert read_summary(path).ensembles[0].snapshots == (0,)


def test_two_cannot_write_a_recording_at_once(path: Path) -> None:
    with Recorder(path, LABELS), pytest.raises(SessionError, match="in use"):
        Recorder(path, LABELS)


def test_by_default_epochs_are_measured_ever_more_rarely() -> None:
    chosen = [epoch for epoch in range(10_001) if Schedule().due(epoch)]
    assert chosen[: EACH_UP_TO + 1] == list(range(EACH_UP_TO + 1))
    assert 90 < sum(epoch <= 1000 for epoch in chosen) < 110
    steps = np.diff(chosen[EACH_UP_TO:]) / chosen[EACH_UP_TO:-1]
    assert 0.02 < steps.min() <= steps.max() < 0.11


KILLED = """
import sys, numpy as np, ibtui
recorder = ibtui.Recorder(sys.argv[1], np.arange(30) % 2, estimator="exact")
for epoch in range(100_000):
    recorder.snapshot(epoch, {"a": np.random.default_rng(epoch).normal(size=(30, 4))})
    print(epoch, flush=True)
"""


def test_a_killed_training_leaves_every_snapshot_before(path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 60:
            break
    os.kill(process.pid, signal.SIGKILL)
    printed = [60, *map(int, process.stdout.read().split())]
    process.wait()
    process.stdout.close()
    summary = read_summary(path)
    assert summary.status == "interrupted"
    with SessionReader(path) as reader:
        one = reader.recorded_ensemble(0)
    assert set(filter(Schedule().due, range(max(printed) + 1))) <= set(one.epochs)
    assert np.isfinite(one.layers.i_x).all()
    with ibtui.Recorder(path, np.arange(30) % 2, estimator="exact") as recorder:  # it can be gone on with
        assert recorder.snapshot(0, {"a": np.random.default_rng(1).normal(size=(30, 4))}, network=1)
    assert read_summary(path).status == "finished"


def test_a_long_epoch_gives_signs_of_life(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder(path, LABELS) as recorder:
        recorder.snapshot(0, layers_at(0))
        with closing(open_session(path)) as connection:
            before = connection.execute("SELECT heartbeat FROM writer").fetchone()[0]
            now = time.monotonic()
            monkeypatch.setattr(time, "monotonic", lambda: now + 5)
            recorder.beat()
            assert connection.execute("SELECT heartbeat FROM writer").fetchone()[0] > before
