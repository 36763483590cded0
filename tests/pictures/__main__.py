"""Draws the READMEs' pictures again: `python -m tests.pictures [NAME ...]`, into this directory."""

from __future__ import annotations

import argparse

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.pictures.draw import draw
from tests.pictures.shots import PICTURES, SHOTS, Taken, take

COLOURS = 64
"""In a picture: letters are smoothed, charts have few colours."""


def save(name: str, taken: Taken) -> None:
    """Write a picture, with the digest of its cells in the text chunk `cells`."""
    picture = draw(taken.rows, taken.background, taken.foreground)
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    text = PngInfo()
    text.add_text("cells", taken.digest)
    few.save(PICTURES / f"{name}.png", optimize=True, pnginfo=text)


def main() -> None:
    """Draw all, or some."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description="Draw the READMEs' pictures again.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(SHOTS)}")
    names = parser.parse_args().names or list(SHOTS)
    if unknown := sorted(set(names) - set(SHOTS)):
        parser.error(f"no picture {unknown[0]!r}: there are {', '.join(SHOTS)}")
    for name in names:
        save(name, take(SHOTS[name]))
        print(f"{name}.png: {(PICTURES / f'{name}.png').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
