"""The library's table of sessions: as many columns as there is room for, in an order that can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from ibtui.formatting import age, printable, size
from ibtui.results import cells as result_cells
from ibtui_engine.clock import now
from ibtui_engine.experiment import hidden_text
from ibtui_engine.session.results import Results
from ibtui_engine.session.summary import Summary

HEADING = "examples"
"""The key of the row above the sessions that ship with the project."""
NAME_CLAIM = {0: 18, 100: 28}
"""Columns of the screen that names get before others are left out, by the least width of the table."""
MOST_OF_TAGS = 24
"""Columns of the screen that tags have at most."""
LEAST_NAME = 12
"""Columns of the screen that a name has at least."""


@dataclass(frozen=True)
class Line:
    """What is known of one session."""

    summary: Summary
    marked: bool = False
    """Whether it is marked for comparing."""
    results: Results | None = None
    """None while they are not known."""
    tags: tuple[str, ...] = ()
    """The user's."""


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    name: str
    cell: Callable[[Line], str]
    value: Callable[[Line], float | str | None]
    """What it is sorted by; a None is always last."""
    right: bool = False
    """Whether it is set flush right, as numbers are."""
    falling: bool = False
    """Whether the largest value comes first when it is chosen for the order."""


def _result(name: str) -> Callable[[Line], str]:
    return lambda line: result_cells(line.results)[name]


COLUMNS = (
    Column(
        "name",
        lambda line: ("* " if line.marked else "") + printable(line.summary.path.stem),
        lambda line: line.summary.path.stem.lower(),
    ),
    Column("status", lambda line: line.summary.status, lambda line: line.summary.status),
    Column(
        "epochs", lambda line: _epochs(line.summary), lambda line: line.summary.epochs_done, right=True, falling=True
    ),
    Column(
        "networks",
        lambda line: str(line.summary.experiment.networks),
        lambda line: line.summary.experiment.networks,
        right=True,
        falling=True,
    ),
    Column(
        "drift ends",
        _result("drift ends"),
        lambda line: None if line.results is None else line.results.drift_end,
        right=True,
    ),
    Column(
        "bits lost",
        _result("bits lost"),
        lambda line: None if line.results is None or not line.results.most_lost else line.results.most_lost[1],
        right=True,
        falling=True,
    ),
    Column(
        "accuracy",
        _result("accuracy"),
        lambda line: None if line.results is None else line.results.accuracy,
        right=True,
        falling=True,
    ),
    Column("tags", lambda line: printable(", ".join(line.tags)), lambda line: ", ".join(line.tags).lower() or None),
    Column(
        "rule",
        lambda line: printable(_several(list(line.summary.experiment.rule))),
        lambda line: ", ".join(line.summary.experiment.rule).lower(),
    ),
    Column(
        "hidden",
        lambda line: _several([hidden_text(h) for h in line.summary.experiment.hidden]),
        lambda line: max(map(len, line.summary.experiment.hidden), default=None),
    ),
    Column(
        "fraction",
        lambda line: _several([f"{f:g}" for f in line.summary.experiment.fraction]),
        lambda line: max(line.summary.experiment.fraction, default=None),
        falling=True,
    ),
    Column("age", lambda line: age(now() - line.summary.created), lambda line: -line.summary.created, right=True),
    Column("size", lambda line: size(line.summary.size), lambda line: line.summary.size, right=True, falling=True),
)
DISPENSABLE = ("size", "fraction", "hidden", "rule", "age", "networks", "epochs", "tags")
"""Columns left out where there is no room for all, the first one first: they are said of the chosen session."""
LEAST_WIDTHS = {"drift ends": 10, "bits lost": 9, "accuracy": 8}
"""Columns of the screen that results have, known or not: the table stays as it is when they come."""


