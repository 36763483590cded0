"""What a session has measured comes back as arrays, each number in its place."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ibtui_engine.errors import InvalidValue, SessionError
from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.networks import Samples
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session import history
from ibtui_engine.session.columns import LAYER_COLUMNS, LEARNING_COLUMNS, snr
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.summary import describe_epochs, read_summary
from ibtui_engine.session.writer import Measured, SessionWriter
from ibtui_engine.training.problem import TrainingState

RULE = Rule(
    "table:some.npz",
    np.random.default_rng(1).normal(size=(11, 3)).astype(np.float32),
    np.random.default_rng(2).random(11),
    {"theta": 1.5},
)
EXPERIMENT = Experiment(hidden=((4, 2), ()), fraction=(0.5,), networks=3, seed=40, epochs=100, activation="relu")
PARAMETERS = {0: 4 * 4 + 2 * 5 + 3, 1: 4}
DEPTH = {0: 3, 1: 1}


class Recorder:
    """Writes random numbers into a session and remembers them."""

    def __init__(self, path: Path) -> None:
        self.writer = SessionWriter.create(path, "made up", EXPERIMENT, [RULE])
        self.measured: dict[tuple[int, int], tuple[Measured, TrainingState]] = {}
        self.samples: dict[int, Samples] = {}
        self._random = np.random.default_rng(3)
        for ensemble in EXPERIMENT.ensembles:
            self.writer.add_ensemble(ensemble, 3, 6, "fused", "cpu")

    def add(self, ensemble: int, first: int, networks: int) -> CohortRow:
        chosen = np.array([np.sort(self._random.permutation(11)[:6]) for _ in range(networks)])
        samples = Samples(chosen, self._random.integers(0, 2, chosen.shape).astype(np.uint8))
        seeds = range(40 + first, 40 + first + networks)
        cohort = self.writer.add_cohort(ensemble, first, seeds, samples, 11)
        self.samples[cohort.id] = samples
        return cohort

    def record(self, cohort: CohortRow, epoch: int) -> None:
        shape = (cohort.networks, DEPTH[cohort.ensemble])

        def numbers() -> np.ndarray:
            return self._random.normal(size=shape) * 10.0 ** self._random.integers(-100, 99)

        def sizes() -> np.ndarray:
            return np.abs(numbers())

        def shares(most: float = 1.0) -> np.ndarray:
            return self._random.random(shape) * most

        std = sizes()
        std[0, 0] = [np.nan, np.inf, -np.inf][epoch % 3]
        outside = np.full(cohort.networks, np.nan) if cohort.ensemble else self._random.random(cohort.networks)
        weights = self._random.normal(size=(cohort.networks, PARAMETERS[cohort.ensemble])).astype(np.float32)
        measured = Measured(
            LayerInformation(
                shares(12.0),
                shares(),
                self._random.integers(1, 4096, shape),
                numbers(),
                numbers(),
                *(shares() if epoch % 2 else np.full(shape, np.nan) for _ in range(4)),
                **{name: shares() if epoch % 2 else np.full(shape, np.nan) for name in OPTIONAL},
            ),
            Learning(*(self._random.random(len(outside)) if k % 2 == 0 else outside for k in range(6))),
            sizes(),
            std,
            sizes(),
            *(shares() if epoch % 2 else None, sizes(), sizes()),
        )
        state = TrainingState(epoch, weights, np.zeros((0, *weights.shape), np.float32))
        self.writer.record(cohort, measured, state, keep_weights=True)
        self.measured[cohort.id, epoch] = measured, state


EPOCHS = (0, 1, 7, 100)
OPTIONAL = ("i_x_error", "i_y_error", "held_out_i_x", "held_out_i_y", "held_out_i_x_lower", "held_out_i_y_lower")


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Two ensembles; the first has a second cohort, added later, which has come as far as epoch 7."""
    recorder = Recorder(tmp_path_factory.mktemp("history") / "made up.ibs")
    early, other, late = recorder.add(0, 0, 2), recorder.add(1, 0, 3), recorder.add(0, 2, 1)
    for epoch in EPOCHS:
        recorder.record(early, epoch)
        recorder.record(other, epoch)
    for epoch in EPOCHS[:3]:
        recorder.record(late, epoch)
    recorder.writer.set_status("stopped")
    recorder.writer.close()
    return recorder


