"""The question which layers to draw, of however many: a list with boxes, found by typing."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, SelectionList, Static
from textual.widgets.selection_list import Selection

from ibtui.formatting import printable

SETTLED_SECONDS = 0.1
"""After a key until what was typed before it is in the line: keys that come in one burst take longer ways than it."""
KEYS = "space: one; ctrl+a: all found, ctrl+n: none of them, ctrl+o: only them; enter: take"


class LayerChoice(ModalScreen[frozenset[int] | None]):
    """Asks for layers, which are counted from 1: at least one; None where it is left with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("enter", "take", "Take", priority=True),
        Binding("ctrl+a", "mark(True)", "All that are found", priority=True),
        Binding("ctrl+n", "mark(False)", "None of them", priority=True),
        Binding("ctrl+o", "only", "Only them", priority=True),
        Binding("down", "app.focus_next", show=False),
    ]

    def __init__(self, names: Sequence[str], chosen: Collection[int]) -> None:
        """`names`: of all layers; `chosen`: those that are drawn now."""
        super().__init__()
        self._names = [printable(name) for name in names]
        self._marked = set(chosen)

    def compose(self) -> ComposeResult:
        """The question, what is looked for, the layers that are found, how many are marked."""
        with Vertical(id="dialog"):
            yield Static("Layers to draw:", markup=False)
            yield Input(placeholder="part of a name, or /3 for every third layer", id="find", select_on_focus=False)
            yield SelectionList[int](*self._selections(), id="several")
            yield Static(id="trouble", markup=False)
            yield Static(KEYS, classes="keys", markup=False)

    def on_mount(self) -> None:
        """The list has the focus: typing there looks for a name."""
        self.query_one("#several").focus()
        self._tell()

    @property
    def _found(self) -> list[int]:
        """The layers that are looked for."""
        wanted = self.query_one("#find", Input).value.strip() if self.is_mounted else ""
        every = list(range(1, len(self._names) + 1))
        step = re.fullmatch(r"/([0-9]{1,5})", wanted)
        if step and int(step[1]):
            return every[:: int(step[1])]
        return [layer for layer in every if wanted.lower() in self._names[layer - 1].lower()]

    def _selections(self) -> list[Selection[int]]:
        return [Selection(Text(self._names[layer - 1]), layer, layer in self._marked) for layer in self._found]

    def _tell(self, trouble: str = "") -> None:
        of = f"{len(self._marked)} of {len(self._names)} are marked"
        self.query_one("#trouble", Static).update(trouble or of)

    def _show(self) -> None:
        listed = self.query_one("#several", SelectionList)
        with listed.prevent(SelectionList.SelectedChanged):
            listed.clear_options()
            listed.add_options(self._selections())
        listed.highlighted = 0 if listed.option_count else None
        self._tell()

    def on_key(self, event: object) -> None:
        """What is typed in the list is looked for."""
        character = getattr(event, "character", None)
        find = self.query_one("#find", Input)
        if character and character.isprintable() and character != " " and not find.has_focus:
            find.focus()
            find.insert_text_at_cursor(character)

    def on_input_changed(self) -> None:
        """List what is found."""
        self._show()

    def on_selection_list_selected_changed(self, event: SelectionList.SelectedChanged[int]) -> None:
        """Keep what is marked, also where it is no longer listed."""
        self._marked = (self._marked - set(self._found)) | set(event.selection_list.selected)
        self._tell()

    def action_mark(self, marked: bool) -> None:
        """Mark what is found, or take its marks away."""
        self._later(lambda found: self._marked | found if marked else self._marked - found)

    def _later(self, mark: Callable[[set[int]], set[int]]) -> None:
        """Mark by what is found once the line has taken all that was typed."""

        def now() -> None:
            self._marked = mark(set(self._found))
            self._show()

        self.set_timer(SETTLED_SECONDS, now)

    def action_only(self) -> None:
        """Mark what is found and nothing else."""
        self._later(lambda found: found)

    def action_take(self) -> None:
        """These, if there is one."""
        self.set_timer(SETTLED_SECONDS, self._take)

    def _take(self) -> None:
        if self._marked:
            self.dismiss(frozenset(self._marked))
        else:
            self._tell("mark at least one layer")
