"""Recordings that measure each snapshot by several estimators: what each says, what fails, what goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ibtui
from ibtui_engine.errors import EngineError, InvalidValue, SessionError
from ibtui_engine.estimation import MOST_FURTHER
from ibtui_engine.measures.arrays import OutputsMeasurer
from ibtui_engine.recorded import Recording
from ibtui_engine.recording.importing import import_archives
from ibtui_engine.recording.recorder import Recorder, RecordingWarning
from ibtui_engine.session.columns import LAYER_COLUMNS, LEARNING_COLUMNS
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader

RANDOM = np.random.default_rng(8)
LABELS, BESIDE = RANDOM.integers(0, 3, 40), RANDOM.integers(0, 3, 25)
ALSO: tuple[Any, ...] = ("binning", {"estimator": "kde", "noise": 0.01}, "kde", "renyi", "probe")
ALONE: dict[str, dict[str, Any]] = {
    "gauss": {"estimator": "gauss"},
    "binning": {"estimator": "binning"},
    "kde": {"estimator": "kde", "noise": 0.01},
    "kde-2": {"estimator": "kde"},
    "renyi": {"estimator": "renyi"},
    "probe": {"estimator": "probe"},
}
"""By the name of each what it is alone."""


def outputs(epoch: int, rows: int = 40) -> dict[str, np.ndarray]:
    random = np.random.default_rng(rows + epoch)
    return {"conv": np.tanh(random.normal(size=(rows, 2, 3))), "head": random.normal(size=(rows, 3))}


def record(path: Path, epochs: int = 3, network: int = 0, **settings: Any) -> None:
    with Recorder(path, LABELS, held_out=BESIDE, activations={"conv": "tanh"}, **settings) as recorder:
        for epoch in range(epochs):
            recorder.snapshot(
                epoch,
                outputs(epoch + 10 * network),
                gradients={"head": (0.4, 0.2)},
                losses=0.5,
                network=network,
                held_out=outputs(epoch, 25),
            )


def numbers(one: RecordedEnsemble) -> dict[str, np.ndarray]:
    return {name: one.values(name) for name in (*LAYER_COLUMNS, *LEARNING_COLUMNS)}


def same(one: RecordedEnsemble, other: RecordedEnsemble) -> bool:
    found, expected = numbers(one), numbers(other)
    return one.epochs == other.epochs and all(np.array_equal(found[k], expected[k], equal_nan=True) for k in expected)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("several") / "own.ibs"
    record(path, also=ALSO)
    return path


@pytest.mark.parametrize("name", ALONE)
def test_each_says_bit_for_bit_what_it_says_as_the_only_one(several: Path, tmp_path: Path, name: str) -> None:
    alone = tmp_path / "alone.ibs"
    record(alone, **ALONE[name])
    with SessionReader(alone) as reader:
        expected = reader.recorded_ensemble(0)
    with ibtui.open_session(several, by=name) as reader, Follower(several) as follower:
        found = reader.recorded_ensemble(0)
        assert reader.summary.experiment.estimator == ALONE[name]["estimator"]
        place = list(ALONE).index(name)
        assert same(follower.recorded_ensemble(0, place), expected)
        assert same(follower.recorded_ensemble(0, place).open().recorded_ensemble(0), expected)
        assert np.array_equal(reader.layers(reader.ensemble(0), 1).i_y[0], expected.layers.i_y[1])
        frame = reader.to_pandas()
    assert same(found, expected)
    assert np.array_equal(frame["held_out_i_y"], expected.values("held_out_i_y").ravel(), equal_nan=True)
    assert found.summary.experiment.estimation == expected.summary.experiment.estimation
    assert np.isfinite(found.values("i_y")).all()


def test_a_session_says_by_which_estimators_it_is_measured(several: Path) -> None:
    with SessionReader(several) as reader:
        experiment = reader.summary.experiment
    assert isinstance(experiment, Recording)
    assert experiment.estimator_names == tuple(ALONE)
    assert [one["estimator"] for one in experiment.to_dict()["also"]] == ["binning", "kde", "kde", "renyi", "probe"]
    by = experiment.by(2).to_dict()
    assert (by["estimator"], by["noise"]) == ("kde", 0.01)
    assert [one["estimator"] for one in by["also"]] == ["gauss", "binning", "kde", "renyi", "probe"]
    assert Recording.from_dict(by).estimation == experiment.by(2).estimation
    with pytest.raises(InvalidValue, match=r"by must be gauss, binning, kde, kde-2, renyi or probe, .* got 'exact'"):
        SessionReader(several, "exact")


def test_a_run_is_measured_by_one() -> None:
    short_run = Path(__file__).parents[1] / "session" / "data" / "version-5.ibs"
    with SessionReader(short_run, "binning") as reader, SessionReader(short_run) as plain:
        assert same(reader.recorded_ensemble(0), plain.recorded_ensemble(0))
    with pytest.raises(InvalidValue, match=r"by must be binning, got 'kde': .* is a run, which `ibtui remeasure`"):
        SessionReader(short_run, "kde")


def test_a_recording_goes_on_only_with_the_same_estimators(tmp_path: Path) -> None:
    path = tmp_path / "own.ibs"
    also = ("binning", {"estimator": "kde", "noise": 0.01})
    record(path, also=also)
    for other in ((), ("binning",), ("binning", "kde"), also[::-1], (*also, "probe")):
        with pytest.raises(InvalidValue, match=r"is measured by gauss, .*; binning, 30 bins; kde, noise 0.01, not by"):
            record(path, network=1, also=other)
    record(path, epochs=2, network=1, also=also)
    with SessionReader(path, "kde") as reader, Follower(path) as follower:
        layers = reader.recorded_ensemble(0).layers
        assert np.array_equal(follower.layers(0, 2).i_x, layers.i_x, equal_nan=True)
    assert np.isnan(layers.i_x[:, 1, 0]).tolist() == [False, False, True]


def test_the_numbers_of_all_come_with_each_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "own.ibs"
    with Recorder(path, LABELS, also=("binning",)) as recorder:
        recorder.snapshot(0, outputs(0))
        with Follower(path) as follower:
            for epoch in (1, 2):
                recorder.snapshot(epoch, outputs(epoch))
                assert follower.update()
                assert follower.recorded_ensemble(0, 1).epochs == tuple(range(epoch + 1))
            seen = follower.recorded_ensemble(0, 1)
    with SessionReader(path, "binning") as reader:
        assert same(seen, reader.recorded_ensemble(0))


def test_what_goes_wrong_in_one_leaves_the_others_and_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, measure = tmp_path / "own.ibs", OutputsMeasurer.measure

    def fails(self: OutputsMeasurer, name: str, *arguments: Any) -> Any:
        if self.how.estimator == "kde" and name == "head":
            raise MemoryError("no room\n for distances")
        return measure(self, name, *arguments)

    monkeypatch.setattr(OutputsMeasurer, "measure", fails)
    with (
        pytest.warns(RecordingWarning, match=r"epoch 0: kde, noise 0.001: layer 'head' is not measured: MemoryError"),
        Recorder(path, LABELS, also=("kde", "binning")) as recorder,
    ):
        assert all(recorder.snapshot(epoch, outputs(epoch)) for epoch in (0, 1))
    found = {}
    for by in ("gauss", "kde", "binning"):
        with SessionReader(path, by) as reader:
            found[by] = np.isfinite(reader.recorded_ensemble(0).values("i_x")[:, 0]).tolist()
    assert found == {"gauss": [[True, True]] * 2, "kde": [[True, False]] * 2, "binning": [[True, True]] * 2}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM event WHERE kind = 'note'").fetchone() == (1,)


def test_outputs_that_are_no_numbers_are_noted_once_for_all(tmp_path: Path) -> None:
    path, broken = tmp_path / "own.ibs", outputs(0)
    broken["head"][3, 1] = np.inf
    with (
        pytest.warns(RecordingWarning, match="1 of 120 outputs are NaN"),
        Recorder(path, LABELS, also=("binning", "probe")) as recorder,
    ):
        recorder.snapshot(0, broken)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM event WHERE kind = 'note'").fetchone() == (1,)
    with SessionReader(path, "binning") as reader:
        assert np.isnan(reader.recorded_ensemble(0).values("i_y")[0, 0]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("also", "said"),
    [
        ("kde", "also must be a list of up to 15 estimators, got 'kde'"),
        (("guess",), "estimator must be .*, got 'guess'"),
        ((5,), "estimator must be .*, got 5"),
        (({"bins": 9},), "also must say which estimator"),
        (({"estimator": "kde", "smooth": 9},), "a setting of also must be .*, got 'smooth'"),
        (({"estimator": "kde", "bins": 9},), "bins applies only to binning, adaptive or quantile, not to kde"),
        (({"estimator": "kde", "noise": -1.0},), "noise must be"),
        (("kde", {"estimator": "kde", "noise": 0.001}), "also must have estimators that differ, got kde.* twice"),
        (("gauss",), "also must have estimators that differ, got gauss.* twice"),
        ([{"estimator": "binning", "bins": k + 2} for k in range(MOST_FURTHER + 1)], "a list of up to 15 estimators"),
    ],
)
def test_what_is_no_further_estimator_is_refused(tmp_path: Path, also: Any, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        Recorder(tmp_path / "own.ibs", LABELS, also=also)
    assert list(tmp_path.iterdir()) == []


def test_as_many_as_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "own.ibs"
    with Recorder(path, LABELS, also=[{"estimator": "binning", "bins": k + 2} for k in range(MOST_FURTHER)]) as one:
        one.snapshot(0, outputs(0))
    with SessionReader(path, f"binning-{MOST_FURTHER}") as reader:
        assert reader.summary.experiment.bins == MOST_FURTHER + 1


def test_stored_outputs_are_measured_by_all(tmp_path: Path) -> None:
    arrays = {f"{epoch}/{layer}": found for epoch in (0, 1) for layer, found in outputs(epoch).items()}
    np.savez(tmp_path / "arrays.npz", labels=LABELS, **arrays)
    import_archives(tmp_path / "arrays.npz", tmp_path / "own.ibs", also=("binning", {"estimator": "kde", "noise": 0.1}))
    with Recorder(tmp_path / "alone.ibs", LABELS, estimator="kde", noise=0.1) as recorder:
        for epoch in (0, 1):
            recorder.snapshot(epoch, outputs(epoch))
    with SessionReader(tmp_path / "own.ibs", "kde") as reader, SessionReader(tmp_path / "alone.ibs") as alone:
        assert same(reader.recorded_ensemble(0), alone.recorded_ensemble(0))


ODD: tuple[object, ...] = (None, -1, 2**63 - 1, 1e300, 0.5, float("inf"), "text", "", b"\xff")


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(statement, values)
        connection.commit()


def read_all(path: Path) -> None:
    with SessionReader(path) as reader:
        experiment = reader.summary.experiment
        assert isinstance(experiment, Recording)
    for by in experiment.estimator_names:
        with SessionReader(path, by) as reader:
            reader.recorded_ensemble(0).layer_figures(2)
    Follower(path).close()


@pytest.fixture
def loose(several: Path, tmp_path: Path) -> Path:
    """The table without the rules about what may stand in it: a stranger's file need not have them."""
    path = tmp_path / "loose.ibs"
    path.write_bytes(several.read_bytes())
    change(path, "CREATE TABLE copy AS SELECT * FROM estimate")
    change(path, "DROP TABLE estimate")
    change(path, "ALTER TABLE copy RENAME TO estimate")
    read_all(path)
    return path


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.long)])
def test_something_odd_in_the_table_is_read_or_refused(loose: Path, every: int) -> None:
    content = loose.read_bytes()
    with closing(sqlite3.connect(loose)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(estimate)")]
    changes = [(column, odd, which) for column in columns for odd in ODD for which in ("> 0", "= 1")]
    for column, odd, which in changes[::every]:
        loose.write_bytes(content)
        change(loose, f"UPDATE estimate SET {column} = ? WHERE rowid {which}", odd)
        try:
            read_all(loose)
        except EngineError:
            continue
        assert column not in ("snapshot", "network", "layer", "estimator", "distinct_t") or odd in (0.5, 2**63 - 1)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM estimate", "lacks some of its rows in estimate"),
        ("DELETE FROM estimate WHERE rowid = 1", "lacks some of its rows in estimate"),
        ("DROP TABLE estimate", "no such table: estimate"),
        ("UPDATE estimate SET i_x = 1e99", "estimate has the i_x 1e[+]99; allowed is -1 to 64"),
        ("UPDATE estimate SET distinct_t = NULL", "estimate has a row without distinct_t"),
        ("UPDATE estimate SET layer = 1", "estimate has rows twice"),
    ],
)
def test_a_damaged_table_is_told_in_a_line(loose: Path, statement: str, said: str) -> None:
    change(loose, statement)
    with SessionReader(loose) as reader:  # what the first one says is whole
        assert np.isfinite(reader.recorded_ensemble(0).values("i_y")).all()
    with SessionReader(loose, "binning") as reader, pytest.raises(SessionError, match=said):
        reader.recorded_ensemble(0)


@pytest.mark.parametrize(
    "also", ["5", '"kde"', "[5]", "[[]]", "[{}]", '[{"estimator": "x"}]', '["gauss"]', "null", "{}"]
)
def test_an_experiment_with_something_else_is_damaged(loose: Path, also: str) -> None:
    change(loose, "UPDATE session SET experiment = json_set(experiment, '$.also', json(?))", also)
    with pytest.raises(SessionError, match="is damaged"):
        read_all(loose)
