"""The texts among the data of a chart, all placed together so that none covers another or stands where it misleads.

What cannot move comes first: the dots of marks. Then each mark's text takes the best place beside its dot, or a little
away from it at the end of a leader; then the labels of guides take what is left. The choice depends on nothing but the
chart and its size, and weighs coarse costs, so that texts keep their places from one snapshot to the next. Choosing
one label after the other by cost is the greedy method of cartography (Christensen, Marks and Shieber, ACM Transactions
on Graphics 14(3), 1995).

Positions are rows and columns of the data area, row 0 at the top.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ibtui.charts.image import Cell
from ibtui.charts.lettering import columns
from ibtui.charts.palette import RGB

Position = tuple[int, int]

REACH = (5, 16)
"""How many rows and columns a leader may lead away from its dot."""

HIDDEN = 0.6
"""Cost of a cell of data that a text covers."""
LINE = 0.05
"""Cost of a cell of a guide that a text covers."""
AMBIGUOUS, NEAR = 6.0, 0.8
"""Cost of a text that touches the dot of another, and of one with a single column between."""
LEADER = 3.0
"""Cost of a leader, and what each of its cells adds: over data as much as a text."""
LEADER_CELL = 0.35
RETRIES = 3
"""How often texts are placed again, those first that found no place."""


@dataclass(frozen=True, slots=True)
class Point:
    """A mark in the cell of its point."""

    row: int
    column: int
    text: str
    colour: RGB | None = None
    dot: str | None = None
    family: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """Cells in a row, the row, and the column where they begin."""

    row: int
    column: int
    cells: tuple[Cell, ...]

    @property
    def positions(self) -> list[Position]:
        """The positions that they take."""
        return [(self.row, self.column + k) for k in range(len(self.cells))]


@dataclass(frozen=True, slots=True)
class Label:
    """The text of a guide, and where its line is: a row of the area or a column."""

    text: str
    colour: RGB | None
    row: int | None = None
    column: int | None = None
    rising: bool = False
    """Whether places at the bottom are better than those at the top, for the label of a column."""


@dataclass(slots=True)
class Board:
    """What is where in the data area."""

    width: int
    height: int
    top: int = 0
    """The highest row for texts."""
    right: int | None = None
    """The last column for texts; None: the last one of the area."""
    data: set[Position] = field(default_factory=set)
    """Better not covered."""
    lines: set[Position] = field(default_factory=set)
    """Guides: covered rather than data."""
    taken: set[Position] = field(default_factory=set)
    """Never covered: dots, other texts, the inset."""

    def allows(self, row: int, start: int, length: int) -> bool:
        """Whether a text may stand there, with a column on either side free of other texts and leaders."""
        last = self.width - 1 if self.right is None else self.right
        if not (self.top <= row < self.height and start >= 0 and start + length - 1 <= last):
            return False
        return all((row, column) not in self.taken for column in range(start, start + length))

    def holds(self, spot: Position) -> bool:
        """Whether a cell is one of the area."""
        return 0 <= spot[0] < self.height and 0 <= spot[1] < self.width

    def hides(self, row: int, start: int, length: int) -> float:
        """The cost of what a text there would cover."""
        cost = 0.0
        for column in range(start, start + length):
            if (row, column) in self.data:
                cost += HIDDEN
            elif (row, column) in self.lines:
                cost += LINE
        return cost


@dataclass(frozen=True, slots=True)
class _Group:
    """Marks whose dots touch, and the text that they share."""

    spots: tuple[Position, ...]
    text: tuple[Cell, ...]
    dotted: bool


def dots(points: Sequence[Point]) -> dict[Position, Placed]:
    """The dots by their cells; where several marks share a cell, the end of drift is seen rather than a plain dot."""
    found: dict[Position, Placed] = {}
    for point in points:
        if point.dot is None:
            continue
        here = (point.row, point.column)
        if here not in found or not point.text:
            found[here] = Placed(*here, ((point.dot, point.colour),))
    return found


def place(
    points: Sequence[Point],
    labels: Sequence[Label],
    board: Board,
    *,
    brackets: bool,
    between: RGB | None,
    dash: str,
    corners: str,
) -> list[Placed]:
    """The texts of marks and guides and the leaders to them, in the order in which they are drawn.

    `brackets`: put the texts of marks in brackets. `between`: the colour of what joins their texts, and of leaders.
    `dash`: what stands in a range. `corners`: a leader's characters: level, upright, and the corners between down and
    right, down and left, up and right, up and left. A text for which there is no place is left out; its dot is not.
    The places taken are added to `board.taken`.
    """
    every = {(point.row, point.column) for point in points if point.dot is not None}
    board.taken |= every
    groups = _groups(points, brackets=brackets, between=between, dash=dash)
    groups.sort(key=lambda group: -len(group.text))  # the longest are the hardest to place
    placed: list[Placed] = []
    empty = set(board.taken)
    for _ in range(RETRIES):
        board.taken = set(empty)
        placed, homeless = _place_groups(groups, board, every, between, corners)
        if not homeless:
            break
        groups = homeless + [group for group in groups if group not in homeless]
    for label in labels:
        spot = _best_spot(label, board)
        if spot is not None:
            text = Placed(*spot, tuple((entry, label.colour) for entry in columns(label.text)))
            placed.append(text)
            board.taken.update((text.row, text.column + k) for k in range(-1, len(text.cells) + 1))
    return placed


def _place_groups(
    groups: Sequence[_Group], board: Board, every: set[Position], between: RGB | None, corners: str
) -> tuple[list[Placed], list[_Group]]:
    """The texts of marks with their leaders, one group after the other, and the groups that found no place."""
    placed: list[Placed] = []
    homeless: list[_Group] = []
    for group in groups:
        others = _around(every.difference(group.spots))
        found = _beside(group, board, others)
        if group.dotted and (found is None or found[0] > LEADER):
            led = _led(group, board, others, between, corners)
            if led is not None and (found is None or led[0] < found[0]):
                found = led
        if found is None:
            homeless.append(group)
            continue
        placed += found[1]
        for part in found[1]:
            board.taken.update(part.positions)
        text = found[1][-1]  # a column at either end stays free, so that 1 beside 2 does not become 12
        board.taken.update({(text.row, text.column - 1), (text.row, text.column + len(text.cells))} - every)
    return placed, homeless


def _groups(points: Sequence[Point], *, brackets: bool, between: RGB | None, dash: str) -> list[_Group]:
    """Points with a text, those whose dots touch together, in the order of their first one."""
    gathered: list[list[Point]] = []
    for point in points:
        if not columns(point.text):
            continue
        near = [group for group in gathered if any(_touch(point, other) for other in group)]
        joined = [other for group in near for other in group] + [point]
        gathered = [group for group in gathered if group not in near]
        gathered.append(joined)
    order = {id(point): number for number, point in enumerate(points)}
    gathered = [sorted(group, key=lambda point: order[id(point)]) for group in gathered]
    gathered.sort(key=lambda group: order[id(group[0])])
    return [
        _Group(
            tuple(sorted({(point.row, point.column) for point in group})),
            _shared(group, brackets=brackets and group[0].dot is not None, between=between, dash=dash),
            group[0].dot is not None,
        )
        for group in gathered
    ]


def _touch(one: Point, other: Point) -> bool:
    """Whether there is no room for texts of their own between the dots; texts without dots share one row at most."""
    down, across = abs(one.row - other.row), abs(one.column - other.column)
    if one.dot is None or other.dot is None:
        return one.dot == other.dot and down == 0 and across <= 1
    return (down == 0 and across <= 2) or (down == 1 and across <= 1)


def _shared(group: Sequence[Point], *, brackets: bool, between: RGB | None, dash: str) -> tuple[Cell, ...]:
    """The texts of several marks as one: ranges of numbers, each in the colour of its mark."""
    parts: list[list[Cell]] = []
    for _, members in groupby(sorted(group, key=lambda point: point.family), key=lambda point: point.family):
        part: list[Cell] = []
        for first, last in _ranges(list(members)):
            part += _cells(", ", between) if part else []
            part += _cells(first.text, first.colour)
            if last is not first:
                prefix = _numbered(last.text)
                part += _cells(dash, between) + _cells(prefix[1] if prefix else last.text, last.colour)
        if part not in parts:
            parts.append(part)
    cells = [cell for number, part in enumerate(parts) for cell in ([(" ", None)] if number else []) + part]
    return tuple(_cells("[", between) + cells + _cells("]", between) if brackets else cells)


def _ranges(members: Sequence[Point]) -> list[tuple[Point, Point]]:
    """First and last of each run of texts that count on, such as 1, 2, 3 or T1, T2; equal texts once."""
    runs: list[tuple[Point, Point]] = []
    for point in members:
        if runs:
            before, now = _numbered(runs[-1][1].text), _numbered(point.text)
            if point.text == runs[-1][1].text:
                continue
            if before and now and (before[0], int(before[1]) + 1) == (now[0], int(now[1])):
                runs[-1] = (runs[-1][0], point)
                continue
        runs.append((point, point))
    return runs


def _numbered(text: str) -> tuple[str, str] | None:
    match = re.fullmatch(r"([^0-9]*)([0-9]{1,4})", text)
    return (match[1], match[2]) if match else None


def _cells(text: str, colour: RGB | None) -> list[Cell]:
    return [(entry, colour) for entry in columns(text)]


def _around(spots: Iterable[Position]) -> dict[Position, float]:
    """What a text costs in the cells beside these, to the left and the right."""
    found: dict[Position, float] = {}
    for away, cost in ((2, NEAR), (1, AMBIGUOUS)):
        found |= {(row, column + side * away): cost for row, column in spots for side in (-1, 1)}
    return found


Found = tuple[float, list[Placed]]


def _beside(group: _Group, board: Board, others: Mapping[Position, float]) -> Found | None:
    """The best place for a text that touches one of its dots: left, right, below, above.

    Left comes first, and one hidden cell is no reason to go elsewhere, or texts would change sides all the time: paths
    come from the right or from below where layers compress.
    """
    length = len(group.text)
    best: Found | None = None
    for extra, row, start in _neighbouring(group, length):
        if (best is not None and extra >= best[0]) or not board.allows(row, start, length):
            continue
        cost = extra + board.hides(row, start, length) + _ambiguity(row, start, length, others)
        if best is None or cost < best[0]:
            best = cost, [Placed(row, start, group.text)]
    return best


def _neighbouring(group: _Group, length: int) -> Iterator[tuple[float, int, int]]:
    """A small cost that puts the places in order, the row and the column where the text begins."""
    for row, spots in groupby(group.spots, key=lambda spot: spot[0]):
        across = [column for _, column in spots]
        yield (0.0 if group.dotted else 0.7), row, across[0] - length
        yield (0.7 if group.dotted else 0.0), row, across[-1] + 1
    lowest, highest = group.spots[-1][0], group.spots[0][0]
    for extra, row, beyond in ((0.9, lowest, 1), (1.1, highest, -1)):
        here = [column for spot_row, column in group.spots if spot_row == row]
        middle = (here[0] + here[-1] - length + 1) // 2
        for shift, start in ((0.0, middle), (0.1, here[0]), (0.1, here[-1] - length + 1)):
            yield extra + shift, row + beyond, start
        yield extra + 0.3, row + beyond, here[-1] + 1
        yield extra + 0.3, row + beyond, here[0] - length
    if not group.dotted:  # a text at the end of a line may stand a row away from it
        row, column = group.spots[0]
        for down in (1, -1, 2, -2, 3, -3):
            yield 0.5 * abs(down), row + down, column + 1


def _ambiguity(row: int, start: int, length: int, others: Mapping[Position, float]) -> float:
    return max(others.get((row, column), 0.0) for column in range(start, start + length))


def _led(
    group: _Group, board: Board, others: Mapping[Position, float], colour: RGB | None, corners: str
) -> Found | None:
    """The best place for a text that a leader leads to, along its dot's row or first up or down from it."""
    length = len(group.text)
    best: Found | None = None
    for dot in dict.fromkeys((group.spots[0], group.spots[-1])):
        for row, start, path in _leaders(dot, length, corners):
            far = LEADER + LEADER_CELL * len(path)
            if (best is not None and far >= best[0]) or not board.allows(row, start, length):
                continue
            if any(spot in board.taken or not board.holds(spot) for spot, _ in path):
                continue
            over = sum(HIDDEN for spot, _ in path if spot in board.data)
            cost = far + over + board.hides(row, start, length) + _ambiguity(row, start, length, others)
            if best is None or cost < best[0]:
                line = [Placed(*spot, ((glyph, colour),)) for spot, glyph in path]
                best = cost, [*line, Placed(row, start, group.text)]
    return best


