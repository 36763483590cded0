"""The one writer: what it writes is there whole or not at all, and nobody else writes meanwhile."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue, LockedError, SessionError, StorageError
from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.networks import Samples
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session import claim as claims
from ibtui_engine.session import drafting, ending, liveness
from ibtui_engine.session import writer as module
from ibtui_engine.session.claim import Waiting
from ibtui_engine.session.connection import Connection
from ibtui_engine.session.control import send
from ibtui_engine.session.drafting import discard, rename
from ibtui_engine.session.ending import settle, tidy
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.summary import read_summary
from ibtui_engine.session.writer import Measured, SessionWriter
from ibtui_engine.training.problem import TrainingState

RULE = Rule("soft", np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8), np.array([0.0, 1.0, 1.0, 0.25]))
EXPERIMENT = Experiment(hidden=((3, 2),), fraction=(0.75,), networks=2, epochs=1000)
PARAMETERS = 3 * 3 + 4 * 2 + 3
LAYERS = 3


def snapshot_at(epoch: int, networks: int = 2) -> tuple[Measured, TrainingState]:
    """Numbers that tell the epoch, network and layer they belong to."""
    cell = epoch * 100 + np.arange(networks)[:, None] * 10 + np.arange(1.0, LAYERS + 1)
    row = cell[:, 0]
    absent = np.full_like(cell, np.nan)
    measured = Measured(
        LayerInformation(
            *(cell / 1e4 + 0.1, cell / 1e4 + 0.2, cell.astype(np.int64), cell - 1, cell + 1, cell / 1e4 + 0.15),
            *(absent, cell / 1e6, absent),
        ),
        Learning(row + 0.3, row * np.nan, row / 1e6 + 0.5, row * np.nan),
        absent if epoch == 0 else cell + 0.6,
        absent,
        cell + 0.8,
    )
    weights = np.full((networks, PARAMETERS), epoch, np.float32) + np.arange(networks, dtype=np.float32)[:, None]
    return measured, TrainingState(epoch, weights, np.stack([weights + 0.5]))


def populated(writer: SessionWriter) -> CohortRow:
    (ensemble,) = EXPERIMENT.ensembles
    writer.add_ensemble(ensemble, 2, 3, "fused", "cpu")
    samples = Samples(np.array([[0, 1, 3], [1, 2, 3]]), np.array([[0, 1, 1], [1, 1, 0]], np.uint8))
    return writer.add_cohort(0, 0, [7, 8], samples, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "run.ibs"


@pytest.fixture
def writer(path: Path) -> Iterator[SessionWriter]:
    with SessionWriter.create(path, "run", EXPERIMENT, [RULE]) as writer:
        yield writer


def dump(path: Path) -> list[str]:
    """All that is in the tables, for another connection."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


# ---- beginning


def test_a_new_session_is_whole_and_says_what_runs(path: Path) -> None:
    with SessionWriter.create(path, "run", EXPERIMENT, [RULE]) as writer:
        cohort = populated(writer)
        summary = read_summary(path)
        assert (summary.name, summary.status, summary.live) == ("run", "running", True)
        assert summary.experiment == EXPERIMENT
        assert writer.schedule == EXPERIMENT.snapshot_epochs
        assert writer.ensembles() == {0: ("fused", "cpu")}
        assert writer.cohorts() == [cohort] == [CohortRow(1, 0, 0, 2, 0)]
        assert 0 <= time.time() - summary.created < 60
        assert (summary.rules[0].h_x, summary.rules[0].i_xy) == (RULE.h_x, RULE.i_xy)


