"""The pictures and the film in the README are of the app as it is now; `python -m tests.pictures` draws them again."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from tests.pictures.shots import FILMS, PICTURES, SHOTS, Film, Frame, Taken, digest, film, take

LARGEST = 150_000
"""Bytes of one picture."""
LARGEST_FILM = 500_000
SHORTEST, LONGEST = 8.0, 12.0
"""Seconds of a film."""
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


def _read_film(path: Path) -> tuple[int, int, bytes, list[float], bool]:
    """Width, height, comment, the seconds of each frame, and whether it begins again for ever, of a GIF
    (GIF89a, sections 17 to 26).
    """
    content = path.read_bytes()
    assert content[:6] == b"GIF89a"
    width, height, flags = struct.unpack("<HHB", content[6:11])
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    comment, seconds, repeats = b"", [], False

    def blocks() -> bytes:
        nonlocal place
        found = b""
        while length := content[place]:
            found += content[place + 1 : place + 1 + length]
            place += length + 1
        place += 1
        return found

    while (kind := content[place]) != 0x3B:
        if kind == 0x21:
            label = content[place + 1]
            place += 2
            told = blocks()
            comment = told if label == 0xFE else comment
            repeats = repeats or (label == 0xFF and told == b"NETSCAPE2.0\1\0\0")
            seconds += [struct.unpack("<H", told[1:3])[0] / 100] if label == 0xF9 else []
        else:
            own = content[place + 9]
            place += 11 + (3 << (own & 7) + 1 if own & 0x80 else 0)
            blocks()
    return width, height, comment, seconds, repeats


@pytest.mark.long
@pytest.mark.parametrize("name", FILMS)
def test_each_film_is_of_the_screens_as_they_are_now(name: str) -> None:
    wanted = FILMS[name]
    width, height, comment, seconds, _ = _read_film(PICTURES / f"{name}.gif")
    across, down = wanted.shot.size
    assert (width % across, height % down) == (0, 0)
    frames = film(wanted)
    assert seconds == [frame.seconds for frame in frames]
    assert comment.decode() == f"cells {digest(frames)}", "draw it again with python -m tests.pictures"


@pytest.mark.parametrize(("name", "wanted"), FILMS.items())
def test_a_film_is_small_short_and_begins_again(name: str, wanted: Film) -> None:
    file = PICTURES / f"{name}.gif"
    assert file.stat().st_size < LARGEST_FILM
    _, _, _, seconds, repeats = _read_film(file)
    assert SHORTEST <= sum(seconds) <= LONGEST
    assert repeats
    assert len(seconds) > 20
    after = [stands for _, stands in wanted.keys]
    assert seconds == [wanted.first, *[1 / wanted.speed] * (len(seconds) - 2 - len(after)), wanted.last, *after]


def test_a_frame_that_changes_or_stands_longer_makes_another_digest() -> None:
    one = Taken([[Segment("a")]], (0, 0, 0), (255, 255, 255))
    other = Taken([[Segment("b")]], (0, 0, 0), (255, 255, 255))
    made = [[Frame(one, 1.0)], [Frame(other, 1.0)], [Frame(one, 2.0)], [Frame(one, 1.0), Frame(one, 1.0)]]
    assert len({digest(frames) for frames in made}) == len(made)


def test_they_are_small_and_each_is_shown_in_a_readme() -> None:
    files = {file.name: file.stat().st_size for ending in ("png", "gif") for file in PICTURES.glob(f"*.{ending}")}
    assert set(files) == {*(f"{name}.png" for name in SHOTS), *(f"{name}.gif" for name in FILMS)}
    assert max(files[f"{name}.png"] for name in SHOTS) < LARGEST
    pages = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "ibtui/README.md"))
    shown = re.findall(r"!\[[^]]+\]\((?:\.\./)?tests/pictures/([\w-]+\.\w+)\)", pages)
    assert sorted(shown) == sorted(files)


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
