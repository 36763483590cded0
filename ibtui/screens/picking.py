"""A question over a screen with one answer of many: a list that is searched by typing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from ibtui.formatting import printable


class Picking(ModalScreen[str | None]):
    """Asks for one of many answers; None where it is left with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("enter", "take", "Take", priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, question: str, answers: Mapping[str, str], chosen: str = "") -> None:
        """`answers`: how each is written, by what `dismiss` gives back; `chosen`: the one to begin at."""
        super().__init__()
        self._question = question
        self._answers = {key: printable(text) for key, text in answers.items()}
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """The question, what is looked for, the answers that are found."""
        with Vertical(id="dialog"):
            yield Static(self._question, markup=False)
            yield Input(placeholder="part of an answer", id="find")
            yield OptionList(id="answers-found")
            yield Static("enter: take", classes="keys", markup=False)

    def on_mount(self) -> None:
        """Show all of them."""
        self._show()
        self.query_one("#find").focus()

    @property
    def found(self) -> list[str]:
        """The answers that have all words that are looked for."""
        words = self.query_one("#find", Input).value.lower().split()
        return [key for key, text in self._answers.items() if all(word in f"{key} {text}".lower() for word in words)]

    def _show(self) -> None:
        listed, found = self.query_one("#answers-found", OptionList), self.found
        listed.clear_options()
        listed.add_options([Option(Text(self._answers[key], no_wrap=True, overflow="ellipsis")) for key in found])
        listed.highlighted = (found.index(self._chosen) if self._chosen in found else 0) if found else None

    def on_input_changed(self) -> None:
        """List what is found."""
        self._show()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click."""
        self.dismiss(self.found[event.option_index])

    def on_key(self, event: events.Key) -> None:
        """What is typed in the list is looked for."""
        find = self.query_one("#find", Input)
        if event.is_printable and event.character and not find.has_focus:
            find.focus()
            find.insert_text_at_cursor(event.character)

    def action_move(self, steps: int) -> None:
        """To another answer."""
        listed = self.query_one("#answers-found", OptionList)
        if listed.option_count:
            listed.highlighted = ((listed.highlighted or 0) + steps) % listed.option_count

    def action_take(self) -> None:
        """This one, if there is one."""
        place = self.query_one("#answers-found", OptionList).highlighted
        if place is not None:
            self.dismiss(self.found[place])