def test_a_session_is_never_written_over(path: Path, writer: SessionWriter) -> None:
    before = dump(path)
    with pytest.raises(InvalidValue, match=r"run\.ibs' exists already: choose another name, sessions are never overw"):
        SessionWriter.create(path, "other", EXPERIMENT, [RULE])
    assert dump(path) == before
    for kind in ("file", "directory", "link"):
        other = path.with_name(f"{kind}.ibs")
        {"file": other.touch, "directory": other.mkdir, "link": lambda: other.symlink_to("nowhere")}[kind]()  # noqa: B023
        with pytest.raises(InvalidValue, match="exists already"):
            SessionWriter.create(other, "other", EXPERIMENT, [RULE])
    assert path.with_name("file.ibs").read_bytes() == b""
    assert sorted(p.name for p in path.parent.iterdir() if not p.name.startswith("run.")) == [
        "directory.ibs",
        "file.ibs",
        "link.ibs",
    ]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidValue, match="cannot write the session"):
        SessionWriter.create(tmp_path / "file" / "run.ibs", "run", EXPERIMENT, [RULE])
    with pytest.raises(InvalidValue, match=r"cannot write the session .*File name too long"):
        SessionWriter.create(tmp_path / ("x" * 300), "run", EXPERIMENT, [RULE])
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("where", "name"),
    [(module, "pack_numbers"), (module, "this_process"), (drafting, "_publish"), (module, "open_session")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_session_that_cannot_be_begun_leaves_nothing_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(where, name, fail)
    with pytest.raises(MemoryError):
        SessionWriter.create(path, "run", EXPERIMENT, [RULE])
    assert list(path.parent.iterdir()) == []


def test_many_processes_that_want_one_name_get_one_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", threading.get_ident)  # threads that act as if each were a process
    won: list[int] = []
    lost: list[str] = []

    def create(number: int) -> None:
        try:
            SessionWriter.create(tmp_path / "run.ibs", f"run {number}", EXPERIMENT, [RULE]).close()
            won.append(number)
        except InvalidValue as error:
            lost.append(str(error))

    threads = [threading.Thread(target=create, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(lost) == 3
    assert read_summary(tmp_path / "run.ibs").name == f"run {won[0]}"
    assert [p.name for p in tmp_path.iterdir()] == ["run.ibs"]


# ---- whole or not at all


class Failing:
    """A connection whose statement number `fuse` fails, as a full disk or a signal would make it."""

    def __init__(self, connection: sqlite3.Connection, fuse: int) -> None:
        self._connection = connection
        self._fuse = fuse
        self.spent = 0

    def _burn(self) -> None:
        self.spent += 1
        if self.spent == self._fuse:
            raise KeyboardInterrupt

    def execute(self, *arguments: Any) -> Any:
        if not arguments[0].startswith("ROLLBACK"):
            self._burn()
        return self._connection.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self._burn()
        return self._connection.executemany(*arguments)

    insert = Connection.insert
    insert_rows = Connection.insert_rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_a_snapshot_is_recorded_whole_or_not_at_all_wherever_it_fails(path: Path, writer: SessionWriter) -> None:
    cohort = populated(writer)
    writer.record(cohort, *snapshot_at(0), keep_weights=True)
    connection = writer._connection
    before = dump(path)
    for fuse in range(1, 40):
        failing = Failing(connection, fuse)
        writer._claim.connection = failing  # type: ignore[assignment]
        try:
            writer.record(cohort, *snapshot_at(5), keep_weights=True)
        except KeyboardInterrupt:
            writer._claim.connection = connection
            assert dump(path) == before, fuse
            assert not connection.in_transaction
        else:
            break
    writer._claim.connection = connection
    assert fuse > 8  # begin, snapshot, layers, learning, weights, checkpoint, cohort, heartbeat, commit
    with SessionReader(path) as reader:
        assert reader.ensemble(0).snapshots == (0, 5)
    writer.record(cohort, *snapshot_at(9), keep_weights=True)  # and the writer is as good as new


@pytest.mark.parametrize("what", ["add_cohort", "set_status", "extend", "checkpoint"])
def test_everything_else_is_written_whole_or_not_at_all(path: Path, writer: SessionWriter, what: str) -> None:
    cohort = populated(writer)
    connection = writer._connection
    samples = Samples(np.array([[0, 1, 3]]), np.array([[0, 1, 1]], np.uint8))
    acts = {
        "add_cohort": lambda: writer.add_cohort(0, 2, [9], samples, 4),
        "set_status": lambda: writer.set_status("paused", "why"),
        "extend": lambda: writer.extend(EXPERIMENT.override({"epochs": 2000}), (0, 5)),
        "checkpoint": lambda: writer.checkpoint(cohort, snapshot_at(3)[1]),
    }
    before = dump(path)
    for fuse in range(1, 30):
        writer._claim.connection = Failing(connection, fuse)  # type: ignore[assignment]
        try:
            acts[what]()
        except KeyboardInterrupt:
            assert dump(path) == before
        else:
            break
    writer._claim.connection = connection
    assert fuse > 3
    assert dump(path) != before


def test_numbers_that_do_not_fit_the_tables_leave_no_trace(path: Path, writer: SessionWriter) -> None:
    cohort = populated(writer)
    writer.record(cohort, *snapshot_at(0), keep_weights=True)
    before = dump(path)
    with pytest.raises(SessionError, match="UNIQUE"):
        writer.record(cohort, *snapshot_at(0), keep_weights=True)
    measured, state = snapshot_at(5)
    measured.weight_norm[1, 2] = np.nan
    with pytest.raises(SessionError, match="a snapshot has no weight_norm"):
        writer.record(cohort, measured, state, keep_weights=True)
    assert dump(path) == before


# ---- one writer


CLAIM = """
import sys
from pathlib import Path
from ibtui_engine.errors import SessionError
from ibtui_engine.session.writer import SessionWriter
try:
    writer = SessionWriter.reopen(Path(sys.argv[1]))
except SessionError as error:
    print(error)
else:
    writer.show_progress(None, None)
    print("claimed", flush=True)
    sys.stdin.read()
"""


def claim(path: Path) -> subprocess.Popen[str]:
    """Another process that becomes the session's writer, if it can, and then waits to be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


BESIDE_RUNNING = ("lock", "shm", "wal")


def claim_new(path: Path) -> subprocess.Popen[str]:
    """Likewise, of a session that is made first if need be; it has come to writing."""
    if not path.exists():
        with SessionWriter.create(path, "run", EXPERIMENT, [RULE]) as writer:
            populated(writer)
            writer.set_status("stopped")
    process = claim(path)
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    return process


def test_nobody_else_becomes_the_writer_while_one_is_at_work(path: Path, writer: SessionWriter) -> None:
    populated(writer)
    before = dump(path)
    with pytest.raises(SessionError, match=rf"is in use: process {os.getpid()} on .* is running it"):
        SessionWriter.reopen(path)
    writer.set_status("paused")
    with claim(path) as other:
        assert f"process {os.getpid()} on" in other.communicate()[0]
    writer.set_status("running")
    assert [line for line in dump(path) if '"event"' not in line] == [line for line in before if '"event"' not in line]


def test_the_writer_of_a_dead_process_is_succeeded_and_not_before(path: Path, writer: SessionWriter) -> None:
    cohort = populated(writer)
    writer.record(cohort, *snapshot_at(0), keep_weights=True)
    writer.set_status("stopped")
    writer.close()
    with claim(path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "claimed\n"
        with pytest.raises(SessionError, match=f"process {other.pid} on"):
            SessionWriter.reopen(path)
        assert read_summary(path).live
        other.kill()
        other.wait()
        assert read_summary(path).status == "interrupted"
        with SessionWriter.reopen(path) as again:
            assert read_summary(path).status == "running"
            assert again.cohorts() == [CohortRow(1, 0, 0, 2, 0)]
            again.record(cohort, *snapshot_at(4), keep_weights=True)
    assert read_summary(path).ensembles[0].snapshots == (0, 4)


@pytest.mark.parametrize("status", ["stopped", "finished"])
def test_a_session_that_has_ended_can_be_taken_up_by_the_same_process(
    path: Path, writer: SessionWriter, status: str
) -> None:
    writer.set_status(status)
    writer.close()
    with SessionWriter.reopen(path):
        assert read_summary(path).status == "running"


def test_requests_are_read_once_and_in_order_and_old_ones_are_forgotten(path: Path, writer: SessionWriter) -> None:
    assert writer.requests() == []
    for command in ("pause", "resume", "stop"):
        send(path, command)
    assert writer.requests() == ["pause", "resume", "stop"]
    assert writer.requests() == []
    send(path, "stop")
    writer.set_status("stopped")
    writer.close()
    with SessionWriter.reopen(path) as again:
        assert again.requests() == []
        send(path, "pause")
        assert again.requests() == ["pause"]


def test_only_what_a_run_understands_can_be_asked_for_and_only_of_a_run(path: Path, writer: SessionWriter) -> None:
    with pytest.raises(SessionError, match="CHECK"):
        send(path, "explode")
    writer.set_status("finished")
    with pytest.raises(SessionError, match="session 'run' is finished: no run to stop"):
        send(path, "stop")


def test_statuses_are_logged_with_their_reasons(path: Path, writer: SessionWriter) -> None:
    began = time.time()
    writer.set_status("paused")
    writer.set_status("stopped", "why")
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT kind, text, time FROM event ORDER BY id").fetchall()
    assert [row[:2] for row in rows] == [("paused", ""), ("stopped", "why")]
    assert all(began - 1 <= row[2] <= time.time() + 1 for row in rows)
    with pytest.raises(SessionError, match="CHECK"):
        writer.set_status("interrupted")


def test_signs_of_life_say_how_fast_and_how_long(path: Path, writer: SessionWriter) -> None:
    writer.show_progress(12.5, 60.0)
    found = read_summary(path).writer
    assert found is not None
    assert (found.rate, found.remaining) == (12.5, 60.0)
    writer.show_progress(None, None)
    again = read_summary(path).writer
    assert again is not None
    assert (again.rate, again.remaining) == (None, None)
    assert again.heartbeat >= found.heartbeat


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_clock_that_is_set_leaves_a_run_alive_and_nobody_else_gets_in(
    path: Path, writer: SessionWriter, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """When a process began is counted from the boot, whose time moves with the clock."""
    clock, start = time.time, liveness.process_start
    monkeypatch.setattr(time, "time", lambda: clock() + jump)
    monkeypatch.setattr(liveness, "process_start", lambda pid: (start(pid) or 0.0) + jump)
    writer.show_progress(None, None)
    summary = read_summary(path)
    assert summary.status == "running"
    assert summary.writer is not None
    assert abs(summary.writer.heartbeat - time.time()) < 60
    with pytest.raises(SessionError, match="is in use"):
        SessionWriter.reopen(path)


def test_a_writer_that_was_taken_for_dead_writes_no_more(path: Path, writer: SessionWriter) -> None:
    cohort = populated(writer)
    writer.record(cohort, *snapshot_at(0), keep_weights=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE writer SET pid = 7, host = 'elsewhere.example', token = 'another'")
    before = dump(path)
    for write in (
        lambda: writer.record(cohort, *snapshot_at(3), keep_weights=True),
        lambda: writer.show_progress(1.0, 1.0),
        lambda: writer.set_status("finished"),
    ):
        with pytest.raises(SessionError, match=r"was taken over by process 7 on elsewhere\.example: this run ends"):
            write()
    assert dump(path) == before


# ---- checkpoints


def test_a_checkpoint_comes_back_to_the_last_bit(writer: SessionWriter) -> None:
    cohort = populated(writer)
    assert writer.read_checkpoint(cohort, PARAMETERS, 1) is None
    random = np.random.default_rng(0)
    for epoch, slots in ((0, 0), (3, 1), (9, 2)):
        state = TrainingState(
            epoch,
            random.normal(size=(2, PARAMETERS)).astype(np.float32),
            random.normal(size=(slots, 2, PARAMETERS)).astype(np.float32),
        )
        writer.checkpoint(cohort, state)
        (now,) = writer.cohorts()
        assert now.epoch == epoch
        found = writer.read_checkpoint(now, PARAMETERS, slots)
        assert found is not None
        assert found.epoch == epoch
        assert np.array_equal(found.weights, state.weights)
        assert np.array_equal(found.slots, state.slots)
        for parameters, other in ((PARAMETERS + 1, slots), (PARAMETERS, slots + 1)):
            with pytest.raises(SessionError, match="its checkpoint does not fit its networks"):
                writer.read_checkpoint(now, parameters, other)


def test_a_checkpoint_of_another_epoch_than_its_cohort_s_is_damage(path: Path, writer: SessionWriter) -> None:
    cohort = populated(writer)
    writer.checkpoint(cohort, snapshot_at(3)[1])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE checkpoint SET epoch = 4")
        connection.commit()
    with pytest.raises(SessionError, match="does not fit"):
        writer.read_checkpoint(writer.cohorts()[0], PARAMETERS, 1)


def test_recording_is_also_a_checkpoint(writer: SessionWriter) -> None:
    cohort = populated(writer)
    measured, state = snapshot_at(6)
    writer.record(cohort, measured, state, keep_weights=False)
    found = writer.read_checkpoint(writer.cohorts()[0], PARAMETERS, 1)
    assert found is not None
    assert found.epoch == 6
    assert np.array_equal(found.weights, state.weights)
    assert np.array_equal(found.slots, state.slots)


@pytest.mark.parametrize(
    "schedule", ["5", "[]", "[3, 2]", "[1, 1]", '["a"]', "x", "[1.5]", "{}", "[-1, 2]", "[0, 100000001]"]
)
def test_a_schedule_that_is_none_is_damage(path: Path, writer: SessionWriter, schedule: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE session SET schedule = ?", (schedule,))
        connection.commit()
    with pytest.raises(SessionError, match="damaged"):
        _ = writer.schedule


# ---- readers, and the end


def test_closing_leaves_one_plain_file(path: Path) -> None:
    writer = SessionWriter.create(path, "run", EXPERIMENT, [RULE])
    writer.record(populated(writer), *snapshot_at(0), keep_weights=True)
    assert path.with_name("run.ibs-wal").exists()
    writer.set_status("finished")
    writer.close()
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes()[18:20] == b"\x01\x01"  # no write-ahead log is needed to read it


def test_a_closed_session_opens_where_nothing_can_be_written(path: Path) -> None:
    with SessionWriter.create(path, "run", EXPERIMENT, [RULE]) as writer:
        writer.record(populated(writer), *snapshot_at(0), keep_weights=True)
        writer.set_status("finished")
    path.chmod(stat.S_IREAD)
    path.parent.chmod(stat.S_IREAD | stat.S_IEXEC)
    try:
        before = path.stat()
        with SessionReader(path) as reader:
            assert reader.weights(reader.ensemble(0), 0)[1, 0] == 1.0
            assert list(path.parent.iterdir()) == [path]
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            assert connection.execute("SELECT count(*) FROM layer").fetchone() == (2 * LAYERS,)
        after = path.stat()
        assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    finally:
        path.parent.chmod(0o700)


def require_whole_alone(path: Path, epochs: tuple[int, ...]) -> None:
    """The file is the whole session without what lies beside it: `cp` takes all of it."""
    copy = path.parent.parent / "copied" / path.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(path.read_bytes())
    assert read_summary(copy).status == "finished"
    assert read_summary(copy).ensembles[0].snapshots == epochs
    discard(copy)


@pytest.mark.long
def test_a_session_that_ends_while_a_transaction_reads_it_is_whole(path: Path, writer: SessionWriter) -> None:
    path.chmod(0o640)
    with SessionReader(path) as reader, Follower(path) as follower:
        with reader.moment():
            assert reader.summary.status == "running"
            writer.record(populated(writer), *snapshot_at(0), keep_weights=True)
            writer.set_status("finished")
            writer.close()
            require_whole_alone(path, (0,))
            assert reader.summary.ensembles == ()  # the moment has not passed
        assert follower.update()
        assert follower.summary.status == "finished"
    assert read_summary(path).ensembles[0].snapshots == (0,)
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_session_that_ends_while_it_is_open_elsewhere_is_whole(path: Path, writer: SessionWriter) -> None:
    with closing(sqlite3.connect(path)) as viewer:
        viewer.execute("SELECT * FROM session").fetchall()
        writer.record(populated(writer), *snapshot_at(0), keep_weights=True)
        viewer.execute("SELECT * FROM session").fetchall()
        writer.set_status("finished")
        writer.close()
        require_whole_alone(path, (0,))
    settle(path)
    assert list(path.parent.iterdir()) == [path]


def test_who_has_a_session_open_for_a_moment_as_it_ends_is_waited_for(
    path: Path, writer: SessionWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = sqlite3.connect(path)
    viewer.execute("SELECT * FROM session").fetchall()
    monkeypatch.setattr(ending, "CLOSING_SECONDS", 60.0)
    sleep = time.sleep

    def closes(seconds: float) -> None:
        viewer.close()
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", closes)
    writer.set_status("finished")
    writer.close()
    assert list(path.parent.iterdir()) == [path]


def test_a_session_that_ends_while_it_is_followed_is_one_plain_file_after_the_next_look(
    path: Path, writer: SessionWriter
) -> None:
    with Follower(path) as one, Follower(path) as other:
        writer.record(populated(writer), *snapshot_at(0), keep_weights=True)
        assert one.update()
        assert other.update()
        writer.set_status("finished")
        writer.close()
        require_whole_alone(path, (0,))
        assert one.update()
        assert other.update()
        assert list(path.parent.iterdir()) == [path]
        assert path.read_bytes()[18:20] == b"\x01\x01"
        assert not one.update()
        with SessionWriter.reopen(path) as again:  # whoever still shows it sees that it goes on
            assert one.update()
            assert one.summary.status == "running"
            again.set_status("stopped")
            assert one.update()
        assert other.update()
        assert other.summary.status == "stopped"


def test_a_writer_that_is_interrupted_as_it_waits_for_readers_leaves_a_whole_file(
    path: Path, writer: SessionWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    checkpoint = ending._checkpointed

    def interrupted(connection: Connection, patience: float = ending.PATIENCE) -> bool:
        waits.append(patience)
        if len(waits) == 1:
            raise KeyboardInterrupt
        return checkpoint(connection, patience)

    monkeypatch.setattr(ending, "_checkpointed", interrupted)
    with SessionReader(path) as reader, reader.moment():
        assert reader.summary.status == "running"
        writer.record(populated(writer), *snapshot_at(0), keep_weights=True)
        writer.set_status("finished")
        with pytest.raises(KeyboardInterrupt):
            writer.close()
        require_whole_alone(path, (0,))
    assert waits == [ending.PATIENCE, 0.0]


def test_what_a_killed_run_left_is_settled_and_not_while_one_is_at_work(path: Path) -> None:
    with claim_new(path) as process:
        process.kill()
        process.wait()
    assert sorted(file.name for file in path.parent.iterdir()) == ["run.ibs", *(f"run.ibs-{s}" for s in BESIDE_RUNNING)]
    with SessionWriter.reopen(path) as writer:
        with pytest.raises(SessionError, match="is in use"):
            settle(path)
        writer.set_status("stopped")
        tidy(path)
        assert path.with_name("run.ibs-wal").exists()
    with claim_new(path) as process:
        process.kill()
        process.wait()
    tidy(path)
    assert list(path.parent.iterdir()) == [path]
    assert read_summary(path).status == "interrupted"


def test_readers_see_whole_snapshots_while_the_writer_writes(path: Path, writer: SessionWriter) -> None:
    """A thread records as fast as it can; whatever is read meanwhile is of one moment."""
    cohort = populated(writer)
    failures: list[BaseException] = []
    seen: list[int] = []
    written: list[int] = []
    done = threading.Event()
    writer.record(cohort, *snapshot_at(0), keep_weights=True)
    writer.close()

    def write() -> None:
        try:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("UPDATE session SET status = 'stopped'")
                connection.commit()
            with SessionWriter.reopen(path) as own:  # a connection belongs to its thread
                epoch = 0
                while epoch < 100 or (len(set(seen)) < 5 and epoch < 5000):  # until it has been looked at often enough
                    epoch += 1
                    own.record(cohort, *snapshot_at(epoch), keep_weights=True)
                written.append(epoch)
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set() or not seen:
        with SessionReader(path) as reader:
            for _ in range(5):
                with reader.moment():
                    (ensemble,) = reader.summary.ensembles
                    layers, learning = reader.layers(ensemble), reader.learning(ensemble)
                    last = ensemble.snapshots[-1]
                    weights = reader.weights(ensemble, last)
                assert layers.epochs.tolist() == learning.epochs.tolist() == list(range(last + 1))
                assert ensemble.epochs_done == last
                cells = layers.epochs[:, None, None] * 100 + np.array([[1.0, 2, 3], [11, 12, 13]])
                expected = cells / 1e4 + 0.1
                assert layers.i_x == pytest.approx(expected, rel=1e-14)
                assert weights.tolist() == [[last] * PARAMETERS, [last + 1] * PARAMETERS]
                seen.append(last)
    thread.join()
    assert failures == []
    assert seen == sorted(seen)
    assert len(set(seen)) >= 5
    assert read_summary(path).ensembles[0].snapshots == tuple(range(written[0] + 1))


def test_a_session_that_was_only_begun_is_discarded_with_all_beside_it(path: Path, writer: SessionWriter) -> None:
    neighbour = path.with_name("run.ibs.txt")
    neighbour.write_text("mine")
    populated(writer)
    writer.close()
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).touch()
    discard(path)
    discard(path)
    assert list(path.parent.iterdir()) == [neighbour]


# ---- a file that does not stay where it is


@pytest.mark.parametrize("how", ["moved", "deleted", "replaced"])
def test_a_file_that_does_not_stay_where_it_is_ends_the_writing_and_harms_nothing_else(path: Path, how: str) -> None:
    other, away = path.with_name("other.ibs"), path.with_name("away.ibs")
    SessionWriter.create(other, "other", EXPERIMENT, [RULE]).close()
    untouched = other.read_bytes()
    with SessionWriter.create(path, "run", EXPERIMENT, [RULE]) as writer:
        cohort = populated(writer)
        writer.record(cohort, *snapshot_at(0), keep_weights=True)
        writer.record(cohort, *snapshot_at(3), keep_weights=True)
        with Follower(path) as follower:
            {"moved": lambda: path.rename(away), "deleted": path.unlink, "replaced": lambda: other.rename(path)}[how]()
            said = "replaced by another file: open it again" if how == "replaced" else "No such file"
            with pytest.raises(SessionError, match=said):
                follower.update()
        for write in (
            lambda: writer.record(cohort, *snapshot_at(4), keep_weights=True),
            lambda: writer.checkpoint(cohort, snapshot_at(4)[1]),
            lambda: writer.show_progress(None, None),
            lambda: writer.set_status("finished"),
        ):
            with pytest.raises(StorageError, match="was moved, deleted or replaced while it ran"):
                write()
    left = {file.name: file for file in path.parent.iterdir()}
    if how == "replaced":
        assert read_summary(path).name == "other"
        assert path.read_bytes() == untouched
        assert left.pop("run.ibs-wal").read_bytes() == b""
        del left["run.ibs"], left["run.ibs-shm"]
    else:
        assert left.pop("other.ibs").read_bytes() == untouched
    if how == "moved":
        assert read_summary(away).ensembles[0].snapshots == (0, 3)
        with closing(sqlite3.connect(away)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        left = {name: file for name, file in left.items() if not name.startswith("away.ibs")}
    assert left == {}


def left_behind(path: Path) -> None:
    """A session of that name was killed, and its file deleted without what SQLite keeps beside it."""
    with SessionWriter.create(path, "old", EXPERIMENT, [RULE]) as old:
        old.record(populated(old), *snapshot_at(3), keep_weights=True)
        beside = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("-wal", "-shm")}
    path.unlink()
    for suffix, content in beside.items():
        Path(f"{path}{suffix}").write_bytes(content)


def test_what_a_deleted_session_left_behind_does_not_get_into_a_new_one_of_its_name(path: Path) -> None:
    left_behind(path)
    with SessionWriter.create(path, "new", EXPERIMENT, [RULE]) as writer:
        assert writer.cohorts() == []
        assert read_summary(path).name == "new"
    assert list(path.parent.iterdir()) == [path]


def test_nor_into_one_that_is_renamed_to_it(path: Path) -> None:
    left_behind(path)
    other = path.with_name("other.ibs")
    SessionWriter.create(other, "other", EXPERIMENT, [RULE]).close()
    before = other.read_bytes()
    rename(other, path)
    assert read_summary(path).name == "other"
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(InvalidValue, match="exists already"):
        rename(path, path)


def test_weights_are_left_out_where_they_are_not_to_be_kept(path: Path, writer: SessionWriter) -> None:
    writer.record(populated(writer), *snapshot_at(0), keep_weights=False)
    with SessionReader(path) as reader:
        ensemble = reader.ensemble(0)
        assert reader.layers(ensemble).i_x.shape == (1, 2, LAYERS)
        with pytest.raises(InvalidValue, match=r"keeps no weights: it was run with --no-weights"):
            reader.weights(ensemble, 0)


# ---- another program's lock


@pytest.fixture
def holder(path: Path, writer: SessionWriter) -> Iterator[sqlite3.Connection]:
    """Another program that has the session locked for writing."""
    populated(writer)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield holder


def test_a_lock_of_another_program_is_waited_for_however_long_and_told_once(
    path: Path, writer: SessionWriter, holder: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def let_go(text: str) -> None:
        told.append(text)
        holder.execute("ROLLBACK")

    monkeypatch.setattr(claims, "TOLD_SECONDS", 0.0)
    monkeypatch.setattr(claims, "BUSY_SECONDS", 0.0)
    writer.waiting = Waiting(let_go)
    (cohort,) = writer.cohorts()
    writer.record(cohort, *snapshot_at(0), keep_weights=True)
    assert len(told) == 1
    assert "has session" in told[0]
    assert "locked" in told[0]
    holder.execute("BEGIN IMMEDIATE")
    writer.waiting.told = False
    writer.set_status("finished")
    assert len(told) == 2
    assert read_summary(path).ensembles[0].snapshots == (0,)


def test_signs_of_life_requests_and_checkpoints_do_not_wait_for_it(
    path: Path, writer: SessionWriter, holder: sqlite3.Connection
) -> None:
    (cohort,) = writer.cohorts()
    writer.show_progress(1.0, 2.0)
    with pytest.raises(LockedError):
        writer.checkpoint(cohort, snapshot_at(3)[1], patient=False)
    holder.execute("INSERT INTO control (time, command) VALUES (0, 'stop')")
    assert writer.requests() == []
    holder.execute("COMMIT")
    holder.execute("BEGIN IMMEDIATE")
    assert writer.requests() == []  # it cannot be marked as read
    holder.execute("ROLLBACK")
    assert writer.requests() == ["stop"]
    writer.show_progress(1.0, 2.0)
    found = read_summary(path).writer
    assert found is not None
    assert found.rate == 1.0


def test_a_writer_that_is_to_stop_does_not_wait_for_it_for_ever(
    path: Path, writer: SessionWriter, holder: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEAVING_SECONDS", 0.0)
    writer.waiting = Waiting(lambda text: None, lambda: True)
    with pytest.raises(LockedError, match="is locked by another program"):
        writer.set_status("stopped")
    holder.execute("ROLLBACK")
    assert read_summary(path).status == "running"
