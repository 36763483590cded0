"""From data to dots: stairs, clipping, and thinning of lines before a rasteriser sees them.

plotext ends the process when a line contains NaN, and takes gigabytes when one leads far off the canvas; what
comes out of here is finite, inside, and short. Clipping follows Liang and Barsky (ACM Transactions on
Graphics 3(1), 1984), all segments at once. Thinning keeps the first, lowest, highest and last vertex of every
column of dots, which draws the same dots as all of them would (M4; Jugel et al., VLDB 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

VERTICES_PER_COLUMN = 8
"""The most vertices per column of dots that thinning leaves of a line, however wildly it goes to and fro."""


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Vertices in the unit square, the lines between them, and the data they come from."""

    x: Float[np.ndarray, " vertices"]
    y: Float[np.ndarray, " vertices"]
    joined: Bool[np.ndarray, " vertices"]
    """Whether a line leads to the vertex from the one before it."""
    source: Int[np.ndarray, " vertices"]
    """The index of the data point that the vertex belongs to, or that the clipped line to it leads to."""


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    """Vertices on a grid of dots, row 0 at the top."""

    column: Int[np.ndarray, " vertices"]
    row: Int[np.ndarray, " vertices"]
    joined: Bool[np.ndarray, " vertices"]
    source: Int[np.ndarray, " vertices"]

    def __getitem__(self, kept: Int[np.ndarray, " kept"]) -> Dots:
        """Some of the vertices, in ascending order; lines lead across ones left out, but not across gaps."""
        piece = np.cumsum(~self.joined)[kept]
        joined = np.concatenate([[False], piece[1:] == piece[:-1]])[: len(kept)]
        return Dots(self.column[kept], self.row[kept], joined, self.source[kept])


def staircase(
    x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"]
) -> tuple[Float[np.ndarray, " vertices"], Float[np.ndarray, " vertices"], Int[np.ndarray, " vertices"]]:
    """The corners of the stairs on which each y holds until the next x, and the point of each corner."""
    index = np.repeat(np.arange(len(x)), 2)
    return x[index[1:]], y[index[:-1]], index[:-1]


def clip(x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"]) -> Path:
    """The part inside the unit square of the line through the points, in pieces where it leaves the square.

    A point that is not finite breaks the line. One with no neighbour to be joined to stays, if it is inside.
    """
    n = len(x)
    inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
    if inside.all():
        return Path(x, y, np.arange(n) > 0, np.arange(n))
    finite = np.isfinite(x) & np.isfinite(y)
    kept = np.zeros(n, dtype=bool)  # the segment that begins at each point; none at the last
    whole_end = np.zeros(n, dtype=bool)
    begin, end = np.zeros((2, n)), np.zeros((2, n))
    if n > 1:
        kept[:-1], begin[:, :-1], end[:, :-1], whole_end[:-1] = _clip_segments(
            np.stack([x, y])[:, :-1], np.stack([x, y])[:, 1:], finite[:-1] & finite[1:]
        )
    alone = inside & ~_behind(kept) & ~kept
    starts = kept & ~_behind(whole_end)
    chosen = np.stack([alone, starts, kept], axis=1).ravel()
    joined = np.tile([False, False, True], n)
    point = np.arange(n)
    source = np.stack([point, point, point + 1], axis=1).ravel()
    xs = np.stack([x, begin[0], end[0]], axis=1).ravel()
    ys = np.stack([y, begin[1], end[1]], axis=1).ravel()
    return Path(xs[chosen], ys[chosen], joined[chosen], source[chosen])


def inside(x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"]) -> Path:
    """The points inside the unit square, not joined."""
    kept = np.flatnonzero((x >= 0) & (x <= 1) & (y >= 0) & (y <= 1))
    return Path(x[kept], y[kept], np.zeros(len(kept), dtype=bool), kept)


def to_dots(path: Path, columns: int, rows: int) -> Dots:
    """The dots of a grid that the vertices lie in; both ends of the unit interval lie in outermost dots."""
    column = np.minimum((path.x * columns).astype(np.int64), columns - 1)
    row = np.minimum(((1 - path.y) * rows).astype(np.int64), rows - 1)
    return Dots(column, row, path.joined, path.source)


def thin(dots: Dots, levels: Int[np.ndarray, " points"] | None = None) -> Dots:
    """Fewer vertices that draw the same dots; vertices whose points differ in level are not merged."""
    if len(dots.column) == 0:
        return dots
    level = np.zeros(len(dots.column), dtype=np.int64) if levels is None else levels[dots.source]
    changed = (np.diff(dots.column) != 0) | ~dots.joined[1:] | (np.diff(level) != 0)
    run = np.concatenate([[0], np.cumsum(changed)])
    order = np.lexsort((dots.row, run))
    edges = np.flatnonzero(np.diff(run)) + 1
    first, last = np.concatenate([[0], edges]), np.concatenate([edges - 1, [len(run) - 1]])
    kept = np.unique(np.concatenate([first, last, order[first], order[last]]))
    most = VERTICES_PER_COLUMN * (int(dots.column.max()) - int(dots.column.min()) + 8)
    if len(kept) > most:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, most).astype(np.int64))]
    return dots[kept]


