"""A heat map on a screen: drawn again only when what it shows, its size or the theme has changed.

Arrow keys, or a click, choose a cell; marks name up to two others.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.markup import escape
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from ibtui.formatting import printable, shortened

if TYPE_CHECKING:
    from ibtui.charts.heat_map import HeatMap
    from ibtui.charts.painted import PaintedImage

Place = tuple[int, int]


class MapView(Widget, can_focus=True):
    """Shows a `HeatMap`, given to `show`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Cell to the left", show=False, id="map.left"),
        Binding("right", "move(1, 0)", "Cell to the right", show=False, id="map.right"),
        Binding("up", "move(0, 1)", "Cell above", show=False, id="map.up"),
        Binding("down", "move(0, -1)", "Cell below", show=False, id="map.down"),
        Binding("home", "to_end(-1)", "First cell of the row", show=False, id="map.first"),
        Binding("end", "to_end(1)", "Last cell of the row", show=False, id="map.last"),
    ]
    DEFAULT_CSS = """
    MapView { border: round $foreground 30%; border-title-color: $foreground; border-subtitle-color: $foreground; }
    MapView:focus { border: round $foreground; }
    """

    cursor: reactive[Place] = reactive((0, 0), init=False, repaint=False)
    """The chosen cell: x and y, counted from the left and from the bottom."""

    class Moved(Message):
        """Another cell is chosen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.shown: HeatMap | None = None
        self._title = ""
        self._marks: tuple[Place, ...] = ()
        self._waiting = ""
        self._image: PaintedImage | None = None
        self._drawn: tuple[object, ...] = ()

    def show(self, shown: HeatMap, title: str, marks: Sequence[Place] = ()) -> None:
        """Draw another map, or other marks, from now on; the cursor stays where there is such a cell."""
        self.shown, self._title, self._marks = shown, title, tuple(marks)
        self._name_it()
        self._move_to(*self.cursor)
        self.refresh()

    def clear(self, why: str) -> None:
        """Draw nothing, and say why there is nothing."""
        self.shown, self._image, self._drawn, self._waiting = None, None, (), why
        self.refresh()

    def read(self, text: str) -> None:
        """Say in the border what the chosen cell is."""
        said = escape(printable(text))
        if self.border_subtitle != said:
            self.border_subtitle = said

    def _name_it(self) -> None:
        room = self.size.width - 4  # a space and a line at each end
        text = printable(self._title)
        title = escape(shortened(text, room) if room > 0 else text)
        if self.border_title != title:
            self.border_title = title

    def on_resize(self) -> None:
        """There may be room for more of the title, or for less."""
        self._name_it()

    @property
    def image(self) -> PaintedImage | None:
        """The map as it is drawn at the present size and theme."""
        self._draw()
        return self._image

    def _draw(self) -> None:
        """Draw the image again, if there is room for one and it would differ."""
        shown, size = self.shown, self.size
        if shown is None or not size:
            return
        from ibtui.charts.heat_drawing import render_map

        theme = "dark" if self.app.current_theme.dark else "light"
        plain, colour = bool(getattr(self.app, "ascii", False)), "NO_COLOR" not in os.environ
        drawn = (shown, size, theme, plain, colour, self.cursor, self._marks)
        if self._drawn != drawn:
            self._image = render_map(
                *(shown, size.width, size.height),
                theme="dark" if theme == "dark" else "light",
                colour=colour,
                ascii=plain,
                cursor=self.cursor,
                marks=self._marks,
            )
            self._drawn = drawn

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some rows, all of one image."""
        self._draw()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row of the map as it was last drawn."""
        from ibtui.charts.painted import style_of

        image, base = self._image, self.rich_style
        if image is None or y >= len(image.cells):
            text = self._waiting.center(self.size.width) if y == self.size.height // 2 else ""
            return Strip([Segment(text, base)]).adjust_cell_length(self.size.width, base)
        return Strip([Segment(text, base + style_of(look)) for text, look in image.runs(y)], self.size.width)

    # the chosen cell

    def _move_to(self, x: int, y: int) -> None:
        if self.shown is not None and self.shown.x and self.shown.y:
            self.cursor = (min(max(x, 0), len(self.shown.x) - 1), min(max(y, 0), len(self.shown.y) - 1))

    def watch_cursor(self) -> None:
        """Frame it, and tell the screen."""
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, right: int, up: int) -> None:
        """To the cell beside."""
        self._move_to(self.cursor[0] + right, self.cursor[1] + up)

    def action_to_end(self, side: int) -> None:
        """To an end of the row."""
        self._move_to(0 if side < 0 or self.shown is None else len(self.shown.x) - 1, self.cursor[1])

    def on_click(self, event: events.Click) -> None:
        """To the cell that is clicked."""
        image = self.image
        if image is None or image.grid is None:
            return
        offset = event.get_content_offset(self)
        place = image.grid.at(offset.x, offset.y) if offset is not None else None
        if place is not None:
            self._move_to(*place)
