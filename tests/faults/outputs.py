"""Every option that names an output file, pointed at what must not be replaced, or cannot be written in full."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.faults.runs import ENDLESS, QUICK, clear, require_plain, require_whole, until
from tests.faults.sessions import snapshots
from tests.faults.table import Row
from tests.faults.warm import Faults, Warm

SESSION = "SESSION"
OUTPUT = "OUTPUT"
"""Where the value of an option is that is not at the end of its line."""
LINES: dict[str, tuple[list[str], str]] = {
    "export --out": (["export", SESSION, "--what", "learning", "--out"], ".csv"),
    "rule --out": (["rule", "symmetric", "--out"], ".npz"),
    "curve --out": (["curve", "symmetric-soft", "--error", "0.01", "--out"], ".csv"),
    "figure --out": (["figure", "2", "--session", SESSION, "--out"], ".png"),
    "map --out": (["map", "example-figure-3", "-o"], ".csv"),
    "figure --data": (["figure", "2", "--session", SESSION, "--data"], ".csv"),
    "animate --out": (["animate", SESSION, "--ensemble", "0", "--out"], ".gif"),
    "account --out": (["account", "--out"], ".md"),
    "run --save-config": (["run", *QUICK, "--name", "more", "--save-config"], ".toml"),
    "run --out": (["run", *QUICK, "--out"], ".ibs"),
    "remeasure --out": (["remeasure", SESSION, "--bins", "9", "--out"], ".ibs"),
    "--log-file": (["--log-file", OUTPUT, "list"], ".log"),
}
"""Each output option with a command line that lacks its value, and an ending that it takes."""
NEVER_REPLACE = ("run --save-config", "run --out", "remeasure --out", "--log-file")
"""They replace no file at all."""

Trap = Callable[[Path, str, Path], Path]
"""Makes a place in a directory that an output with that ending must not go to; a session is at hand."""


def _session_of_that_name(room: Path, ending: str, session: Path) -> Path:
    path = room / f"disguised{ending}"
    path.write_bytes(session.read_bytes())
    return path


def _link_to_a_session(room: Path, ending: str, session: Path) -> Path:
    path = room / f"link{ending}"
    path.symlink_to(session)
    return path


def _session_itself(room: Path, ending: str, session: Path) -> Path:
    return session


def _name_of_a_session(room: Path, ending: str, session: Path) -> Path:
    return room / f"new{'.csv' if ending == '.ibs' else '.ibs'}"


def _link_to_the_name_of_a_session(room: Path, ending: str, session: Path) -> Path:
    path = room / f"dangling{ending}"
    path.symlink_to(room / "new.ibs")
    return path


def _journal_of_a_session(room: Path, ending: str, session: Path) -> Path:
    return session.with_name(f"{session.name}-wal")


def _foreign_database(room: Path, ending: str, session: Path) -> Path:
    path = room / f"database{ending}"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE bookmark (url)")
    return path


def _foreign_ending(room: Path, ending: str, session: Path) -> Path:
    return room / "paper.tex"


def _no_ending(room: Path, ending: str, session: Path) -> Path:
    return room / "notes"


def _link_to_a_journal(room: Path, ending: str, session: Path) -> Path:
    path = room / f"journal{ending}"
    path.symlink_to(session.with_name(f"{session.name}-wal"))
    return path


def _directory(room: Path, ending: str, session: Path) -> Path:
    path = room / f"folder{ending}"
    path.mkdir()
    return path


def _nowhere(room: Path, ending: str, session: Path) -> Path:
    file = room / "file"
    file.write_text("")
    return file / f"below{ending}"


TRAPS: dict[str, Trap] = {
    make.__name__.strip("_").replace("_", " "): make
    for make in (
        _session_of_that_name, _link_to_a_session, _session_itself, _name_of_a_session, _foreign_database,
        _link_to_the_name_of_a_session, _journal_of_a_session, _link_to_a_journal, _foreign_ending, _no_ending,
        _directory, _nowhere,
    )
}  # fmt: skip


PATIENCE = 600.0
"""Seconds that a command may take: some compile kernels."""
FULL = 500
"""Bytes beyond which no file grows on a full disk; every output is larger."""
AT_A_SESSION = (
    "session of that name",
    "link to a session",
    "session itself",
    "journal of a session",
    "link to a journal",
)
"""Those of them that are tried with a session that is being written, too."""


def contents(*directories: Path) -> dict[str, object]:
    """What lies in directories: the bytes of files, where links lead."""
    found: dict[str, object] = {}
    for directory in directories:
        for path in sorted(directory.rglob("*")):
            if path.is_symlink():
                found[str(path)] = path.readlink()
            else:
                found[str(path)] = path.read_bytes() if path.is_file() else None
    return found


def complete(line: list[str], session: Path, output: Path) -> list[str]:
    """A command line with the session's path where it needs one, and that of the output."""
    words = line if OUTPUT in line else [*line, OUTPUT]
    return [{SESSION: str(session), OUTPUT: str(output)}.get(word, word) for word in words]


