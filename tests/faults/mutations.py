"""Session files changed at random, through all that reads sessions: a clear error or an answer, and nothing else.

Each mutation follows from the seed and its number: `python -m tests.faults mutations --seed S --only N` does it again.
Workers read them in their own process, with limited memory and an alarm; whoever starts them notices when one dies.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import resource
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from tests.faults.reading import COSTLY, READERS, SMALL, made_once
from tests.faults.table import Row
from tests.faults.warm import ROOT

MEMORY = 1_000_000_000
"""Bytes that reading may take, above what the program itself takes."""
PATIENCE, MORE_PATIENCE = 5.0, 20.0
"""Seconds that one reader may take for one file; those in `COSTLY`."""
GETTING_READY = 1200.0
"""Seconds that loading, and compiling what was not kept, may take."""
ODD: tuple[object, ...] = (
    None, 0, -1, 1, 7, 2**31, 2**53, 2**63 - 1, -(2**63), 0.5, -0.0, 1e300, -1e300, 5e-324, float("inf"), float("-inf"),
    "", "text", "NaN", "1", "\x1b]0;t\x07\x1b[2J", "[red]x[/]", "\u202e", "../../etc/passwd", "[]", "{}", "null",
    "[" * 9999, '{"epochs": 1e999}', b"", b"\x00" * 9, b"\xff\xfe", "none", "9" * 400,
    "1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1", "65536-65536", "n" * 3_000_000, 1e308, -1e308, -1.5, 1e-300,
    "[" + "1, " * 1_000_000 + "2]",
)  # fmt: skip
"""What no program of ours would write where it is put."""
DATA = Path(__file__).parents[1] / "engine" / "session" / "data"


def mutations(count: int = 20_000, seed: int = 1, only: int | None = None) -> Row:
    """Change session files in random ways and read each with every reader."""
    row = Row(
        "mutated session files: bits, bytes, truncations, pages, types, numbers, texts, schemas, other programs' files",
        "every command that reads a session, and the app's library, session and charts: one line or an answer; no "
        "other exception, no 5 s (20 s where much is computed), no 1 GB, no change of the file",
    )
    with tempfile.TemporaryDirectory() as room:
        make_originals(Path(room))
        answers, refusals, slowest = tried(row, Path(room), seed, [only] if only is not None else range(count), work)
    row.figures = (
        f"seed {seed}: {answers} answers, {refusals} refusals in one line; the slowest reader took {slowest:.1f} s"
    )
    return row


Task = Callable[[Path, int, list[int], Connection], None]


def tried(row: Row, room: Path, seed: int, numbers: Sequence[int], task: Task) -> tuple[int, int, float]:
    """Have these mutations tried and counted in the row, many of them by two processes.

    Returns answers, refusals, and the seconds of the slowest reader.
    """
    shares = [list(numbers[k::2]) for k in range(2)] if len(numbers) > 1000 else [list(numbers)]
    answers = refusals = 0
    slowest = 0.0
    workers = [Worker(room, seed, share, task) for share in shares]
    while any(not worker.done for worker in workers):
        for worker in workers:
            for _number, failures, answered, refused, seconds in worker.results():
                row.tried += 1
                row.failures += failures
                for failure in failures:  # as they come: it takes its time
                    print(failure, file=sys.stderr, flush=True)
                answers, refusals = answers + answered, refusals + refused
                slowest = max(slowest, seconds)
    return answers, refusals, slowest


class Worker:
    """A process that reads its share of the mutations; begun anew behind the one that ended it."""

    def __init__(self, room: Path, seed: int, share: list[int], task: Task) -> None:
        self._task = task
        self._room, self._seed, self._left = room, seed, share
        self.done = not share
        self._ready = False
        self._heard = time.monotonic()
        self._begin()

    def _begin(self) -> None:
        if str(ROOT) not in sys.path:  # the child gets this path, and is to find `tests`, which pytest finds by itself
            sys.path.append(str(ROOT))
        self._here, there = multiprocessing.get_context("spawn").Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=self._task, args=(self._room, self._seed, self._left, there), daemon=True
        )
        self._process.start()
        there.close()
        self._heard = time.monotonic() + 30

    def results(self) -> Iterator[tuple[int, list[str], int, int, float]]:
        """What has come in: number, failures, answers, refusals, seconds of the slowest reader."""
        try:
            while self._here.poll(0.02):
                found = self._here.recv()
                self._heard = time.monotonic()
                if found is None:  # it is getting ready
                    continue
                self._ready = True
                self._left = self._left[1:]
                self.done = not self._left
                yield found
        except EOFError:
            pass
        if self.done:
            self._process.join()
            return
        patience = 10 * MORE_PATIENCE if self._ready else GETTING_READY
        silent = time.monotonic() - self._heard > patience
        if silent or not self._process.is_alive():
            self._process.kill()
            self._process.join()
            number, self._left = self._left[0], self._left[1:]
            what = "it hung" if silent else f"the process ended with {self._process.exitcode}"
            yield number, [f"{number}: {what}"], 0, 0, 0.0
            self.done = not self._left
            if not self.done:
                self._begin()


# the files


def make_originals(room: Path) -> None:
    """Small sessions of several kinds, to be changed."""
    from ibtui_engine.account.standard import experiments
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.progress import Interrupt
    from ibtui_engine.runner import Run, begin
    from tests.recordings import make_recording

    (room / "soft.csv").write_text("a,b,p_y\n0,0,0\n0,1,1\n1,0,1\n1,1,0.25\n")
    small = Experiment(
        rule=f"table:{room / 'soft.csv'}", hidden=((2,), (3, 2)), fraction=(0.75,), networks=2, epochs=6, snapshots=3
    )
    originals = room / "originals"
    originals.mkdir()
    Run(begin(originals / "finished.ibs", "finished", small), threads=1).execute()
    bounds = small.override({"estimator": "kde", "networks": 1, "hidden": ["2"]})
    Run(begin(originals / "bounds.ibs", "bounds", bounds), threads=1).execute()
    interrupt = Interrupt()
    far = small.override({"epochs": 1000, "optimizer": "adam"})
    Run(begin(originals / "stopped.ibs", "stopped", far), threads=1).execute(
        lambda progress: interrupt.request() if progress.epoch > 3 else None, interrupt
    )
    relaxing = small.override({"optimizer": ["sgd", "metropolis"], "relax_from": 2, "hidden": ["3-2"]})
    Run(begin(originals / "relaxing.ibs", "relaxing", relaxing), threads=1).execute()
    rows = "".join(f"{k},{k % 5},{k % 4},{k % 3 % 2}\n" for k in range(24))
    (room / "weighted.csv").write_text(f"a,b,weight,label\n{rows}")
    split = small.override({"rule": f"table:{room / 'weighted.csv'}", "test_fraction": 0.3, "hidden": ["3-2"]})
    Run(begin(originals / "held-out.ibs", "held-out", split), threads=1).execute()
    make_recording(originals / "recorded.ibs")
    evidence = experiments(quick=True, networks=1)["digits"]
    Run(begin(originals / "account.ibs", "account", evidence), threads=1).execute()
    with closing(sqlite3.connect(originals / "stopped.ibs")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # as if it had been killed
        connection.execute("UPDATE session SET status = 'running'")
        connection.commit()
    for kept in sorted(DATA.glob("version-*.ibs")):
        (originals / kept.name).write_bytes(kept.read_bytes())
    for original in sorted(originals.glob("*.ibs")):
        _loosen(original, room / "loose" / original.name)


def _loosen(original: Path, path: Path) -> None:
    """The same tables without the rules about what may stand in them: a stranger's file need not have them."""
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH ? AS whole", (str(original),))
        for (table,) in connection.execute("SELECT name FROM whole.sqlite_schema WHERE type = 'table'").fetchall():
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM whole.{table}")
        for pragma in ("application_id", "user_version"):
            value = connection.execute(f"PRAGMA whole.{pragma}").fetchone()[0]
            connection.execute(f"PRAGMA main.{pragma} = {value}")
        connection.commit()


