"""The file itself: a plain SQLite database, and what happens to a program that is handed something else."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibtui_engine.errors import EngineError, SessionError, StorageError
from ibtui_engine.experiment import Experiment
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.connection import open_session, sqlite_errors, transaction
from ibtui_engine.session.control import send
from ibtui_engine.session.format import APPLICATION_ID, FORMAT_VERSION, number
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary
from ibtui_engine.session.tables import TABLES
from ibtui_engine.session.writer import SessionWriter

PAGE = 4096


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small session with everything in it."""
    room = tmp_path_factory.mktemp("finished")
    (room / "soft.csv").write_text("a,b,p_y\n0,0,0\n0,1,1\n1,0,1\n1,1,0.25\n")
    experiment = Experiment(
        rule=f"table:{room / 'soft.csv'}", hidden=((2,), (3, 2)), fraction=(0.75,), networks=2, epochs=3
    )
    path = room / "finished.ibs"
    assert Run(begin(path, "finished", experiment), threads=1).execute() == "finished"
    return path


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(finished, tmp_path / "copy.ibs"))


def everything(path: Path) -> dict[str, Any]:
    """All that can be read of a session."""
    found: dict[str, Any] = {"first": read_summary(path)}
    with SessionReader(path) as reader:
        summary = reader.summary
        rule = reader.rule(1)
        found |= {"patterns": rule.patterns, "p_y": rule.p_y}
        for e in summary.ensembles:
            layers, learning, samples = reader.layers(e), reader.learning(e), reader.samples(e)
            reader.architecture(e)
            found |= {f"{e.index} {name}": value for name, value in vars(layers).items()}
            found |= {f"{e.index} {name}": value for name, value in vars(learning).items()}
            found |= {f"{e.index} seeds": reader.seeds(e), f"{e.index} samples": samples.patterns}
            found |= {f"{e.index} labels": samples.labels}
            assert layers.i_x.shape[:2] == (len(layers.epochs), e.networks)
            assert learning.train_loss.shape == (len(learning.epochs), e.networks)
            for epoch in e.snapshots[:3]:
                found[f"{e.index} weights {epoch}"] = reader.weights(e, epoch)
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    del one["first"], other["first"]  # paths and sizes
    return one.keys() == other.keys() and all(
        np.array_equal(value, other[key], equal_nan=np.asarray(value).dtype.kind == "f") for key, value in one.items()
    )


# ---- a file that any SQLite program can read


def test_a_session_is_a_plain_sqlite_file_that_says_what_it_is(finished: Path) -> None:
    head = finished.read_bytes()[:100]
    assert head[:16] == b"SQLite format 3\x00"
    assert head[68:72] == APPLICATION_ID.to_bytes(4, "big") == b"ibS1"
    with closing(sqlite3.connect(finished)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION,)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_tables_explain_themselves(finished: Path) -> None:
    tables = "session writer rule ensemble cohort network snapshot layer estimate learning weights checkpoint control"
    with closing(sqlite3.connect(finished)) as connection:
        schema = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    assert sorted(schema) == sorted([*tables.split(), "event", "result"])
    assert "-- bits" in schema["layer"]
    assert "-- nats" in schema["learning"]


def test_the_layers_can_be_asked_for_in_sql(finished: Path) -> None:
    with closing(sqlite3.connect(finished)) as connection:
        rows = connection.execute(
            "SELECT s.epoch, l.network, l.layer, l.i_x, l.i_y FROM layer l JOIN snapshot s ON s.id = l.snapshot"
            " JOIN cohort c ON c.id = s.cohort WHERE c.ensemble = 1 ORDER BY 1, 2, 3"
        ).fetchall()
    with SessionReader(finished) as reader:
        layers = reader.layers(reader.ensemble(1))
    assert len(rows) == 4 * 2 * 3
    for (epoch, network, layer, i_x, i_y), place in zip(rows, np.ndindex(layers.i_x.shape), strict=True):
        assert (epoch, network, layer) == (layers.epochs[place[0]], place[1], place[2] + 1)
        assert (i_x, i_y) == (layers.i_x[place], layers.i_y[place])


