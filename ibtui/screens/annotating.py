"""A dialog for the note and the tags on a session."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from ibtui.annotations import Annotation, require_annotation
from ibtui.formatting import printable
from ibtui.screens.dialogs import Fields


class Annotating(Fields[Annotation]):
    """Asks for a note and tags; None where it is left with escape."""

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

    def read(self) -> Annotation:
        """What the two lines say."""
        note, tags = (self.query_one(f"#{name}", Input).value for name in ("note", "tags"))
        return require_annotation(note, tags.replace(",", " ").split())