@pytest.fixture
def reader(recorder: Recorder) -> Iterator[SessionReader]:
    with SessionReader(recorder.writer.path) as reader:
        yield reader


LAYER_SOURCES = {
    "i_x": lambda measured: measured.information.i_x,
    "i_y": lambda measured: measured.information.i_y,
    "distinct_t": lambda measured: measured.information.distinct,
    "low": lambda measured: measured.information.low,
    "high": lambda measured: measured.information.high,
    "grad_mean": lambda measured: measured.grad_mean,
    "grad_std": lambda measured: np.where(np.isfinite(measured.grad_std), measured.grad_std, np.nan),
    "weight_norm": lambda measured: measured.weight_norm,
    "frozen_mean": lambda measured: measured.frozen_mean,
    "frozen_std": lambda measured: measured.frozen_std,
    "i_x_lower": lambda measured: measured.information.i_x_lower,
    "i_y_lower": lambda measured: measured.information.i_y_lower,
    "saturated": lambda measured: measured.information.saturated,
    "nonlinear": lambda measured: measured.information.nonlinear,
    "i_x_error": lambda measured: measured.information.i_x_error,
    "i_y_error": lambda measured: measured.information.i_y_error,
    "i_x_most": lambda measured: measured.information.i_x_most,
    "i_orbit": lambda measured: measured.information.i_orbit,
    "held_out_i_x": lambda measured: measured.information.held_out_i_x,
    "held_out_i_y": lambda measured: measured.information.held_out_i_y,
    "held_out_i_x_lower": lambda measured: measured.information.held_out_i_x_lower,
    "held_out_i_y_lower": lambda measured: measured.information.held_out_i_y_lower,
    "acceptance": lambda measured: (
        np.full(measured.weight_norm.shape, np.nan) if measured.acceptance is None else measured.acceptance
    ),
}


def test_every_layer_comes_back_to_the_last_bit(recorder: Recorder, reader: SessionReader) -> None:
    assert set(LAYER_SOURCES) == set(LAYER_COLUMNS)
    ensemble = reader.ensemble(1)
    layers = reader.layers(ensemble)
    assert layers.epochs.tolist() == list(EPOCHS)
    for name, source in LAYER_SOURCES.items():
        expected = np.array([source(recorder.measured[2, epoch][0]) for epoch in EPOCHS], np.float64)
        assert np.array_equal(getattr(layers, name), expected, equal_nan=True), name


def test_losses_and_accuracies_come_back_to_the_last_bit(recorder: Recorder, reader: SessionReader) -> None:
    learning = reader.learning(reader.ensemble(1))
    assert learning.epochs.tolist() == list(EPOCHS)
    for name in LEARNING_COLUMNS:
        expected = np.array([getattr(recorder.measured[2, epoch][0].learning, name) for epoch in EPOCHS])
        assert np.array_equal(getattr(learning, name), expected, equal_nan=True)


def test_networks_that_came_later_are_nan_where_they_have_not_been(recorder: Recorder, reader: SessionReader) -> None:
    ensemble = reader.ensemble(0)
    assert (ensemble.networks, ensemble.snapshots, ensemble.epochs_done) == (3, (0, 1, 7), 7)
    layers, learning = reader.layers(ensemble), reader.learning(ensemble)
    assert layers.epochs.tolist() == learning.epochs.tolist() == [0, 1, 7, 100]
    for place, epoch in enumerate(EPOCHS):
        early = recorder.measured[1, epoch][0]
        assert np.array_equal(layers.i_y[place, :2], early.information.i_y)
        assert np.array_equal(learning.test_loss[place, :2], early.learning.test_loss)
        if epoch < 100:
            late = recorder.measured[3, epoch][0]
            assert np.array_equal(layers.i_y[place, 2:], late.information.i_y)
            assert np.array_equal(learning.test_loss[place, 2:], late.learning.test_loss)
    for name in LAYER_SOURCES:
        assert np.isnan(getattr(layers, name)[-1, 2]).all()
    assert np.isnan(learning.train_loss[-1, 2])