class SessionsTable(DataTable[Text]):
    """The table. Its order is that of the sessions as they are given, unless a column was chosen for it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Open", id="library.open"),
        Binding("o", "order", "Sort", tooltip="Sort by the next column", id="library.order"),
        Binding("O", "turn_round", "Sort the other way round", show=False, id="library.reverse"),
    ]

    class RoomChanged(Message):
        """The table has another width than the columns were chosen for."""

    class OrderChanged(Message):
        """Another order was chosen."""

    def __init__(self) -> None:
        super().__init__(id="sessions", cursor_type="row", zebra_stripes=False)
        self.sorted_by: str | None = None
        """The column that it is sorted by; None for the order in which sessions are given."""
        self.falling = False
        """Whether the largest comes first."""
        self._shown: dict[str, tuple[str, int]] = {}
        """The columns on the screen, with their headings and widths."""
        self._room = 0
        """The width that the columns were chosen for."""

    def fill(self, own: Sequence[Line], examples: Sequence[Line], room: int) -> None:
        """Put what is known into the table. Columns have the widths that their texts need, found here: a table that
        finds them itself takes most of a second for a hundred sessions. `room`: columns of the screen, as long as the
        table does not have its size.
        """
        rows = {str(line.summary.path): _cells(line) for line in self._in_order(own)}
        if examples:
            rows[HEADING] = {column.name: Text() for column in COLUMNS} | {"name": Text("Examples", "dim italic")}
            rows |= {str(line.summary.path): _cells(line) for line in self._in_order(examples)}
        self._room = self.scrollable_content_region.width or room
        shown = self._columns(rows, self._room)
        rows = {key: {c: _fitting(cells[c], width) for c, (_, width) in shown.items()} for key, cells in rows.items()}
        if [str(key.value) for key in self.rows] == list(rows) and shown == self._shown:
            for key, cells in rows.items():
                self._write(key, cells)
            return
        chosen = self.chosen_key
        self._shown = shown
        self.clear(columns=True)
        right = {column.name for column in COLUMNS if column.right}
        for name, (heading, width) in shown.items():
            self.add_column(Text(heading, justify="right" if name in right else "left"), key=name, width=width)
        for key, cells in rows.items():
            self.add_row(*cells.values(), key=key)
        names = list(rows)
        if chosen in rows and chosen != HEADING:
            self.move_cursor(row=names.index(chosen))
        elif names and names[0] == HEADING:
            self.move_cursor(row=1)

    @property
    def fits(self) -> bool:
        """Whether the columns were chosen for the width that it has."""
        return self._room in (0, self.scrollable_content_region.width)

    def on_resize(self) -> None:
        """There may be room for more columns, or for fewer."""
        if not self.fits:
            self.post_message(self.RoomChanged())

    def _in_order(self, lines: Sequence[Line]) -> list[Line]:
        column = next((column for column in COLUMNS if column.name == self.sorted_by), None)
        if column is None:
            return list(lines)
        valued = [(column.value(line), line) for line in lines]
        known = [(value, line) for value, line in valued if value is not None]
        known.sort(key=lambda pair: pair[0], reverse=self.falling)
        return [line for _, line in known] + [line for value, line in valued if value is None]

    def _columns(self, rows: dict[str, dict[str, Text]], room: int) -> dict[str, tuple[str, int]]:
        headings = {column.name: column.name for column in COLUMNS}
        if self.sorted_by is not None:
            headings[self.sorted_by] += " ▼" if self.falling else " ▲"
        widths = {
            name: max(LEAST_WIDTHS.get(name, 0), len(heading), *(cells[name].cell_len for cells in rows.values()), 0)
            for name, heading in headings.items()
        }
        widths["tags"] = min(widths["tags"], MOST_OF_TAGS)
        name = widths["name"]
        claim = next(columns for least, columns in sorted(NAME_CLAIM.items(), reverse=True) if room >= least)
        widths["name"] = min(name, claim)

        def spare() -> int:
            return room - sum(widths.values()) - 2 * self.cell_padding * len(widths)

        if not any(line["tags"].plain for line in rows.values()):
            del widths["tags"]
        for column in DISPENSABLE:
            if column in widths and spare() < 0:
                del widths[column]
        widths["name"] = max(min(name, widths["name"] + spare()), min(name, LEAST_NAME))
        return {name: (headings[name], width) for name, width in widths.items()}

    def _write(self, key: str, cells: dict[str, Text]) -> None:
        """Write what differs into a row."""
        for column, text in cells.items():
            if self.get_cell(key, column) != text:
                self.update_cell(key, column, text)

    @property
    def chosen_key(self) -> str | None:
        """The row under the cursor: a session's path, or `HEADING`."""
        if not self.row_count or not self.is_valid_row_index(self.cursor_row):
            return None
        return str(self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value)

    # the order

    def sort_by(self, name: str | None, *, falling: bool | None = None) -> None:
        """Sort by a column, None for the order in which sessions are given; by default the way that suits it."""
        column = next((column for column in COLUMNS if column.name == name), None)
        self.sorted_by = None if column is None else column.name
        self.falling = (column is not None and column.falling) if falling is None else falling
        self.post_message(self.OrderChanged())

    def action_order(self) -> None:
        """Sort by the next of the columns on the screen; after the last one, as sessions are given."""
        names = [*self._shown, None]
        at = names.index(self.sorted_by) if self.sorted_by in names else -1
        self.sort_by(names[(at + 1) % len(names)])

    def action_turn_round(self) -> None:
        """The other way round."""
        if self.sorted_by is not None:
            self.sort_by(self.sorted_by, falling=not self.falling)

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """A heading was clicked: sort by it, or the other way round."""
        event.stop()
        name = str(event.column_key.value)
        self.sort_by(name, falling=not self.falling if name == self.sorted_by else None)


def _cells(line: Line) -> dict[str, Text]:
    """A row of the table. Texts, since a plain str would be read as markup."""
    return {column.name: Text(column.cell(line), justify="right" if column.right else "left") for column in COLUMNS}


def _fitting(text: Text, width: int) -> Text:
    """The text, cut with a sign of it where it is wider."""
    if text.cell_len > width:
        text.truncate(width, overflow="ellipsis")
    return text


def _epochs(summary: Summary) -> str:
    """How far it has come, and of how many where that is not all."""
    whole = summary.experiment.epochs
    return f"{whole}" if summary.epochs_done == whole else f"{summary.epochs_done}/{whole}"


def _several(texts: list[str]) -> str:
    """The values of a setting, of several the first and the last; empty of a recording, which has none."""
    if len(texts) > 1:
        return f"{texts[0]} … {texts[-1]} ({len(texts)})"
    return "".join(texts)
