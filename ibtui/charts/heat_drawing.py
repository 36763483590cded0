"""Draws a heat map: every cell a block of colour, with its value in it where that fits.

Colours are the palette's shades, made for dark and for light terminals, and no text in a cell has less contrast than
4.5 : 1 (WCAG 2.2, AA). Undecided cells are hatched. Without colour, and in ASCII, characters of growing darkness stand
for the shades. A text is never cut: the long one where it fits in all cells that have a value, else the short one where
that fits, else none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from ibtui.charts.heat_colours import block_colour, is_undecided
from ibtui.charts.heat_layout import HeatLayout, Line, lay_out, wrapped, x_values, y_values
from ibtui.charts.heat_map import KINDS, STATES, HeatCell, HeatMap, Kind, State
from ibtui.charts.lettering import clean, columns, fit
from ibtui.charts.painted import PLAIN, Grid, Look, PaintedImage, PaintedSheet
from ibtui.charts.palette import RGB, Palette, Theme, ink_on, mixed, palette

BAR_WIDTH = 24
"""Columns of the bar of colours in the legend, without its texts."""
HATCHED = 0.5
"""How far the strokes of an undecided cell are from its colour on the way to its text's."""
MARKS = "AB"
"""What the marked cells are called, in their order."""

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Characters:
    """What stands for colours where there are none, and for states everywhere."""

    shades: str
    """Of the scale, from the least to the greatest."""
    kinds: dict[Kind, str]
    hatch: str
    states: dict[State, str]
    upper: str
    """The upper half of a cell; empty: there is no such character."""
    frame: tuple[str, str, str]
    """Around the chosen cell: its upper row, those between, its lower one; left, middle and right."""


LEAST_TEXT = 3
"""Columns of a cell below which no value is written: one digit here and there would say the wrong thing."""

UNICODE = Characters(
    "░▒▓█",
    {"reproduced": "█", "partly": "▒", "not": "░", "undecided": "╱"},
    "╱",
    {"undecided": "╱", "running": "▸", "waiting": "○", "absent": "·"},
    "▀",
    ("▛▀▜", "▌ ▐", "▙▄▟"),
)
ASCII = Characters(
    ":-=+*#%@",
    {"reproduced": "#", "partly": "=", "not": ":", "undecided": "/"},
    "/",
    {"undecided": "/", "running": ">", "waiting": "o", "absent": "."},
    "",
    ("+-+", "[ ]", "+-+"),
)


@dataclass(frozen=True, slots=True)
class HeatStyle:
    """How everything in a map is drawn."""

    characters: Characters
    colours: Palette
    colour: bool
    ascii: bool

    @property
    def strong(self) -> Look:
        """The value along an axis at which the cursor is."""
        return self.look(self.colours.background, self.foreground, strong=True)

    @property
    def foreground(self) -> RGB:
        """What stands out most from the terminal's background."""
        return ink_on(self.colours.background)

    def look(self, ink: RGB | None = None, paper: RGB | None = None, *, strong: bool = False) -> Look:
        """These colours, or none where there is no colour."""
        return Look(ink, paper, strong) if self.colour else Look(strong=strong)


@dataclass(frozen=True, slots=True)
class _Block:
    """What a cell is filled with: a character, and the colours of it and of a text over it."""

    fill: str
    ink: RGB | None
    paper: RGB | None
    text: RGB | None


