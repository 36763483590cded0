"""A session's screen with a lesson at its foot: each stop is a view of the session, and no view of it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ibtui.formatting import printable
from ibtui.messages import ShowStop
from ibtui.screens.playback import PlaybackScreen
from ibtui.screens.session import SessionScreen
from ibtui.widgets.chart_view import ChartView
from ibtui.widgets.lesson_strip import LessonStrip

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from ibtui.lessons import Lesson
    from ibtui.settings import Views
    from ibtui_engine.session.follow import Follower

STOP = "stop"
"""What the place in a lesson is kept as, in the view of its file."""

OWNERS = (ChartView, PlaybackScreen, SessionScreen)
"""Of the keys that a lesson can name."""


def session_keys() -> frozenset[str]:
    """Their names."""
    bindings = (binding for owner in OWNERS for binding in owner.__dict__["BINDINGS"])
    return frozenset(one.id for one in bindings if isinstance(one, Binding) and one.id)


def kept_stop(views: Views, lesson: Lesson) -> int:
    """The stop at which somebody left a lesson, from 0; the first one where nobody did, or it has fewer now."""
    kept = views.recall(lesson.path).get(STOP)
    return kept if type(kept) is int and 0 <= kept < len(lesson.stops) else 0


class LessonScreen(SessionScreen):
    """Shows one session at a stop of a lesson."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("N", "stop(1)", "Next stop", tooltip="Next stop of the lesson", show=False, id="lesson.next"),
        Binding("B", "stop(-1)", "Stop before", tooltip="Stop before this one", show=False, id="lesson.back"),
        Binding("A", "answer", "Answer", tooltip="Show or hide the answer", show=False, id="lesson.answer"),
    ]

    def __init__(self, follower: Follower, views: Views, directory: Path, lesson: Lesson, index: int) -> None:
        """As of a session, and: `lesson`, `index` of its stop, from 0, which is one on this session."""
        super().__init__(follower, views, directory)
        self.lesson = lesson
        self.index = index
        self.answered = False

    def compose(self) -> ComposeResult:
        """The session, and the stop below it."""
        yield from super().compose()
        yield LessonStrip()

    def on_mount(self) -> None:
        """Tell the stop. The session's own `on_mount` comes after, and gives a chart the focus, and with it keys."""
        self._tell()
        self._keep(self.index)
        self.call_after_refresh(self._tell)

    def recalled(self) -> Mapping[str, Any]:
        """The view that the stop asks for, whatever the session was last looked at with."""
        stop = self.lesson.stops[self.index]
        return {"panel": stop.panel, "ensemble": stop.ensemble, "epoch": stop.epoch}

    def keep_view(self) -> None:
        """The session's own view stays what it was."""

    def _keep(self, index: int) -> None:
        """Where the lesson is taken up again."""
        self.views.keep(self.lesson.path, {STOP: index})

    def _tell(self) -> None:
        """Say the stop, by the keys as they are now."""
        if self.left:
            return
        shown = [active.binding for active in self.active_bindings.values()]
        usual = [one for owner in OWNERS for one in owner.__dict__["BINDINGS"] if isinstance(one, Binding)]
        keys = {one.id: self.app.get_key_display(one) for one in (*usual[::-1], *shown[::-1])}
        does = {"lesson.back": "before", "lesson.next": "next", "lesson.answer": "text" if self.answered else "answer"}
        told = "  ".join(f"{keys[name]} {what}" for name, what in does.items())
        key = keys[self.lesson.stops[self.index].key]
        self.query_one(LessonStrip).show(self.lesson, self.index, key=key, keys=told, answered=self.answered)

    def action_answer(self) -> None:
        """The answer in the place of the text, or the text again."""
        self.answered = not self.answered
        self._tell()

    def action_stop(self, steps: int) -> None:
        """To the next stop, or to the one before: another view, perhaps of another session."""
        index = self.index + steps
        if index < 0:
            self.notify("this is the first stop")
        elif index >= len(self.lesson.stops):
            self._keep(0)
            self.notify(f"That was the last stop of {printable(self.lesson.title)}.", markup=False)
        elif self.lesson.stops[index].path != self.path:
            self.post_message(ShowStop(self.lesson, index))
        else:
            self.index, self.answered = index, False
            self._keep(index)
            self.minimize()
            self.action_recorded()
            for view in self.query(ChartView):
                view.action_reset()
            self.recall()
            self._tell()
            self.call_after_refresh(self._tell)
