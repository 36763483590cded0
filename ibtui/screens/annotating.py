"""A dialog for the note and the tags on a session."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from ibtui.annotations import Annotation, require_annotation
from ibtui.wording import printable
from ibtui_engine.errors import EngineError


class Annotating(ModalScreen[Annotation | None]):
    """Asks for a note and tags; None where it is left with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, name: str, annotation: Annotation) -> None:
        super().__init__()
        self._session = name
        self._begin = annotation

    def compose(self) -> ComposeResult:
        """The two lines, what is wrong with them, what keys do."""
        with Vertical(id="dialog"):
            yield Static(f"On {printable(self._session)}:", markup=False)
            yield Label("Note", classes="over-line")
            yield Input(self._begin.note, placeholder="one line of your own", id="note")
            yield Label("Tags", classes="over-line")
            yield Input(", ".join(self._begin.tags), placeholder="such as: keep, paper", id="tags")
            yield Static(id="trouble", markup=False)
            yield Static("enter keeps both   esc leaves them as they were", classes="keys", markup=False)

    def _read(self) -> Annotation:
        note, tags = (self.query_one(f"#{name}", Input).value for name in ("note", "tags"))
        return require_annotation(note, tags.replace(",", " ").split())

    def on_input_changed(self) -> None:
        """Say what is wrong."""
        said = ""
        try:
            self._read()
        except EngineError as error:
            said = printable(str(error))
        self.query_one("#trouble", Static).update(said)

    def on_input_submitted(self) -> None:
        """That is it, if nothing is wrong."""
        try:
            self.dismiss(self._read())
        except EngineError:
            return
