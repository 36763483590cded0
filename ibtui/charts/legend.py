"""How the series of a chart are distinguished, and the lines outside the data that explain it.

With colour, colour tells series apart, and markers where one colour serves two of them; without, every series
has a character of its own. The legend is wrapped to the chart's width and never covers data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ibtui.charts.canvas import BLOCK, BRAILLE
from ibtui.charts.image import Cell
from ibtui.charts.lettering import clean, columns, fit
from ibtui.charts.palette import ASCII_MARKERS, MARKERS, RGB, STEPS, Category, Faded, Palette, Shades
from ibtui.charts.spec import ColourBar, Series

BAR_WIDTH = 30
"""How many cells of colour a colour bar has, not counting its texts."""

_GAP = 3


@dataclass(frozen=True, slots=True)
class Pen:
    """What one series is drawn with."""

    marker: str
    """What the rasteriser draws it with."""
    stamp: str | None
    """What is set into its line here and there."""
    colour: RGB | None
    """Its colour in the legend, and in the chart unless its points have shades."""


def pens(series: Sequence[Series], palette: Palette, *, colour: bool, ascii: bool) -> tuple[Pen, ...]:
    """A pen for each series, all of them different unless the series themselves ask for the same."""
    chosen: list[Pen] = []
    wanted = {key for one in series if (key := _single(one.key or one.marker, ascii))}
    spare = [key for key in (ASCII_MARKERS if ascii else "".join(MARKERS) + ASCII_MARKERS) if key not in wanted]
    for index, one in enumerate(series):
        ink = None if isinstance(one.colour, Shades) else palette.resolve(one.colour)
        glyph = _single(one.marker, ascii)
        if glyph is None and colour and isinstance(one.colour, Category) and not ascii:
            glyph = palette.category(one.colour.index).marker
        faint = isinstance(one.colour, Faded)
        if ascii or (glyph is None and not colour and not faint and (len(series) > 1 or one.key)):
            glyph = _single(one.key, ascii) or glyph or spare[index % len(spare)]
        if ascii or (one.kind in ("points", "dotted") and glyph):
            chosen.append(Pen(glyph or spare[0], None, ink))
        else:
            chosen.append(Pen(BLOCK if one.kind == "points" else BRAILLE, glyph, ink))
    return tuple(chosen)


def legend(series: Sequence[Series], used: Sequence[Pen], width: int, *, ascii: bool, label: RGB) -> list[list[Cell]]:
    """The legend's lines: a sample and the label of each series that has one, wrapped between entries."""
    entries = [
        [*_sample(one, pen), (" ", None), *_cells(fit(text, width - 4, ascii=ascii), label)]
        for one, pen in zip(series, used, strict=True)
        if (text := clean(one.label, ascii=ascii).strip())
    ]
    lines: list[list[Cell]] = []
    for entry in entries:
        if lines and len(lines[-1]) + _GAP + len(entry) <= width:
            lines[-1] += [(" ", None)] * _GAP + entry
        else:
            lines.append(list(entry))
    return lines


def colour_bar(bar: ColourBar, palette: Palette, width: int, *, ascii: bool) -> list[Cell]:
    """One line: the label, and between the texts of the stops the colours of the shades between them."""
    stops = [(min(max(place, 0.0), 1.0), clean(text, ascii=ascii)) for place, text in bar.stops]
    label = clean(bar.label, ascii=ascii)
    room = width - len(columns(label)) - 1 - sum(len(columns(text)) + 2 for _, text in stops)
    if len(stops) > 2 and room < BAR_WIDTH // 2:
        return colour_bar(ColourBar(bar.label, (bar.stops[0], bar.stops[-1])), palette, width, ascii=ascii)
    length = max(2, min(BAR_WIDTH, room))
    cells = _cells(f"{label} ", palette.muted)
    for (place, text), (following, _) in zip(stops, [*stops[1:], (1.0, "")], strict=True):
        cells += _cells(text, palette.muted)
        count = round(length * (following - place))
        if count < 1:
            continue
        shades = [place + (following - place) * (k + 0.5) / count for k in range(count)]
        drawn = [palette.sequential(round(shade * (STEPS - 1)) / (STEPS - 1)) for shade in shades]
        cells += [(" ", None), *(("=" if ascii else "━", shade) for shade in drawn), (" ", None)]
    return cells[:width]


def _sample(one: Series, pen: Pen) -> list[Cell]:
    if pen.marker == BLOCK:
        return [("■", pen.colour)]
    if one.kind == "points":
        return [(pen.marker, pen.colour)]
    if one.kind == "dotted":
        return [("┈" if pen.marker == BRAILLE else pen.marker, pen.colour)] * 2
    if pen.marker != BRAILLE:
        return [(pen.marker, pen.colour)] * 2
    return [("━", pen.colour), (pen.stamp or "━", pen.colour), *([("━", pen.colour)] if pen.stamp else [])]


def _cells(text: str, colour: RGB | None) -> list[Cell]:
    return [(entry, colour) for entry in columns(text)]


def _single(marker: str | None, ascii: bool) -> str | None:
    """The marker if it is one visible character in one column, and of those that may be used."""
    usable = marker is not None and len(marker) == 1 and columns(clean(marker)) == [marker] and marker != " "
    return marker if usable and marker is not None and (marker.isascii() or not ascii) else None
