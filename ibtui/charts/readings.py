"""What a cross-hair can read of a chart: its points, and all rows (layers, or curves) at the point it is at.

Numbers are of the networks of an ensemble: mean ± standard deviation (n), of what is drawn as a geometric mean the
geometric ones, as everywhere (`ibtui_engine.statistics`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ibtui.formatting import aligned, labelled, over_some
from ibtui.spelling import spell
from ibtui_engine.statistics import Spread, geometric_spread, spread

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from ibtui.charts.image import PlotArea


@dataclass(frozen=True, eq=False)
class Quantity:
    """What is read: a heading, how a number is written, and the number of every network."""

    name: str
    form: str
    values: Float[np.ndarray, "epochs networks rows"]
    geometric: bool = False


@dataclass(frozen=True)
class Place:
    """A point of the data and one of its rows."""

    point: int
    row: int


@dataclass(frozen=True, eq=False)
class Readings:
    """The points of a chart, each with one place in it for every row; NaN where a row is not drawn."""

    names: tuple[str, ...]
    """Of the rows."""
    x: Float[np.ndarray, "points rows"]
    y: Float[np.ndarray, "points rows"]
    epochs: Int[np.ndarray, " points"]
    quantities: tuple[Quantity, ...]
    moments: Int[np.ndarray, " points"]
    """The row of `Quantity.values` that a point is of."""
    told: Callable[[int], str] = lambda point: ""
    """What else there is to say of a point than its epoch."""

    # where the points are

    def nearest(self, area: PlotArea, column: int, line: int, *, upright: bool) -> Place | None:
        """The point nearest to a cell of an area; None where no point is in sight. `upright`: the nearest in the column
        first, as in a chart over epochs.
        """
        columns, lines, seen = area.cells(self.x, self.y)
        if not seen.any():
            return None
        across, down = abs(columns - column).astype(float), 2.0 * abs(lines - line)  # a cell is twice as high as wide
        distance = np.where(seen, across * 1e6 + down if upright else np.hypot(across, down), np.inf)
        last = distance.size - 1 - int(distance.ravel()[::-1].argmin())  # of several in a cell the one on top
        point, row = np.unravel_index(last, distance.shape)
        return Place(int(point), int(row))

    def moved(self, area: PlotArea, at: Place, across: int, down: int) -> Place:
        """The place after a step along the points of a row, or to the next row above or below at the same point."""
        _, lines, seen = area.cells(self.x, self.y)
        if across:
            there = np.flatnonzero(seen[:, at.row])
            further = there[there > at.point] if across > 0 else there[there < at.point][::-1]
            return Place(int(further[0]), at.row) if further.size else at
        order = sorted(np.flatnonzero(seen[at.point]).tolist(), key=lambda row: (lines[at.point, row], row))
        if at.row not in order:
            return at
        return Place(at.point, order[min(max(order.index(at.row) + down, 0), len(order) - 1)])

    def kept(self, before: Readings, at: Place) -> Place | None:
        """Where a place of earlier readings is in these; None where it is not there any more."""
        epoch = before.epochs[at.point]
        if at.point < len(self.epochs) and self.epochs[at.point] == epoch and at.row < len(self.names):
            return at
        return self.at_epoch(int(epoch), at.row)

    def at_epoch(self, epoch: int, row: int) -> Place | None:
        """The first point of an epoch, in a row that has a value there; None where there is none."""
        for point in np.flatnonzero(self.epochs == epoch).tolist():
            rows = np.flatnonzero(np.isfinite(self.y[point])).tolist()
            if rows:
                return Place(point, row if row in rows else rows[0])
        return None

    # what is read there

    @property
    def networks(self) -> int:
        """Of the ensemble."""
        return self.quantities[0].values.shape[1] if self.quantities else 0

    def title(self, at: Place, since: Place | None = None) -> str:
        """Which point it is, and from which the differences are."""
        further = self.told(at.point)
        title = f"epoch {self.epochs[at.point]}" + (f", {further}" if further else "")
        return title if since is None else f"{title} less epoch {self.epochs[since.point]}"

    def table(self, at: Place, since: Place | None = None, *, spreads: bool = True) -> list[tuple[str, ...]]:
        """Headings, then the rows: the values first, and what they are of behind them. `since`: differences from there,
        of each network.
        """
        heads = [one.name for one in self.quantities]
        rows = [
            (*(self._cell(one, at.point, row, since, spreads=spreads) for one in self.quantities), self.names[row])
            for row in self.rows(at.point)
        ]
        if spreads:
            heads = list(labelled(heads, rows, "sd"))
        return [(*heads, ""), *rows]

    def rows(self, point: int) -> tuple[int, ...]:
        """Those that are drawn at a point, or have a value there; where there are none, all that are drawn."""
        drawn = np.isfinite(self.y).any(axis=0)
        there = np.isfinite(self.y[point])
        for one in self.quantities:
            there = there | np.isfinite(one.values[self.moments[point]]).any(axis=0)
        return tuple(np.flatnonzero(there & drawn if (there & drawn).any() else drawn).tolist())

    def numbers(self, at: Place) -> str:
        """One row for another program, with tabs between: epoch, row, then mean, spread and n of each quantity."""
        parts = [str(int(self.epochs[at.point])), self.names[at.row]]
        for one in self.quantities:
            found = _over(one, one.values[self.moments[at.point], :, at.row])
            parts += [repr(found.mean), repr(found.deviation), str(found.count)]
        return "\t".join(parts)

    def line(self, at: Place, since: Place | None = None) -> str:
        """The row that the cross-hair is at, in one line, its values first."""
        values = (f"{one.name} {self._cell(one, at.point, at.row, since, spreads=True)}" for one in self.quantities)
        return f"{'   '.join(values)}   {self.names[at.row]}, {self.title(at, since)}"

    def _cell(self, one: Quantity, point: int, row: int, since: Place | None, *, spreads: bool) -> str:
        values = one.values[self.moments[point], :, row]
        sign = ""
        if since is not None:
            before = one.values[self.moments[since.point], :, row]
            with np.errstate(divide="ignore", invalid="ignore"):
                values = values / before if one.geometric else values - before
            sign = "" if one.geometric else "+"
        found = _over(one, values)
        if not found.present:
            return "–"
        times = "×" if since is not None and one.geometric else ""
        text = f"{times}{found.mean:{sign}{one.form}}"
        if spreads and math.isfinite(found.deviation):
            text += f" ± {found.deviation:{one.form}}"
        return text + (over_some(found.count, found.networks) if spreads else "")


def over_epochs(
    names: Sequence[str],
    epochs: Int[np.ndarray, " epochs"],
    means: Float[np.ndarray, "epochs rows"],
    quantities: Sequence[Quantity],
) -> Readings:
    """What can be read of lines of means over epochs, one for each name; NaN where a line is not drawn."""
    x = np.where(np.isfinite(means), np.asarray(epochs, np.float64)[:, None], np.nan)
    return Readings(tuple(names), x, means, epochs, tuple(quantities), np.arange(len(epochs)))


def joined(names: Sequence[str], parts: Sequence[Readings]) -> Readings:
    """The readings of several charts as those of one: a point for every epoch that any of them has, and all their rows,
    each behind the name of its part. They read the same quantities, each at its own epochs.
    """
    epochs = np.unique(np.concatenate([part.epochs for part in parts]))
    networks = max(part.networks for part in parts)
    rows = sum(len(part.names) for part in parts)
    x, y = (np.full((len(epochs), rows), np.nan) for _ in range(2))
    first = parts[0].quantities
    values = [np.full((len(epochs), networks, rows), np.nan) for _ in first]
    begin = 0
    for part in parts:
        at, own = np.searchsorted(epochs, part.epochs), slice(begin, begin + len(part.names))
        x[at, own], y[at, own] = part.x, part.y
        for quantity, whole in zip(part.quantities, values, strict=True):
            whole[at, : quantity.values.shape[1], own] = quantity.values[part.moments]
        begin += len(part.names)
    return Readings(
        tuple(f"{name} {row}" for name, part in zip(names, parts, strict=True) for row in part.names),
        x,
        y,
        epochs,
        tuple(replace(one, values=whole) for one, whole in zip(first, values, strict=True)),
        np.arange(len(epochs)),
    )


def _over(one: Quantity, values: Float[np.ndarray, " networks"]) -> Spread:
    return geometric_spread(values) if one.geometric else spread(values)


@dataclass(frozen=True)
class Box:
    """Lines of text, all as wide, over a part of a chart."""

    left: int
    top: int
    lines: tuple[str, ...]
    chosen: int
    """The line of the point that is read."""

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.lines[0])


def boxed(
    readings: Readings, at: Place, since: Place | None, area: PlotArea, cursor: tuple[int, int], plain: bool
) -> Box | None:
    """All rows at a point, in the corner of the area that is farthest from the cross-hair; None where they do not fit.

    `plain`: in ASCII.
    """
    for spreads in (True, False):
        table = readings.table(at, since, spreads=spreads)
        table = [tuple(spell(cell) for cell in row) for row in table] if plain else table
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        title = f"{readings.title(at, since)}, {readings.networks} networks"
        lines = [aligned(row, widths, " ", left=[len(widths) - 1]) for row in table]
        width = max(len(title), *map(len, lines))
        if width + 2 <= area.width and len(lines) + 1 <= area.height:
            left = area.left if cursor[0] - area.left >= area.width / 2 else area.left + area.width - width - 2
            top = area.top if cursor[1] - area.top >= area.height / 2 else area.top + area.height - len(lines) - 1
            shown = tuple(f" {line.ljust(width)} " for line in (title, *lines))
            rows = readings.rows(at.point)
            return Box(left, top, shown, 2 + rows.index(at.row) if at.row in rows else -1)
    return None