def test_a_snapshot_cannot_be_recorded_twice_in_the_tables(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO snapshot (cohort, epoch, time) SELECT cohort, epoch, time FROM snapshot")


def test_the_schema_is_valid_as_one_script() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(";\n".join(table.statement for table in TABLES))


@pytest.mark.parametrize("name", ["a b.ibs", "a?mode=memory.ibs", "a#b%20c.ibs", "ü→.ibs", "-x.ibs", "no suffix"])
def test_any_name_that_a_file_can_have_is_a_name_for_a_session(finished: Path, tmp_path: Path, name: str) -> None:
    path = Path(shutil.copy(finished, tmp_path / name))
    assert read_summary(path).name == "finished"
    with closing(open_session(path, write=True)) as connection:
        connection.execute("UPDATE session SET name = 'changed'")
    assert read_summary(path).name == "changed"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_reading_changes_nothing_and_leaves_nothing_beside(copy: Path) -> None:
    before = copy.read_bytes(), copy.stat().st_mtime_ns
    everything(copy)
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == before
    assert list(copy.parent.iterdir()) == [copy]
    with (
        closing(open_session(copy)) as connection,
        pytest.raises(StorageError, match="cannot be written"),
        sqlite_errors(copy),
        transaction(connection),
    ):
        connection.execute("DELETE FROM snapshot")


# ---- files that are no session


def refused(path: Path, match: str) -> None:
    """Every way in refuses, in one line that names the file."""
    for opened in (open_session, read_summary, SessionReader, SessionWriter.reopen, lambda path: send(path, "stop")):
        with pytest.raises(SessionError, match=match) as caught:
            opened(path)  # type: ignore[operator]
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    for path in (tmp_path / "none.ibs", tmp_path / "none" / "none.ibs"):
        refused(path, "no session file")
        assert not path.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / ("x" * 300), "cannot be opened|no session file")
    file = tmp_path / "file"
    file.write_text("")
    refused(file / "x.ibs", "no session file")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "is not a session: it is not a file")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"epochs = 5\n",
        b"a,b,y\n0,1,1\n" * 1000,
        b"\x00" * 5000,
        b"SQLite format 3\x00",
        bytes(range(256)) * 64,
    ],
    ids=["empty", "byte", "text", "long text", "zeros", "magic alone", "binary"],
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ibs"
    path.write_bytes(content)
    refused(path, "is not a session")
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_another_program_s_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.ibs"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE session (name)")
        connection.commit()
    content = path.read_bytes()
    refused(path, "is not a session: it is another program's SQLite file")
    assert path.read_bytes() == content


