"""Colours: seen on their background, told apart without normal colour vision, and in order where they mean order."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui.charts.palette import STEPS, Category, Shades, Theme, ink_on, palette

THEMES: tuple[Theme, ...] = ("dark", "light")

# Machado, Oliveira and Fernandes (2009), severity 1, for linear red, green and blue.
VISION = {
    "trichromat": np.eye(3),
    "protanope": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
# Ottosson (2020), from linear red, green and blue to OKLab.
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


def linear(colour: tuple[int, int, int]) -> np.ndarray:
    share = np.array(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def oklab(colour: tuple[int, int, int], vision: str = "trichromat") -> np.ndarray:
    seen = np.clip(VISION[vision] @ linear(colour), 0, 1)
    return TO_LAB @ np.cbrt(TO_CONES @ seen)


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    light = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_of_data_stands_out_from_the_background(theme: Theme) -> None:
    colours = palette(theme)
    for colour in (*colours.categories, *colours.quantities, *colours.ramp, colours.muted, colours.guide):
        assert contrast(colour, colours.background) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISION)
def test_categories_are_told_apart_whatever_the_colour_vision(theme: Theme, vision: str) -> None:
    apart = 0.16 if vision == "trichromat" else 0.12
    seen = [oklab(colour, vision) for colour in palette(theme).categories]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) > apart


@pytest.mark.parametrize("theme", THEMES)
def test_losses_frames_and_layers_are_told_apart(theme: Theme) -> None:
    colours = palette(theme)
    others = [oklab(colour) for colour in (*colours.categories, colours.frame, colours.guide, colours.muted)]
    for colour in colours.quantities:
        assert min(float(np.linalg.norm(oklab(colour) - other)) for other in others) > 0.16
    for vision in VISION:
        loss, accuracy = (oklab(colour, vision) for colour in colours.quantities)
        assert float(np.linalg.norm(loss - accuracy)) > 0.16
    for colour, grey in itertools.product(colours.categories[:6], (colours.frame, colours.guide, colours.muted)):
        assert float(np.linalg.norm(oklab(colour) - oklab(grey))) > 0.08


@pytest.mark.parametrize("theme", THEMES)
def test_sixteen_categories_differ_in_colour_or_marker(theme: Theme) -> None:
    swatches = [palette(theme).category(index) for index in range(16)]
    assert len(set(swatches)) == 16
    assert all(swatch.marker is None for swatch in swatches[:8])
    assert len({swatch.marker for swatch in swatches[8:]}) == 8
    assert len({palette(theme).category(index) for index in range(50)}) == 50


@pytest.mark.parametrize("theme", THEMES)
def test_shades_grow_lighter_all_the_way(theme: Theme) -> None:
    lightness = [oklab(palette(theme).sequential(t))[0] for t in np.linspace(0, 1, STEPS)]
    assert all(b > a for a, b in itertools.pairwise(lightness))


@pytest.mark.parametrize("theme", THEMES)
def test_even_shades_are_equally_far_from_one_another(theme: Theme) -> None:
    shades = [palette(theme).even(t) for t in np.linspace(0, 1, 17)]
    steps = [float(np.linalg.norm(oklab(b) - oklab(a))) for a, b in itertools.pairwise(shades)]
    assert max(steps) < 1.25 * min(steps)  # colours are whole numbers, and the scale has corners
    assert (shades[0], shades[-1]) == (palette(theme).sequential(0), palette(theme).sequential(1))
    for vision in VISION:
        lightness = [oklab(shade, vision)[0] for shade in shades]
        assert all(b > a for a, b in itertools.pairwise(lightness))


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_black_or_white_can_be_read_on_any_colour(paper: tuple[int, int, int]) -> None:
    ink = ink_on(paper)
    assert contrast(ink, paper) >= 4.5
    assert contrast(ink, paper) == max(contrast(one, paper) for one in ((0, 0, 0), (255, 255, 255)))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("t", [-1.0, 2.0, math.nan, math.inf, -math.inf])
def test_a_shade_outside_the_scale_is_still_a_colour(theme: Theme, t: float) -> None:
    assert all(0 <= part <= 255 for part in palette(theme).sequential(t))
    assert all(0 <= part <= 255 for part in palette(theme).even(t))


def test_every_point_gets_one_of_few_shades_even_if_its_place_is_missing() -> None:
    levels = palette("dark").levels(Shades(np.array([0.0, 1.0, math.nan, 9.0])), 6)
    assert len(palette("dark").steps) == STEPS
    assert levels.tolist() == [0, STEPS - 1, 0, STEPS - 1, 0, 0]


def test_a_category_is_another_colour_in_another_theme() -> None:
    assert palette("dark").resolve(Category(0)) != palette("light").resolve(Category(0))
    assert palette("dark").resolve(None) is None
    assert palette("dark").resolve((1, 2, 3)) == (1, 2, 3)
