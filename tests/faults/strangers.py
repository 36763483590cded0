"""Sessions come from strangers: nothing in one is executed, unpickled, followed, or sent raw to the terminal."""

from __future__ import annotations

import ast
import json
import os
import re
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.faults.app import App
from tests.faults.runs import QUICK, clear, require_plain
from tests.faults.table import Row
from tests.faults.warm import ROOT, Warm

MARK = b"\x1b]0;owned"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31m[red]x[/]\r\n\x9b31m\u202egnp.exe"
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "yaml", "cloudpickle"}
TRUSTED = {"engine/ibtui_engine/compiling/cache.py": {"pickle"}}
"""Machine code that this user's own processes wrote: tests/engine/compiling holds that nothing else is unpickled."""
KEYS = ("\t", "\t", "\t", "\t", "\t", "\t", "a", "a", "p", "?", "\x1b", ",", ".", "t", ")", "e", "P", "q", "m",
        "../out\r", "\x1b", " ", "c", "\x1b", "d", "\x1b", "w", "\x1b", "/", "x", "\x1b", "\x7f", "\x1b")  # fmt: skip
"""A way through all charts, help, the library, its questions and the form."""


def strangers(count: int = 1) -> Row:
    """Put what a terminal or a program might obey everywhere into a session, and use it everywhere."""
    row = Row(
        "sessions with escape sequences, markup and paths in every text, under hostile file names",
        "no escape sequence of theirs in any output, no path of theirs opened, no file outside the sessions directory",
    )
    for file in (*(ROOT / "engine").rglob("*.py"), *(ROOT / "ibtui").rglob("*.py")):
        row.tried += 1
        row.failures += unsafe(file)
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        for _ in range(count):
            _use_everywhere(row, warm)
    row.figures = f"{row.tried} modules, commands and screens"
    return row


def unsafe(file: Path) -> list[str]:
    """Where a module could run what it reads: evaluation, pickles, shells."""
    found = []
    unsafe_modules = UNSAFE_MODULES - TRUSTED.get(file.relative_to(ROOT).as_posix(), set())
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] in unsafe_modules]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in unsafe_modules:
            names = [str(node.module)]
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in UNSAFE_CALLS:
                names = [called.id]
            elif isinstance(called, ast.Attribute) and called.attr in ("system", "popen", "enable_load_extension"):
                names = [called.attr]
            for keyword in node.keywords:
                allowed = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg in ("shell", "allow_pickle") and not allowed:
                    names.append(f"{keyword.arg}=…")
            of_numpy = (
                isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "np"
            )
            if of_numpy and called.attr == "load" and "allow_pickle" not in {k.arg for k in node.keywords}:
                names.append("np.load without allow_pickle=False")
        found += [f"{file.relative_to(ROOT)}:{node.lineno}: {name}" for name in names]  # type: ignore[attr-defined]
    return found


def poison(path: Path, trap: Path, *, plain: bool) -> None:
    """Hostile texts in every text of a session that may hold any; its table is a pipe that blocks whoever opens it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        (text,) = connection.execute("SELECT experiment FROM session").fetchone()
        rule = f"table:{trap}{'' if plain else HOSTILE}"
        connection.execute("UPDATE session SET experiment = ?", (json.dumps(json.loads(text) | {"rule": rule}),))
        for column in ("session.name", "session.program", "rule.name", "ensemble.device", "writer.host"):
            table, name = column.split(".")
            connection.execute(f"UPDATE {table} SET {name} = ?", (f"../../{HOSTILE}",))
        connection.execute("UPDATE rule SET parameters = json_object(?, 1.0)", (HOSTILE,))
        connection.execute("INSERT INTO event (time, kind, text) VALUES (0, ?, ?)", (HOSTILE, HOSTILE))


def _use_everywhere(row: Row, warm: Warm) -> None:
    clear(warm)
    assert warm("run", "--name", "plain", *QUICK).status == 0
    trap = warm.directory / "trap"
    if not trap.exists():
        os.mkfifo(trap)
    for name in ("bad", f"-{HOSTILE}".replace("/", "")):
        target = warm.sessions / f"{name}.ibs"
        target.write_bytes(warm.path("plain").read_bytes())
        poison(target, trap, plain=name == "bad")
    outside = {file.name for file in warm.directory.iterdir()}
    bad = warm.path("bad")
    for command in (
        ["list"], ["list", "--json"], ["show", bad], ["show", bad, "--json"], ["phases", bad], ["fit", bad],
        ["phases", bad, "--json"], ["export", bad, "--what", "learning", "--format", "json"], ["list"],
        ["export", bad, "--what", "information"], ["compare", bad],
        ["export", bad, "--what", "weights", "-o", warm.sessions / "w.npz"], ["sweep-bins", bad], ["pause", bad],
        ["remeasure", bad, "--bins", "9", "--name", "again"], ["resume", bad, "--epochs", "210"], ["show", "again"],
    ):  # fmt: skip
        row.tried += 1
        done = warm.start(*command)
        when = f"{command[0]}: {' '.join(map(str, command[1:]))[-40:]}"
        if not row.require(done.wait(200) is not None, f"{when}: it waits for what the session names"):
            done.end(9)
            continue
        require_plain(row, done, when, statuses=(0, 2))
        row.require("\x1b" not in done.out + done.err, f"{when}: an escape sequence")
        row.require("\x9b" not in done.out + done.err, f"{when}: a control character")
    for arguments in ([], ["open", str(bad)]):
        row.tried += 1
        with App(arguments, warm) as app:
            app.wait(3.0)
            for key in KEYS:
                if app.ended:
                    break
                app.press(key)
                app.wait(0.25)
        row.require(MARK not in app.raw, f"the app {arguments}: an escape sequence of the session")
        row.require("Traceback" not in app.said, f"the app {arguments}: {app.said[-600:]}")
        row.require(app.status == 0, f"the app {arguments}: it left with {app.status}")
    names = {file.name for file in warm.directory.iterdir() if file.suffix not in (".out", ".err")}
    names -= {name for name in names if name.isprintable() and re.fullmatch(r"[^.-].*-\w+\.csv", name)}  # its exports
    row.require(names <= outside | {"config", "state", "data"}, f"files outside: {sorted(names - outside)}")
    time.sleep(0.1)