def test_a_newer_version_is_refused_with_what_to_do(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    refused(copy, f"has format version {FORMAT_VERSION + 1}, newer than {FORMAT_VERSION}.*: update ibtui")


@pytest.mark.parametrize("version", [0, -1])
def test_a_version_that_never_was_is_refused(copy: Path, version: int) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    refused(copy, "is damaged: it has format version")


def test_a_session_without_its_tables_is_damaged(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("DROP TABLE layer")
    assert read_summary(copy).name == "finished"  # what is there can be read
    with SessionReader(copy) as reader, pytest.raises(SessionError, match=r"is damaged: no such table: layer"):
        reader.layers(reader.ensemble(0))


# ---- damage


def test_a_file_cut_off_anywhere_is_refused_or_still_whole(finished: Path, tmp_path: Path) -> None:
    content = finished.read_bytes()
    sizes = {0, 1, 15, 16, 99, 100, 101, 511, 512, 1000, PAGE - 1, PAGE, PAGE + 1, len(content) - 1}
    sizes |= set(range(PAGE, len(content), PAGE)) | set(range(777, len(content), 1531))
    refusals = 0
    for size in sorted(sizes):
        path = tmp_path / f"{size}.ibs"
        path.write_bytes(content[:size])
        try:
            found = everything(path)
        except EngineError:
            refusals += 1
        else:
            assert same(found, everything(finished)), size
    assert refusals > len(sizes) * 0.9


@pytest.mark.parametrize("attempts", [80, pytest.param(400, marks=pytest.mark.long)])
def test_a_file_with_random_damage_is_read_or_refused(finished: Path, tmp_path: Path, attempts: int) -> None:
    """No exception but the engine's; and of the rule, which carries a checksum, nothing wrong."""
    content = finished.read_bytes()
    whole = everything(finished)
    chance = random.Random(20)
    refusals = 0
    for attempt in range(attempts):
        damaged = bytearray(content)
        area = chance.choice([100, 2 * PAGE, len(content), len(content)])  # the header, the schema, anywhere
        for _ in range(chance.choice([1, 1, 3, 40])):
            place = chance.randrange(area)
            damaged[place] = chance.choice([damaged[place] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 255])
        path = tmp_path / f"{attempt}.ibs"
        path.write_bytes(damaged)
        try:
            found = everything(path)
        except EngineError:
            refusals += 1
        else:
            assert np.array_equal(found["patterns"], whole["patterns"])
            assert np.array_equal(found["p_y"], whole["p_y"])
        finally:
            path.unlink()
    assert 1 / 8 < refusals / attempts < 7 / 8


@pytest.mark.parametrize("value", [None, "1", b"1", float("nan"), float("inf"), -float("inf"), 10**400, -(10**400), []])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number(value)
    assert number(10**300) == 1e300


def test_a_schema_of_many_lines_is_damaged_in_one(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'CREATE', 'CRATE') WHERE name = 'layer'")
    refused(copy, "is damaged: malformed database schema")
    with pytest.raises(SessionError) as caught, sqlite_errors(copy):
        raise sqlite3.DatabaseError("malformed database schema (a\n\n  b)")
    assert str(caught.value).endswith("malformed database schema (a b)")


ODD: tuple[object, ...] = (None, -1, 2**63 - 1, 1e300, 0.5, float("inf"), "text", "", "[]", "{}", "[" * 9999, b"\xff")


@pytest.fixture(scope="module")
def loose(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tables without the rules about what may stand in them: a stranger's file need not have them."""
    path = tmp_path_factory.mktemp("loose") / "loose.ibs"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS whole", (str(finished),))
        for (table,) in connection.execute("SELECT name FROM whole.sqlite_master WHERE type = 'table'").fetchall():
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM whole.{table}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.commit()
    assert same(everything(path), everything(finished))
    return path


@pytest.mark.parametrize(
    "table", ["session", "writer", "rule", "ensemble", "cohort", "network", "snapshot", "layer", "learning", "weights"]
)
@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.long)])
def test_a_column_with_something_odd_in_it_is_read_or_refused(
    loose: Path, tmp_path: Path, table: str, every: int
) -> None:
    path = tmp_path / "odd.ibs"
    content = loose.read_bytes()
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    changes: list[tuple[str, tuple[object, ...]]] = [
        (f"UPDATE {table} SET {column} = ? WHERE rowid {which}", (odd,))
        for column in columns
        for odd, which in [*((odd, "> 0") for odd in ODD), (None, "= 1"), (-1, "= 1"), ("text", "= 1")]
    ]
    changes = changes[::every]  # there are 15 for each column, so that all columns and all that is odd come up
    for statement, values in [*changes, (f"DELETE FROM {table}", ()), (f"DELETE FROM {table} WHERE rowid = 1", ())]:
        path.write_bytes(content)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(statement, values)
            connection.commit()
        with suppress(EngineError):
            everything(path)


# ---- transactions and locks


