"""Help: what the focused chart shows, the keys that work now, and the words, in one table that can be searched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from ibtui.screens.help_texts import CHARTS, GROUPS, SCREENS, WORDS
from ibtui.spelling import spell

if TYPE_CHECKING:
    from typing import Any

Entries = Mapping[str, Sequence[tuple[str, str]]]
"""Groups, in their order, of terms (keys among them) with their explanations."""
TERM_WIDTH = 20
"""Columns that a term has at most before it is folded."""


class Search(Input):
    """A line to search with. A question mark closes help here, too, instead of being searched for."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether a key is typed into it."""
        return key != "question_mark" and super().check_consume_key(key, character)


class HelpScreen(ModalScreen[None]):
    """Explains the screen it was called from. Typing searches, arrows scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1,question_mark", "dismiss", "Close", priority=True),
        Binding("escape", "close", "Close", priority=True),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._entries = entries(screen)

    def compose(self) -> ComposeResult:
        """A field to search with over the table."""
        with Vertical(id="help"):
            yield Search(placeholder="type to search: keys, words, charts", id="search", compact=True)
            with VerticalScroll(id="help-found", can_focus=False):
                yield Static(id="help-table", markup=False)
            yield Static(id="help-keys", markup=False)

    def on_mount(self) -> None:
        """Show all of it."""
        self._show("")
        self.query_one("#search", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what has all the words."""
        self._show(event.value)
        self.query_one("#help-found").scroll_home(animate=False)

    def _show(self, text: str) -> None:
        found = matching(self._entries, text)
        ascii = getattr(self.app, "ascii", False)
        table = drawn(_spelled(found) if ascii else found)
        nothing = Text(f"Nothing here has all of: {' '.join(text.split())}", "italic")
        self.query_one("#help-table", Static).update(table if found else nothing)
        keys = f"{sum(map(len, found.values()))} of {sum(map(len, self._entries.values()))} entries   " if text else ""
        arrows = "up, down" if ascii else "↑ ↓"
        told = f"{keys}{arrows}  scroll   esc  {'empties the search' if text else 'closes'}"
        self.query_one("#help-keys", Static).update(told)

    def action_close(self) -> None:
        """Empty the search; close where it is empty."""
        search = self.query_one("#search", Input)
        if search.value:
            search.value = ""
        else:
            self.dismiss()

    def action_scroll(self, lines: int) -> None:
        """Up or down by a line."""
        self.query_one("#help-found").scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Up or down by a screenful."""
        found = self.query_one("#help-found")
        found.scroll_relative(y=pages * max(found.size.height - 1, 1), animate=False)


def entries(screen: Screen[Any]) -> Entries:
    """All that there is to say about a screen, what has the focus first."""
    found: dict[str, list[tuple[str, str]]] = {}
    chart = focused_chart(screen)
    if chart is not None:
        title, told = CHARTS[chart]
        found[f"This chart: {title}"] = [*told]
    for group, key, what in _keys(screen):
        found.setdefault(group, []).append((key, what))
    about = SCREENS.get(type(screen).__name__)
    ordered = {group: found.pop(group) for group in [*found][:1] if chart is not None}
    if chart is not None and "Keys: this chart" in found:
        ordered["Keys: this chart"] = found.pop("Keys: this chart")
    if about is not None:
        ordered[about[0]] = [*about[1]]
    return {**ordered, **found, **WORDS}


def focused_chart(screen: Screen[Any]) -> str | None:
    """The chart that has the focus, or is chosen; None where there is none."""
    focused = str(screen.focused.id).removesuffix("-chart") if screen.focused is not None else ""
    return next((name for name in (focused, getattr(screen, "panel", None)) if name in CHARTS), None)


def _keys(screen: Screen[Any]) -> Iterable[tuple[str, str, str]]:
    """The keys that work on a screen now: their group, all keys of an action, and what it does."""
    does: dict[tuple[str, str], list[str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.description and active.enabled and not binding.system:
            group = GROUPS.get((binding.id or "").partition(".")[0], GROUPS[""])
            what = binding.tooltip or binding.description
            if (binding.id or "").startswith("session.layer_"):
                what = "Show or hide that layer"
            keys = does.setdefault((group, what), [])
            keys.append(screen.app.get_key_display(binding))
    does.setdefault((GROUPS["app"], "Everything that can be done here, to be found by typing"), ["^p"])
    for group in dict.fromkeys(GROUPS.values()):
        for (of, what), keys in does.items():
            if of == group:
                yield group, " ".join(dict.fromkeys(keys)), what


def matching(all_entries: Entries, text: str) -> Entries:
    """The entries that have all the words of a text, in any case; a word in the group's name counts for all of it."""
    words = text.lower().split()
    found = {
        group: [(term, what) for term, what in rows if all(word in f"{group} {term} {what}".lower() for word in words)]
        for group, rows in all_entries.items()
    }
    return {group: rows for group, rows in found.items() if rows}


def drawn(found: Entries) -> RenderableType:
    """The entries as a table with a heading for each group."""
    width = min(max((len(term) for rows in found.values() for term, _ in rows), default=0), TERM_WIDTH)
    parts: list[RenderableType] = []
    for group, rows in found.items():
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(width=width, style="bold")
        table.add_column(ratio=1)
        for term, what in rows:
            table.add_row(Text(term), Text(what))
        parts += [Text(group, style="bold underline"), table, Text()]
    return Group(*parts)


def _spelled(found: Entries) -> Entries:
    return {spell(group): [(spell(term), spell(what)) for term, what in rows] for group, rows in found.items()}