def distinct(dots: Dots) -> Dots:
    """Each dot once, for the last point that lies in it."""
    place = dots.row * (int(dots.column.max(initial=0)) + 1) + dots.column
    _, backwards = np.unique(place[::-1], return_index=True)
    return dots[np.sort(len(place) - 1 - backwards)]


def along(dots: Dots, across: int, down: int, first: float, every: float) -> Dots:
    """Cells (of `across` x `down` dots) at even distances along the lines, for markers to stand in.

    Distances are in cells. One at least, if there are any dots: in the middle, where the lines are shorter than
    `first`.
    """
    column, row = _spaced(dots, across, down, first, every)
    return _lone(column.astype(np.int64), row.astype(np.int64))


def dotted(dots: Dots, across: int, down: int, every: float) -> Dots:
    """Dots at even distances, in cells of `across` x `down` dots, along the lines, in the dots' own grid."""
    column, row = _spaced(dots, across, down, 0.0, every)
    return _lone((column * across).astype(np.int64), (row * down).astype(np.int64))


def _spaced(
    dots: Dots, across: int, down: int, first: float, every: float
) -> tuple[Float[np.ndarray, " places"], Float[np.ndarray, " places"]]:
    """Columns and rows, in cells, of places at even distances along the lines."""
    if len(dots.column) == 0:
        return np.empty(0), np.empty(0)
    x, y = (dots.column + 0.5) / across, (dots.row + 0.5) / down
    step = np.where(dots.joined[1:], np.hypot(np.diff(x), np.diff(y)), 0.0)
    length = np.concatenate([[0.0], np.cumsum(step)])
    total = float(length[-1])
    places = np.arange(first, total, every) if total > first else np.array([total / 2])
    return np.interp(places, length, x), np.interp(places, length, y)


def _lone(column: Int[np.ndarray, " dots"], row: Int[np.ndarray, " dots"]) -> Dots:
    return Dots(column, row, np.zeros(len(column), dtype=bool), np.zeros(len(column), dtype=np.int64))


def of_level(dots: Dots, own: Bool[np.ndarray, " vertices"]) -> Dots:
    """The lines that lead to the vertices of one level, and the lone dots among them."""
    ends = dots.joined & own
    alone = own & ~dots.joined & ~_before(dots.joined)
    kept = ends | _before(ends) | alone
    return Dots(dots.column[kept], dots.row[kept], ends[kept], dots.source[kept])


def together(parts: Sequence[Dots]) -> Dots:
    """All the dots and lines of several, not joined to each other."""
    return Dots(
        np.concatenate([part.column for part in parts]),
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.joined for part in parts]),
        np.concatenate([part.source for part in parts]),
    )


def _before(flags: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Each flag moved to the place before it; the last place has none."""
    moved = np.zeros_like(flags)
    moved[:-1] = flags[1:]
    return moved


def _behind(flags: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Each flag moved to the place behind it; the first place has none."""
    moved = np.zeros_like(flags)
    moved[1:] = flags[:-1]
    return moved


def _clip_segments(
    start: Float[np.ndarray, "2 segments"],
    stop: Float[np.ndarray, "2 segments"],
    valid: Bool[np.ndarray, " segments"],
) -> tuple[
    Bool[np.ndarray, " segments"],
    Float[np.ndarray, "2 segments"],
    Float[np.ndarray, "2 segments"],
    Bool[np.ndarray, " segments"],
]:
    """Which segments pass through the unit square, where they enter and leave it, and which end inside."""
    start, stop = np.where(valid, start, 0.0), np.where(valid, stop, 0.0)
    step = stop - start
    flat = step == 0
    divisor = np.where(flat, 1.0, step)
    with np.errstate(over="ignore"):
        to_zero, to_one = (0.0 - start) / divisor, (1.0 - start) / divisor
    within = (start >= 0) & (start <= 1)
    enter = np.where(flat, np.where(within, -np.inf, np.inf), np.minimum(to_zero, to_one))
    leave = np.where(flat, np.where(within, np.inf, -np.inf), np.maximum(to_zero, to_one))
    t_in, t_out = np.maximum(enter.max(axis=0), 0.0), np.minimum(leave.min(axis=0), 1.0)
    kept = valid & (t_in <= t_out)
    t_in, t_out = np.where(kept, t_in, 0.0), np.where(kept, t_out, 1.0)
    begin, end = start + t_in * step, start + t_out * step
    # where a side of the square is what cuts the line, the cut lies exactly on it, whatever the rounding
    begin = np.where((enter == t_in) & ~flat, np.where(step > 0, 0.0, 1.0), begin)
    end = np.where((leave == t_out) & ~flat, np.where(step > 0, 1.0, 0.0), end)
    begin, end = np.where(t_in == 0, start, begin), np.where(t_out == 1, stop, end)
    return kept, np.clip(begin, 0, 1), np.clip(end, 0, 1), kept & (t_out == 1)
