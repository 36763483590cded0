"""Marks in the information planes of the examples: each where its values are, its text connected to it, all readable.

What is drawn is read back from the cells alone; where it should be is worked out from the values and the axes alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ibtui.charts.chart import render
from ibtui.charts.compared import Plane, compared_planes
from ibtui.charts.image import ChartImage, PlotArea
from ibtui.charts.information_plane import information_plane
from ibtui.charts.spec import DOT, DRIFT_END, ChartSpec, Guide, Mark
from ibtui.ensemble_charts import EnsembleCharts
from ibtui.locations import example_files
from ibtui_engine.session.follow import Follower
from tests.tiers import first

SIZES = ((78, 16), (58, 34), (62, 28), (198, 54))
MODES = {"colour": (True, False), "no colour": (False, False), "ascii": (True, True), "ascii, no colour": (False, True)}
WORD = re.compile(r"(?:\d+|output)(?:[–-]\d+)?(?:, (?:\d+|output)(?:[–-]\d+)?)*")
BRACKETED = re.compile(rf"\[{WORD.pattern}\]")
EVERY = 12
"""Of the snapshots, the share that is looked at by default is one in so many."""
ROUNDING = 1e-9
"""Cells within which a value may be taken for one on the edge of a cell."""

Cell = tuple[int, int]


def snapshots(every: int) -> Iterator[tuple[str, int, ChartSpec]]:
    """Example, epoch and plane of some snapshots of every ensemble of the examples, the first and the last included."""
    for path in example_files():
        follower = Follower(path)
        for ensemble in follower.summary.ensembles:
            charts = EnsembleCharts(follower.recorded_ensemble(ensemble.index))
            epochs = charts.epochs
            for number, epoch in enumerate(epochs):
                if number % every == 0 or number == len(epochs) - 1:
                    shown = tuple(range(len(charts.widths)))
                    yield path.stem, epoch, charts.chart("plane", epoch=epoch, shown=shown, points=False)
        follower.close()


def cells_of(mark: Mark, area: PlotArea) -> set[Cell]:
    """Row and column, counted from the corner of the area, of the cell that the values lie in; of both sides of an edge
    that they lie on.
    """
    across = (mark.x - area.x.low) / (area.x.high - area.x.low) * area.width
    down = (area.y.high - mark.y) / (area.y.high - area.y.low) * area.height
    return {
        (min(max(int(down + a), 0), area.height - 1), min(max(int(across + b), 0), area.width - 1))
        for a in (-ROUNDING, ROUNDING)
        for b in (-ROUNDING, ROUNDING)
    }


@dataclass
class Seen:
    """What stands in a data area."""

    grid: list[list[str]]
    """The characters; those of an inset are blank."""
    words: dict[tuple[int, int], str]
    """The texts of marks by the cell in which they begin."""
    leaders: str
    dots: str

    @classmethod
    def of(cls, image: ChartImage, area: PlotArea, *, brackets: bool, ascii: bool) -> Seen:
        grid = [
            [image.cells[area.top + row][area.left + column][0] for column in range(area.width)]
            for row in range(area.height)
        ]
        if area.inset is not None:
            left, top = area.inset.left - area.left, area.inset.top - area.top
            for row in range(top - 1, top + area.inset.height + 2):
                grid[row][left - 1 : left + area.inset.width + 1] = " " * (area.inset.width + 2)
                column = left - 2
                while column >= 0 and grid[row][column] in "0123456789.":  # the labels of its axis
                    grid[row][column] = " "
                    column -= 1
        words = {}
        for row, line in enumerate(grid):
            for match in (BRACKETED if brackets else WORD).finditer("".join(text or " " for text in line)):
                words[row, match.start()] = match[0]
        return cls(grid, words, "-|+" if ascii else "─│┌┐└┘", "o*" if ascii else DOT + DRIFT_END)

    def reached(self, start: Cell, word: str) -> set[Cell]:
        """The dots that a word touches, itself or by a leader or by a dot that touches them."""
        row, column = start
        found: set[Cell] = set()
        edge = {(row, column + k) for k in range(len(word))}
        border = [(r + down, c + across) for r, c in edge for down in (-1, 0, 1) for across in (-1, 0, 1)]
        seen = set(edge)
        while border:
            cell = border.pop()
            r, c = cell
            if cell in seen or not (0 <= r < len(self.grid) and 0 <= c < len(self.grid[0])):
                continue
            seen.add(cell)
            text = self.grid[r][c]
            if text in self.dots and text != " ":
                found.add(cell)
                border += [(r, c + k) for k in (-2, -1, 1, 2)]
                border += [(r + down, c + across) for down in (-1, 1) for across in (-1, 0, 1)]
            elif text in self.leaders and text:
                border += [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]
        return found


def members(word: str) -> list[str]:
    """The texts of the marks that a word stands for."""
    found: list[str] = []
    for part in word.strip("[]").split(", "):
        ends = re.split("[–-]", part)
        found += [str(k) for k in range(int(ends[0]), int(ends[-1]) + 1)] if len(ends) == 2 else ends
    return found


def check(spec: ChartSpec, size: tuple[int, int], mode: str, *, where: str) -> ChartImage:
    colour, ascii = MODES[mode]
    brackets = ascii or not colour
    image = render(spec, *size, theme="dark", colour=colour, ascii=ascii)
    area = image.area
    assert area is not None, where
    seen = Seen.of(image, area, brackets=brackets, ascii=ascii)
    at = f"{where}\n{image.text()}"
    wanted = {mark.text: cells_of(mark, area) for mark in spec.marks if mark.text}
    for mark in spec.marks:
        glyphs = {DOT: seen.dots, DRIFT_END: seen.dots[1]}[mark.dot or DOT]
        assert any(seen.grid[row][column] in glyphs for row, column in cells_of(mark, area)), f"no dot for {mark}: {at}"
    told = [text for word in seen.words.values() for text in members(word)]
    assert sorted(told) == sorted(wanted), f"each text once and whole: {at}"
    for start, word in seen.words.items():
        reached = seen.reached(start, word)
        for text in members(word):
            assert wanted[text] & reached, f"{text} is not connected to its dot: {at}"
        own = set().union(*(wanted[text] for text in members(word)))
        beside = {(start[0], start[1] - 1), (start[0], start[1] + len(word))}
        strange = {spot for text, cells in wanted.items() if not cells & own for spot in cells & beside}
        assert not strange, f"{word} touches the dot of another: {at}"
    lines = ["".join(text or " " for text in line) for line in seen.grid]
    for guide in spec.guides:
        assert sum(line.count(guide.label) for line in lines) == 1, f"{guide.label} is not whole: {at}"
    check_corner(spec, area, lines, at)
    if area.inset is not None:
        check_inset(spec, image, area.inset, seen.dots, at)
    return image


def check_corner(spec: ChartSpec, area: PlotArea, lines: list[str], at: str) -> None:
    """Nothing beyond the bounds, but for values that are there."""
    assert spec.corner is not None
    row, column = min(cells_of(Mark(*spec.corner), area))[0], max(c for _, c in cells_of(Mark(*spec.corner), area))
    places = [Mark(float(x), float(y)) for series in spec.series for x, y in zip(series.x, series.y, strict=True)]
    values = {cell for place in places if np.isfinite([place.x, place.y]).all() for cell in cells_of(place, area)}
    if any(c > column or r < row for r, c in values):
        values |= {(r, c) for r in range(area.height) for c in range(area.width) if lines[r][c] in "─│┌┐└┘"}
    for r, line in enumerate(lines):
        for c, text in enumerate(line):
            if (r < row or c > column) and text != " ":
                assert (r, c) in values, f"row {r}, column {c} is beyond the bounds: {at}"


def check_inset(spec: ChartSpec, image: ChartImage, inset: PlotArea, dots: str, at: str) -> None:
    inside = [
        mark for mark in spec.marks if inset.x.low <= mark.x <= inset.x.high and inset.y.low <= mark.y <= inset.y.high
    ]
    assert sum(bool(mark.text) for mark in inside) >= 2, f"an inset of nothing that crowds: {at}"
    for mark in inside:
        shown = [image.cells[inset.top + row][inset.left + column][0] for row, column in cells_of(mark, inset)]
        assert any(text in dots for text in shown), f"not in the inset: {mark}: {at}"


@pytest.mark.parametrize("size", first(1, SIZES))
@pytest.mark.parametrize("every", [EVERY, pytest.param(1, marks=pytest.mark.long)])
def test_every_mark_is_in_its_true_cell_and_no_text_covers_another(size: tuple[int, int], every: int) -> None:
    count = 0
    for name, epoch, spec in snapshots(every):
        check(spec, size, "colour", where=f"{name}, epoch {epoch}, {size}")
        count += 1
    assert count > 50


@pytest.mark.long
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "colour"])
def test_so_it_is_without_colour_and_in_ascii(mode: str) -> None:
    for name, epoch, spec in snapshots(40):
        for size in SIZES:
            check(spec, size, mode, where=f"{name}, epoch {epoch}, {size}, {mode}")


def test_a_crowd_at_the_ceiling_is_enlarged_where_there_is_room_and_grouped_elsewhere() -> None:
    x, y = np.array([[12.0, 11.99, 11.9, 4.0, 1.0]]), np.array([[0.99, 0.99, 0.96, 0.6, 0.3]])
    spec = information_plane(np.array([0.0]), x, y, 12.0, 0.99)
    large = check(spec, (90, 30), "colour", where="large")
    assert large.area is not None
    assert large.area.inset is not None
    inset = large.area.inset
    shown = ["".join(cell[0] for cell in row[inset.left :][: inset.width]) for row in large.cells[inset.top :]]
    assert any(f"1–2{DOT}" in line for line in shown)
    assert any(f"3{DOT}" in line for line in shown)
    assert inset.values(inset.left, inset.top) is not None
    assert large.area.values(inset.left, inset.top) == inset.values(inset.left, inset.top), "a cursor reads the inset"
    small = check(spec, (60, 14), "colour", where="small")
    assert small.area is not None
    assert small.area.inset is None
    assert "1–3" in small.text()


def test_layers_that_are_in_one_place_are_not_enlarged() -> None:
    x, y = np.array([[12.0, 12.0, 4.0]]), np.array([[0.99, 0.99, 0.6]])
    image = check(information_plane(np.array([0.0]), x, y, 12.0, 0.99), (120, 40), "colour", where="one place")
    assert image.area is not None
    assert image.area.inset is None


def test_a_value_beyond_the_bounds_is_drawn_there_and_its_text_is_not() -> None:
    spec = information_plane(np.array([0.0]), np.array([[12.4, 3.0]]), np.array([[1.02, 0.5]]), 12.0, 0.99)
    check(spec, (80, 24), "colour", where="beyond")


@pytest.mark.parametrize("layers", [2, 12, 40])
@pytest.mark.parametrize("mode", MODES)
def test_any_number_of_layers_is_labelled(layers: int, mode: str) -> None:
    depth = np.linspace(0, 1, layers)
    spec = information_plane(np.array([0.0]), 12 - 11 * depth[None], 0.95 - 0.9 * depth[None] ** 2, 12.0, 0.99)
    for size in SIZES:
        check(spec, size, mode, where=f"{layers} layers, {size}")


@pytest.mark.parametrize("seed", first(10, range(40)))
def test_random_places_keep_the_promise(seed: int) -> None:
    draw = np.random.default_rng(seed)
    layers = int(draw.integers(1, 9))
    x, y = 12 * draw.uniform(0, 1, (9, layers)) ** 0.3, 0.99 * draw.uniform(0, 1, (9, layers)) ** 0.3
    spec = information_plane(np.arange(9.0), x, y, 12.0, 0.99, transitions=draw.uniform(0, 12, layers).tolist())
    for size in SIZES[1:]:
        check(spec, size, "colour", where=f"seed {seed}, {size}")


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
def test_texts_stay_on_their_side_while_a_run_is_watched(size: tuple[int, int]) -> None:
    moved = steps = 0
    before: dict[str, Cell] = {}
    last = (0, "")
    for name, epoch, spec in snapshots(1):
        image = render(spec, *size, theme="dark")
        assert image.area is not None
        seen = Seen.of(image, image.area, brackets=False, ascii=False)
        first = {mark.text: max(cells_of(mark, image.area)) for mark in spec.marks}
        now = {
            word: (row - first[members(word)[0]][0], column - first[members(word)[0]][1])
            for (row, column), word in seen.words.items()
        }
        if name == last[1] and epoch > last[0]:
            for word in now.keys() & before.keys():
                steps += 1
                moved += abs(now[word][0] - before[word][0]) + abs(now[word][1] - before[word][1]) > 1
        before, last = now, (epoch, name)
    assert steps > 1000
    assert moved <= 0.03 * steps, f"{moved} of {steps}"


def test_ensembles_that_meet_keep_their_colours() -> None:
    places = np.array([[12.0, 11.99, 5.0]]), np.array([[0.99, 0.99, 0.4]])
    spec = compared_planes([Plane(k, name, *places, 12.0, 0.99) for k, name in enumerate("ab")], epoch=0)
    image = render(spec, 78, 20, theme="dark")
    assert image.area is not None
    [line] = [row for row in image.cells if "1–2 1–2" in "".join(text for text, _ in row)]
    text = "".join(text for text, _ in line)
    one, other = (line[place][1] for place in (m.start() for m in re.finditer("1–2", text)))
    assert one != other
    assert "1–2 1–2" not in render(spec, 78, 20, theme="dark", colour=False).text()


def test_labels_of_guides_and_marks_are_placed_together() -> None:
    """The ends of drift beside one another, on a line whose label is in the way."""
    spec = information_plane(np.array([0.0]), np.array([[6.0, 6.1, 6.2]]), np.array([[0.5, 0.5, 0.5]]), 12.0, 0.99)
    guides = (Guide("y", 0.5, "half of it"), Guide("x", 6.0, "drift ends 40"), Guide("x", 6.4, "all weights: 42"))
    for size in SIZES:
        image = render(replace(spec, guides=guides), *size, theme="dark")
        text = image.text()
        assert all(guide.label in text for guide in guides), text
        assert re.search("[1-3]", "".join(text.splitlines()[1:-3]))
