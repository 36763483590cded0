"""What a chart shows, as plain data: axes, series, guides, marks. Nothing here knows how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ibtui.charts.palette import Colour, Shades
from ibtui.charts.scale import Axis

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from ibtui.charts.readings import Readings


DOT = "●"
"""Where a mark is."""

DRIFT_END = "◆"
"""Where drift ends."""


def key_of(number: int) -> str:
    """One character for the series of a number, counted from 0, where colours cannot tell series apart."""
    return "123456789abcdefghijklmnopqrstuvwxyz"[number % 35]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Points in the order in which they are joined. Any numbers will do; those without a place are gaps."""

    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]
    kind: Literal["points", "line", "steps", "dotted"]
    """`steps`: each y holds until the next x. `dotted`: a line of dots at even distances."""
    colour: Colour | Shades = None
    label: str = ""
    """What the legend calls it; a series without a label is not in the legend."""
    marker: str | None = None
    """One character with which the points are drawn, or that is set into a line. None: dots, a plain line."""
    key: str | None = None
    """The same where colours cannot tell series apart (without colour, in ASCII). None: one is chosen."""
    tell: str | Callable[[int], str] = ""
    """What a cross-hair calls the series, or the point of an index. Empty: the label."""
    thick: bool = False
    """Of a line: twice as thick as others."""
    above: int = 0
    """Series with a greater number are drawn over those with a lesser one; of the same number, later over earlier."""
    end: str = ""
    """What is written at its last point, where the chart is wide enough; the legend then leaves the series out."""


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """The space between two lines, filled behind all series. Where an end is not finite there is none."""

    x: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]
    colour: Colour = None


@dataclass(frozen=True, slots=True)
class Guide:
    """A line across the whole chart at a value of one axis, behind the data: a bound, an epoch."""

    axis: Literal["x", "y"]
    value: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot in the cell of a point, over the data, and a short text beside it or at the end of a line that leads to it.

    Marks whose dots touch share one text, in which consecutive numbers become a range: `1–3`.
    """

    x: float
    y: float
    text: str = ""
    """Empty: the dot stands alone."""
    colour: Colour = None
    dot: str | None = DOT
    """None: no dot, as at the end of a line, which shows the place itself."""
    family: int = 0
    """Marks of different families do not share a range: their numbers count different things."""
    tell: str = ""
    """What a cross-hair calls the point; empty where a series already tells of it."""


@dataclass(frozen=True, slots=True)
class ColourBar:
    """What the shades mean: texts at some places of the scale (0 to 1, ascending), both ends included."""

    label: str
    stops: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ChartSpec:
    """One chart. Later series (of the same `above`) and marks are drawn over earlier ones."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    guides: tuple[Guide, ...] = ()
    marks: tuple[Mark, ...] = ()
    bar: ColourBar | None = None
    caption: str = ""
    bands: tuple[Band, ...] = ()
    corner: tuple[float, float] | None = None
    """The most that x and y can be. Guides end there, no text stands beyond it, and where marks crowd in this corner
    and there is room, an inset shows it enlarged."""
    readings: Readings | None = None
    """What a cross-hair reads, point by point; None: the axes, or the point of a series that is near."""


def with_common_axes(specs: Sequence[ChartSpec]) -> tuple[ChartSpec, ...]:
    """The charts with axes that show what each of theirs does, so that charts side by side can be compared."""
    found = tuple(specs)
    for name in ("x", "y"):
        axes = [getattr(spec, name) for spec in found]
        if not axes or any(axis.label != axes[0].label or axis.log != axes[0].log for axis in axes):
            continue
        low, high = min(axis.limits[0] for axis in axes), max(axis.limits[1] for axis in axes)
        if any(axis.limits != (low, high) for axis in axes):
            wide = [replace(axis, low=low, high=high) for axis in axes]
            found = tuple(replace(spec, **{name: axis}) for spec, axis in zip(found, wide, strict=True))
    return found