def outputs(count: int = 2) -> Row:
    """Send every output where it must not go, also while a run writes there, and where it has no room."""
    row = Row(
        "every output option pointed at a session (finished, running, linked, renamed), at another database, at "
        "foreign names and directories; a disk too full for the output",
        "refused in one line, every file as it was, the run goes on; an output is written whole or not at all",
    )
    replaced = 0
    with tempfile.TemporaryDirectory() as place, Warm(Path(place)) as warm:
        for _ in range(count):
            clear(warm)
            assert warm("run", "--name", "kept", *QUICK).status == 0
            live = warm.start("run", "--name", "live", *ENDLESS)
            until(lambda: len(snapshots(warm.path("live"))) >= 5)
            for name, (line, ending) in LINES.items():
                for what, make in TRAPS.items():
                    for session in ("kept", "live") if what in AT_A_SESSION else ("kept",):
                        _refuse(row, warm, f"{name}, {what} ({session})", line, make, ending, session)
                replaced += _full(row, warm, name, line, ending)
            row.require(live.wait(0.1) is None, "the run that others wrote at has ended")
            require_plain(row, live, "the run", statuses=(143,)) if live.end(15) is not None else None
            require_whole(row, warm.path("live"), "the run")
    row.figures = f"{len(LINES)} options, {len(TRAPS)} places; {replaced} outputs kept their old file on a full disk"
    return row


def _refuse(row: Row, warm: Warm, when: str, line: list[str], make: Trap, ending: str, session: str) -> None:
    with tempfile.TemporaryDirectory(dir=warm.directory) as folder:
        room = Path(folder)
        target = make(room, ending, warm.path(session))
        before = contents(room), warm.path("kept").read_bytes(), sorted(warm.sessions.iterdir())
        row.tried += 1
        done = warm(*complete(line, warm.path("kept"), target))
        require_plain(row, done, when, statuses=(2,))
        row.require(len(done.err.splitlines()) == 1, f"{when}: {done.err[-300:]}")
        after = contents(room), warm.path("kept").read_bytes(), sorted(warm.sessions.iterdir())
        row.require(after == before, f"{when}: a file has changed")


def _full(row: Row, warm: Warm, name: str, line: list[str], ending: str) -> int:
    """A file that an output would replace stays as it was where the new one does not fit."""
    if name in NEVER_REPLACE:
        return 0
    with tempfile.TemporaryDirectory(dir=warm.directory) as folder:
        target = Path(folder) / f"out{ending}"
        words = complete(line, warm.path("kept"), target)
        whole = warm.start(*words)  # which also compiles what it needs: no kernel can be kept on a full disk
        if not row.require(whole.wait(PATIENCE) == 0, f"{name}: {whole.err[-300:]}"):
            return 0
        before = contents(Path(folder))
        row.tried += 1
        done = warm.start(*words, faults=Faults(largest_file=FULL))
        if not row.require(done.wait(PATIENCE) is not None, f"{name}, a full disk: it does not end"):
            return 0
        require_plain(row, done, f"{name}, a full disk", statuses=(1, 2))
        row.require(contents(Path(folder)) == before, f"{name}, a full disk: the old file is gone, or half a new one")
    return 1