def test_one_epoch_alone_is_a_row_of_the_whole(reader: SessionReader) -> None:
    for index in (0, 1):
        ensemble = reader.ensemble(index)
        whole, learned = reader.layers(ensemble), reader.learning(ensemble)
        for place, epoch in enumerate(EPOCHS):
            one, learning = reader.layers(ensemble, epoch), reader.learning(ensemble, epoch)
            assert one.epochs.tolist() == learning.epochs.tolist() == [epoch]
            assert np.array_equal(one.i_x[0], whole.i_x[place], equal_nan=True)
            assert np.array_equal(learning.train_loss[0], learned.train_loss[place], equal_nan=True)
        nothing = reader.layers(ensemble, 55)
        assert nothing.i_x.shape == (0, 3, DEPTH[index])
        assert reader.learning(ensemble, 55).train_loss.shape == (0, 3)


def test_weights_of_all_cohorts_come_back_in_the_order_of_their_networks(
    recorder: Recorder, reader: SessionReader
) -> None:
    ensemble = reader.ensemble(0)
    assert reader.architecture(ensemble).widths == (3, 4, 2, 1)
    assert reader.architecture(ensemble).activation == "relu"
    for epoch in EPOCHS[:3]:
        early, late = recorder.measured[1, epoch][1].weights, recorder.measured[3, epoch][1].weights
        assert np.array_equal(reader.weights(ensemble, epoch), np.concatenate([early, late]))
    assert np.array_equal(reader.weights(reader.ensemble(1), 100), recorder.measured[2, 100][1].weights)


def test_weights_at_an_epoch_that_was_not_measured_of_all_networks_are_refused(reader: SessionReader) -> None:
    with pytest.raises(InvalidValue, match=r"^epoch is 100: measured are 0, 1, 7$"):
        reader.weights(reader.ensemble(0), 100)
    with pytest.raises(InvalidValue, match=r"^epoch is 5: measured are 0, 1, 7, 100$"):
        reader.weights(reader.ensemble(1), 5)


def test_samples_and_seeds_come_back(recorder: Recorder, reader: SessionReader) -> None:
    ensemble = reader.ensemble(0)
    samples = reader.samples(ensemble)
    early, late = recorder.samples[1], recorder.samples[3]
    assert np.array_equal(samples.patterns, np.concatenate([early.patterns, late.patterns]))
    assert np.array_equal(samples.labels, np.concatenate([early.labels, late.labels]))
    assert (samples.patterns.dtype, samples.labels.dtype) == (np.int64, np.uint8)
    assert reader.seeds(ensemble) == [40, 41, 42]


def test_the_rule_comes_back_from_the_file_itself(reader: SessionReader) -> None:
    rule = reader.rule(1)
    assert rule.digest == RULE.digest
    assert (rule.name, rule.parameters) == (RULE.name, RULE.parameters)
    assert (rule.h_x, rule.h_y, rule.i_xy) == (RULE.h_x, RULE.h_y, RULE.i_xy)


def test_an_ensemble_that_there_is_not_is_refused(reader: SessionReader) -> None:
    for index in (-1, 2):
        with pytest.raises(InvalidValue, match=rf"^ensemble is {index}: this session has 0 to 1$"):
            reader.ensemble(index)


def test_the_summary_says_what_it_is_and_how_far_it_has_come(recorder: Recorder, reader: SessionReader) -> None:
    summary = reader.summary
    assert summary == read_summary(recorder.writer.path)
    assert (summary.name, summary.status, summary.live) == ("made up", "stopped", False)
    assert summary.experiment == EXPERIMENT
    assert summary.epochs_done == 7
    assert summary.size == recorder.writer.path.stat().st_size
    assert summary.rules[0].parameters == {"theta": 1.5}
    assert [(e.index, e.hidden, e.fraction, e.networks, e.sample_size) for e in summary.ensembles] == [
        (0, "4-2", 0.5, 3, 6),
        (1, "none", 0.5, 3, 6),
    ]
    assert [(e.trainer, e.device) for e in summary.ensembles] == [("fused", "cpu")] * 2


