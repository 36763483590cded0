"""The colours of charts, for dark and for light terminals.

Colours are named by what they stand for (`Category`, `Shades`) and become red, green and blue only when a
chart is drawn, so that the same chart can be drawn in either theme.

Categories begin with the hues of Okabe and Ito (Color Universal Design, 2008), with hue, lightness and chroma searched
for each theme so that they stay apart for everyone, protanopes and deuteranopes among them (matrices of Machado et al.,
2009), and stand out from the background. Quantities are apart from all categories and from the frame. Shades are
viridis' hues on a lightness (OKLab; Ottosson, 2020) that rises evenly, from an end that is not too dark for a dark
terminal to one that is not too light for a light one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int

Theme = Literal["dark", "light"]
"""What the terminal's background is."""

RGB = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""

BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)

STEPS = 24
"""How many different colours a scale of shades is drawn with; each costs the rasteriser a signal."""


FINE = 257
"""Colours of a scale that is even, and places between which it is taken to be straight."""


@dataclass(frozen=True, slots=True)
class Category:
    """The colour of one of several things without order or with few steps, such as layers; counted from 0."""

    index: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """The colour of something that is no layer, such as loss (0) or accuracy (1)."""

    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Shades:
    """Colours along a scale, such as epochs: one place between 0 and 1 for each point of a series."""

    places: Float[np.ndarray, " points"]


@dataclass(frozen=True, slots=True)
class Faded:
    """A colour on its way to the background, of bands and single networks; of None the grey of what is not in focus."""

    colour: RGB | Category | Quantity | None = None


Colour = RGB | Category | Quantity | Faded | None
"""One colour; None is the terminal's own text colour."""

FADED = 0.58
"""How far a faded colour has gone to the background."""


