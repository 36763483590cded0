"""What the pictures show: the sessions that ship with ibtui, on screens of the app, each once it is still.

Each picture and film has a digest of the cells it was drawn from, so that one which the app has left behind is found.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from platformdirs import user_cache_path
from rich.segment import Segment
from textual.pilot import Pilot

from ibtui.app import IbtuiApp
from ibtui.locations import example_files
from ibtui.messages import Compare, OpenSession, ShowMap
from ibtui.screens.new import NewScreen
from ibtui.screens.playback import PlaybackScreen
from ibtui.settings import Settings
from ibtui_engine.calibration import Speed
from tests.ibtui.app.mapped import write_map
from tests.ibtui.app.screen_text import account, read_screen
from tests.ibtui.app.still import still

PICTURES = Path(__file__).parent
OWN = {"committee": ("figure-8", 0.06), "depth at 0.8": ("figure-5", 1.2), "ten networks": ("figure-4", 8.4)}
"""What is in the library besides the examples: copies of them, and how many days ago each began."""
ONE: dict[str, Any] = {"activation": ("tanh",)}
"""What is held fast in the map: there is no session of a grid among the examples, so its numbers are of formulas."""
PATIENCE = 30.0

Pilots = Pilot[None]


@dataclass(frozen=True)
class Shot:
    """One picture: how its screen is come by, its cells across and down, and the theme."""

    go: Callable[[Pilots], Awaitable[None]]
    size: tuple[int, int]
    theme: str = "textual-dark"


@dataclass(frozen=True)
class Taken:
    """A screen as it was."""

    rows: list[list[Segment]]
    background: tuple[int, int, int]
    foreground: tuple[int, int, int]

    @property
    def digest(self) -> str:
        """Of all that can be seen of its cells."""
        return hashlib.sha256(account({"": read_screen(self.rows)}).encode()).hexdigest()


async def _library(pilot: Pilots) -> None:
    library: Any = pilot.app.screen
    await _until(pilot, lambda: library._previewed and not library._working_out and not library._outdated())


async def _new(pilot: Pilots) -> None:
    await pilot.press("n")
    await _until(pilot, lambda: isinstance(pilot.app.screen, NewScreen))
    await pilot.press("down", "down")
    form: Any = pilot.app.screen
    await _until(pilot, lambda: form._asked_of_rules()[0] in form._rule_said)


async def _session(pilot: Pilots) -> None:
    pilot.app.post_message(OpenSession(Path("examples/example-figure-3.ibs")))
    await _until(pilot, lambda: getattr(pilot.app.screen, "current", None) is not None)


async def _compare(pilot: Pilots) -> None:
    pilot.app.post_message(Compare([Path("examples/example-figure-3.ibs")]))
    await _until(pilot, lambda: getattr(pilot.app.screen, "_charts", None))


async def _map(pilot: Pilots) -> None:
    rates = tuple(0.01 * 2**k for k in range(8))
    batches = tuple(32 * 2**k for k in range(7))
    path = write_map(Path("sessions/rates.ibs"), known=44, running=2, learning_rate=rates, batch=batches, **ONE)
    pilot.app.post_message(ShowMap(path))
    await _until(pilot, lambda: getattr(pilot.app.screen, "found", None) is not None)
    await pilot.press("right", "up", "space", "up", "right", "space", "up", "up")


SHOTS = {
    "four-charts": Shot(_session, (200, 60), "textual-light"),
    "library": Shot(_library, (130, 40)),
    "compare": Shot(_compare, (170, 38)),
    "new": Shot(_new, (120, 40)),
    "map": Shot(_map, (150, 36)),
}
"""The pictures by their names."""


async def _until(pilot: Pilots, condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the screen has not come")
        await pilot.pause(0.02)


def take(shot: Shot) -> Taken:
    """Open the app as a picture wants it, and look at it."""

    async def look() -> Taken:
        async with _opened(shot) as pilot:
            return await _seen(pilot)

    return asyncio.run(look())


@dataclass(frozen=True)
class Frame:
    """One picture of a film, and for how long it is shown."""

    taken: Taken
    seconds: float


@dataclass(frozen=True)
class Film:
    """A session that plays to its end, where keys are pressed."""

    shot: Shot
    speed: float
    """Snapshots a second."""
    first: float
    """Seconds that the first snapshot stands,"""
    last: float
    """and the last one,"""
    keys: tuple[tuple[str, float], ...]
    """before these keys, after each of which the screen stands for so many seconds."""


FILMS = {"replay": Film(Shot(_session, (120, 36)), speed=10, first=1.0, last=1.5, keys=(("b", 3.0),))}
"""The films by their names."""


def film(wanted: Film) -> list[Frame]:
    """Every snapshot of a replay. The playhead moves on once the screen is still, and not by the clock: so that the
    same cells come every time.
    """

    async def look() -> list[Frame]:
        with patch.object(PlaybackScreen, "pace"):
            async with _opened(wanted.shot) as pilot:
                return await _played(pilot, wanted)

    return asyncio.run(look())


async def _played(pilot: Pilots, wanted: Film) -> list[Frame]:
    screen: Any = pilot.app.screen
    while screen.playback.speed < wanted.speed:
        await pilot.press("greater_than_sign")
    await pilot.press("space")
    frames = [Frame(await _seen(pilot), wanted.first)]
    while not screen.playback.at_end:
        screen._tick()
        frames.append(Frame(await _seen(pilot), 1 / wanted.speed))
    frames[-1] = Frame(frames[-1].taken, wanted.last)
    for key, seconds in wanted.keys:
        await pilot.press(key)
        frames.append(Frame(await _seen(pilot), seconds))
    return frames


def digest(frames: list[Frame]) -> str:
    """Of all that can be seen in a film, and for how long."""
    told = " ".join(f"{frame.taken.digest} {frame.seconds:g}" for frame in frames)
    return hashlib.sha256(told.encode()).hexdigest()


@asynccontextmanager
async def _opened(shot: Shot) -> AsyncIterator[Pilots]:
    with _own_place():
        app = IbtuiApp(Path("sessions"), settings=Settings(theme=shot.theme))
        app.animation_level = "none"
        async with app.run_test(size=shot.size) as pilot:
            await _until(pilot, lambda: type(app.screen).__name__ == "LibraryScreen" and app.screen.is_mounted)
            await shot.go(pilot)
            yield pilot


async def _seen(pilot: Pilots) -> Taken:
    rows = await still(pilot)
    background, foreground = (pilot.app.screen.styles.background, pilot.app.screen.styles.color)
    return Taken(rows, background.rgb, foreground.rgb)


@contextmanager
def _own_place() -> Iterator[None]:
    """A place with sessions that are always as old, nothing of the user's, and a machine whose speed is given."""
    before = Path.cwd()
    with TemporaryDirectory() as name, ExitStack() as patches:
        place = Path(name)
        for directory in ("sessions", "examples"):
            (place / directory).mkdir()
        for number, file in enumerate(example_files()):
            _copy(file, place / "examples" / file.name, days=30.5 + number)
        for own, (example, days) in OWN.items():
            _copy(place / "examples" / f"example-{example}.ibs", place / "sessions" / f"{own}.ibs", days=days)
        homes = {f"XDG_{kind}_HOME": str(place / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        homes |= {"NUMBA_CACHE_DIR": str(user_cache_path("ibtui") / "kernels")}
        patches.enter_context(patch.dict(os.environ, homes))
        for variable in ("NO_COLOR", "IBTUI_SESSIONS", "COLUMNS", "LINES", "TEXTUAL"):
            os.environ.pop(variable, None)  # `patch.dict` puts them back
        patches.enter_context(patch("ibtui.locations.examples_directory", lambda: place / "examples"))
        patches.enter_context(patch.object(NewScreen, "_calibrate", _known_speed))
        os.chdir(place)
        try:
            yield
        finally:
            os.chdir(before)


def _known_speed(screen: NewScreen) -> None:
    screen._speed = Speed(4e-10, 4e-9)
    screen._check()


def _copy(file: Path, to: Path, days: float) -> None:
    shutil.copy(file, to)
    with closing(sqlite3.connect(to)) as connection, connection:
        connection.execute("UPDATE session SET created = ?, name = ?", (time.time() - 86_400 * days, to.stem))
