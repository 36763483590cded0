"""The map of a session: what each ensemble of a grid came to, cell by cell, as its run fills it in.

It reads what the session keeps of finished ensembles, in a thread, and computes nothing: cells of a session that no run
is at work on, and that are not known, are worked out by a process of its own (`ibtui map --json`).
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from ibtui.commands import ask
from ibtui.formatting import printable
from ibtui.map_charts import DEFAULT, Shown, heat_map
from ibtui.map_text import answers, cells_of, settings_of, state_of, summed_up, told_of, with_cells
from ibtui.messages import Compare, OpenSession
from ibtui.screens.closed import is_closed
from ibtui.screens.picking import Picking
from ibtui.widgets.keys_footer import KeysFooter
from ibtui.widgets.map_view import MapView
from ibtui.widgets.text import write
from ibtui.widgets.too_small import TooSmall
from ibtui_engine.errors import EngineError
from ibtui_engine.maps.axes import axes_of, slices
from ibtui_engine.maps.reading import read_map
from ibtui_engine.session.follow import file_state
from ibtui_engine.session.history import SessionReader

if TYPE_CHECKING:
    from ibtui_engine.maps.axes import Slice
    from ibtui_engine.maps.cells import Cell
    from ibtui_engine.maps.reading import Map, Place

LOOK_SECONDS = 1.0
"""How often it is looked whether a run has finished another cell."""
MARKS = 2
MANY = 20
"""Rows of cells above which the longer axis goes to the right where nobody has chosen, and the cell's box is low."""
MOST_ASKED = 50
"""Cells that are worked out while somebody looks, at most: each takes a second or more."""
AXES = Binding.Group("Axes", compact=True)
"""Keys that the footer shows together."""


