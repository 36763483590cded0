"""The app on small sessions, driven by keys and the mouse; a live session that goes on only when it is let."""

from __future__ import annotations

import asyncio
import inspect
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from platformdirs import user_cache_path
from textual.css.query import NoMatches
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Static

from ibtui import runs
from ibtui.app import IbtuiApp
from ibtui.settings import Settings
from ibtui.widgets.chart_view import ChartView
from ibtui_engine.experiment import Experiment
from ibtui_engine.progress import Interrupt, Progress
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.summary import Summary, read_summary

PATIENCE = 40.0
"""Seconds after which something that should come has not."""

W = TypeVar("W", bound=Widget)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Tests of the app are coroutines: run each in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


class View:
    """The app as a test sees and handles it."""

    def __init__(self, app: IbtuiApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> Any:
        return self.app.screen

    async def press(self, *keys: str) -> None:
        """Press keys, and wait for charts that may not be drawn more often to have caught up."""
        await self.pilot.press(*keys)
        await self.until(lambda: not self.app.is_running or not getattr(self.screen, "behind", False))

    async def write(self, field: str, text: str) -> None:
        """Replace what is in an input, as if it were typed."""
        widget = self.one(field, Input)
        widget.focus()
        widget.value = ""
        await self.press(*(_KEYS.get(character, character) for character in text))

    async def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Let the app go on until something holds; a screen that is still being composed is waited for."""

        def holds() -> bool:
            with suppress(NoMatches):
                return bool(condition())
            return False

        end = time.monotonic() + patience
        while not holds():
            assert time.monotonic() < end, f"it has not come; there is\n{self.text()}"
            await self.pilot.pause(0.02)

    async def until_screen(self, name: str) -> None:
        await self.until(lambda: type(self.screen).__name__ == name and self.screen.is_mounted)
        await self.pilot.pause()

    def one(self, selector: str, kind: type[W] = Widget) -> W:  # type: ignore[assignment]
        return self.screen.query_one(selector, kind)

    def chart(self, name: str = "plane") -> ChartView:
        return self.one(f"#{name}", ChartView)

    def said(self, selector: str) -> str:
        """The text of a static widget."""
        return str(self.one(selector, Static).content)

    def text(self) -> str:
        """All that is on the screen."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())

    def notes(self) -> list[str]:
        """All notifications that are shown."""
        return [notification.message for notification in self.app._notifications]

    def visible(self, *names: str) -> list[str]:
        """Which of these charts can be seen."""
        return [name for name in names if self.one(f"#{name}").display and self.one(f"#{name}").region.area > 0]


_KEYS = {
    " ": "space",
    "-": "minus",
    ".": "full_stop",
    ",": "comma",
    "/": "slash",
    "\\": "backslash",
    "_": "underscore",
    ":": "colon",
    "\u202e": "\u202e",
}

OpenApp = Callable[..., AbstractAsyncContextManager[View]]


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes a user's files; compiled kernels stay shared, since compiling takes seconds."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(user_cache_path("ibtui") / "kernels"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CONFIG", "STATE", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("NO_COLOR", "IBTUI_SESSIONS", "COLUMNS", "LINES", "TEXTUAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ibtui.locations.examples_directory", lambda: tmp_path / "examples")
    monkeypatch.setattr("ibtui.app.PREPARING_SECONDS", None)  # a process in each test would take seconds
    monkeypatch.setattr("ibtui.draw_budget.SHARE", 100.0)  # tests need not leave the machine to a run
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def no_run_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs that the app starts go on without it, but not without their test."""
    begun: list[runs.Started] = []
    start = runs._start

    def noted(arguments: list[str], given: bytes = b"") -> runs.Started:
        begun.append(start(arguments, given))
        return begun[-1]

    monkeypatch.setattr(runs, "_start", noted)
    yield
    for run in begun:
        try:
            run._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            run._process.kill()
            run._process.wait()


@pytest.fixture
def open_app(directory: Path) -> OpenApp:
    """Open the app at a size, in the library or in a session of the test's directory, or of another."""

    @asynccontextmanager
    async def opened(
        session: str | None = None,
        size: tuple[int, int] = (120, 40),
        settings: Settings | None = None,
        directory: Path = directory,
    ) -> AsyncIterator[View]:
        path = None if session is None else directory / f"{session}.ibs"
        app = IbtuiApp(directory, path, settings)
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            view = View(app, pilot)
            await view.until_screen("LibraryScreen" if session is None else "SessionScreen")
            yield view

    return opened


# sessions

SMALL = {"networks": 3, "epochs": 40, "snapshots": 6, "weights": False}


def _make(path: Path, **settings: Any) -> Path:
    Run(begin(path, path.stem, Experiment(**{**SMALL, **settings})), threads=1).execute()
    return path


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions made once: `plain`, `kept` (with weights), `grid` (of three ensembles), and `lone`, of one network that
    was measured twice.
    """
    directory = tmp_path_factory.mktemp("originals")
    _make(directory / "plain.ibs", hidden=((4, 3),))
    _make(directory / "kept.ibs", hidden=((4, 3),), weights=True)
    _make(directory / "grid.ibs", hidden=((4, 3), (5,), (3, 2, 2)))
    _make(directory / "lone.ibs", hidden=((4, 3),), networks=1, snapshots=0)
    return directory


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The test's directory of sessions, empty at first."""
    path = tmp_path / "sessions"
    path.mkdir()
    return path


@pytest.fixture
def have(originals: Path, directory: Path) -> Callable[..., Path]:
    """Put a copy of one of the sessions into the test's directory, under that name or another."""

    def copy(name: str, to: str = "", *statements: str | tuple[str, tuple[object, ...]]) -> Path:
        target = directory / f"{to or name}.ibs"
        shutil.copy(originals / f"{name}.ibs", target)
        for statement in statements:
            change(target, *((statement, ()) if isinstance(statement, str) else statement))
        return target

    return copy


def change(path: Path, statement: str, values: tuple[object, ...] = ()) -> None:
    """Change a session file as SQLite can, not as the engine would."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


NOBODY = 2**22 + 1
"""Above the largest process number that Linux gives by default."""

RUNNING_BY_NOBODY = (
    "UPDATE session SET status = 'running'",
    f"UPDATE writer SET pid = {NOBODY}",
)


@pytest.fixture
def killed() -> tuple[str, ...]:
    """What to change in a session to make it one whose run was killed."""
    return RUNNING_BY_NOBODY


class Live:
    """A run in this process that measures, and looks for requests, only as far as it is let."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.path = path
        self._settings = {**SMALL, "hidden": ((4, 3),), "epochs": 100, "snapshots": 98, **settings}
        self._gate = threading.Semaphore(0)
        self._recorded = 0
        self._told = threading.Condition()
        self._interrupt = Interrupt()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._wait_for(1)

    def _run(self) -> None:
        writer = begin(self.path, self.path.stem, Experiment(**self._settings))
        Run(writer, threads=1).execute(self._watch, self._interrupt)
        with self._told:
            self._recorded = 10**9
            self._told.notify()

    def _watch(self, progress: Progress) -> None:
        if progress.snapshot is not None:
            with self._told:
                self._recorded += 1
                self._told.notify()
            self._gate.acquire()

    def _wait_for(self, snapshots: int) -> None:
        with self._told:
            assert self._told.wait_for(lambda: self._recorded >= snapshots, timeout=60)

    def advance(self, snapshots: int = 1) -> None:
        """Let it measure that many more snapshots."""
        wanted = self._recorded + snapshots
        self._gate.release(snapshots)
        self._wait_for(wanted)

    def free(self) -> None:
        """Let it go on as it likes."""
        self._gate.release(100_000)

    def requests(self) -> list[tuple[str, int]]:
        """What others have asked of it, and whether it has heard."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute("SELECT command, done FROM control ORDER BY id").fetchall()

    @property
    def summary(self) -> Summary:
        return read_summary(self.path)

    def close(self) -> None:
        self._interrupt.request()
        self.free()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def live(originals: Path, directory: Path) -> Iterator[Callable[..., Live]]:
    """Begin a live session of that name; it has measured epoch 0."""
    begun: list[Live] = []

    def start(name: str = "live", **settings: Any) -> Live:
        begun.append(Live(directory / f"{name}.ibs", **settings))
        return begun[-1]

    yield start
    for run in begun:
        run.close()


STRANGE = {
    "markup": "[bold red]x[/] [@click=app.quit]y[/]",
    "escapes": "a\x1b[2J\x1b]0;t\x07b\r\nc",
    "wide": "ありがとう 日本語",
    "right to left": "\u202eevil \u05e9\u05dc\u05d5\u05dd",
}


@pytest.fixture
def strange() -> dict[str, str]:
    """Texts that a terminal or a markup language might take for more than text."""
    return STRANGE
