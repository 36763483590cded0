"""A heat map as plain data: two axes of settings, and in each cell a value or a verdict, in words and in few letters.

Where a value lies on the scale of colours is decided here; how it is drawn is not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

State = Literal["", "undecided", "running", "waiting", "absent"]
"""What is known of a cell: its value (""), or why there is none that could be relied on."""

Kind = Literal["", "reproduced", "partly", "not", "undecided"]
"""The verdict of a cell; "" where nothing has been judged."""

KINDS: tuple[Kind, ...] = ("reproduced", "partly", "not", "undecided")
"""The verdicts, in the order in which a legend names them."""

STATES: tuple[State, ...] = ("undecided", "running", "waiting", "absent")
"""What a legend names besides values, in its order."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell."""

    value: float = math.nan
    """What its colour shows; NaN: nothing."""
    text: str = ""
    """As it is written where there is room, such as `380 ×/÷ 1.1`; `epoch 400` while it runs; why it is absent."""
    short: str = ""
    """The same in few characters: `380`, `?`."""
    state: State = ""
    """`undecided` cells are hatched, and may have a value; others without a value are as good as empty."""
    kind: Kind = ""
    """The verdict, in a map of verdicts."""


NOWHERE = HeatCell(state="absent")
"""A cell of which nothing is known."""


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """A map: cells by their row, counted from the bottom, and in it from the left."""

    title: str
    """What is shown: `End of drift (epoch)`."""
    x_label: str
    y_label: str
    x: tuple[str, ...]
    """The values along the axis, ascending."""
    y: tuple[str, ...]
    """The same; drawn upwards."""
    cells: tuple[tuple[HeatCell, ...], ...]
    """[y][x]"""
    logarithmic: bool = False
    """Whether colours are even in the logarithm; values that are not above 0 then have none."""
    verdicts: bool = False
    """Whether colours tell verdicts, rather than values."""
    caption: str = ""
    """What the cells share, and what they rest on."""

    def __post_init__(self) -> None:
        if len(self.cells) != len(self.y) or any(len(row) != len(self.x) for row in self.cells):
            raise ValueError(f"cells must be {len(self.y)} rows of {len(self.x)}, as the values of y and x are")

    def cell(self, x: int, y: int) -> HeatCell:
        """The cell in a column, counted from the left, and a row, counted from the bottom."""
        return self.cells[y][x]

    def every(self) -> Iterator[HeatCell]:
        """All cells."""
        for row in self.cells:
            yield from row

    @property
    def limits(self) -> tuple[HeatCell, HeatCell] | None:
        """The cells with the least and the greatest value; None where no cell has any, or all tell verdicts."""
        there = [] if self.verdicts else [one for one in self.every() if self.has_place(one)]
        if not there:
            return None
        return min(there, key=lambda one: one.value), max(there, key=lambda one: one.value)

    def has_place(self, cell: HeatCell) -> bool:
        """Whether a cell's value has a place on the scale of colours."""
        known = cell.state in ("", "undecided") and math.isfinite(cell.value)
        return known and (cell.value > 0 or not self.logarithmic)

    def places(self) -> tuple[tuple[float | None, ...], ...]:
        """Where the value of each cell lies between the least (0) and the greatest (1); None where it has no place.
        0.5 where all are equal.
        """
        limits = self.limits
        if limits is None:
            return tuple((None,) * len(row) for row in self.cells)
        low, high = (self._along(one.value) for one in limits)
        span = high / 2 - low / 2  # halves: the whole may be too large for a number

        def place(cell: HeatCell) -> float | None:
            if not self.has_place(cell):
                return None
            return min(max((self._along(cell.value) / 2 - low / 2) / span, 0.0), 1.0) if span > 0 else 0.5

        return tuple(tuple(map(place, row)) for row in self.cells)

    def _along(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value

    def counts(self) -> tuple[Counter[Kind], Counter[State]]:
        """How many cells have each verdict, and how many are in each state, "" included."""
        return Counter(one.kind for one in self.every()), Counter(one.state for one in self.every())