class MapScreen(Screen[None]):
    """A heat map, and beside or below it what is known of the chosen cell."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (110, "-wide"), (170, "-huge")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", id="map.leave"),
        Binding("enter", "open", "Open", tooltip="Open the cell's ensemble", id="map.open"),
        Binding("s", "show", "Show", tooltip="Choose the number or the claim that is shown", id="map.show"),
        Binding("x", "axis('x')", "To the right", tooltip="Choose the setting to the right", id="map.x", group=AXES),
        Binding("y", "axis('y')", "Upwards", tooltip="Choose the setting upwards", id="map.y", group=AXES),
        Binding("right_square_bracket", "slice(1)", "Next slice", tooltip="Other values of what else differs",
                id="map.slice"),
        Binding("left_square_bracket", "slice(-1)", "Slice before", show=False, id="map.slice_back"),
        Binding("g", "choose_slice", "Slice", tooltip="Choose the values of what else differs", show=False,
                id="map.choose_slice"),
        Binding("space", "mark", "Mark", tooltip="Mark a cell for comparing; two at most", id="map.mark"),
        Binding("c", "compare", "Compare", tooltip="Compare the two marked cells", id="map.compare"),
        Binding("tab", "focus_on", "Cell", tooltip="The map, or all that is known of the cell", id="map.focus",
                priority=True),
    ]  # fmt: skip

    def __init__(self, path: Path) -> None:
        """`path`: of the session, a grid."""
        super().__init__()
        self.path = path
        self.found: Map | None = None
        """As it was last read."""
        self._slices: tuple[Slice, ...] = ()
        self._slice = 0
        """Which of them is shown."""
        self._axes: tuple[str | None, str | None] = (None, None)
        self._shown = Shown(DEFAULT)
        self._marks: list[int] = []
        """Indices of the marked ensembles."""
        self._read_at: object = None
        """What the file was like when it was last read."""
        self._cells: dict[int, Cell] = {}
        """Worked out by another process, and kept nowhere."""
        self._asked: frozenset[int] = frozenset()
        """What it was last asked for."""
        self._trouble = ""

    def compose(self) -> ComposeResult:
        """How many cells are known, the map, the chosen cell, keys."""
        yield Static(id="status", markup=False)
        with Container(id="mapped"):
            yield MapView(id="map")
            with VerticalScroll(id="cell"):
                yield Static(id="cell-said", markup=False)
        yield KeysFooter()
        yield TooSmall()

    def on_mount(self) -> None:
        """Read the map, and then again whenever the file has changed."""
        self._say(f"{self.path.stem}: reading the map …")
        self.query_one("#map").focus()
        self._look()
        self.set_interval(LOOK_SECONDS, self._look)

    def _say(self, text: str) -> None:
        write(self.query_one("#status", Static), printable(text))

    # reading

    def _look(self) -> None:
        """Read the map again where the file has changed, and nobody reads it yet."""
        if self.is_current and file_state(self.path) != self._read_at and not self._reading:
            self._read()

    @property
    def _reading(self) -> bool:
        return any(worker.group == "read" and not worker.is_finished for worker in self.workers)

    @work(group="read")
    async def _read(self) -> None:
        state = file_state(self.path)
        try:
            found, laid = await asyncio.to_thread(_map_of, self.path, *self._axes)
        except EngineError as error:
            self._trouble, self._read_at = str(error), state
            self._tell()
            return
        if is_closed(self, "#map"):
            return
        self._read_at, self._trouble = state, ""
        self._take(found, laid)
        assert self.found is not None
        missing = frozenset(index for index in self.found.open if self.found.places[index].cell is None)
        if missing and not found.summary.live and missing != self._asked:
            self._asked = missing
            if len(self.found.open) > MOST_ASKED:
                self._trouble = f"{len(missing)} cells are not worked out: ibtui map {self.path.stem} --renew"
                self._tell()
            else:
                self._work_out(len(missing))

    @work(exclusive=True, group="work out")
    async def _work_out(self, count: int) -> None:
        """Have cells worked out that are measured and not known."""
        self._trouble = f"working out {count} cells …"
        self._tell()
        answer = await ask("map", str(self.path.absolute()), "--json", "--quiet")
        if is_closed(self, "#map") or self.found is None:
            return
        self._trouble = answer.said if answer.status else ""
        if not answer.status:
            self._cells |= cells_of(json.loads(answer.output)["ensembles"])
            self._take(self.found, self._slices)
        self._tell()

    def _take(self, found: Map, laid: tuple[Slice, ...]) -> None:
        """Show what was read; the cursor stays."""
        first = self.found is None
        self.found, self._slices = with_cells(found, self._cells), laid
        self._slice = min(self._slice, len(laid) - 1)
        if first and not self._is_known(DEFAULT):
            known = next((name for name in answers(self.found) if self._is_known(name)), DEFAULT)
            self._shown = Shown(known)
        self.refresh_bindings()
        self._draw()

    def _is_known(self, name: str) -> bool:
        """Whether any cell has a number of that name."""
        places = [] if self.found is None else self.found.places.values()
        return any(one.cell is not None and name in one.cell.numbers for one in places)

    # showing

    @property
    def _laid(self) -> Slice:
        return self._slices[self._slice]

    @property
    def chosen(self) -> Place | None:
        """The ensemble of the chosen cell."""
        if self.found is None or not self._slices:
            return None
        x, y = self.query_one("#map", MapView).cursor
        return self.found.places.get(self._laid.places[y][x])

    def _draw(self) -> None:
        """Draw the map, with its marks."""
        if self.found is None:
            return
        laid = self._laid
        self.set_class(len(laid.places) > MANY, "crowded")
        shown = replace(heat_map(self.found, laid, self._shown), title="", caption="")
        places = {index: (x, y) for y, row in enumerate(laid.places) for x, index in enumerate(row)}
        title = self._shown.title + (f", {laid.title}" if laid.title else "")
        marks = [places.get(index, (-1, -1)) for index in self._marks]
        self.query_one("#map", MapView).show(shown, title, marks)
        self._tell()

    def on_map_view_moved(self) -> None:
        """Another cell is chosen."""
        self._tell()

    def _tell(self) -> None:
        """Say what is known of the map and of the chosen cell."""
        if is_closed(self, "#map"):
            return
        view, place = self.query_one("#map", MapView), self.chosen
        if self.found is None or place is None:
            if self._trouble:
                view.clear(printable(self._trouble))
                self._say(f"{self.path.stem}: {self._trouble}")
            return
        of = f" · slice {self._slice + 1} of {len(self._slices)}" if len(self._slices) > 1 else ""
        self._say(f"{self.path.stem}: {self._trouble or summed_up(self.found)}{of}")
        cell = self._shown.cell(place)
        view.read(cell.text or cell.short or "–")
        head = settings_of(self._laid, *view.cursor)
        lines = [(head, "bold"), (state_of(place), "dim"), *told_of(place, self._shown.name)]
        styled = [Content.styled(printable(text), style) for text, style in lines]
        write(self.query_one("#cell-said", Static), Content("\n").join(styled))

    # keys

    def fits(self, name: str) -> bool:
        """Whether a key does something on this map."""
        axes = len(axes_of(self.found.summary.experiment)) if self.found is not None else 0
        if name in ("map.slice", "map.slice_back", "map.choose_slice"):
            return len(self._slices) > 1
        return axes > 1 if name in ("map.x", "map.y") else True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that do nothing here are not offered."""
        names = {"slice": "map.slice", "choose_slice": "map.choose_slice", "axis": "map.x"}
        return self.fits(names[action]) if action in names else True

    def action_open(self) -> None:
        """Open the ensemble of the chosen cell."""
        place = self.chosen
        if place is None:
            return
        if not place.ensemble.snapshots:
            self.notify("nothing has been measured of this ensemble yet", markup=False)
            return
        self.post_message(OpenSession(self.path, place.ensemble.index))

    @work(exclusive=True, group="ask")
    async def action_show(self) -> None:
        """Ask what to show."""
        if self.found is None:
            return
        picked = await self.app.push_screen_wait(Picking("Show:", answers(self.found), self._shown.name))
        if picked is not None:
            self._shown = Shown(picked)
            self._draw()

    @work(exclusive=True, group="ask")
    async def action_axis(self, side: str) -> None:
        """Ask which setting goes to the right, or upwards; where it is the other one, they change places."""
        if self.found is None:
            return
        laid = self._laid
        now = {"x": laid.x.name, "y": laid.y.name if laid.y is not None else None}
        told = {axis.name: axis.label for axis in axes_of(self.found.summary.experiment)}
        where = "To the right:" if side == "x" else "Upwards:"
        picked = await self.app.push_screen_wait(Picking(where, told, now[side] or ""))
        if picked is None or picked == now[side]:
            return
        other = "y" if side == "x" else "x"
        if picked == now[other]:
            now[other] = now[side]
        now[side] = picked
        chosen, self._axes = self.chosen, (now["x"], now["y"])
        self._slices = slices(self.found.summary.experiment, *self._axes)
        self._go_to(chosen)

    def _go_to(self, place: Place | None) -> None:
        """Show the slice that an ensemble is in, and choose its cell."""
        index = place.ensemble.index if place is not None else 0
        for number, laid in enumerate(self._slices):
            for y, row in enumerate(laid.places):
                if index in row:
                    self._slice = number
                    self._draw()
                    self.query_one("#map", MapView).cursor = (row.index(index), y)
                    return

    def action_slice(self, steps: int) -> None:
        """The next slice."""
        if self._slices:
            self._slice = (self._slice + steps) % len(self._slices)
            self._draw()

    @work(exclusive=True, group="ask")
    async def action_choose_slice(self) -> None:
        """Ask for the values of what else differs."""
        told = {str(number): laid.title for number, laid in enumerate(self._slices)}
        picked = await self.app.push_screen_wait(Picking("Where all have:", told, str(self._slice)))
        if picked is not None:
            self._slice = int(picked)
            self._draw()

    def action_mark(self) -> None:
        """Mark the chosen cell, or no longer; of three the first loses its mark."""
        place = self.chosen
        if place is None:
            return
        index = place.ensemble.index
        if index in self._marks:
            self._marks.remove(index)
        else:
            self._marks = [*self._marks, index][-MARKS:]
        self._draw()

    def action_compare(self) -> None:
        """Compare the marked cells."""
        if len(self._marks) < MARKS:
            self.notify("mark two cells with space: they are compared", markup=False)
        else:
            self.post_message(Compare([self.path], [(0, index) for index in self._marks]))

    def action_focus_on(self) -> None:
        """The map or the cell gets the keys."""
        self.query_one("#cell" if self.query_one("#map").has_focus else "#map").focus()

    def action_leave(self) -> None:
        """Back to where it was opened."""
        self.dismiss()


def _map_of(path: Path, x: str | None, y: str | None) -> tuple[Map, tuple[Slice, ...]]:
    """What a session keeps of its ensembles, and how that is laid out."""
    with SessionReader(path) as reader:
        found = read_map(reader)
    laid = slices(found.summary.experiment, x, y)
    first = laid[0]
    if x is None and y is None and first.y is not None and len(first.x.values) < len(first.y.values) > MANY:
        laid = slices(found.summary.experiment, first.y.name, first.x.name)
    return found, laid