def _leaders(dot: Position, length: int, corners: str) -> Iterator[tuple[int, int, list[tuple[Position, str]]]]:
    """Rows and columns of texts with the cells of the leaders to them, short leaders first."""
    row, column = dot
    level, upright, down_right, down_left, up_right, up_left = tuple(corners)
    for away in range(1, REACH[1] + 1):
        for side in (-1, 1):
            start = column + away + 1 if side > 0 else column - away - length
            yield row, start, [((row, column + side * k), level) for k in range(1, away + 1)]
    for down in [sign * step for step in range(1, REACH[0] + 1) for sign in (1, -1)]:
        sign = 1 if down > 0 else -1
        shaft: list[tuple[Position, str]] = [((row + sign * k, column), upright) for k in range(1, abs(down))]
        if shaft:
            for start in (column - (length - 1) // 2, column, column - length + 1):
                yield row + down, start, shaft
        for side in (-1, 1):
            bend = {(1, 1): up_right, (1, -1): up_left, (-1, 1): down_right, (-1, -1): down_left}[sign, side]
            for away in range(REACH[1] // 2):
                arm = [((row + down, column + side * k), level) for k in range(1, away + 1)]
                start = column + away + 1 if side > 0 else column - away - length
                yield row + down, start, [*shaft, ((row + down, column), bend), *arm]


def _best_spot(label: Label, board: Board) -> Position | None:
    """The place of a guide's label that costs least: on its row or beside its column, near the end where it begins."""
    length = len(columns(label.text))
    best: Position | None = None
    least = math.inf
    for cost, row, start in _spots(label, length, board):
        if cost >= least or not board.allows(row, start - 1, length + 2):
            continue
        cost += 1.5 * sum((row, start + k) in board.data for k in range(-1, length + 1))
        crossed = board.lines if label.column is not None else ()
        cost += sum((row, start + k) in crossed for k in range(length))
        if cost < least:
            best, least = (row, start), cost
    return best


def _spots(label: Label, length: int, board: Board) -> Iterator[tuple[float, int, int]]:
    """Places for a label, each with what it costs to be there rather than at the first one."""
    if length == 0:
        return
    last = board.width - 1 if board.right is None else board.right
    if label.row is not None:
        for row, extra in ((label.row, 0.0), (label.row + 1, 0.6), (label.row - 1, 0.8)):
            for number, start in enumerate(range(1, last - length + 1, 4)):
                yield extra + 0.25 * number, row, start
    elif label.column is not None:
        rows = range(board.height - 1, board.top - 1, -1) if label.rising else range(board.top, board.height)
        for number, row in enumerate(rows):
            for extra, start in ((0.0, label.column + 2), (0.2, label.column - length - 1)):
                yield 0.25 * number + extra, row, start
