"""Measuring again from saved weights: what was recorded comes back, and a new session is the old one but for that."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue, SessionError, StorageError
from ibtui_engine.experiment import ESTIMATORS, Experiment
from ibtui_engine.progress import Interrupt
from ibtui_engine.remeasure import remeasure, save_remeasured, with_settings
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session.columns import LAYER_COLUMNS
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.rewrite import COPIED
from ibtui_engine.session.tables import SCHEMA
from ibtui_engine.settings import SLOW
from ibtui_engine.sweep import sweep, thinned
from ibtui_engine.threads import Threads
from tests.tiers import first

SETTINGS = {"networks": 3, "epochs": 30, "snapshots": 5, "hidden": ((4, 3), (2,)), "seed": 5}
MEASURED = ("i_x", "i_y", "low", "high", "i_x_lower", "i_y_lower", "saturated", "nonlinear")
OLD = Path(__file__).parent / "session" / "data" / "version-1.ibs"


def run(path: Path, **changes: object) -> Path:
    experiment = Experiment(**{**SETTINGS, **changes})  # type: ignore[arg-type]
    assert Run(begin(path, path.stem, experiment), threads=1).execute() == "finished"
    return path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two ensembles; later two networks were added to each: two cohorts."""
    path = run(tmp_path_factory.mktemp("again") / "recorded.ibs")
    assert Run(reopen(path, networks=5), threads=1).execute() == "finished"
    return path


@pytest.fixture
def threads() -> Threads:
    return Threads(2)


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_the_same_settings_give_what_was_recorded_to_the_last_bit(recorded: Path, threads: Threads) -> None:
    with SessionReader(recorded) as reader:
        for ensemble in reader.summary.ensembles:
            layers = reader.layers(ensemble)
            again = list(remeasure(reader, ensemble, ensemble.snapshots, reader.summary.experiment, threads))
            assert [epoch for epoch, _ in again] == layers.epochs.tolist()
            for row, (_, found) in enumerate(again):
                for name in MEASURED:
                    assert np.array_equal(getattr(found, name), getattr(layers, name)[row], equal_nan=True), name
                assert np.array_equal(found.distinct, layers.distinct_t[row])


@pytest.mark.parametrize("estimator", first(2, ESTIMATORS))
def test_measuring_again_gives_what_a_run_with_that_estimator_records(
    recorded: Path, threads: Threads, tmp_path: Path, estimator: str
) -> None:
    settings = {"estimator": estimator, "noise": 0.01} if estimator == "kde" else {"estimator": estimator}
    if estimator in ("binning", "adaptive", "quantile"):
        settings["bins"] = 12
    slow = estimator in SLOW  # all pairs take a while
    small = {"networks": 2, "snapshots": 0, "hidden": ((2,),)} if slow else {}
    if small:
        recorded = run(tmp_path / "recorded.ibs", **small)
    straight = run(tmp_path / "straight.ibs", **{"networks": 5, **small, **settings})
    saved = tmp_path / "saved.ibs"
    with SessionReader(recorded) as reader:
        experiment = with_settings(reader.summary.experiment, settings)
        save_remeasured(reader, saved, "saved", experiment, threads)
    with SessionReader(saved) as mine, SessionReader(straight) as other:
        assert mine.summary.experiment == other.summary.experiment
        for index in range(len(mine.summary.ensembles)):
            found, expected = mine.layers(mine.ensemble(index)), other.layers(other.ensemble(index))
            for column in LAYER_COLUMNS:
                assert np.array_equal(getattr(found, column), getattr(expected, column), equal_nan=True), column


def test_epochs_come_in_the_order_asked_for(recorded: Path, threads: Threads) -> None:
    with SessionReader(recorded) as reader:
        ensemble = reader.ensemble(1)
        first, *others = ensemble.snapshots
        order = [*others, first, others[0]]
        found = [epoch for epoch, _ in remeasure(reader, ensemble, order, reader.summary.experiment, threads)]
    assert found == order


