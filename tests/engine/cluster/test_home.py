"""Runs on a cluster: the same session comes out, whatever happens on the way."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine import cohort
from ibtui_engine.cluster import bench, home, link, plan, worker
from ibtui_engine.cluster.orders import Piece
from ibtui_engine.errors import ClusterError, InvalidValue, TrainingError
from ibtui_engine.experiment import Experiment
from ibtui_engine.progress import Interrupt, Progress
from ibtui_engine.runner import Run, begin, reopen
from ibtui_engine.session.control import send
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary
from tests.engine.test_runner import assert_same, results
from tests.faults.sessions import bits

GRID = Experiment(
    rule="symmetric-soft",
    hidden=((4, 3), (3,)),
    fraction=(0.05, 0.1),
    networks=3,
    seed=5,
    epochs=12,
    batch=64,
    learning_rate=0.3,
    snapshot_at=(1, 4, 9),
)
LONG = replace(GRID, hidden=((4, 3),), fraction=(0.85,), epochs=150, snapshot_at=(1, 75), networks=4)
"""Some seconds' work where a chunk is one epoch."""


def run(path: Path, experiment: Experiment, **options: Any) -> str:
    return Run(begin(path, "run", experiment), threads=1).execute(**options)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Sessions that this process has trained by itself."""
    room = tmp_path_factory.mktemp("alone")
    for name, experiment in {"grid": GRID, "long": LONG}.items():
        assert run(room / f"{name}.ibs", experiment) == "finished"
    return {name: room / f"{name}.ibs" for name in ("grid", "long")}


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers look for requests after every epoch, of which each takes some hundredths of a second more."""
    monkeypatch.setattr(cohort, "CHUNK_SECONDS", 0.0)
    advance = cohort.Cohort.advance

    def slow(self: cohort.Cohort, schedule: Any) -> Any:
        time.sleep(0.02)
        return advance(self, schedule)

    monkeypatch.setattr(cohort.Cohort, "advance", slow)


def test_a_session_of_a_cluster_has_the_same_rows(client: Any, alone: dict[str, Path], tmp_path: Path) -> None:
    seen: list[Progress] = []
    assert run(tmp_path / "run.ibs", GRID, cluster=client, watch=seen.append) == "finished"
    assert bits(tmp_path / "run.ibs") == bits(alone["grid"])
    assert {one.status for one in seen} == {"preparing", "running", "finished"}
    assert seen[-1].done == pytest.approx(1)
    assert sum(one.snapshot is not None for one in seen) == 4 * 5


