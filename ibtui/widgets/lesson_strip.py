"""A stop of a lesson, at the foot of a session: what to look at, a key, and a question with its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ibtui.formatting import printable
from ibtui.lessons import told
from ibtui.widgets.text import write

if TYPE_CHECKING:
    from ibtui.lessons import Lesson


class LessonStrip(Vertical):
    """A heading, the text in at most three lines of 80 columns, and a question; or that, and its answer."""

    DEFAULT_CSS = """
    LessonStrip { height: auto; }
    LessonStrip Horizontal { height: 1; background: $panel; padding: 0 1; }
    LessonStrip Static { height: auto; width: 100%; padding: 0 1; }
    LessonStrip .stop { width: 1fr; height: 1; padding: 0; text-style: bold; }
    LessonStrip .stop, LessonStrip .stop-keys { text-wrap: nowrap; text-overflow: ellipsis; }
    LessonStrip .stop-keys { width: auto; height: 1; padding: 0; }
    LessonStrip .question { text-style: bold; color: $text-accent; }
    """

    def compose(self) -> ComposeResult:
        """The heading over two texts."""
        with Horizontal():
            yield Static(classes="stop", markup=False)
            yield Static(classes="stop-keys", markup=False)
        yield Static(classes="first", markup=False)
        yield Static(classes="second", markup=False)

    def show(self, lesson: Lesson, index: int, *, key: str, keys: str, answered: bool) -> None:
        """Show a stop.

        Args:
            lesson: whose stop it is.
            index: of the stop, from 0.
            key: what the stop's key is called now.
            keys: those that go on, go back and show the answer, with what they do.
            answered: whether the answer is shown, below the question; else the question is, below the text.
        """
        stop = lesson.stops[index]
        upper, lower = (stop.question, stop.answer) if answered else (told(stop, key), stop.question)
        first, second = self.query_one(".first", Static), self.query_one(".second", Static)
        first.set_class(answered, "question")
        second.set_class(not answered, "question")
        heading = f"{lesson.title}, stop {index + 1} of {len(lesson.stops)}: {stop.name}"
        for static, text in (
            (self.query_one(".stop", Static), heading),
            (self.query_one(".stop-keys", Static), keys),
            (first, upper),
            (second, lower),
        ):
            write(static, printable(text))