def test_all_else_is_copied(recorded: Path, threads: Threads, tmp_path: Path) -> None:
    before = recorded.read_bytes()
    saved = tmp_path / "saved.ibs"
    told: list[tuple[int, int]] = []
    with SessionReader(recorded) as reader:
        experiment = with_settings(reader.summary.experiment, {"bins": 7})
        save_remeasured(reader, saved, "anew", experiment, threads, lambda *counts: told.append(counts))
    assert recorded.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["saved.ibs"]
    snapshots = rows(recorded, "SELECT count(*) FROM snapshot")[0][0]
    assert told == [(k, snapshots) for k in range(1, snapshots + 1)]
    for table in COPIED:
        query = f"SELECT {', '.join(SCHEMA[table].names)} FROM {table}" + (
            " WHERE kind != 'remeasured'" if table == "event" else ""
        )
        assert rows(saved, query) == rows(recorded, query), table
    kept = "SELECT snapshot, network, layer, grad_mean, grad_std, weight_norm FROM layer"
    assert rows(saved, kept) == rows(recorded, kept)
    assert rows(saved, "SELECT i_x FROM layer") != rows(recorded, "SELECT i_x FROM layer")
    ((name, text, schedule, status),) = rows(saved, "SELECT name, experiment, schedule, status FROM session")
    assert (name, status) == ("anew", "finished")
    assert json.loads(text)["bins"] == 7
    assert [(schedule,)] == rows(recorded, "SELECT schedule FROM session")
    assert rows(saved, "SELECT kind, text FROM event ORDER BY id DESC LIMIT 1") == [
        ("remeasured", "measured again, from recorded")
    ]
    assert rows(saved, "SELECT count(*) FROM writer") == [(0,)]
    assert rows(saved, "PRAGMA integrity_check") == [("ok",)]
    assert rows(saved, "PRAGMA foreign_key_check") == []
    assert {table for (table,) in rows(saved, "SELECT name FROM sqlite_schema WHERE type = 'table'")} == {
        table for (table,) in rows(recorded, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    }


def test_a_session_that_was_stopped_is_measured_as_far_as_it_came_and_goes_on_with_its_estimator(
    threads: Threads, tmp_path: Path
) -> None:
    path, saved = tmp_path / "half.ibs", tmp_path / "half again.ibs"
    interrupt = Interrupt()
    writer = begin(path, "half", Experiment(**{**SETTINGS, "hidden": ((3,),)}))  # type: ignore[arg-type]

    def watch(progress: object) -> None:
        if getattr(progress, "snapshot", None) and progress.snapshot >= 3:  # type: ignore[attr-defined]
            interrupt.request()

    assert Run(writer, threads=1).execute(watch, interrupt) == "stopped"
    with SessionReader(path) as reader:
        save_remeasured(reader, saved, "half again", with_settings(reader.summary.experiment, {"bins": 9}), threads)
    with SessionReader(saved) as reader:
        assert reader.summary.status == "stopped"
    assert Run(reopen(saved), threads=1).execute() == "finished"
    whole = run(tmp_path / "whole.ibs", hidden=((3,),), bins=9)
    with SessionReader(saved) as mine, SessionReader(whole) as other:
        found, expected = mine.layers(mine.ensemble(0)), other.layers(other.ensemble(0))
        for column in LAYER_COLUMNS:
            assert np.array_equal(getattr(found, column), getattr(expected, column), equal_nan=True), column


def test_a_session_of_the_first_version_is_measured_again(threads: Threads, tmp_path: Path) -> None:
    saved = tmp_path / "new.ibs"
    with SessionReader(OLD) as reader:
        before = reader.layers(reader.ensemble(0))
        save_remeasured(reader, saved, "new", reader.summary.experiment, threads)
    with SessionReader(saved) as reader:
        after = reader.layers(reader.ensemble(0))
    assert np.isfinite(after.saturated).all()
    for name in ("i_x", "i_y", "distinct_t"):  # another processor may round a weight's output otherwise
        assert getattr(after, name) == pytest.approx(getattr(before, name), abs=0.01 if name != "distinct_t" else 3)
    assert np.array_equal(after.grad_mean, before.grad_mean, equal_nan=True)


def without_frozen_gradients(path: Path, copy: Path, where: str = "1") -> Path:
    """A copy of a session that is as if earlier versions had filled the rows that a condition names."""
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(f"UPDATE layer SET frozen_mean = NULL, frozen_std = NULL WHERE {where}")
        connection.commit()
    return copy


def measured_again(path: Path, saved: Path, threads: Threads) -> Path:
    """A session measured again with its own settings."""
    with SessionReader(path) as reader:
        save_remeasured(reader, saved, "saved", reader.summary.experiment, threads)
    return saved


FROZEN = "SELECT frozen_mean, frozen_std FROM layer ORDER BY snapshot, network, layer"


@pytest.mark.parametrize(
    "settings",
    [{}, {"batch": 40, "activation_bits": 3, "labels": "random"}, {"batch": "full", "trainer": "torch"}],
    ids=["fused", "quantised", "torch"],
)
def test_gradients_at_frozen_weights_are_found_as_a_run_records_them(
    threads: Threads, tmp_path: Path, settings: dict[str, object]
) -> None:
    recorded = run(tmp_path / "recorded.ibs", **settings)
    early = without_frozen_gradients(recorded, tmp_path / "early.ibs")
    assert set(rows(early, FROZEN)) == {(None, None)}
    saved = measured_again(early, tmp_path / "saved.ibs", threads)
    assert rows(saved, FROZEN) == rows(recorded, FROZEN)
    assert all(0 < number < 100 for pair in rows(saved, FROZEN) for number in pair)


def test_gradients_at_frozen_weights_are_found_where_they_are_absent_and_else_left(
    recorded: Path, threads: Threads, tmp_path: Path
) -> None:
    half = without_frozen_gradients(recorded, tmp_path / "half.ibs", "snapshot < 4")
    with closing(sqlite3.connect(half)) as connection:
        connection.execute("UPDATE layer SET frozen_std = 5.5 WHERE snapshot = 5")
        connection.commit()
    saved = measured_again(half, tmp_path / "saved.ibs", threads)
    assert rows(saved, FROZEN.replace("ORDER", "WHERE snapshot != 5 ORDER")) == rows(
        recorded, FROZEN.replace("ORDER", "WHERE snapshot != 5 ORDER")
    )
    assert {std for _, std in rows(saved, FROZEN.replace("ORDER", "WHERE snapshot = 5 ORDER"))} == {5.5}


def test_where_their_trainer_is_missing_gradients_at_frozen_weights_stay_absent(
    recorded: Path, threads: Threads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = without_frozen_gradients(recorded, tmp_path / "early.ibs")
    with closing(sqlite3.connect(early)) as connection:
        connection.execute("UPDATE ensemble SET trainer = 'torch'")
        connection.commit()
    monkeypatch.setitem(sys.modules, "torch", None)
    saved = measured_again(early, tmp_path / "saved.ibs", threads)
    assert set(rows(saved, FROZEN)) == {(None, None)}
    assert rows(saved, "SELECT i_x FROM layer") == rows(recorded, "SELECT i_x FROM layer")


def test_nothing_is_overwritten_and_nothing_half_made_is_left(recorded: Path, threads: Threads, tmp_path: Path) -> None:
    taken = tmp_path / "taken.ibs"
    taken.write_text("mine")

    def interrupted(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with SessionReader(recorded) as reader:
        experiment = reader.summary.experiment
        with pytest.raises(InvalidValue, match="exists already"):
            save_remeasured(reader, taken, "taken", experiment, threads)
        with pytest.raises(KeyboardInterrupt):
            save_remeasured(reader, tmp_path / "other.ibs", "other", experiment, threads, interrupted)
        with pytest.raises(InvalidValue, match="cannot write the session"):
            save_remeasured(reader, taken / "below.ibs", "below", experiment, threads)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.ibs"]
    assert taken.read_text() == "mine"


def test_without_weights_there_is_nothing_to_measure(threads: Threads, tmp_path: Path) -> None:
    path = run(tmp_path / "light.ibs", weights=False)
    with SessionReader(path) as reader:
        ensemble, experiment = reader.ensemble(0), reader.summary.experiment
        with pytest.raises(InvalidValue, match=r"keeps no weights: it was run with --no-weights$"):
            list(remeasure(reader, ensemble, [0], experiment, threads))
        with pytest.raises(InvalidValue, match=r"keeps no weights: it was run with --no-weights$"):
            save_remeasured(reader, tmp_path / "new.ibs", "new", experiment, threads)
        with pytest.raises(InvalidValue, match=r"^epoch is 29: measured are \d"):
            list(remeasure(reader, ensemble, [0, 29], experiment, threads))
    assert [path.name for path in tmp_path.iterdir()] == ["light.ibs"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bins": 1}, "^bins must be a whole number"),
        ({"noise": 0.1}, "^noise is 0.1: the estimator binning adds no noise; add --estimator kde or gauss$"),
        (
            {"estimator": "kde", "bins": 30},
            "^bins is 30: the estimator kde has no bins; add --estimator binn",
        ),
        (
            {"estimator": "exact", "bins": 30},
            "^bins is 30: the estimator exact has no bins; add --estimator binn",
        ),
        ({"estimator": "kde", "noise": 0.0}, "^noise must be a variance from 1e-30 to 1e"),
        (
            {"estimator": "guess"},
            "^estimator must be binning, adaptive, quantile, kde, exact, gauss, renyi or probe, got 'guess'$",
        ),
        (
            {"noise_samples": 99, "estimator": "kde"},
            "^noise-samples is 99: the estimator kde draws no noise; add --estimator gauss$",
        ),
        ({"kernel_width": 2.0}, "^kernel-width is 2: the estimator binning has no kernel; add --estimator renyi$"),
        ({"estimator": "renyi", "kernel_width": 0.0}, "^kernel-width must be a number from 0.001 to 1000, got 0.0$"),
        (
            {"estimator": "gauss", "noise_samples": 1},
            "^noise-samples must be a whole number from 2 to 10000000, got 1$",
        ),
        (
            {"estimator": "gauss", "noise": 1.0, "noise_scale": "big"},
            "^noise-scale must be absolute, unit or layer, got 'big'$",
        ),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        with_settings(Experiment(), changes)


HOSTILE = {
    "UPDATE weights SET data = zeroblob(10)": "compressed numbers are unreadable",
    "UPDATE cohort SET networks = 4 WHERE id = 1": "networks",
    "UPDATE cohort SET first = 900 WHERE id = 1": "",
    "UPDATE layer SET layer = 7 WHERE layer = 1": "",
    "DELETE FROM layer WHERE layer = 1": "lacks some of its rows in layer",
    "DELETE FROM learning WHERE network = 1": "lacks some of its rows in learning",
    "UPDATE learning SET train_loss = 'much' WHERE snapshot = 2": "copy.ibs' is damaged: learning holds no numbers",
    "UPDATE rule SET dtype = 'float32'": "",
    "UPDATE rule SET rows = 5000": "",
    "UPDATE ensemble SET trainer = 'magic'": "CHECK constraint failed",
    "UPDATE cohort SET networks = 0; DELETE FROM network; UPDATE weights SET data = x'789c030000000001';"
    "DELETE FROM layer": "a cohort without networks",
    "DROP TABLE checkpoint": "no such table: checkpoint",
}


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_damaged_session_ends_in_one_sentence_and_leaves_nothing(
    recorded: Path, threads: Threads, tmp_path: Path, statement: str
) -> None:
    copy = Path(shutil.copy(recorded, tmp_path / "copy.ibs"))
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.executescript(statement)
    with pytest.raises(SessionError) as no, SessionReader(copy) as reader:
        save_remeasured(reader, tmp_path / "new.ibs", "new", reader.summary.experiment, threads)
    assert "is damaged" in str(no.value)
    assert HOSTILE[statement] in str(no.value)
    assert "\n" not in str(no.value)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.ibs"]


@pytest.mark.parametrize("value", first(1, [np.nan, np.inf, 3e38]))
def test_weights_that_are_no_numbers_are_damage(recorded: Path, threads: Threads, tmp_path: Path, value: float) -> None:
    from ibtui_engine.session.codec import pack_weights

    copy = Path(shutil.copy(recorded, tmp_path / "copy.ibs"))
    with SessionReader(copy) as reader:
        parameters = reader.architecture(reader.ensemble(0)).parameters
    with closing(sqlite3.connect(copy)) as connection:
        data = pack_weights(np.full((3, parameters), value, np.float32))
        connection.execute("UPDATE weights SET data = ? WHERE snapshot = 1", (data,))
        connection.commit()
    with SessionReader(copy) as reader:
        for estimator in ESTIMATORS:
            experiment = with_settings(reader.summary.experiment, {"estimator": estimator})
            if value == 3e38:  # large, but numbers: tanh bounds what they do
                (_, found), *_ = remeasure(reader, reader.ensemble(0), [0], experiment, threads)
                assert np.isfinite(found.i_y).all()
                continue
            with pytest.raises(SessionError, match="is damaged: some of its weights are no finite numbers"):
                save_remeasured(reader, tmp_path / "new.ibs", "new", experiment, threads)


def test_a_full_disk_names_the_new_file(
    recorded: Path, threads: Threads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        connection = connect(*arguments, **options)  # type: ignore[call-overload]
        sqlite3.Connection.execute(connection, "PRAGMA max_page_count = 20")
        return connection

    with SessionReader(recorded) as reader:
        experiment = reader.summary.experiment
        monkeypatch.setattr(sqlite3, "connect", small)
        with pytest.raises(StorageError, match=r"new\.ibs' cannot be written"):
            save_remeasured(reader, tmp_path / "new.ibs", "new", experiment, threads)
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_has_the_peaks_of_measuring_one_by_one(recorded: Path, threads: Threads) -> None:
    with SessionReader(recorded) as reader:
        ensemble, experiment = reader.ensemble(0), reader.summary.experiment
        epochs = ensemble.snapshots
        found = sweep(reader, ensemble, experiment, (2, 30, 100_000), epochs, threads)
        for row, bins in enumerate((2, 30, 100_000)):
            one = with_settings(experiment, {"bins": bins})
            means = np.array([i.i_x.mean(axis=0) for _, i in remeasure(reader, ensemble, epochs, one, threads)])
            assert np.array_equal(found.peak[row], means.max(axis=0))
            assert np.array_equal(found.end[row], means[-1])
            assert np.array_equal(found.compression[row], means.max(axis=0) - means[-1])
            for layer, epoch in enumerate(found.peak_epoch[row].tolist()):
                assert means[epochs.index(epoch), layer] == means[:, layer].max()
        assert found.ceiling[2, 0]
        assert not found.ceiling[0].any()
        with pytest.raises(InvalidValue, match="nothing has been measured yet"):
            sweep(reader, ensemble, experiment, (2,), (), threads)


@pytest.mark.parametrize("count", [1, 2, 5, 30, 31, 122, 1000])
def test_thinned_snapshots_are_few_evenly_spread_and_have_both_ends(count: int) -> None:
    epochs = tuple(range(0, 3 * count, 3))
    found = thinned(epochs, 30)
    assert len(found) == min(count, 30)
    assert set(found) <= set(epochs)
    assert (found[0], found[-1]) == (epochs[0], epochs[-1])
    steps = np.diff(found)
    assert steps.size == 0 or steps.max() - steps.min() <= 3