def test_a_session_in_which_nothing_is_measured_yet_has_no_epochs(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new.ibs")
    with recorder.writer, SessionReader(recorder.writer.path) as reader:
        assert reader.summary.ensembles == ()
        assert reader.summary.epochs_done == 0
        recorder.add(0, 0, 3)
        ensemble = reader.ensemble(0)
        assert (ensemble.epochs_done, ensemble.snapshots) == (0, ())
        assert reader.layers(ensemble).i_x.shape == (0, 3, 3)
        assert reader.learning(ensemble).train_loss.shape == (0, 3)
        with pytest.raises(InvalidValue, match="no epoch has been measured yet"):
            reader.weights(ensemble, 0)


def test_what_is_recorded_later_is_there_at_the_next_look(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "growing.ibs")
    with recorder.writer, SessionReader(recorder.writer.path) as reader:
        cohort = recorder.add(1, 0, 3)
        for count, epoch in enumerate(EPOCHS, start=1):
            recorder.record(cohort, epoch)
            assert len(reader.layers(reader.ensemble(1)).epochs) == count
            with reader.moment():
                before = reader.summary
                thread = threading.Thread(target=rename, args=(recorder.writer.path, f"name {count}"))
                thread.start()
                thread.join()
                assert reader.summary == before  # a moment does not move on
            assert reader.summary.name == f"name {count}"


def rename(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.execute("UPDATE session SET name = ?", (name,))
        connection.commit()


@pytest.mark.parametrize(
    ("table", "which", "said"),
    [
        ("layer", "layer = 2", "a snapshot lacks some of its rows in layer"),
        ("layer", "1", "a snapshot lacks some of its rows in layer"),
        ("learning", "1", "a snapshot lacks some of its rows in learning"),
        ("learning", "network = 1", "a snapshot lacks some of its rows in learning"),
    ],
)
def test_a_snapshot_without_its_numbers_is_damage(tmp_path: Path, table: str, which: str, said: str) -> None:
    path = tmp_path / "torn.ibs"
    recorder = Recorder(path)
    recorder.record(recorder.add(0, 0, 3), 0)
    recorder.writer.close()
    with SessionReader(path) as reader:
        read = reader.layers if table == "layer" else reader.learning
        assert len(read(reader.ensemble(0), 0).epochs) == 1
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"DELETE FROM {table} WHERE {which}")
        with pytest.raises(SessionError, match=said):
            read(reader.ensemble(0), 0)


@pytest.mark.parametrize("value", [None, "x", b"11", -11, 1.5])
@pytest.mark.parametrize("column", ["rows", "inputs"])
def test_a_rule_of_no_size_is_damage(tmp_path: Path, column: str, value: object) -> None:
    path = tmp_path / "odd.ibs"
    recorder = Recorder(path)
    recorder.record(recorder.add(0, 0, 3), 0)
    recorder.writer.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE loose AS SELECT * FROM rule")
        connection.execute("DROP TABLE rule")
        connection.execute("ALTER TABLE loose RENAME TO rule")
        connection.execute(f"UPDATE rule SET {column} = ?", (value,))
    with SessionReader(path) as reader, pytest.raises(SessionError, match=r"is damaged: .*is no count"):
        (reader.samples if column == "rows" else reader.architecture)(reader.ensemble(0))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE snapshot SET id = -10", "damaged: -10 is no count"),
        ("UPDATE snapshot SET id = 0", "damaged: a snapshot has the number 0; they count from 1"),
        (
            "CREATE TABLE loose AS SELECT * FROM ensemble; DROP TABLE ensemble;"
            "CREATE TABLE ensemble AS SELECT * FROM loose UNION ALL SELECT * FROM loose",
            "damaged: it has the ensemble 0 twice",
        ),
    ],
)
def test_what_is_numbered_wrongly_is_damage(tmp_path: Path, statement: str, said: str) -> None:
    path = tmp_path / "odd.ibs"
    recorder = Recorder(path)
    recorder.record(recorder.add(0, 0, 3), 7)
    recorder.writer.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.executescript(statement)
    with pytest.raises(SessionError, match=said):
        read_summary(path)


def test_an_epoch_without_numbers_is_damage(tmp_path: Path) -> None:
    """As where a page of an index is another's: one query finds the snapshot, and another does not."""
    path = tmp_path / "odd.ibs"
    recorder = Recorder(path)
    recorder.record(recorder.add(0, 0, 3), 7)
    recorder.writer.close()
    with SessionReader(path) as reader:
        whole = reader.ensemble(0)
        claiming = replace(whole, snapshots=(7, 9))
        for read, table in ((reader.layers, "layer"), (reader.learning, "learning")):
            assert read(whole).epochs.tolist() == read(claiming, 7).epochs.tolist() == [7]
            for epoch in (None, 9):
                with pytest.raises(SessionError, match=f"damaged: {table} has no rows of epoch 9"):
                    read(claiming, epoch)


