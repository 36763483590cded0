"""Screens in an app that is not ours: all they need is given to them, and what they want they send as messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.app import App
from textual.message import Message
from textual.screen import Screen

import ibtui
from ibtui.messages import NewExperiment, OpenSession, StartRun
from ibtui.screens.compare import CompareScreen
from ibtui.screens.library import LibraryScreen
from ibtui.screens.new import NewScreen
from ibtui.screens.session import SessionScreen
from ibtui.settings import Views
from ibtui.widgets.chart_view import ChartView
from ibtui_engine.session.follow import Follower


class Stranger(App[None]):
    """Shows one screen and notes what it is asked for."""

    CSS_PATH = Path(ibtui.__file__).parent / "app.tcss"

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._shown = screen
        self.asked: list[Message] = []

    def on_mount(self) -> None:
        self.push_screen(self._shown)

    def on_open_session(self, message: OpenSession) -> None:
        self.asked.append(message)

    on_new_experiment = on_start_run = on_open_session


async def test_the_library_asks_for_sessions_forms_and_runs(have: Any, directory: Path, tmp_path: Path) -> None:
    path = have("plain")
    app = Stranger(LibraryScreen(directory, Views(tmp_path / "views.json")))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("enter", "n", "d", "s")
        await pilot.pause()
    opened, empty, alike, begun = app.asked
    assert isinstance(opened, OpenSession)
    assert opened.path == path
    assert isinstance(empty, NewExperiment)
    assert empty.like is None
    assert isinstance(alike, NewExperiment)
    assert alike.like is not None
    assert alike.like.hidden == ((4, 3),)
    assert isinstance(begun, StartRun)
    assert begun.path.parent == directory


async def test_the_form_asks_for_a_run(directory: Path) -> None:
    app = Stranger(NewScreen(directory))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+s")
        await pilot.pause()
    assert [type(message) for message in app.asked] == [StartRun]


async def test_a_session_and_a_comparison_show_their_charts(have: Any, directory: Path, tmp_path: Path) -> None:
    path = have("grid")
    screens = SessionScreen(Follower(path), Views(tmp_path / "views.json"), directory), CompareScreen([Follower(path)])
    for screen in screens:
        async with Stranger(screen).run_test(size=(180, 50)) as pilot:
            await pilot.pause()
            assert any(view.image is not None for view in screen.query(ChartView) if view.display)
