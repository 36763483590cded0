"""How session files are opened, by paths and texts, from any thread, and how what goes wrong is told."""

from __future__ import annotations

import ast
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine import fit_session, read_summary, reopen
from ibtui_engine.errors import EngineError, InvalidValue, LockedError, NoLocksError, SessionError, StorageError
from ibtui_engine.experiment import Experiment
from ibtui_engine.rules.rule import Rule
from ibtui_engine.runner import Run, begin
from ibtui_engine.session import connection as module
from ibtui_engine.session import places
from ibtui_engine.session.connection import Connection, open_session, sqlite_errors
from ibtui_engine.session.control import send
from ibtui_engine.session.ending import settle
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.writer import SessionWriter

RULE = Rule("soft", np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8), np.array([0.0, 1.0, 1.0, 0.25]))
SMALL = Experiment(hidden=((2,),), fraction=(0.1,), networks=2, epochs=3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "it.ibs"
    with SessionWriter.create(path, "it", Experiment(), [RULE]) as writer:
        writer.set_status("stopped")
    return path


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    text = str(tmp_path / "it.ibs")
    assert Run(begin(text, "it", SMALL), threads=1).execute() == "finished"
    assert read_summary(text).path == Path(text)
    with SessionReader(text) as reader:
        assert reader.path == Path(text)
    with Follower(text) as follower:
        assert follower.summary.status == "finished"
    open_session(text).close()
    settle(text)
    with pytest.raises(SessionError, match="no run to stop"):
        send(text, "stop")
    with pytest.raises(InvalidValue, match="epoch is 99"):
        fit_session(text, epoch=99)
    reopen(text, epochs=4).close()
    SessionWriter.create(str(tmp_path / "other.ibs"), "other", Experiment(), [RULE]).close()


# ---- threads, and mistakes of programs


def in_a_thread(work: Callable[[], Any]) -> Any:
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_a_reader_works_from_any_thread_and_closes_from_any(path: Path) -> None:
    with SessionReader(path) as reader:
        with reader.moment():
            assert in_a_thread(lambda: reader.summary.name) == "it"
            assert reader.summary.name == "it"
        assert in_a_thread(reader.newest_snapshot) == 0
    reader = SessionReader(path)
    in_a_thread(reader.close)
    for ask in (lambda: reader.summary, reader.newest_snapshot, lambda: reader.rule(1)):
        with pytest.raises(sqlite3.ProgrammingError, match="is closed"):
            ask()


def test_a_reader_that_was_released_opens_the_same_file_again_and_no_other(path: Path) -> None:
    with SessionReader(path) as reader:
        reader.release()
        assert reader.summary.name == "it"
        reader.release()
        other = path.with_name("other.ibs")
        SessionWriter.create(other, "other", Experiment(), [RULE]).close()
        other.replace(path)
        with pytest.raises(SessionError, match="was replaced by another file"):
            _ = reader.summary


@pytest.mark.parametrize("kind", [sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.NotSupportedError])
def test_a_program_s_mistake_is_no_damaged_file(path: Path, kind: type[sqlite3.Error]) -> None:
    with pytest.raises(kind), sqlite_errors(path):
        raise kind("a mistake")


def test_what_belongs_to_one_thread_says_so(path: Path) -> None:
    with SessionWriter.reopen(path) as writer:
        assert isinstance(in_a_thread(lambda: writer.set_status("paused")), sqlite3.ProgrammingError)


def test_whatever_step_of_a_statement_fails_it_is_told_in_one_line(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TABLE event")
        raw.commit()
    ways: tuple[Callable[[Connection], object], ...] = (
        lambda c: c.execute("SELECT * FROM event"),
        lambda c: c.executemany("INSERT INTO event VALUES (?)", [(1,)]),
        lambda c: c.execute("SELECT abs(-9223372036854775808)").fetchone(),
        lambda c: c.execute("SELECT abs(-9223372036854775808)").fetchall(),
        lambda c: list(c.execute("SELECT abs(-9223372036854775808 + value) FROM json_each('[1, 0]')")),
        lambda c: c.execute("SELECT abs(-9223372036854775808 + value) FROM json_each('[1, 0]')").fetchmany(9),
        lambda c: c.cursor(module.Cursor).execute("SELECT * FROM event"),
    )
    with closing(open_session(path, write=True)) as connection:
        for way in ways:
            with pytest.raises(SessionError, match="is damaged") as caught:
                way(connection)
            assert "\n" not in str(caught.value)


def test_no_module_of_sessions_has_a_connection_without_the_guard() -> None:
    """The one that tries out a directory has no session to name."""
    for file in Path(module.__file__).parent.glob("*.py"):
        calls = [
            node
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "sqlite3.connect"
        ]
        guarded = [call for call in calls if any(keyword.arg == "factory" for keyword in call.keywords)]
        assert len(calls) - len(guarded) == (file.name == "places.py"), file.name


# ---- places that lack something


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What SQLite says there, and what the system says."""

    def busy(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    def none(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("sqlite3.connect", busy)
    monkeypatch.setattr("fcntl.lockf", none)
    yield
    monkeypatch.undo()


def test_without_locks_the_remedy_is_said(path: Path, without_locks: None) -> None:
    for way in (open_session, read_summary, SessionReader, SessionWriter.reopen, Follower, reopen, settle):
        with pytest.raises(NoLocksError, match=r"no file locks.*keep sessions on a local disk \(--sessions-dir DIR\)"):
            way(path)  # type: ignore[operator]
    with pytest.raises(NoLocksError):
        SessionWriter.create(path.with_name("new.ibs"), "new", Experiment(), [RULE])
    assert list(path.parent.iterdir()) == [path]


def test_what_is_only_locked_by_another_program_is_said_to_be(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(LockedError, match="is locked by another program: try again"),
            closing(module.connect(path, mode="ro", seconds=0.0)) as connection,
        ):
            connection.execute("SELECT * FROM session")


@pytest.mark.parametrize(
    ("kind", "why"),
    [("ext4", ""), ("nfs4", "nfs4"), ("lustre", "lustre"), ("gpfs", "gpfs"), ("fuse.sshfs", "sshfs"), ("", "")],
)
def test_file_systems_that_machines_share_have_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, why: str
) -> None:
    monkeypatch.setattr(places, "file_system", lambda directory: kind)
    assert why in places.why_no_log(tmp_path)
    assert bool(places.why_no_log(tmp_path)) == bool(why)
    assert list(tmp_path.iterdir()) == []


def test_the_file_system_is_what_the_system_says(tmp_path: Path) -> None:
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("no /proc")
    assert places.file_system(Path("/proc")) == "proc"
    assert places.file_system(tmp_path / "none") == ""


def test_a_session_without_a_log_is_written_read_and_killed_like_any_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "file_system", lambda directory: "nfs4")
    with SessionWriter.reopen(path) as writer, Follower(path) as follower:
        assert "rollback journal" in writer.note
        writer.set_status("paused")
        assert follower.update()
        assert follower.summary.status == "paused"
        assert not path.with_name("it.ibs-wal").exists()
        writer.set_status("stopped")
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_run_left_is_read_where_nothing_can_be_written_beside_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite cannot open a log without its index in shared memory, and cannot make that there."""
    with SessionWriter.reopen(path) as writer:
        writer.set_status("finished")
        room = tmp_path / "left"
        room.mkdir()
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{room / path.name}{suffix}")
    left = room / path.name
    content = {file.name: file.read_bytes() for file in room.iterdir()}
    assert len(content) == 2
    connect = sqlite3.connect

    def read_only(target: str, *arguments: Any, **options: Any) -> sqlite3.Connection:
        if str(room) in target and "immutable" not in target:
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return connect(target, *arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    assert read_summary(left).status == "finished"
    with SessionReader(left) as reader:
        assert reader.rule(1).name == "soft"
    with pytest.raises(EngineError):
        SessionWriter.reopen(left)
    assert {file.name: file.read_bytes() for file in room.iterdir()} == content
    left.with_name("it.ibs-wal").write_bytes(b"")  # whole without it: read where it is
    before = set(os.listdir("/tmp"))
    assert read_summary(left).name == "it"
    assert {name for name in set(os.listdir("/tmp")) - before if name.startswith("ibtui-")} == set()


def test_a_disk_that_cannot_be_read_is_no_damaged_file(path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
    with pytest.raises(StorageError, match="cannot be read: disk I/O error"), sqlite_errors(path):
        raise error