@pytest.mark.long
def test_more_epochs_and_networks_are_trained_on_a_cluster(client: Any, alone: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "run.ibs"
    shorter = GRID.override({"epochs": 9, "networks": 2, "snapshot_at": (1, 4)})
    assert run(path, shorter, cluster=client) == "finished"
    assert Run(reopen(path, epochs=12, networks=3), threads=1).execute(cluster=client) == "finished"
    assert_same(results(path), results(alone["grid"]))


def test_a_run_that_is_stopped_goes_on_with_or_without_the_cluster(
    client: Any, alone: dict[str, Path], tmp_path: Path, slowly: None
) -> None:
    path, interrupt = tmp_path / "run.ibs", Interrupt()

    def watch(progress: Progress) -> None:
        if progress.snapshot == 1:
            interrupt.request()

    assert run(path, LONG, cluster=client, watch=watch, interrupt=interrupt) == "stopped"
    assert read_summary(path).status == "stopped"
    with closing(sqlite3.connect(path)) as connection:
        ((epoch,),) = connection.execute("SELECT max(epoch) FROM checkpoint")
    assert 1 < epoch < 150  # the workers' last word, and not only the snapshot
    assert Run(reopen(path), threads=1).execute() == "finished"
    assert_same(results(path), results(alone["long"]))


def test_requests_reach_the_workers(client: Any, tmp_path: Path, slowly: None) -> None:
    path = tmp_path / "run.ibs"
    asked: list[str] = []

    def watch(progress: Progress) -> None:
        if progress.snapshot == 1:
            send(path, "pause")
            asked.append("pause")
        if progress.status == "paused" and asked == ["pause"]:
            send(path, "stop")
            asked.append("stop")

    assert run(path, LONG, cluster=client, watch=watch) == "stopped"
    assert asked == ["pause", "stop"]
    with closing(sqlite3.connect(path)) as connection:
        kinds = [kind for (kind,) in connection.execute("SELECT kind FROM event ORDER BY id")]
    assert kinds[-2:] == ["paused", "stopped"]


@pytest.mark.long
def test_idle_workers_take_over_networks_of_the_one_that_is_at_work(
    client: Any, alone: dict[str, Path], tmp_path: Path, slowly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WORTH_SECONDS", 0.1)
    shared: list[tuple[int, int | None]] = []
    arrived = plan.Plan.arrived

    def seen(self: plan.Plan, piece: Piece) -> Any:
        shared.append((piece.row.networks, piece.kept))
        return arrived(self, piece)

    monkeypatch.setattr(plan.Plan, "arrived", seen)
    assert run(tmp_path / "run.ibs", LONG, cluster=client) == "finished"
    assert (4, 2) in shared
    assert bits(tmp_path / "run.ibs") == bits(alone["long"])


@pytest.mark.long
def test_large_cohorts_are_split_and_have_the_same_numbers(
    client: Any, alone: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "COHORT_SECONDS", 1e-6)
    path = tmp_path / "run.ibs"
    assert run(path, GRID, cluster=client) == "finished"
    with closing(sqlite3.connect(path)) as connection:
        assert [count for (count,) in connection.execute("SELECT networks FROM cohort")] == [1] * 12
    assert_same(results(path), results(alone["grid"]))


def test_a_network_that_diverges_ends_the_run(client: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="has diverged by epoch"):
        run(tmp_path / "run.ibs", replace(LONG, activation=("linear",), learning_rate=(1e20,)), cluster=client)
    assert read_summary(tmp_path / "run.ibs").status == "stopped"


@pytest.mark.long
def test_a_cell_of_a_map_that_diverges_is_given_up_and_the_others_go_on(client: Any, tmp_path: Path) -> None:
    experiment = replace(GRID, activation=("linear",), learning_rate=(0.3, 1e20), hidden=((3,),))
    notes: list[str] = []
    for name, how in (("alone", {}), ("there", {"cluster": client})):
        assert run(tmp_path / f"{name}.ibs", experiment, watch=lambda p: notes.append(p.note), **how) == "finished"
    assert sum("has diverged by epoch" in note for note in notes) == 2 * 2
    epochs = []
    for name in ("alone", "there"):
        with SessionReader(tmp_path / f"{name}.ibs") as reader:
            epochs.append([one.epochs_done for one in reader.summary.ensembles])
    assert epochs[0] == epochs[1]
    assert sorted(epochs[0])[2:] == [12, 12]


@pytest.mark.long
def test_a_worker_that_fails_again_and_again_ends_the_run(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: bench.Bench, order: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(bench.Bench, "carry_out", fail)
    with pytest.raises(ClusterError, match=r"workers failed 3 times at the same networks: OSError: no room"):
        run(tmp_path / "run.ibs", GRID, cluster=client)


@pytest.mark.long
def test_an_order_that_ends_without_a_word_is_given_again(
    client: Any, alone: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "MISSING_SECONDS", 0.2)
    carry_out = bench.Bench.carry_out
    forgotten: list[int] = []

    def forget(self: bench.Bench, order: Any) -> None:
        if not forgotten:
            forgotten.append(order.number)
        else:
            carry_out(self, order)

    monkeypatch.setattr(bench.Bench, "carry_out", forget)
    assert run(tmp_path / "run.ibs", GRID, cluster=client) == "finished"
    assert bits(tmp_path / "run.ibs") == bits(alone["grid"])


@pytest.mark.long
def test_a_second_copy_is_dropped_and_one_with_other_numbers_noted(
    client: Any, alone: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = link.Link.next

    def next_twice(self: link.Link, seconds: float) -> Any:
        events = []
        for event in sent(self, seconds):
            events.append(event)
            for piece in getattr(event, "pieces", ()):
                if piece.measured is not None and piece.row.epoch == 4 and piece.row.ensemble < 2:
                    measured = piece.measured
                    if piece.row.ensemble == 1:
                        measured = replace(measured, weight_norm=np.nextafter(measured.weight_norm, 9))
                    events.append(link.Arrived(event.address, (replace(piece, measured=measured, end=""),)))
        return events

    monkeypatch.setattr(link.Link, "next", next_twice)
    path = tmp_path / "run.ibs"
    assert run(path, GRID, cluster=client) == "finished"
    with closing(sqlite3.connect(path)) as connection:
        events = connection.execute("SELECT text FROM event WHERE kind = 'different'").fetchall()
        connection.execute("DELETE FROM event WHERE kind = 'different'")
        connection.commit()
    assert len(events) == 1
    assert events[0][0].startswith("networks 0 to 2 of ensemble 1 at epoch 4, computed again by ")
    assert bits(path) == bits(alone["grid"])


@pytest.mark.long
def test_another_processor_is_noted_with_the_cohort(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = worker.machine()
    monkeypatch.setattr(home, "machine", lambda: replace(own, processor="abacus", features=own.features - {"+fma"}))
    path = tmp_path / "run.ibs"
    assert run(path, replace(GRID, hidden=((3,),), fraction=(0.05,)), cluster=client) == "finished"
    with closing(sqlite3.connect(path)) as connection:
        ((text,),) = connection.execute("SELECT text FROM event WHERE kind = 'processor'")
    assert text == (
        f"cohort 1 (networks 0 to 2 of ensemble 0) is computed on {own.host}, a {own.processor} where home is a "
        f"abacus{', with +fma' if '+fma' in own.features else ''}"
    )


def test_workers_of_other_versions_are_refused(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = worker.machine()
    other = replace(own, versions=(*own.versions[:-1], ("NumPy", "9.9")))
    monkeypatch.setattr(link.far, "machine", lambda: own)
    monkeypatch.setattr(client, "run", _answering(client.run, other))
    said = rf"worker \S+ has other versions: on {own.host} it has NumPy 9.9 where this process has \S+$"
    with pytest.raises(InvalidValue, match=said):
        run(tmp_path / "run.ibs", GRID, cluster=client)


def _answering(run_there: Any, answer: Any) -> Any:
    async def answered(*arguments: Any, **how: Any) -> dict[str, Any]:
        found = await run_there(lambda: None, **how)
        return dict.fromkeys(found, answer)

    return answered


def test_a_worker_that_cannot_be_reached_is_no_reason_to_refuse(
    client: Any, alone: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_there, cut = client.run, [True, True]

    async def answered(*arguments: Any, **how: Any) -> Any:
        if cut:
            cut.pop()
            raise ConnectionResetError("the link is cut")
        return await run_there(*arguments, **how)

    monkeypatch.setattr(client, "run", answered)
    assert run(tmp_path / "run.ibs", GRID, cluster=client) == "finished"
    assert not cut
    assert bits(tmp_path / "run.ibs") == bits(alone["grid"])


def test_the_session_is_a_plain_one_for_readers(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.ibs"
    run(path, GRID, cluster=client)
    with SessionReader(path) as reader:
        assert reader.layers(reader.ensemble(3)).i_x.shape == (5, 3, 2)
    assert [file.name for file in tmp_path.iterdir()] == ["run.ibs"]


def test_cohorts_for_a_gpu_are_trained_by_the_worker_that_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    seen: list[tuple[str, str]] = []
    carry_out = bench.Bench.carry_out
    make = cohort.make_trainer

    def look(self: bench.Bench, order: Any) -> None:
        seen.append((distributed.get_worker().name, order.device))
        carry_out(self, order)

    monkeypatch.setattr(bench.Bench, "carry_out", look)
    monkeypatch.setattr(cohort, "make_trainer", lambda trainer, device, *rest: make("fused", "cpu", *rest))
    experiment = replace(GRID, trainer="torch", device="cuda", hidden=((3,),))
    writer = begin(tmp_path / "run.ibs", "run", experiment, elsewhere=True)
    kinds = {
        "plain": {"cls": distributed.Worker, "options": {"nthreads": 1}},
        "card": {"cls": distributed.Worker, "options": {"nthreads": 1, "resources": {link.GPU: 1}}},
    }
    scheduler = {
        "cls": distributed.Scheduler,
        "options": {"dashboard_address": "127.0.0.1:0", "port": 0, "host": "127.0.0.1"},
    }
    with (
        distributed.SpecCluster(scheduler=scheduler, workers=kinds) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        assert Run(writer, threads=1).execute(cluster=client) == "finished"
    assert set(seen) == {("card", "cuda")}
