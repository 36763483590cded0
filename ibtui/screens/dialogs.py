"""Questions over a screen: a choice between a few answers, some of many, or a line of text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, SelectionList, Static
from textual.widgets.selection_list import Selection

from ibtui.formatting import printable
from ibtui_engine.errors import EngineError

Answer = TypeVar("Answer")


class Choice(ModalScreen[str | None]):
    """Asks for one of a few answers; None where it is left with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, answers: dict[str, str]) -> None:
        super().__init__()
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The question over its answers."""
        with Vertical(id="dialog"):
            yield Static(self._question, markup=False)
            with Horizontal(id="answers"):
                for key, label in self._answers.items():
                    yield Button(label, id=key)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """That is the answer."""
        self.dismiss(event.button.id)


class Line(ModalScreen[str | None]):
    """Asks for a line of text; errors are shown while typing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, question: str, value: str, refuse: Callable[[str], str]) -> None:
        super().__init__()
        self._question = question
        self._value = value
        self._refuse = refuse

    def compose(self) -> ComposeResult:
        """The question, the line, what is wrong with it."""
        with Vertical(id="dialog"):
            yield Static(self._question, markup=False)
            yield Input(self._value, id="line")
            yield Static(id="trouble", markup=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong."""
        self.query_one("#trouble", Static).update(self._refuse(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """That is the answer, if it is one."""
        if not self._refuse(event.value):
            self.dismiss(event.value)


class Fields(ModalScreen[Answer | None], Generic[Answer]):
    """Asks for what several lines say together; None where it is left with escape.

    Errors are shown while typing, in the widget `trouble`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def read(self) -> Answer:
        """What the lines say.

        Raises:
            EngineError: something is wrong with them.
        """
        raise NotImplementedError

    def on_input_changed(self) -> None:
        """Say what is wrong."""
        said = ""
        try:
            self.read()
        except EngineError as error:
            said = printable(str(error))
        self.query_one("#trouble", Static).update(said)

    def on_input_submitted(self) -> None:
        """That is the answer, if nothing is wrong."""
        try:
            self.dismiss(self.read())
        except EngineError:
            return


class Several(ModalScreen[list[str] | None]):
    """Asks for some of many; states how many are allowed, and enforces it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("enter", "take", "Take", priority=True),
    ]

    def __init__(
        self, question: str, answers: Mapping[str, str], chosen: Collection[str], least: int, most: int
    ) -> None:
        super().__init__()
        self._question = question
        self._answers = answers
        self._chosen = chosen
        self._least, self._most = least, most

    def compose(self) -> ComposeResult:
        """The question, a list to mark in, what is wrong with it."""
        with Vertical(id="dialog"):
            yield Static(self._question, markup=False)
            yield SelectionList[str](
                *[Selection(Text(printable(text)), key, key in self._chosen) for key, text in self._answers.items()],
                id="several",
            )
            yield Static("space marks, enter takes them", id="trouble", markup=False)

    def action_take(self) -> None:
        """These, if they are not too few or too many."""
        picked = self.query_one("#several", SelectionList).selected
        if self._least <= len(picked) <= self._most:
            self.dismiss(picked)
        else:
            said = f"mark {self._least} to {self._most}; {len(picked)} are marked"
            self.query_one("#trouble", Static).update(said)
