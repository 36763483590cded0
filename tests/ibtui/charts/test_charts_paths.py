"""Clipping and thinning: what reaches the rasteriser is inside, finite, short, and draws the same picture."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui.charts import paths
from ibtui.charts.canvas import BRAILLE, Stroke, rasterise

Point = tuple[float, float]

NEAR = st.floats(min_value=-2, max_value=3).map(lambda value: round(value, 3))
POINTS = st.lists(st.tuples(NEAR, NEAR), max_size=12)


def arrays(points: list[Point]) -> tuple[np.ndarray, np.ndarray]:
    both = np.array(points, dtype=float).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def pieces(path: paths.Path) -> list[tuple[Point, Point]]:
    places = list(zip(path.x.tolist(), path.y.tolist(), strict=True))
    return [(places[i - 1], places[i]) for i in range(len(places)) if path.joined[i]]


def cut(one: Point, other: Point) -> tuple[Point, Point] | None:
    """The part of a segment in the unit square, cut by one side of it after the other in exact arithmetic."""
    a, b = [Fraction(v) for v in one], [Fraction(v) for v in other]
    for axis in (0, 1):
        for side, sign in ((Fraction(0), 1), (Fraction(1), -1)):
            depth_a, depth_b = sign * (a[axis] - side), sign * (b[axis] - side)
            if depth_a < 0 and depth_b < 0:
                return None
            if depth_a < 0 or depth_b < 0:
                t = depth_a / (depth_a - depth_b)
                crossing = [a[k] + t * (b[k] - a[k]) for k in (0, 1)]
                a, b = (crossing, b) if depth_a < 0 else (a, crossing)
    return (float(a[0]), float(a[1])), (float(b[0]), float(b[1]))


@given(POINTS)
def test_clipping_agrees_with_cutting_each_segment_exactly(points: list[Point]) -> None:
    found = pieces(paths.clip(*arrays(points)))
    expected = [part for a, b in pairwise(points) if (part := cut(a, b))]
    # segments that touch the square in one point may be kept or not; they draw a dot at most
    found = [part for part in found if math.dist(*part) > 1e-9]
    expected = [part for part in expected if math.dist(*part) > 1e-9]
    assert len(found) == len(expected)
    for part, exact in zip(found, expected, strict=True):
        assert np.allclose(part, exact, atol=1e-9)


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=12))
def test_whatever_comes_in_only_finite_points_inside_come_out(points: list[Point]) -> None:
    x, y = (np.clip(values, -1e100, 1e100) for values in arrays(points))
    path = paths.clip(x, y)
    assert np.all((path.x >= 0) & (path.x <= 1) & (path.y >= 0) & (path.y <= 1))
    assert not path.joined[:1].any()
    assert np.all((path.source >= 0) & (path.source < max(1, len(points))))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_a_line_inside_comes_out_as_it_is(points: list[Point]) -> None:
    path = paths.clip(*arrays(points))
    assert list(zip(path.x.tolist(), path.y.tolist(), strict=True)) == points
    assert path.joined.tolist() == [False] + [True] * (len(points) - 1)
    assert path.source.tolist() == list(range(len(points)))


def test_a_missing_point_breaks_the_line_and_a_lone_point_stays() -> None:
    x = np.array([0.1, 0.2, np.nan, 0.5, np.inf, 0.8, 0.9])
    path = paths.clip(x, np.full(7, 0.5))
    assert path.source.tolist() == [0, 1, 3, 5, 6]
    assert path.joined.tolist() == [False, True, False, False, True]


def test_a_line_between_points_far_outside_crosses_the_square_from_side_to_side() -> None:
    path = paths.clip(np.array([-1e100, 1e100]), np.array([0.25, 0.25]))
    assert path.x.tolist() == [0.0, 1.0]
    assert path.y.tolist() == [0.25, 0.25]


def test_stairs_hold_each_value_until_the_next() -> None:
    x, y, point = paths.staircase(np.array([0.0, 1.0, 3.0]), np.array([5.0, 6.0, 7.0]))
    assert list(zip(x, y, point, strict=True)) == [(0, 5, 0), (1, 5, 0), (1, 6, 1), (3, 6, 1), (3, 7, 2)]


@given(st.integers(0, 10_000), st.booleans())
def test_a_thinned_line_draws_the_same_picture(seed: int, wild: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=60) if wild else np.linspace(0, 1, 600)
    y = np.where(rng.uniform(size=len(x)) < 0.02, np.nan, rng.uniform(size=len(x)) ** 3)
    dots = paths.to_dots(paths.clip(x, y), 2 * 20, 4 * 6)
    thinned = paths.thin(dots)
    pictures = [rasterise([Stroke(d, BRAILLE, None, True)], 20, 6) for d in (dots, thinned)]
    assert pictures[0] == pictures[1]
    if not wild:
        assert len(thinned.column) <= 4 * (40 + np.isnan(y).sum())


def test_a_line_that_goes_to_and_fro_without_end_is_still_short() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(2, 100_000))
    dots = paths.thin(paths.to_dots(paths.clip(x, y), 160, 80))
    assert len(dots.column) <= paths.VERTICES_PER_COLUMN * 168


def test_vertices_of_different_levels_are_not_merged() -> None:
    y = np.linspace(0, 1, 50)
    dots = paths.to_dots(paths.clip(np.full(50, 0.5), y), 10, 200)
    levels = np.arange(50) // 10
    thinned = paths.thin(dots, levels)
    assert set(levels[thinned.source]) == set(range(5))
    parts = [paths.of_level(thinned, levels[thinned.source] == level) for level in range(5)]
    assert sum(int(part.joined.sum()) for part in parts) == int(thinned.joined.sum())


def test_the_last_point_in_a_dot_is_the_one_that_counts() -> None:
    dots = paths.distinct(paths.to_dots(paths.inside(np.array([0.5, 0.9, 0.5]), np.array([0.5, 0.9, 0.5])), 4, 4))
    assert dots.source.tolist() == [1, 2]


@pytest.mark.parametrize("n", [0, 1, 2, 50])
def test_every_line_with_dots_gets_a_marker(n: int) -> None:
    x = np.linspace(0, 1, n)
    dots = paths.thin(paths.to_dots(paths.clip(x, x), 2 * 30, 4 * 10))
    spots = paths.along(dots, 2, 4, first=5.0, every=14.0)
    assert (len(spots.column) > 0) == (n > 0)
    assert np.all((spots.column >= 0) & (spots.column < 30) & (spots.row >= 0) & (spots.row < 10))