def test_a_transaction_is_there_whole_or_not_at_all(copy: Path) -> None:
    def interrupted(connection: sqlite3.Connection) -> None:
        with transaction(connection):
            connection.execute("DELETE FROM snapshot")
            raise KeyboardInterrupt

    with closing(open_session(copy, write=True)) as connection:
        with pytest.raises(KeyboardInterrupt):
            interrupted(connection)
        assert connection.execute("SELECT count(*) FROM snapshot").fetchone() == (8,)
        with transaction(connection):
            connection.execute("DELETE FROM snapshot WHERE id = 1")
        assert not connection.in_transaction
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM snapshot").fetchone() == (7,)


def test_a_transaction_that_sqlite_itself_ended_reports_why(copy: Path) -> None:
    with closing(open_session(copy, write=True)) as connection:
        with (
            pytest.raises(SessionError, match=r"is damaged: .*constraint"),
            sqlite_errors(copy),
            transaction(connection),
        ):
            connection.execute("INSERT OR ROLLBACK INTO snapshot (cohort, epoch, time) VALUES (1, 0, 0)")
        assert not connection.in_transaction


def test_a_file_that_another_program_holds_is_said_to_be_locked(copy: Path) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with (
            closing(sqlite3.connect(copy, timeout=0.01)) as connection,
            pytest.raises(SessionError, match="is locked by another program: try again"),
            sqlite_errors(copy),
        ):
            connection.execute("SELECT * FROM session")


def test_a_full_disk_is_a_matter_of_storage(copy: Path) -> None:
    with closing(open_session(copy, write=True)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with (
            pytest.raises(StorageError, match=r"cannot be written: .*full.*whole up to its last snapshot"),
            sqlite_errors(copy),
            transaction(connection),
        ):
            connection.execute("INSERT INTO event VALUES (99, 0, 'x', ?)", ("x" * 100_000,))
    everything(copy)


def test_a_stranger_s_schema_can_call_no_functions(copy: Path) -> None:
    with closing(open_session(copy)) as connection:
        assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,)


ENDLESS = "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize(
    ("what", "statements"),
    [
        ("trigger 'late'", [f"CREATE TRIGGER late AFTER INSERT ON event BEGIN {ENDLESS}; END"]),
        ("trigger 'late'", ["CREATE TRIGGER late AFTER UPDATE ON writer BEGIN DELETE FROM snapshot; END"]),
        ("view 'layer'", ["ALTER TABLE layer RENAME TO rows", f"CREATE VIEW layer AS {ENDLESS}"]),
        ("view 'session'", ["DROP TABLE session", f"CREATE VIEW session AS {ENDLESS}"]),
        ("table 'event'", ["DROP TABLE event", "CREATE VIRTUAL TABLE event USING fts5(time, kind, text)"]),
        ("column 'event.more'", ["ALTER TABLE event ADD COLUMN more AS (printf('%.*c', 999999999, 'x'))"]),
    ],
)
def test_a_file_that_would_compute_is_refused_at_once(copy: Path, what: str, statements: list[str]) -> None:
    with closing(sqlite3.connect(copy)) as connection, connection:
        if ("fts5",) not in connection.execute(
            "SELECT name FROM pragma_module_list"
        ).fetchall() and "fts5" in statements[-1]:
            pytest.skip("this SQLite has no virtual tables to be had")
        for statement in statements:
            connection.execute(statement)
    refused(copy, f"its {what} runs code, which does not belong in a session")
    with pytest.raises(SessionError, match="runs code"):
        SessionWriter.reopen(copy)


def test_tables_and_views_of_other_names_are_their_owners_business(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("CREATE VIEW last AS SELECT * FROM layer WHERE snapshot = (SELECT max(id) FROM snapshot)")
        connection.execute("CREATE INDEX mine ON layer (i_x)")
    everything(copy)


def test_opening_leaves_no_connection_behind_when_it_refuses(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA application_id = 1")
    for _ in range(3):
        with pytest.raises(SessionError):
            read_summary(copy)
    with closing(sqlite3.connect(copy, timeout=0)) as connection:
        connection.execute("BEGIN EXCLUSIVE")  # nobody else holds the file
