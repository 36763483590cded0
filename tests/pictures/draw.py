"""A screen of the app as a PNG, from the cells of the compositor: what a terminal shows, with nothing redrawn by hand.

Letters come from DejaVu Sans Mono, which matplotlib ships; lines, blocks and Braille dots are drawn to the edges of
their cells, as terminals do, since no font's boxes meet at every size.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style

CELL = (9, 19)
"""Pixels of one cell across and down."""
SIZE = 15
RGB = tuple[int, int, int]

_LINES = {  # which arms a box character has: left, right, up, down; 1 thin, 2 thick
    "─": (1, 1, 0, 0), "━": (2, 2, 0, 0), "│": (0, 0, 1, 1), "┃": (0, 0, 2, 2),
    "┌": (0, 1, 0, 1), "┐": (1, 0, 0, 1), "└": (0, 1, 1, 0), "┘": (1, 0, 1, 0),
    "╭": (0, 1, 0, 1), "╮": (1, 0, 0, 1), "╰": (0, 1, 1, 0), "╯": (1, 0, 1, 0),
    "├": (0, 1, 1, 1), "┤": (1, 0, 1, 1), "┬": (1, 1, 0, 1), "┴": (1, 1, 1, 0), "┼": (1, 1, 1, 1),
    "┿": (2, 2, 1, 1), "╸": (2, 0, 0, 0), "╺": (0, 2, 0, 0), "╴": (1, 0, 0, 0), "╶": (0, 1, 0, 0),
}  # fmt: skip
_DOTTED = {"┈": (True, 4), "┄": (True, 3), "┊": (False, 4), "┆": (False, 3)}
_QUADRANTS = {  # upper left, upper right, lower left, lower right
    "▀": "1100", "▄": "0011", "█": "1111", "▌": "1010", "▐": "0101", "▖": "0010", "▗": "0001", "▘": "1000",
    "▙": "1011", "▚": "1001", "▛": "1110", "▜": "1101", "▝": "0100", "▞": "0110", "▟": "0111",
}  # fmt: skip
_BRAILLE = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each bit of a Braille character."""


@functools.cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSansMono-Bold.ttf" if bold else "DejaVuSansMono.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), SIZE)


def draw(rows: Iterable[Iterable[Segment]], background: RGB, foreground: RGB) -> Image.Image:
    """The picture of a screen's rows; a segment without a colour of its own has the screen's."""
    lines = [list(row) for row in rows]
    columns = max(sum(cell_len(segment.text) for segment in line) for line in lines)
    width, height = CELL
    image = Image.new("RGB", (columns * width, len(lines) * height), background)
    pen = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        column = 0
        for text, style, _ in line:
            ink, paper = _colours(style or Style(), background, foreground)
            bold = bool(style and style.bold)
            for character in text:
                wide = cell_len(character)
                if wide:
                    _cell(pen, column * width, row * height, wide, character, ink, paper, bold)
                column += wide
            if style and style.underline:
                y = (row + 1) * height - 2
                pen.line([((column - cell_len(text)) * width, y), (column * width - 1, y)], fill=ink)
    return image


def _colours(style: Style, background: RGB, foreground: RGB) -> tuple[RGB, RGB]:
    def rgb(colour: object, otherwise: RGB) -> RGB:
        if colour is None or getattr(colour, "type", None) is ColorType.DEFAULT:
            return otherwise
        return tuple(colour.get_truecolor())  # type: ignore[attr-defined, no-any-return]

    ink, paper = rgb(style.color, foreground), rgb(style.bgcolor, background)
    if style.reverse:
        ink, paper = paper, ink
    if style.dim:
        ink = tuple((3 * a + 2 * b) // 5 for a, b in zip(ink, paper, strict=True))  # type: ignore[assignment]
    return ink, paper


def _cell(
    pen: ImageDraw.ImageDraw, x: int, y: int, wide: int, character: str, ink: RGB, paper: RGB, bold: bool
) -> None:
    width, height = CELL[0] * wide, CELL[1]
    pen.rectangle([x, y, x + width - 1, y + height - 1], fill=paper)
    code = ord(character)
    middle_x, middle_y = x + width // 2, y + height // 2
    if 0x2800 < code <= 0x28FF:
        for bit, (across, down) in enumerate(_BRAILLE):
            if code >> bit & 1:
                left, top = x + across * width // 2 + 1, y + down * height // 4 + 1
                pen.rectangle([left, top, left + 2, top + 2], fill=ink)
    elif character in _LINES:
        left, right, up, down = _LINES[character]
        for arm, box in (
            (left, [x, middle_y, middle_x, middle_y + left - 1]),
            (right, [middle_x, middle_y, x + width - 1, middle_y + right - 1]),
            (up, [middle_x, y, middle_x + up - 1, middle_y]),
            (down, [middle_x, middle_y, middle_x + down - 1, y + height - 1]),
        ):
            if arm:
                pen.rectangle(box, fill=ink)
    elif character in _DOTTED:
        level, count = _DOTTED[character]
        for k in range(count):
            if level:
                left = x + k * width // count
                pen.line([(left, middle_y), (left + width // count // 2, middle_y)], fill=ink)
            else:
                top = y + k * height // count
                pen.line([(middle_x, top), (middle_x, top + height // count // 2)], fill=ink)
    elif character in _QUADRANTS:
        half_x, half_y = width - width // 2, (height + 1) // 2
        for k, on in enumerate(_QUADRANTS[character]):
            if on == "1":
                left, top = x + (k % 2) * half_x, y + (k // 2) * half_y
                right = x + (half_x if k % 2 == 0 else width) - 1
                bottom = y + (half_y if k < 2 else height) - 1
                pen.rectangle([left, top, right, bottom], fill=ink)
    elif 0x2581 <= code <= 0x2587:
        pen.rectangle([x, y + height - height * (code - 0x2580) // 8, x + width - 1, y + height - 1], fill=ink)
    elif 0x2589 <= code <= 0x258F:
        pen.rectangle([x, y, x + width * (0x2590 - code) // 8 - 1, y + height - 1], fill=ink)
    elif character == "▔":
        pen.rectangle([x, y, x + width - 1, y + 1], fill=ink)
    elif character != " ":
        pen.text((x + width / 2, y + 15), character, fill=ink, font=_font(bold), anchor="ms")
