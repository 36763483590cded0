"""The colours of a heat map's cells, in terminals and in pictures."""

from __future__ import annotations

from ibtui.charts.heat_map import HeatCell, HeatMap, Kind
from ibtui.charts.palette import RGB, Category, Palette, mixed

COLOURS: dict[Kind, Category] = {"reproduced": Category(1), "partly": Category(0), "not": Category(3)}
"""Of verdicts; told apart for everyone, as categories are. What is undecided has none."""
NEUTRAL = 0.4
"""How far the grey of an undecided cell without a value is from that of frames on the way to the background."""


def is_undecided(cell: HeatCell, shown: HeatMap) -> bool:
    """Whether a cell is to be hatched."""
    return cell.state == "undecided" or (shown.verdicts and cell.kind == "undecided" and not cell.state)


def block_colour(cell: HeatCell, place: float | None, shown: HeatMap, colours: Palette) -> RGB | None:
    """What a cell is filled with, whose value lies at a place on the scale; None: it stays empty."""
    if shown.verdicts and not cell.state and cell.kind in COLOURS:
        return colours.resolve(COLOURS[cell.kind])
    if place is not None:
        return colours.even(place)
    return mixed(colours.frame, colours.background, NEUTRAL) if is_undecided(cell, shown) else None