def mutate(room: Path, path: Path, chance: random.Random) -> str:
    """Write a mutated session to `path`; what was done."""
    originals = sorted((room / "originals").glob("*.ibs"))
    original = chance.choice(originals)
    how = chance.choices((_bytes, _pages, _cells, _settings, _rows, _schema), (25, 15, 30, 12, 8, 10))[0]
    loose = how in (_cells, _rows) and chance.random() < 0.8
    content = (room / "loose" / original.name if loose else original).read_bytes()
    path.write_bytes(content)
    told = how(path, chance)
    return f"{original.stem}: {told}"


def _bytes(path: Path, chance: random.Random) -> str:
    content = bytearray(path.read_bytes())
    area = chance.choice([100, 8192, len(content), len(content)])
    times = chance.choice([1, 1, 2, 5, 50])
    for _ in range(times):
        place = chance.randrange(area)
        content[place] = chance.choice([content[place] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 255])
    if chance.random() < 0.2:
        del content[chance.randrange(len(content)) :]
    path.write_bytes(content)
    return f"{times} bytes of the first {area}, {len(content)} left"


def _pages(path: Path, chance: random.Random) -> str:
    content = bytearray(path.read_bytes())
    size, pages = 4096, len(content) // 4096
    one, other = (chance.randrange(pages) * size for _ in range(2))
    match kind := chance.choice(("swapped", "copied", "zeroed", "noise", "cut", "cut between", "longer")):
        case "swapped":
            content[one : one + size], content[other : other + size] = (
                content[other : other + size],
                content[one : one + size],
            )
        case "copied":
            content[one : one + size] = content[other : other + size]
        case "zeroed":
            content[one : one + size] = bytes(size)
        case "noise":
            content[one : one + size] = chance.randbytes(size)
        case "cut":
            del content[one:]
        case "cut between":
            del content[one : one + size]
        case _:
            content += chance.randbytes(chance.randrange(3 * size))
    path.write_bytes(content)
    return f"page {one // size} {kind} ({other // size})"


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        with suppress(sqlite3.Error):
            yield connection
        connection.commit()


