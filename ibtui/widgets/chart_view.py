"""One chart on a screen: drawn again only when what it shows, its size or the theme has changed.

A cross-hair reads values, moved by the mouse or the arrow keys. Where the chart has readings, it goes
from point to point, and a box lists all layers there, or once `m` has set a mark the differences from it. The wheel,
`+` and `-` zoom, dragging pans, `0` shows all again. A zoom stays when new data arrive. The playhead's epoch is a line
laid over the drawn chart, so that moving it draws nothing again.

The charts come with numpy: they are imported when the first is drawn, so that a screen need not wait for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.markup import escape
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from ibtui.formatting import printable, shortened

if TYPE_CHECKING:
    from ibtui.charts.image import Cell, ChartImage, PlotArea
    from ibtui.charts.palette import Theme
    from ibtui.charts.readings import Box, Place
    from ibtui.charts.scale import Axis
    from ibtui.charts.spec import ChartSpec

EPOCH = "epoch"
"""The label of an x axis of epochs."""
ZOOM = 0.8
"""How much of an axis is left by one step of zooming in."""
NEAREST, FARTHEST = 1e-4, 10.0
"""How much of an axis, as it is without a zoom, a zoom shows at least and at most."""


class ChartView(Widget, can_focus=True):
    """Shows a `ChartSpec`, given to `show`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", "Cross-hair", show=False, id="chart.left"),
        Binding("right", "move(1, 0)", "Cross-hair", show=False, id="chart.right"),
        Binding("up", "move(0, -1)", "Cross-hair", show=False, id="chart.up"),
        Binding("down", "move(0, 1)", "Cross-hair", show=False, id="chart.down"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom in", show=False, id="chart.zoom_in"),
        Binding("minus", "zoom(-1)", "Zoom out", show=False, id="chart.zoom_out"),
        Binding("shift+left", "pan(-1, 0)", "Pan", show=False, id="chart.pan_left"),
        Binding("shift+right", "pan(1, 0)", "Pan", show=False, id="chart.pan_right"),
        Binding("shift+up", "pan(0, 1)", "Pan", show=False, id="chart.pan_up"),
        Binding("shift+down", "pan(0, -1)", "Pan", show=False, id="chart.pan_down"),
        Binding("0", "reset", "Show all", show=False, id="chart.reset"),
        Binding("m", "mark", "Mark: differences from here", show=False, id="chart.mark"),
        Binding("escape", "no_cursor", "No cross-hair", show=False, id="chart.no_cursor"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--cross", "chart--box", "chart--row"}
    DEFAULT_CSS = """
    ChartView > .chart--box { background: $panel; color: $foreground; }
    ChartView > .chart--row { background: $panel; color: $foreground; text-style: bold reverse; }
    ChartView > .chart--cross { background: $foreground 20%; }
    ChartView { border: round $foreground 30%; border-title-color: $foreground; border-subtitle-color: $foreground; }
    ChartView:focus { border: round $foreground; }
    """

    cursor: reactive[tuple[int, int] | None] = reactive(None, repaint=False)
    """The cell of the cross-hair, column and row of the chart."""

    hint: reactive[str] = reactive("", init=False, repaint=False)
    """Keys that are worth knowing, shown in the border while the chart has the focus and nothing is read."""

    class Moved(Message):
        """The cross-hair is at other values, or gone (None)."""

        def __init__(self, view: ChartView, values: tuple[float, float] | None) -> None:
            super().__init__()
            self.view = view
            self.values = values

        @property
        def control(self) -> ChartView:
            """The chart that the cross-hair is in."""
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.spec: ChartSpec | None = None
        self._title = ""
        self._moment: float | None = None
        self._waiting = ""
        self._zoom: tuple[Axis, Axis] | None = None
        self._image: ChartImage | None = None
        self._drawn: tuple[object, ...] = ()
        self._styles: dict[tuple[int, int, int] | None, Style] = {None: Style()}
        self._base: Style | None = None
        """The widget's own style; None where it is to be found again."""
        self._strips: dict[int, Strip] = {}
        """Rows of the image without playhead and cross-hair, as far as they have been shown."""
        self._playhead: tuple[int, Cell] | None = None
        """The column of the image that the playhead is in, and what stands there."""
        self._drag: tuple[int, int] | None = None
        self._place: Place | None = None
        """The point of the data that the cross-hair is at."""
        self._since: Place | None = None
        """The point that was marked: what is read are the differences from it."""
        self._enlarged = False
        """Whether it is read in the inset."""
        self._box: Box | None = None

    def show(self, spec: ChartSpec, moment: float | None = None) -> None:
        """Draw another chart from now on; a zoom stays. `moment`: where on its x axis the playhead is."""
        if spec is self.spec and moment == self._moment:
            return
        known = spec is self.spec and self._image is not None
        if spec is not self.spec:
            self._keep_place(self.spec, spec)
            self.spec = spec
            if self._zoom and (self._zoom[0].log, self._zoom[1].log) != (spec.x.log, spec.y.log):
                self._zoom = None  # limits of one scale may be none of another
            self.name_it(spec.title)
            if self.cursor is None:
                self._show_hint()
            if self.cursor is not None:
                self.call_after_refresh(self._read_again)
        before, self._moment = self._playhead, moment
        self._playhead = self._find_playhead()
        if not known:
            self.refresh()
        elif self._playhead != before:
            self._refresh_cells([one and one[0] for one in (before, self._playhead)])

    def clear(self, why: str) -> None:
        """Draw nothing, and say why there is nothing."""
        if self.spec is not None or why != self._waiting:
            self.spec, self._image, self._drawn, self._waiting = None, None, (), why
            self.border_title = ""
            self.refresh()

    def name_it(self, title: str) -> None:
        """Write a title in the border, without its middle where it is too long; names in it come from outside, and are
        no markup.
        """
        self._title = title
        room = self.size.width - 4  # a space and a line at each end
        text = printable(title)
        written = escape(shortened(text, room) if room > 0 else text)
        if self.border_title != written:
            self.border_title = written

    def on_resize(self) -> None:
        """There may be room for more of the title, or for less."""
        if self.spec is not None:
            self.name_it(self._title)

    @property
    def image(self) -> ChartImage | None:
        """The chart as it is drawn at the present size and theme."""
        self._draw()
        return self._image if self.size else None

    def _draw(self) -> None:
        """Draw the image again, if there is room for one and it would differ."""
        spec, size = self.spec, self.size
        if spec is None or not size:
            return
        theme: Theme = "dark" if self.app.current_theme.dark else "light"
        plain = bool(getattr(self.app, "ascii", False))
        colour = "NO_COLOR" not in os.environ
        drawn = (spec, size, theme, plain, colour, self._zoom)
        if self._drawn != drawn:
            from ibtui.charts.chart import render

            shown = replace(spec, title="")
            if self._zoom:
                shown = replace(shown, x=self._zoom[0], y=self._zoom[1])
            self._image = render(shown, size.width, size.height, theme=theme, colour=colour, ascii=plain)
            self._drawn = drawn
            self._strips.clear()
            self._playhead = self._find_playhead()

    def notify_style_update(self) -> None:
        """Colours may have changed."""
        self._base = None
        self._strips.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some rows, all of one image."""
        self._draw()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row of the chart as it was last drawn."""
        image = self._image
        if self._base is None:
            self._base = self.rich_style  # costs as much as the row
        base = self._base
        if image is None or y >= len(image.cells):
            text = self._waiting.center(self.size.width) if y == self.size.height // 2 else ""
            return Strip([Segment(text, base)]).adjust_cell_length(self.size.width, base)
        if y not in self._strips:
            segments = [Segment(text, base + self._style(colour)) for text, colour in image.runs(y)]
            self._strips[y] = Strip(segments, self.size.width)
        strip, area = self._strips[y], image.area
        if area is None or not area.top <= y < area.top + area.height:
            return strip
        if self._playhead is not None and image.cells[y][self._playhead[0]][0] == " ":
            column, (glyph, colour) = self._playhead
            strip = _with(strip, column, Segment(glyph, base + self._style(colour)))
        if self.cursor is None:
            return strip
        strip = self._cross(strip, area, y)
        box = self._box
        if box is None or not box.top <= y < box.top + len(box.lines):
            return strip
        line = y - box.top
        style = self.get_component_rich_style("chart--row" if line == box.chosen else "chart--box")
        middle = Strip([Segment(box.lines[line], style)], box.width)
        return Strip.join([strip.crop(0, box.left), middle, strip.crop(box.left + box.width)])

    def _find_playhead(self) -> tuple[int, Cell] | None:
        """The column that the playhead runs through in the image as it is drawn, and what stands there."""
        area = None if self._image is None else self._image.area
        if self._moment is None or area is None:
            return None
        unit = float(area.x.to_unit(self._moment)[0])
        if not 0 <= unit <= 1:
            return None
        from ibtui.charts.palette import palette

        glyph = "|" if getattr(self.app, "ascii", False) else "│"
        colour = None if "NO_COLOR" in os.environ else palette("dark" if self.app.current_theme.dark else "light").guide
        return area.left + area.column(unit), (glyph, colour)

    def _refresh_cells(self, columns: Iterable[int | None], rows: Iterable[int] = ()) -> None:
        """Paint columns and rows of the image again, no more of it."""
        area = None if self._image is None else self._image.area
        if area is None:
            self.refresh()
            return
        upright = [Region(column, area.top, 1, area.height) for column in columns if column is not None]
        level = [Region(area.left, row, area.width, 1) for row in rows]
        if upright or level:
            self.refresh(*upright, *level)

    def _style(self, colour: tuple[int, int, int] | None) -> Style:
        if colour not in self._styles and colour is not None:
            self._styles[colour] = Style(color=f"rgb({colour[0]},{colour[1]},{colour[2]})")
        return self._styles[colour]

    def _cross(self, strip: Strip, area: PlotArea, y: int) -> Strip:
        """A row of the area with its part of the cross-hair."""
        assert self.cursor is not None
        column, row = self.cursor
        start, end = (area.left, area.left + area.width) if y == row else (column, column + 1)
        mark = Style(bgcolor=self.get_component_rich_style("chart--cross").bgcolor)
        middle = Strip(Segment.apply_style(strip.crop(start, end), post_style=mark), end - start)
        return Strip.join([strip.crop(0, start), middle, strip.crop(end)])

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """All there is."""
        return container.width

    # the cross-hair

    def values(self) -> tuple[float, float] | None:
        """The values of x and y at the cross-hair."""
        image = self.image
        if self.cursor is None or image is None or image.area is None:
            return None
        return image.area.values(*self.cursor)

    def watch_cursor(self, before: tuple[int, int] | None, now: tuple[int, int] | None) -> None:
        """Paint the cross-hair elsewhere, and tell the screen what it reads."""
        cells = [cell for cell in (before, now) if cell is not None]
        self._refresh_cells([column for column, _ in cells], [row for _, row in cells])
        self._read()
        self.post_message(self.Moved(self, self.values()))

    def _read(self) -> None:
        """Say in the border, and in the box where there is one, what the cross-hair is at."""
        image, before = self.image, self._box
        self._box = None
        if self.cursor is None or self.spec is None or image is None or image.area is None:
            self._show_hint()
        elif self.spec.readings is not None and self._place is not None:
            from ibtui.charts.readings import boxed

            said = self.spec.readings.line(self._place, self._since)
            self._box = boxed(self.spec.readings, self._place, self._since, image.area, self.cursor, self._plain)
            self.border_subtitle = escape(printable(said))
        else:
            from ibtui.charts.reading import read_at

            self.border_subtitle = escape(printable(read_at(self.spec, image.area, *self.cursor)))
        for box in (before, self._box):
            if box is not None:
                self.refresh(Region(box.left, box.top, box.width, len(box.lines)))

    def _show_hint(self) -> None:
        hint = escape(self.hint) if self.has_focus and self.spec is not None else ""
        if self.border_subtitle != hint:
            self.border_subtitle = hint

    def watch_hint(self) -> None:
        """Other keys are worth knowing."""
        if self.cursor is None:
            self._show_hint()

    def watch_has_focus(self, focused: bool) -> None:
        """They are for the chart that has the focus."""
        super().watch_has_focus(focused)
        self.watch_hint()

    def _read_again(self) -> None:
        """The chart has been redrawn: the point that is read may be in another cell."""
        if self._place is not None:
            self._go_to(self._place)
        else:
            self._read()

    @property
    def _plain(self) -> bool:
        return bool(getattr(self.app, "ascii", False))

    # point by point

    def _keep_place(self, before: ChartSpec | None, now: ChartSpec) -> None:
        """The same epochs are read, and marked, in another chart, if they are in it."""
        was, here = None if before is None else before.readings, now.readings
        if was is None or here is None:
            self._place = self._since = None
        else:
            self._place, self._since = (at and here.kept(was, at) for at in (self._place, self._since))
        if before is not None and self._place is None and was is not None:
            self.cursor = None

    def _there(self) -> PlotArea | None:
        """The part of the image in which the data are read: the area, or its inset."""
        area = None if self._image is None else self._image.area
        if area is None or area.inset is None or not self._enlarged:
            return area
        return area.inset

    def _go_to(self, place: Place) -> None:
        """Put the cross-hair at a point of the data."""
        area = self._there()
        assert self.spec is not None
        if area is None or self.spec.readings is None:
            return
        columns, lines, seen = area.cells(self.spec.readings.x, self.spec.readings.y)
        self._place = place
        here = place.point, place.row
        cell = (area.left + int(columns[here]), area.top + int(lines[here])) if seen[here] else None
        if cell == self.cursor and cell is not None:
            self._read()
            self.post_message(self.Moved(self, self.values()))
        else:
            self.cursor = cell

    def _point_at(self, column: int, line: int) -> None:
        """Put the cross-hair at the point that is nearest to a cell, or in the cell where there is nothing to read."""
        image, spec = self.image, self.spec
        if image is None or image.area is None or spec is None:
            return
        if spec.readings is not None:
            inset = image.area.inset
            self._enlarged = inset is not None and inset.values(column, line) is not None
            area = self._there()
            assert area is not None
            upright = spec.x.label == EPOCH
            place = spec.readings.nearest(area, column - area.left, line - area.top, upright=upright)
            if place is not None:
                self._go_to(place)
                return
        self._place = None
        self.cursor = (column, line)

    @property
    def epoch(self) -> int | None:
        """The epoch that is read; None where none is."""
        if self._place is None or self.cursor is None or self.spec is None or self.spec.readings is None:
            return None
        return int(self.spec.readings.epochs[self._place.point])

    def read_epoch(self, epoch: int) -> None:
        """Put the cross-hair at an epoch, in the row that it was in."""
        if self.spec is not None and self.spec.readings is not None and self.image is not None:
            row = 0 if self._place is None else self._place.row
            place = self.spec.readings.at_epoch(epoch, row)
            if place is None:
                self.cursor = None
            else:
                self._go_to(place)

    def numbers(self) -> str:
        """The row that is read, for the clipboard; empty where none is."""
        if self.epoch is None:
            return ""
        assert self.spec is not None
        assert self.spec.readings is not None
        assert self._place is not None
        return self.spec.readings.numbers(self._place)

    def action_mark(self) -> None:
        """Read the differences from the point that is read now; at the marked one, the values again."""
        if self.epoch is None:
            self.notify("move the cross-hair to a point first, with the arrow keys or the mouse")
            return
        self._since = None if self._since == self._place else self._place
        self._read()

    def action_move(self, across: int, down: int) -> None:
        """Move the cross-hair by a point, or a cell where there are none, or put it in the middle."""
        image = self.image
        if image is None or image.area is None or self.spec is None:
            return
        area = self._there() or image.area
        if self.spec.readings is not None and self._place is not None and self.cursor is not None:
            self._go_to(self.spec.readings.moved(area, self._place, across, down))
            return
        middle = area.left + area.width // 2, area.top + area.height // 2
        if self.spec.readings is not None and self.cursor is None:
            self._point_at(*middle)
            return
        column, row = self.cursor or (middle[0] - across, middle[1] - down)
        column = min(max(column + across, area.left), area.left + area.width - 1)
        row = min(max(row + down, area.top), area.top + area.height - 1)
        self.cursor = (column, row)

    def action_no_cursor(self) -> None:
        """Take the cross-hair away; where there is none, the key is the screen's."""
        if self.cursor is None:
            raise SkipAction
        self.cursor = None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse, or pan with a button held."""
        image = self.image
        place = event.get_content_offset(self)
        if place is None or image is None or image.area is None:
            return
        area = image.area
        if self._drag is not None:
            across, down = self._drag[0] - place.x, place.y - self._drag[1]
            self._drag = (place.x, place.y)
            self._shift(across / area.width, down / area.height)
            return
        if area.left <= place.x < area.left + area.width and area.top <= place.y < area.top + area.height:
            self._point_at(place.x, place.y)
        else:
            self.cursor = None

    def on_leave(self) -> None:
        """The mouse has gone elsewhere."""
        if not self.has_focus:
            self.cursor = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to pan."""
        place = event.get_content_offset(self)
        if place is not None:
            self._drag = (place.x, place.y)
            self.capture_mouse()

    def on_mouse_up(self) -> None:
        """End panning."""
        self._drag = None
        self.release_mouse()

    # zoom and pan

    def _axes(self) -> tuple[Axis, Axis] | None:
        return self._zoom or ((self.spec.x, self.spec.y) if self.spec else None)

    def action_zoom(self, direction: int) -> None:
        """Zoom in (1) or out (-1), about the cross-hair if there is one."""
        axes, values = self._axes(), self.values()
        if axes is None:
            return
        factor = ZOOM if direction > 0 else 1 / ZOOM
        about = (0.5, 0.5)
        if values is not None:
            about = tuple(float(axis.to_unit([value])[0]) for axis, value in zip(axes, values, strict=True))  # type: ignore[assignment]
        self._show_window(
            *(
                _window(axis, place * (1 - factor), place * (1 - factor) + factor)
                for axis, place in zip(axes, about, strict=True)
            )
        )

    def action_pan(self, right: int, up: int) -> None:
        """Pan by a tenth of the chart."""
        self._shift(right / 10, up / 10)

    def _shift(self, right: float, up: float) -> None:
        axes = self._axes()
        if axes is not None:
            self._show_window(_window(axes[0], right, 1 + right), _window(axes[1], up, 1 + up))

    def _show_window(self, x: Axis, y: Axis) -> None:
        """Zoom to these axes, unless that is too near, or too far from the data."""
        if self.spec is not None and _reasonable(x, self.spec.x) and _reasonable(y, self.spec.y):
            self._zoom = (x, y)
            self.refresh()
            self.call_after_refresh(self._read_again)

    def action_reset(self) -> None:
        """Show all again."""
        self._zoom = None
        self.refresh()
        self.call_after_refresh(self._read_again)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in."""
        event.stop()
        self.action_zoom(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out."""
        event.stop()
        self.action_zoom(-1)

    def text(self) -> str:
        """The chart as plain text, for the clipboard."""
        image = self.image
        return "" if image is None else image.text()


def _with(strip: Strip, column: int, here: Segment) -> Strip:
    """The strip with another cell in a column."""
    segments: list[Segment] = []
    at = 0
    for segment in strip:
        length = segment.cell_length
        if at <= column < at + length:
            before, behind = segment.split_cells(column - at)
            segments += [part for part in (before, here, behind.split_cells(1)[1]) if part.text]
        else:
            segments.append(segment)
        at += length
    return Strip(segments, strip.cell_length)


def _reasonable(axis: Axis, whole: Axis) -> bool:
    """Whether an axis shows no less than `NEAREST`, and nothing farther off than `FARTHEST`, of the whole one."""
    begin, end = whole.to_unit(axis.limits)
    return bool(NEAREST <= end - begin <= FARTHEST and max(abs(begin), abs(end)) <= FARTHEST)


def _window(axis: Axis, begin: float, end: float) -> Axis:
    """The axis from one place between its ends (0 to 1, or beyond) to another."""
    low, high = axis.limits
    if axis.log:
        ratio = high / low
        return replace(axis, low=low * ratio**begin, high=low * ratio**end)
    return replace(axis, low=low + (high - low) * begin, high=low + (high - low) * end)