def render_map(
    shown: HeatMap,
    width: int,
    height: int,
    *,
    theme: Theme,
    colour: bool = True,
    ascii: bool = False,
    cursor: Place | None = None,
    marks: Sequence[Place] = (),
) -> PaintedImage:
    """The map as a grid of exactly `width` columns and `height` rows, in the colours of a theme.

    `cursor` and at most two `marks`: cells that are framed, and named A and B; x and y, counted from the left and from
    the bottom. Where the cells have no room, one line says how much they need.
    """
    width, height = max(0, width), max(0, height)
    sheet = PaintedSheet(width, height)
    style = HeatStyle(ASCII if ascii else UNICODE, palette(theme), colour, ascii)
    halves = colour and not ascii
    layout = lay_out(shown, width, height, lambda room: _legend(shown, style, room), halves=halves, ascii=ascii)
    if layout is None:
        sheet.put(height // 2, 0, fit(_needed(shown, style), width, ascii=ascii))
        return sheet.image()
    _draw_around(sheet, shown, layout, style, cursor)
    if layout.grid.height:
        _draw_blocks(sheet, shown, layout.grid, style, cursor, marks)
    else:
        _draw_halves(sheet, shown, layout.grid, style, cursor, marks)
    return sheet.image(layout.grid)


def _needed(shown: HeatMap, style: HeatStyle) -> str:
    """What is said where there is no room."""
    if not shown.x or not shown.y:
        return "no cells"
    rows = (len(shown.y) + 1) // 2 if style.colour and not style.ascii else len(shown.y)
    columns_needed = max(len(shown.x), 30)
    rows += 1 + len(_legend(shown, style, columns_needed))
    return f"needs {columns_needed} columns and {rows} rows"


# around the cells


def _draw_around(
    sheet: PaintedSheet, shown: HeatMap, layout: HeatLayout, style: HeatStyle, cursor: Place | None
) -> None:
    """Title, labels, values along the axes, legend and caption."""
    grid, muted = layout.grid, style.look(style.colours.muted)
    sheet.put(0, 0, layout.head)
    column, line = cursor if cursor is not None else (None, None)
    values = x_values(shown, layout, chosen=column, ascii=style.ascii)
    values += y_values(shown, layout, chosen=line, ascii=style.ascii)
    for value, chosen in values:
        sheet.put(value.row, value.column, value.text, style.strong if chosen else muted)
    row = grid.top + (grid.up * grid.height or (grid.up + 1) // 2) + layout.x_rows
    if layout.x_label:
        middle = grid.left + (grid.across * grid.width - len(columns(layout.x_label))) // 2
        sheet.put(row, max(0, min(middle, sheet.width - len(columns(layout.x_label)))), layout.x_label)
        row += 1
    for entries in layout.foot:
        for at, (text, look) in enumerate(entries):
            if text:
                sheet.put(row, at, text, look)
        row += 1
    for text in layout.caption:
        sheet.put(row, 0, text, muted)
        row += 1


def _legend(shown: HeatMap, style: HeatStyle, width: int) -> list[Line]:
    """What colours and characters mean, in as many lines as it takes."""
    kinds, states = shown.counts()
    entries: list[Line] = [_bar(shown, style, width)]
    if shown.verdicts:
        kinds["undecided"] = sum(is_undecided(one, shown) for one in shown.every())
        entries = [_told(HeatCell(kind=kind), kind, kinds[kind], shown, style) for kind in KINDS if kinds[kind]]
    entries += [
        _told(HeatCell(state=state), state, states[state], shown, style)
        for state in STATES
        if states[state] and not (shown.verdicts and state == "undecided")
    ]
    return wrapped([entry for entry in entries if entry], width)


def _told(sample: HeatCell, name: str, count: int, shown: HeatMap, style: HeatStyle) -> Line:
    """A sample of a kind of cell, its name, and how many there are."""
    block = _block(sample, None, shown, style)
    filled = style.look(block.ink, block.paper)
    text = f" {name} {count}"
    mark = style.characters.states.get(sample.state, "")
    if mark and block.fill == " ":
        drawn: Line = [(mark, style.look(block.text, block.paper))]
    else:
        drawn = [(block.fill, filled)] * 2
    return drawn + [(entry, style.look(style.colours.muted)) for entry in text]


def _bar(shown: HeatMap, style: HeatStyle, width: int) -> Line:
    """The scale of colours, between the least value and the greatest."""
    limits = shown.limits
    if limits is None:
        return []
    low, high = (clean(one.short, ascii=style.ascii) for one in limits)
    if low == high and limits[0].value != limits[1].value:
        low, high = (f"{one.value:.4g}" for one in limits)
    scale = " (logarithmic)" if shown.logarithmic else ""
    if low == high:
        scale, steps = "", 2
    else:
        steps = min(BAR_WIDTH, width - len(columns(low + high + scale)) - 2)
    if steps < 2:
        scale, steps = "", max(2, min(BAR_WIDTH, width - len(columns(low + high)) - 2))
    muted = style.look(style.colours.muted)
    places = [0.5 if low == high else step / (steps - 1) for step in range(steps)]
    blocks = [_shade(place, style) for place in places]
    drawn: Line = [] if low == high else [(entry, muted) for entry in columns(f"{low} ")]
    drawn += [(block.fill, style.look(block.ink, block.paper)) for block in blocks]
    return drawn + [(entry, muted) for entry in columns(f" {high}{scale}")]


# blocks


def _shade(place: float, style: HeatStyle) -> _Block:
    paper, shades = style.colours.even(place), style.characters.shades
    ink = ink_on(paper)
    if style.colour and not style.ascii:
        return _Block(" ", None, paper, ink)
    return _Block(shades[min(int(place * len(shades)), len(shades) - 1)], ink, paper, ink)


def _block(cell: HeatCell, place: float | None, shown: HeatMap, style: HeatStyle) -> _Block:
    """What a cell is filled with, at a place on the scale."""
    paper = block_colour(cell, place, shown, style.colours)
    if paper is None:
        return _Block(" ", style.colours.muted, None, style.colours.muted)
    ink = ink_on(paper)
    if is_undecided(cell, shown):
        return _Block(style.characters.hatch, mixed(paper, ink, HATCHED), paper, ink)
    if shown.verdicts:
        return _Block(" " if style.colour else style.characters.kinds[cell.kind], None, paper, ink)
    return _shade(place or 0.0, style)


def _lines(text: str, width: int, height: int, mark: str = "") -> list[str]:
    """The text behind a mark, on one line, or before and behind its first space on two; nothing where that does not
    fit.
    """
    marked = f"{mark} {text}" if mark and text else text
    if not text or len(columns(marked)) <= width - 2:
        return [marked] if text else []
    first, _, rest = text.partition(" ")
    first = f"{mark} {first}" if mark else first
    fits = rest and height > 1 and max(len(columns(first)), len(columns(rest))) <= width - 1
    return [first, rest] if fits else []


def _written(cell: HeatCell, grid: Grid, long: bool, style: HeatStyle) -> list[str]:
    """The lines of text in a cell."""
    mark = style.characters.states.get(cell.state, "") if cell.state != "undecided" else ""
    if cell.state == "absent":
        return [mark]
    text, short = (clean(one, ascii=style.ascii).strip() for one in (cell.text, cell.short))
    if long or cell.state:
        rows = grid.height // 2 if cell.state == "undecided" else grid.height  # else there is no room for the hatching
        found = _lines(text, grid.width, rows, mark)
        if found:
            return found
    short = f"{mark}{short}" if short else mark
    if LEAST_TEXT <= grid.width > len(columns(short)) > 0:
        return [short]
    return [mark] if mark else []


def _draw_blocks(
    sheet: PaintedSheet,
    shown: HeatMap,
    grid: Grid,
    style: HeatStyle,
    cursor: Place | None,
    marks: Sequence[Place],
) -> None:
    places = shown.places()
    known = [one for one in shown.every() if not one.state and one.text]
    long = all(_lines(clean(one.text, ascii=style.ascii), grid.width, grid.height) for one in known)
    for x, y in product(range(grid.across), range(grid.up)):
        cell = shown.cell(x, y)
        block = _block(cell, places[y][x], shown, style)
        lines = _written(cell, grid, long, style)
        name = MARKS[marks.index((x, y))] if (x, y) in marks[: len(MARKS)] else ""
        _draw_block(sheet, grid, (x, y), block, lines, style, framed=cursor == (x, y), name=name)


def _draw_block(
    sheet: PaintedSheet,
    grid: Grid,
    place: Place,
    block: _Block,
    lines: list[str],
    style: HeatStyle,
    *,
    framed: bool,
    name: str,
) -> None:
    """One cell, with its texts over what fills it."""
    left = grid.left + place[0] * grid.width
    top = grid.top + (grid.up - 1 - place[1]) * grid.height
    gap = 1 if not style.colour and grid.width > 3 else 0  # without colour, columns would run into each other
    width = grid.width - gap
    widest = max((len(columns(line)) for line in lines), default=0)
    ring = framed and width >= 3 and widest <= width - 2
    filled, written = style.look(block.ink, block.paper), style.look(block.text, block.paper)
    fill = block.fill
    if framed and not ring:
        filled = written = style.strong
        fill = " "
    for row in range(grid.height):
        sheet.put(top + row, left, fill * width, filled)
    if ring:
        _draw_ring(sheet, top, left, width, grid.height, block, style, whole=grid.height >= len(lines) + 2)
    above = max((grid.height - len(lines)) // 2, 0)
    beside = not above and not ring
    if name and beside:  # the first text shares its row with the cell's name
        joined = f"{name} {lines[0]}" if lines else name
        lines = [joined if len(columns(joined)) < width else name, *lines[1:]]
    for row, line in enumerate(lines[: grid.height]):
        length = len(columns(line))
        padded = f" {line} " if fill != " " and length <= width - (4 if ring else 2) else line
        sheet.put(top + above + row, left + (width - len(columns(padded))) // 2, padded, written)
    if name:
        at = left + (width - len(columns(lines[0]))) // 2 if beside else left
        look = style.look(block.paper or style.colours.background, block.text, strong=True)
        sheet.put(top, at, name, look)


def _draw_ring(
    sheet: PaintedSheet,
    top: int,
    left: int,
    width: int,
    height: int,
    block: _Block,
    style: HeatStyle,
    *,
    whole: bool,
) -> None:
    """The frame of the cell at which the cursor is; where its texts leave no room for all of it, its sides."""
    look = style.look(style.foreground, block.paper, strong=True) if style.colour else PLAIN
    upper, between, lower = style.characters.frame
    for row in range(height):
        ends = between
        if whole and row in (0, height - 1):
            ends = lower if row else upper
            sheet.put(top + row, left, ends[0] + ends[1] * (width - 2) + ends[2], look)
        sheet.put(top + row, left, ends[0], look)
        sheet.put(top + row, left + width - 1, ends[2], look)


def _draw_halves(
    sheet: PaintedSheet,
    shown: HeatMap,
    grid: Grid,
    style: HeatStyle,
    cursor: Place | None,
    marks: Sequence[Place],
) -> None:
    """Two cells in each row of the terminal, without texts."""
    places = shown.places()

    def paper(x: int, y: int) -> RGB | None:
        if y < 0:
            return None
        if (x, y) == cursor or (x, y) in marks[: len(MARKS)]:
            return style.foreground
        return _block(shown.cell(x, y), places[y][x], shown, style).paper

    for x, row in product(range(grid.across), range((grid.up + 1) // 2)):
        y = grid.up - 1 - 2 * row
        upper, lower = paper(x, y), paper(x, y - 1)
        left = grid.left + x * grid.width
        if upper is None and lower is not None:
            sheet.put(grid.top + row, left, "▄" * grid.width, style.look(lower))
        elif upper is not None:
            sheet.put(grid.top + row, left, style.characters.upper * grid.width, style.look(upper, lower))
