"""Lessons in the app: the tour stop by stop, where it is taken up again, and what it leaves alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from ibtui.app import IbtuiApp
from ibtui.epoch_display import EpochDisplay
from ibtui.lessons import TOUR, load_lesson, told
from ibtui.messages import ShowStop
from ibtui.screens.lesson import session_keys
from ibtui.settings import Settings, Views
from ibtui.widgets.lesson_strip import LessonStrip
from tests.ibtui.app.conftest import View
from tests.tiers import first

EXAMPLES = Path(__file__).parents[3] / "sessions"
SIZES = ((80, 24), (120, 40))


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """The examples of the tour, as they ship, where the app looks for them."""
    place = tmp_path / "examples"
    place.mkdir()
    for name in ("example-figure-3.ibs", "example-figure-4.ibs"):
        shutil.copy(EXAMPLES / name, place / name)
    return place


async def at_stop(view: Any, number: int) -> Any:
    """Wait until a stop is shown, with its charts; its screen."""
    await view.until_screen("LessonScreen")
    await view.until(lambda: view.screen.index == number - 1 and view.screen.current is not None)
    await view.pilot.pause()
    return view.screen


def strip(view: Any) -> str:
    """What the strip says, with single spaces."""
    region = view.one("LessonStrip", LessonStrip).region
    lines = view.text().splitlines()[region.y : region.bottom]
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize("size", first(1, SIZES), ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_tour_is_walked_stop_by_stop(open_app: Any, examples: Path, size: tuple[int, int]) -> None:
    before = {path: path.read_bytes() for path in examples.iterdir()}
    tour = load_lesson(TOUR, examples, session_keys())
    async with open_app(size=size) as view:
        await view.press("T")
        for number, stop in enumerate(tour.stops, start=1):
            screen = await at_stop(view, number)
            await view.until(lambda stop=stop: stop.question in strip(view))
            shown = (screen.path.stem, screen.panel, screen.ensemble, screen.playback.epoch)
            assert shown == (stop.path.stem, stop.panel, stop.ensemble, stop.epoch)
            assert (screen.points, screen.bound_line, screen.everything) == (False, False, False)
            assert f"Tour, stop {number} of 8: {stop.name}" in strip(view)
            assert "B before N next A answer" in strip(view)
            key = told(stop, "#").rpartition("Press # ")[2]
            assert stop.text in strip(view)
            assert key in strip(view)
            assert view.visible(stop.panel) == [stop.panel]
            if stop.panel != "layers":
                await view.until(lambda stop=stop: view.chart(stop.panel).spec is not None)
                assert "too small for a chart" not in view.text()
            assert view.one("LessonStrip").region.bottom == size[1] - 1
            assert view.one("LessonStrip").size.height <= 5
            await view.press("A")
            assert stop.answer in strip(view)
            assert stop.question in strip(view)
            assert stop.text not in strip(view)
            assert view.one("LessonStrip").size.height <= 5
            await view.press("A")
            assert stop.text in strip(view)
            await view.press("A", "N")
        await view.until(lambda: "That was the last stop of Tour." in view.notes())
        assert await at_stop(view, 8) is screen
    assert {path: path.read_bytes() for path in examples.iterdir()} == before
    assert Views().recall(TOUR) == {"stop": 0}


@pytest.mark.long
async def test_each_stops_key_changes_what_is_shown(open_app: Any, examples: Path) -> None:
    tour = load_lesson(TOUR, examples, session_keys())

    def state(screen: Any) -> tuple[object, ...]:
        now = screen.playback
        view = (screen.points, screen.bound_line, screen.ensemble, screen.over_epochs)
        return (*view, now.epoch, now.playing, screen.basis.partition(",")[0], screen._again.experiment)

    async with open_app() as view:
        await view.press("T")
        for number, stop in enumerate(tour.stops, start=1):
            screen = await at_stop(view, number)
            await view.until(lambda screen=screen: screen.focused is not None)
            keys = {active.binding.id: active.binding.key for active in screen.active_bindings.values()}
            before = state(screen)
            await view.press(keys[stop.key])
            assert state(screen) != before, stop.name
            assert view.notes() == [], stop.name
            await view.press("N")


async def test_a_lesson_is_taken_up_where_it_was_left(open_app: Any, examples: Path) -> None:
    async with open_app() as view:
        await view.press("T")
        await at_stop(view, 1)
        for number in (2, 3):
            await view.press("N")
            await at_stop(view, number)
        await view.press("B")
        await at_stop(view, 2)
        await view.press("N")
        await at_stop(view, 3)
        await view.press("escape")
        await view.until_screen("LibraryScreen")
    async with open_app() as view:
        await view.press("T")
        await at_stop(view, 3)
        assert view.one("LessonStrip").display


@pytest.mark.long
async def test_before_the_first_stop_there_is_none(open_app: Any, examples: Path) -> None:
    async with open_app() as view:
        await view.press("T")
        await at_stop(view, 1)
        await view.press("B")
        await view.until(lambda: "this is the first stop" in view.notes())
        await at_stop(view, 1)


@pytest.mark.parametrize("kept", first(1, [8, -1, "2", True, None]))
async def test_a_place_that_makes_no_sense_is_the_first_stop(open_app: Any, examples: Path, kept: object) -> None:
    Views().keep(TOUR, {"stop": kept})
    async with open_app() as view:
        await view.press("T")
        await at_stop(view, 1)


@pytest.mark.long
async def test_a_lesson_begins_each_stop_anew_and_leaves_ones_own_views_alone(open_app: Any, examples: Path) -> None:
    session = examples / "example-figure-3.ibs"
    Views().keep(session, {"panel": "snr", "ensemble": 1, "hidden": [2]})
    own = Views().recall(session)
    async with open_app() as view:
        await view.press("T")
        screen = await at_stop(view, 1)
        assert (screen.panel, screen.ensemble, screen.hidden_layers) == ("plane", 2, frozenset())
        await view.press("p", "1", "b", "right_parenthesis", "plus", "f", "y")
        assert screen._again.active
        await view.press("N")
        await at_stop(view, 2)
        assert (screen.points, screen.bound_line, screen.hidden_layers) == (False, False, frozenset())
        assert (screen._again.active, screen.maximized, screen.over_epochs) == (False, None, EpochDisplay())
        await view.press("q")
        await view.until_screen("LibraryScreen")
    assert Views().recall(session) == own


@pytest.mark.long
async def test_a_lesson_names_keys_as_they_were_chosen(open_app: Any, examples: Path) -> None:
    chosen = Settings(keys={"lesson.next": "x", "lesson.answer": "f5", "session.points": "u"})
    async with open_app(settings=chosen) as view:
        await view.press("T")
        await at_stop(view, 1)
        await view.until(lambda: "Press u for every network." in strip(view))
        assert "B before x next f5 answer" in strip(view)
        await view.press("x")
        await at_stop(view, 2)


async def test_keys_of_a_lesson_are_those_of_no_other_screen(open_app: Any, have: Any) -> None:
    have("plain")
    async with open_app("plain") as view:
        assert not {"N", "B", "A"} & {*view.screen.active_bindings}


async def test_without_the_examples_the_tour_says_what_it_needs(open_app: Any) -> None:
    async with open_app() as view:
        await view.press("T")
        await view.until(lambda: any("session of stop 1" in note for note in view.notes()))
        assert type(view.screen).__name__ == "LibraryScreen"


async def test_a_lesson_of_ones_own_opens_at_a_stop(have: Any, directory: Path, tmp_path: Path) -> None:
    have("plain")
    have("grid")
    texts = {"text": "[b]See[/b].", "key": "session.scale", "does": "for it.", "question": "Why?", "answer": "So."}
    stops = [
        {"name": "One", "session": "plain", **texts},
        {"name": "Two", "session": "grid", "ensemble": 2, "epoch": 5, "panel": "gradients", **texts},
    ]
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps({"stops": stops}), encoding="utf-8")
    lesson = load_lesson(path, directory, session_keys())
    app = IbtuiApp(directory, None, Settings(), ShowStop(lesson, 1))
    async with app.run_test(size=(80, 24)) as pilot:
        view = View(app, pilot)
        screen = await at_stop(view, 2)
        assert (screen.panel, screen.ensemble, screen.playback.epoch) == ("gradients", 2, 6)
        await view.until(lambda: "mine, stop 2 of 2: Two" in strip(view))
        assert "[b]See[/b]. Press y for it." in strip(view)
        await view.press("B")
        screen = await at_stop(view, 1)
        assert (screen.panel, screen.playback.epoch) == ("plane", 40)
        await view.press("question_mark")
        await view.until_screen("HelpScreen")
        assert {"Lesson", "Keys: the lesson"} < {*view.screen._entries}