def test_weights_of_more_or_fewer_networks_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "odd.ibs"
    recorder = Recorder(path)
    recorder.record(recorder.add(0, 0, 3), 0)
    recorder.writer.close()
    with SessionReader(path) as reader:
        whole = reader.ensemble(0)
        assert len(reader.weights(whole, 0)) == 3
        with pytest.raises(SessionError, match="damaged: epoch 0 has weights of 3 networks, not of 5"):
            reader.weights(replace(whole, networks=5), 0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE loose AS SELECT * FROM weights")
        connection.execute("DROP TABLE weights")
        connection.execute("CREATE TABLE weights AS SELECT * FROM loose UNION ALL SELECT * FROM loose")
    with SessionReader(path) as reader, pytest.raises(SessionError, match="weights of 6 networks, not of 3"):
        reader.weights(whole, 0)


def test_a_snapshot_whose_number_is_none_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "odd.ibs"
    Recorder(path).writer.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE snapshot")
        connection.execute("CREATE TABLE snapshot AS SELECT 'x' id, 1 cohort, 0 epoch, 0.0 time")
    with SessionReader(path) as reader, pytest.raises(SessionError, match="damaged: snapshot: 'x' is no count"):
        reader.newest_snapshot()


def test_a_sample_of_the_wrong_size_is_damage(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "damaged.ibs")
    with recorder.writer, SessionReader(recorder.writer.path) as reader:
        recorder.add(0, 0, 3)
        with closing(sqlite3.connect(recorder.writer.path)) as connection:
            connection.execute("UPDATE network SET members = ? WHERE network = 1", (b"\xff\xe0",))
            connection.commit()
        with pytest.raises(SessionError, match="damaged: a sample is not of the size it should be"):
            reader.samples(reader.ensemble(0))


POSITIVE = st.floats(1e-150, 1e150)


@given(arrays(np.float64, 20, elements=POSITIVE), arrays(np.float64, 20, elements=POSITIVE))
def test_signal_to_noise_is_the_ratio_of_mean_and_standard_deviation(mean: np.ndarray, std: np.ndarray) -> None:
    assert np.array_equal(snr(mean, std), mean / std)


def test_there_is_no_signal_to_noise_where_there_is_no_noise_to_compare_with() -> None:
    mean = np.array([[1.0, 1.0, 0.0, np.nan, np.nan, 0.0]])
    std = np.array([[0.0, np.nan, 0.0, 1.0, np.nan, 2.0]])
    assert np.array_equal(snr(mean, std), [[np.nan, np.nan, np.nan, np.nan, np.nan, 0.0]], equal_nan=True)


def test_the_signal_to_noise_of_a_history_is_that_of_its_gradients(reader: SessionReader) -> None:
    layers = reader.layers(reader.ensemble(1))
    positive = layers.grad_std > 0
    assert positive.any()
    assert np.array_equal(layers.snr[positive], layers.grad_mean[positive] / layers.grad_std[positive])
    assert np.isnan(layers.snr[~positive]).all()


def test_epochs_are_listed_where_they_are_few_and_hinted_at_where_they_are_many() -> None:
    assert describe_epochs(()) == "no epoch has been measured yet"
    assert describe_epochs((0, 5)) == "measured are 0, 5"
    assert describe_epochs(tuple(range(50))) == "measured are 50 epochs: 0, 1, 2, 3, 4, 5, ... 48, 49"


def test_arrays_are_read_without_what_the_session_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes as long as a small table, and it would be read for each of their columns."""
    with SessionReader(Path(__file__).parents[3] / "sessions" / "example-figure-4.ibs") as reader:
        ensemble = reader.ensemble(0)
        monkeypatch.setattr(history, "summarize", lambda *_: pytest.fail("the summary is read"))
        assert reader.layers(ensemble).i_x.shape[2] == len(ensemble.widths)
        assert reader.learning(ensemble).train_loss.shape[1] == ensemble.networks
