"""Draws the READMEs' pictures and films again: `python -m tests.pictures [NAME ...]`, into this directory."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.pictures.draw import draw
from tests.pictures.shots import FILMS, PICTURES, SHOTS, Frame, Taken, digest, film, take

COLOURS = 256
"""In a picture: letters are smoothed, a map has many shades."""
FILM_COLOURS = 64
"""In a film, of all frames together."""


def _drawn(taken: Taken) -> Image.Image:
    return draw(taken.rows, taken.background, taken.foreground)


def _few(picture: Image.Image, colours: int, method: Image.Quantize = Image.Quantize.MEDIANCUT) -> Image.Image:
    return picture.quantize(colours, method=method, dither=Image.Dither.NONE)


def save(name: str, taken: Taken) -> Path:
    """Write a picture, with the digest of its cells in the text chunk `cells`."""
    text = PngInfo()
    text.add_text("cells", taken.digest)
    file = PICTURES / f"{name}.png"
    _few(_drawn(taken), COLOURS).save(file, optimize=True, pnginfo=text)
    return file


def save_film(name: str, frames: list[Frame]) -> Path:
    """Write a film that begins again at its end, with the digest of its cells in the comment."""
    pictures = [_drawn(frame.taken) for frame in frames]
    width, height = pictures[0].size
    samples = [*pictures[:: max(len(pictures) // 4, 1)], pictures[-1]]
    together = Image.new("RGB", (width, height * len(samples)))
    for row, picture in enumerate(samples):
        together.paste(picture, (0, row * height))
    palette = _few(together, FILM_COLOURS, Image.Quantize.MAXCOVERAGE)  # rare colours, too: those of epochs
    few = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    file = PICTURES / f"{name}.gif"
    few[0].save(
        file,
        save_all=True,
        append_images=few[1:],
        duration=[round(1000 * frame.seconds) for frame in frames],
        loop=0,
        comment=f"cells {digest(frames)}",
    )
    return file


def main() -> None:
    """Draw all, or some."""
    known = [*SHOTS, *FILMS]
    parser = argparse.ArgumentParser(
        prog="python -m tests.pictures", description="Draw the READMEs' pictures and films again."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(known)}")
    names = parser.parse_args().names or known
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"no picture {unknown[0]!r}: there are {', '.join(known)}")
    for name in names:
        file = save(name, take(SHOTS[name])) if name in SHOTS else save_film(name, film(FILMS[name]))
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