def _tables(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
    return [name for (name,) in connection.execute(query)]


def _value(connection: sqlite3.Connection, table: str, column: str, chance: random.Random) -> object:
    if chance.random() < 0.25:  # something that stands elsewhere in the file, or a little changed
        rows = connection.execute(f"SELECT {column} FROM {table} LIMIT 20").fetchall()
        value = chance.choice(rows)[0] if rows else None
        if isinstance(value, bytes) and value:
            noise = bytearray(value)
            noise[chance.randrange(len(noise))] ^= 1 << chance.randrange(8)
            return bytes(noise[: chance.randrange(len(noise) + 1)] if chance.random() < 0.3 else noise)
        if isinstance(value, int | float):
            return value * chance.choice([-1, 2, 1000, 0.5])
        if isinstance(value, str) and value:
            place = chance.randrange(len(value))
            return value[:place] + chance.choice(("", "0", "-", "x", "\x1b", '"', "}")) + value[place + 1 :]
    return chance.choice(ODD)


def _cells(path: Path, chance: random.Random) -> str:
    with _changing(path) as connection:
        told = []
        for _ in range(chance.choice((1, 1, 2, 4))):
            table = chance.choice(_tables(connection))
            column = chance.choice([row[1] for row in connection.execute(f"PRAGMA table_info({table})")])
            value = _value(connection, table, column, chance)
            which = chance.choice(("", f" WHERE rowid = {chance.randrange(1, 6)}", " WHERE rowid % 2"))
            with suppress(sqlite3.OperationalError):
                if chance.random() < 0.9:
                    connection.execute(f"UPDATE {table} SET {column} = ?{which}", (value,))
                else:
                    connection.execute(f"UPDATE {table} SET {column} = zeroblob(?){which}", (chance.randrange(90_000),))
            told.append(f"{table}.{column} = {value!r:.40}{which}")
        return "; ".join(told)
    return "nothing"


def _settings(path: Path, chance: random.Random) -> str:
    """Other values in the JSON texts of the file."""
    with _changing(path) as connection:
        texts = [("session", "experiment"), ("session", "schedule"), ("rule", "parameters")]
        with suppress(sqlite3.Error):  # earlier versions have no such column
            if connection.execute("SELECT recorded FROM ensemble").fetchone()[0] is not None:
                texts += [("ensemble", "recorded")] * 3
        table, column = chance.choice(texts)
        found = json.loads(connection.execute(f"SELECT {column} FROM {table}").fetchone()[0])
        odd = [value for value in ODD if not isinstance(value, bytes)]
        odd += [
            [],
            [1],
            ["x"],
            {},
            [[]],
            10**400,
            [0, 1, 10**15],
            True,
            "auto",
            "kde",
            "exact",
            "quantile",
            "relu",
            "adam",
        ]
        value = chance.choice(odd)
        if isinstance(found, list):
            found = value if chance.random() < 0.3 or not found else [*found[:-1], value]
        else:
            key = chance.choice([*found, "more", "networks", "epochs", "hidden", "batch", "bins"])
            found[key] = value
            value = f"{key}: {value!r}"
        connection.execute(f"UPDATE {table} SET {column} = ?", (json.dumps(found),))
        return f"{table}.{column}: {value!r:.60}"
    return "nothing"


def _rows(path: Path, chance: random.Random) -> str:
    with _changing(path) as connection:
        table = chance.choice(_tables(connection))
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        kind = chance.choice(("less", "none", "doubled", "many"))
        if kind in ("less", "none"):
            some = f" WHERE rowid % {chance.randrange(2, 5)}" if kind == "less" else ""
            connection.execute(f"DELETE FROM {table}{some}")
        elif rows:
            again = rows if kind == "doubled" else rows[:1] * 3000
            marks = ", ".join("?" * len(rows[0]))
            for row in again:
                cells = list(row)
                if kind == "many" and isinstance(cells[0], int):
                    cells[0] = chance.randrange(2**31)
                connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", cells)
        return f"{table}: {kind}"
    return "nothing"


ENDLESS = "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n) SELECT k, k, k, k, k, k FROM n"


def _schema(path: Path, chance: random.Random) -> str:
    """Another program's tables, or a schema that does more than hold rows."""
    with _changing(path) as connection:
        tables = _tables(connection)
        table, other = chance.choice(tables), chance.choice(tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        statements = chance.choice(
            (
                [f"DROP TABLE {table}"],
                [f"ALTER TABLE {table} RENAME COLUMN {chance.choice(columns)} TO strange"],
                [f"ALTER TABLE {table} ADD COLUMN more DEFAULT 1"],
                [f"DROP TABLE {table}", f"CREATE TABLE {table} AS SELECT * FROM {other}"],
                [f"DROP TABLE {table}", f"CREATE VIEW {table} AS {ENDLESS}"],
                [f"DROP TABLE {table}", f"CREATE VIEW {table} AS SELECT * FROM {table}"],
                [f"CREATE TRIGGER t AFTER UPDATE ON {table} BEGIN DELETE FROM {other}; {ENDLESS}; END"],
                [f"DROP TABLE {name}" for name in tables] + ["CREATE TABLE moz_places (id, url)"],
                ["PRAGMA application_id = 252006674"],
                [f"PRAGMA user_version = {chance.choice((0, 1, 2, 3, 99, -5))}"],
                [f"CREATE INDEX i ON {table} (abs({columns[0]}))"],
                ["PRAGMA writable_schema = ON",
                 f"UPDATE sqlite_schema SET sql = 'CREATE TABLE {table} (x)' WHERE name = '{table}'"],
                ["PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET rootpage = rootpage % 5 + 1"],
                ["PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET name = char(27) || name, tbl_name = x'ff'"],
            )
        )  # fmt: skip
        for statement in statements:
            connection.execute(statement)
        return "; ".join(statements)[:120]
    return "nothing"


# the readers, in a process of their own


def _same(now: bytes, before: bytes) -> bool:
    """Whether a file is as it was. One that a killed run has left with a write-ahead log may be settled by what lists
    it, which changes how its header says that it is written, and no more.
    """
    settled = before[18:20] == b"\x02\x02" and now[18:20] == b"\x01\x01"
    return _without_journal(now) == _without_journal(before) if settled else now == before


def _without_journal(content: bytes) -> bytes:
    """A database without the versions of its journal (18, 19), its change counter (24 to 27), and the counter again
    with the version of the library that wrote last (92 to 99).
    """
    return content[:18] + content[20:24] + content[28:92] + content[100:]


class TooLong(BaseException):
    """An alarm: nothing that is read may take so long."""


def work(room: Path, seed: int, numbers: list[int], answer: Connection) -> None:
    """Read each of the numbers' files with every reader, and tell what came of it."""
    warnings_are_no_output()
    place = room / f"work-{os.getpid()}"
    place.mkdir()
    os.environ |= {f"XDG_{kind}_HOME": str(place / kind) for kind in ("CONFIG", "STATE", "DATA")}
    os.environ["IBTUI_SESSIONS"] = str(place)
    signal.signal(signal.SIGALRM, alarm)
    import ibtui.session_index

    ibtui.session_index.example_files = list
    with made_once():
        _read_all(room, place, seed, numbers, answer)


def _read_all(room: Path, place: Path, seed: int, numbers: list[int], answer: Connection) -> None:
    warm = place / "warm.ibs"
    warm.write_bytes((room / "originals" / "finished.ibs").read_bytes())
    for name, reader in READERS.items():  # what they import counts neither as time nor as memory
        reader(warm, random.Random(0 if name != "picture" else 1))
        answer.send(None)
    warm.unlink()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for number in numbers:
        answer.send((number, *_read(room, place / "it.ibs", seed, number)))
    answer.close()


def warnings_are_no_output() -> None:
    """Python's warnings would go to the stream that is looked at for tracebacks, once each."""
    import warnings

    warnings.simplefilter("ignore")


def alarm(_number: int, _frame: FrameType | None) -> None:
    raise TooLong


def _read(room: Path, path: Path, seed: int, number: int) -> tuple[list[str], int, int, float]:
    chance = random.Random(f"{seed}-{number}")
    told = mutate(room, path, chance)
    content = path.read_bytes()
    failures: list[str] = []
    answered = refused = 0
    slowest = 0.0
    small = not told.startswith("account:")
    for name, reader in READERS.items():
        if not small and name not in SMALL:
            continue
        if name in COSTLY and chance.random() > COSTLY[name]:
            continue
        began = time.monotonic()
        patience = MORE_PATIENCE if name in COSTLY else PATIENCE
        signal.setitimer(signal.ITIMER_REAL, patience)
        wrong = ""
        try:
            if reader(path, chance):
                answered += 1
            else:
                refused += 1
        except TooLong:
            wrong = f"took more than {patience:.0f} s: {traceback.format_exc().splitlines()[-3].strip()}"
        except MemoryError:
            wrong = f"wanted more than 1 GB: {traceback.format_exc().splitlines()[-3].strip()}"
        except BaseException:
            lines = traceback.format_exc().splitlines()
            wrong = " / ".join(line.strip() for line in lines[-5:])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.monotonic() - began)
        if not wrong and name != "resume" and not _same(path.read_bytes(), content):
            wrong = "the file has changed"
        beside = [file.name for file in path.parent.glob("it.ibs-*")] if name != "resume" else []
        if wrong:
            failures.append(f"{number} {name} ({told}): {wrong}")
            path.write_bytes(content)
        for file in beside:
            (path.parent / file).unlink()
    for file in path.parent.glob("it.ibs*"):
        file.unlink()
    return failures, answered, refused, slowest