@dataclass(frozen=True, slots=True)
class Swatch:
    """A colour, and the marker that tells apart things which share the colour (None while colours last)."""

    colour: RGB
    marker: str | None


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of one theme."""

    background: RGB
    """What the other colours are made to stand out from; charts leave the terminal's own background alone."""
    muted: RGB
    """Tick labels, axis labels and captions."""
    frame: RGB
    """Axis lines."""
    guide: RGB
    """Guide lines and their labels."""
    categories: tuple[RGB, ...]
    quantities: tuple[RGB, ...]
    ramp: tuple[RGB, ...]

    def category(self, index: int) -> Swatch:
        """The category counted from 0: 8 colours, then the same ones with a marker, another in each round."""
        cycle, place = divmod(index, len(self.categories))
        return Swatch(self.categories[place], MARKERS[(place + cycle - 1) % len(MARKERS)] if cycle else None)

    def sequential(self, t: float) -> RGB:
        """The shade at `t` between 0 (first) and 1 (last); what lies outside takes the nearer end."""
        place = min(max(t, 0.0), 1.0) * (len(self.ramp) - 1) if math.isfinite(t) else 0.0
        below = min(int(place), len(self.ramp) - 2)
        part = place - below
        one, other = self.ramp[below], self.ramp[below + 1]
        return mixed(one, other, part)

    def even(self, t: float) -> RGB:
        """The same where equal differences of `t` are to look equally large anywhere on the scale, as in large areas of
        colour: equal distances in OKLab. One of `FINE` colours.
        """
        shades = _even(self)
        return shades[round(min(max(t, 0.0), 1.0) * (len(shades) - 1)) if math.isfinite(t) else 0]

    def resolve(self, colour: Colour) -> RGB | None:
        """Red, green and blue of a colour; None for the terminal's own."""
        if isinstance(colour, Faded):
            ink = self.resolve(colour.colour)
            return self.frame if ink is None else mixed(ink, self.background, FADED)
        if isinstance(colour, Quantity):
            return self.quantities[colour.index % len(self.quantities)]
        return self.category(colour.index).colour if isinstance(colour, Category) else colour

    @property
    def steps(self) -> tuple[RGB, ...]:
        """The `STEPS` colours of the scale."""
        return _steps(self)

    def levels(self, shades: Shades, n: int) -> Int[np.ndarray, " n"]:
        """Which of the steps each of `n` points has: the first, if none is given."""
        places = np.zeros(n)
        given = np.ravel(shades.places)[:n]
        places[: len(given)] = np.nan_to_num(given, nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(np.clip(places, 0.0, 1.0) * (STEPS - 1)).astype(np.int64)


def contrast(one: RGB, other: RGB) -> float:
    """How much two colours stand out from one another: 1 to 21 (WCAG 2.2, contrast ratio)."""
    low, high = sorted(_luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def ink_on(paper: RGB) -> RGB:
    """Black or white, whichever can be read better on a background: their contrast is 4.58 or more on any."""
    return max((BLACK, WHITE), key=lambda ink: contrast(ink, paper))


def _luminance(colour: RGB) -> float:
    shares = (part / 255 for part in colour)
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mixed(one: RGB, other: RGB, part: float) -> RGB:
    """A colour on the way from one (0) to another (1)."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


@cache
def _steps(palette: Palette) -> tuple[RGB, ...]:
    return tuple(palette.sequential(step / (STEPS - 1)) for step in range(STEPS))


@cache
def _even(palette: Palette) -> tuple[RGB, ...]:
    """`FINE` colours along the scale, each as far from the next in OKLab (Ottosson, 2020)."""
    ramp, at = np.array(palette.ramp, np.float64), np.linspace(0.0, len(palette.ramp) - 1.0, FINE)
    shares = np.stack([np.interp(at, np.arange(len(ramp)), one) for one in ramp.T]) / 255  # not rounded to colours
    light = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    steps = np.linalg.norm(np.diff(TO_LAB @ np.cbrt(TO_CONES @ light)), axis=0)
    along = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    places = np.interp(np.linspace(0.0, 1.0, FINE), along, np.linspace(0.0, 1.0, FINE))
    return tuple(palette.sequential(place) for place in places.tolist())


TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)

MARKERS = ("●", "▲", "◆", "■", "○", "△", "◇", "□")
"""One cell wide each, and distinct without colour."""

ASCII_MARKERS = "o+x*#@%&abcdefghijklmnpqrstuvwyz"
"""The same for terminals and files without anything but ASCII."""

DARK = Palette(
    background=(30, 30, 30),
    muted=(160, 165, 175),
    frame=(105, 110, 120),
    guide=(140, 145, 155),
    categories=(
        (240, 178, 11),
        (30, 189, 254),
        (7, 180, 141),
        (229, 74, 4),
        (174, 78, 130),
        (36, 119, 212),
        (255, 245, 81),
        (210, 207, 200),
    ),
    quantities=((187, 119, 255), (0, 255, 153)),
    ramp=(
        (149, 87, 168),
        (138, 112, 198),
        (107, 140, 223),
        (32, 173, 221),
        (6, 197, 193),
        (91, 213, 165),
        (124, 230, 127),
        (188, 238, 74),
        (255, 235, 76),
    ),
)

LIGHT = Palette(
    background=(255, 255, 255),
    muted=(85, 90, 100),
    frame=(150, 155, 165),
    guide=(110, 115, 125),
    categories=(
        (196, 132, 31),
        (0, 152, 255),
        (3, 167, 148),
        (193, 33, 9),
        (111, 46, 82),
        (25, 85, 207),
        (45, 40, 2),
        (44, 3, 149),
    ),
    quantities=((204, 68, 187), (15, 120, 0)),
    ramp=(
        (78, 15, 94),
        (70, 40, 120),
        (40, 66, 142),
        (1, 93, 122),
        (2, 110, 108),
        (4, 127, 91),
        (26, 144, 42),
        (111, 147, 10),
        (162, 147, 0),
    ),
)


def palette(theme: Theme) -> Palette:
    """The colours for a dark or a light background."""
    return DARK if theme == "dark" else LIGHT
