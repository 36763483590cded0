"""The pictures in the README are of the app as it is now; `python -m tests.pictures` draws them again."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from tests.pictures.shots import PICTURES, SHOTS, take

LARGEST = 150_000
"""Bytes of one picture."""
ROOT = Path(__file__).parents[2]


def _read(path: Path) -> tuple[int, int, dict[str, str]]:
    """Width, height and texts of a PNG, which takes no library (PNG specification, sections 5.3 and 11)."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    texts, place = {}, 8
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        if kind == b"tEXt":
            name, _, text = content[place + 8 : place + 8 + length].partition(b"\0")
            texts[name.decode("latin-1")] = text.decode("latin-1")
        place += length + 12
    return width, height, texts


@pytest.mark.long
@pytest.mark.parametrize("name", SHOTS)
def test_each_picture_is_of_the_screen_as_it_is_now(name: str) -> None:
    width, height, texts = _read(PICTURES / f"{name}.png")
    across, down = SHOTS[name].size
    assert (width % across, height % down) == (0, 0)
    now = take(SHOTS[name]).digest
    assert texts["cells"] == now, "the screen has changed: draw it again with python -m tests.pictures"


def test_they_are_small_and_each_is_shown_in_the_readme() -> None:
    files = {file.name: file.stat().st_size for file in PICTURES.glob("*.png")}
    assert set(files) == {f"{name}.png" for name in SHOTS}
    assert max(files.values()) < LARGEST
    shown = re.findall(r"\(tests/pictures/([\w-]+\.png)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(shown) == set(files)


def test_cells_are_drawn_in_their_colours() -> None:
    pytest.importorskip("PIL", reason="pictures are drawn with Pillow")
    pytest.importorskip("matplotlib", reason="and with the letters that Matplotlib ships")
    from tests.pictures.draw import CELL, draw

    def painted(ink: str, paper: str) -> Style:
        return Style.from_color(Color.parse(ink), Color.parse(paper))

    rows = [
        [Segment("█ ", painted("#102030", "#405060")), Segment("\u28ff", painted("#ff0000", "#000000"))],
        [Segment("日", painted("#00ff00", "#0000ff")), Segment("M")],
    ]
    picture = draw(rows, (1, 2, 3), (250, 251, 252))
    width, height = CELL
    pixels = np.asarray(picture).reshape(2, height, 3, width, 3).transpose(2, 0, 1, 3, 4)
    cells = {
        (column, row): {tuple(pixel) for pixel in pixels[column, row].reshape(-1, 3).tolist()}
        for column in range(3)
        for row in range(2)
    }
    assert cells[0, 0] == {(0x10, 0x20, 0x30)}
    assert cells[1, 0] == {(0x40, 0x50, 0x60)}
    assert cells[2, 0] == {(255, 0, 0), (0, 0, 0)}
    assert cells[0, 1] | cells[1, 1] >= {(0, 0, 255), (0, 255, 0)}
    assert (1, 2, 3) in cells[2, 1]
    assert len(cells[2, 1]) > 2  # the letter, smoothed
