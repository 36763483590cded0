"""Short labels at points of a plot, put where they cover neither each other nor the points nor the frame.

They are placed when the layout of the picture is known: `Letters` collects them, `place` puts them there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import ibtui.figures.plain  # noqa: F401  (before matplotlib)

# isort: split
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

from ibtui.figures.paper import SMALL
from ibtui_engine.layer_names import called

NEAR = 3.0
"""Points (1/72 inch) between two places that share one label."""
ANGLES = tuple(math.radians(degrees) for degrees in (-90, -45, -135, 0, 180, 45, 135, 90, -68, -112, -22, -158))
BETWEEN = 8
"""How often a stretch between two places is looked at."""
REACHES = (5.0, 7.0, 10.0, 14.0, 19.0)
"""Points from a place to the middle of its label, the nearer the better."""
USUAL = re.compile(r"T(\d+)")
"""The names of layers that have none of their own, but for the output."""


@dataclass
class Letters:
    """Labels of one plot."""

    axes: Axes
    size: float = SMALL
    _wanted: list[tuple[float, float, str]] = field(default_factory=list)
    _obstacles: list[tuple[float, float]] = field(default_factory=list)

    def add(self, x: float, y: float, text: str) -> None:
        """A label for a place in the units of the data."""
        if math.isfinite(x) and math.isfinite(y):
            self._wanted.append((x, y, text))

    def avoid(self, xs: ArrayLike, ys: ArrayLike) -> None:
        """A line through places, which no label should cover."""
        known = np.isfinite(xs) & np.isfinite(ys)
        x, y = np.asarray(xs, np.float64)[known], np.asarray(ys, np.float64)[known]
        along = np.linspace(0, max(len(x) - 1, 0), BETWEEN * max(len(x) - 1, 0) + 1)
        if len(x):
            places = (np.interp(along, np.arange(len(x)), one).tolist() for one in (x, y))
            self._obstacles += list(zip(*places, strict=True))

    def place(self) -> None:
        """Put all labels into the plot, whose layout is final now."""
        figure = self.axes.figure
        unit = figure.dpi / 72
        to_display = self.axes.transData.transform
        groups: list[tuple[Any, list[str]]] = []
        for x, y, text in self._wanted:
            spot = to_display((x, y))
            for other, texts in groups:
                if math.hypot(*(spot - other)) < NEAR * unit:
                    texts.append(text)
                    break
            else:
                groups.append((spot, [text]))
        frame = self.axes.get_window_extent()
        points = np.array([*(to_display(self._obstacles) if self._obstacles else ()), *(spot for spot, _ in groups)])
        taken: list[Bbox] = []
        for spot, texts in groups:
            text = _joined(texts)
            width, height = 0.56 * self.size * len(text) * unit, 0.8 * self.size * unit
            best, least = None, math.inf
            for reach, angle in product(REACHES, ANGLES):
                away = (reach + 0.3 * (len(text) - 1) * self.size * abs(math.cos(angle))) * unit
                middle = spot[0] + away * math.cos(angle), spot[1] + away * math.sin(angle)
                box = Bbox.from_bounds(middle[0] - width / 2, middle[1] - height / 2, width, height)
                cost = reach + 400 * sum(box.overlaps(other) for other in taken)
                off = np.abs(points - middle)
                cost += 40 * int(((off[:, 0] < width / 2 + 0.6 * unit) & (off[:, 1] < height / 2 + 0.6 * unit)).sum())
                inside = frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1
                cost += 0 if inside else 1000
                if cost < least:
                    best, least = (middle, box), cost
            assert best is not None
            middle, box = best
            taken.append(box)
            at = self.axes.transData.inverted().transform(middle)
            self.axes.text(
                float(at[0]),
                float(at[1]),
                text,
                size=self.size,
                ha="center",
                va="center_baseline",
                zorder=9,
                path_effects=[withStroke(linewidth=1.6, foreground="white")],
            )


def plain_text(text: str) -> str:
    """A text from outside, in which no sign begins mathematics."""
    return text.replace("$", r"\$")


def symbols(names: Sequence[str] | None, layers: int) -> list[str]:
    """What a legend calls so many layers: by `names`, shortened, or without them T with an index, and the output."""
    return [symbol(name) for name in called(names, layers)]


def symbol(name: str) -> str:
    """A name as pictures have it: that of a layer without one of its own is T with an index."""
    layer = USUAL.fullmatch(name)
    return f"$T_{{{layer[1]}}}$" if layer else plain_text(name)


def _joined(texts: Sequence[str]) -> str:
    """`1–3` for 1, 2, 3; else with commas."""
    if len(texts) > 1 and all(text.isdigit() for text in texts):
        numbers = [int(text) for text in texts]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return f"{numbers[0]}–{numbers[-1]}"
    return ",".join(texts)
