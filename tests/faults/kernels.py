"""Kept machine code that is damaged, or that can be kept nowhere: commands compile it anew."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ibtui_engine.children import python_command
from tests.faults.sessions import bits, complaint
from tests.faults.table import Row
from tests.faults.warm import environment_in

RUN = ("run", "--networks", "2", "--hidden", "4-3", "--fraction", "0.1", "--epochs", "40", "--snapshots", "5",
       "--seed", "3", "--weights", "--quiet", "--out", "it.ibs")  # fmt: skip
COMMANDS = {
    "run": RUN,
    "resume": ("resume", "it.ibs", "--epochs", "60", "--quiet"),
    "remeasure": ("remeasure", "it.ibs", "--bins", "20", "--quiet", "--out", "measured.ibs"),
    "fit": ("fit", "it.ibs", "--json"),
}
CHEAP = "ibtui_engine.streams.fill_words-"
"""A kernel that takes a second to compile, beginning of its file's name."""
LOADED = {
    "run": (CHEAP, "ibtui_engine.training.kernel.train_networks-", "ibtui_engine.measures.kernels.measure_networks-"),
    "remeasure": ("ibtui_engine.measures.kernels.measure_networks-",),
    "fit": tuple(f"ibtui_engine.bottleneck.{name}-" for name in ("layers.group_networks", "solver.weigh")),
}
"""Kernels that a command calls, and so loads; those that they call are loaded where they must be compiled."""
LOADED["resume"] = LOADED["run"]
NOTE = "note: compiled kernels cannot be kept"


@dataclass(frozen=True)
class Done:
    """What a command left."""

    status: int
    out: str
    err: str
    numbers: dict[str, str]


def kernels(count: int = 40, seed: int = 1, *, cheap: bool = False) -> Row:
    """Damage kernels before commands, and take away the places where they are kept.

    With `cheap`, only of what compiles in a second.
    """
    row = Row(
        "compiled kernels emptied, truncated, with bits flipped, exchanged; no room for them, no right to write them, "
        "or others have it",
        "exit status 0, the same bits, at most one note, and a damaged kernel is replaced",
    )
    chance = random.Random(seed)
    names = ("run", "resume") if cheap else tuple(COMMANDS)
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(folder))
        expected = {name: work.do(name, work.usual.parent) for name in names}
        for name, found in expected.items():
            assert found.status == 0, f"{name}: {found.err}"
        for number in range(count):
            name = names[number % len(names)]
            with work.kernels() as cache:
                beginning = CHEAP if cheap else chance.choice(LOADED[name])
                needed = _matching(cache, beginning)
                others = [path for path in sorted(cache.iterdir()) if path not in needed]
                done_to = [_damage(path, chance) for path in (*needed, *chance.sample(others, 0 if cheap else 3))]
                when = f"{number}: {name}, {beginning} {' and '.join(done_to[: len(needed)])}"
                damaged = [path.read_bytes() for path in needed]
                row.tried += 1
                _require(row, work.do(name, cache.parent), expected[name], when)
                row.require([path.read_bytes() for path in needed] != damaged, f"{when}: all are as they were")
                row.require(not list(cache.glob("*.tmp")), f"{when}: half a file is left")
        tried = 0
        for name in names:
            for how in ("no room", "read-only", "others can write"):
                with work.kernels(how, without=CHEAP if cheap else chance.choice(LOADED[name])) as cache:
                    if cache is not None and not (cheap and how == "others can write"):
                        tried += 1
                        _require(row, work.do(name, cache.parent), expected[name], f"{name}, {how}", noted=True)
        row.tried += tried
    row.figures = f"{tried} where kernels could not be kept"
    return row


def _require(row: Row, found: Done, expected: Done, when: str, *, noted: bool = False) -> None:
    row.require(found.status == 0, f"{when}: status {found.status}: {found.err[-300:]}")
    row.require(found.out == expected.out, f"{when}: other output: {found.out[:200]}")
    row.require(found.numbers == expected.numbers, f"{when}: other numbers")
    said = found.err.splitlines()
    row.require(len(said) == noted and all(line.startswith(NOTE) for line in said), f"{when}: {found.err[-300:]}")


class Work:
    """Runs commands, each on the session that it expects, with one directory of kernels or another."""

    def __init__(self, room: Path) -> None:
        from ibtui_engine.compiling.cache import store

        assert store().directory
        self.usual: Path = store().directory  # type: ignore[assignment]
        self._room = room
        self._session = b""

    def do(self, name: str, cache: Path) -> Done:
        """Run one of `COMMANDS`; the first is a run."""
        place = self._room / "work"
        place.mkdir()
        if name != "run":
            (place / "it.ibs").write_bytes(self._session)
        done = subprocess.run(
            python_command("-m", "ibtui", *COMMANDS[name]),
            cwd=place,
            env=environment_in(self._room) | {"NUMBA_CACHE_DIR": str(cache)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
        )
        session = place / ("measured.ibs" if name == "remeasure" else "it.ibs")
        numbers = bits(session) | {"complaint": complaint(session)} if session.exists() else {}
        if name == "run" and not self._session:
            self._session = session.read_bytes()
        shutil.rmtree(place)
        return Done(done.returncode, done.stdout if name == "fit" else "", done.stderr, numbers)

    @contextmanager
    def kernels(self, how: str = "", without: str = "") -> Iterator[Path]:
        """A copy of the kernels that are kept, all or without one, in a directory where something is wrong."""
        base = self._room / "kernels"
        base.mkdir()
        mounted = how in ("no room", "read-only") and _mount(base, "-t", "tmpfs", "-o", "size=256m", "tmpfs")
        try:
            cache = base / self.usual.name
            shutil.copytree(self.usual, cache)
            if without:
                for path in _matching(cache, without):
                    path.unlink()
            if how == "no room" and mounted:
                _fill(base / "filler")
            elif how == "read-only" and mounted:
                assert _mount(base, "-o", "remount,ro")
            elif how:
                cache.chmod(0o777)
            yield cache
        finally:
            if mounted:
                subprocess.run(["umount", str(base)], check=True)
            shutil.rmtree(base)


def _mount(place: Path, *options: str) -> bool:
    """Only root can."""
    return subprocess.run(["mount", *options, str(place)], capture_output=True).returncode == 0


def _fill(path: Path) -> None:
    """Take all room that a file system has."""
    try:
        with open(path, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        return


def _matching(cache: Path, beginning: str) -> list[Path]:
    """One kernel's files: there is one for each combination of types."""
    return [path for path in sorted(cache.iterdir()) if path.name.startswith(beginning)]


def _damage(path: Path, chance: random.Random) -> str:
    """Damage a file; in a word, how."""
    whole = path.read_bytes()
    how = chance.choice(("emptied", "truncated", "with bits flipped", "zeroed", "exchanged"))
    if how == "emptied":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(whole[: chance.randrange(len(whole))])
    elif how == "zeroed":
        first = chance.randrange(len(whole))
        path.write_bytes(whole[:first] + bytes(len(whole) - first))
    elif how == "exchanged":
        other = chance.choice([file for file in sorted(path.parent.iterdir()) if file != path])
        path.write_bytes(other.read_bytes())
    else:
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
    return how
