"""A screen as text that a person can review: its lines, and in each theme the colours and attributes of its cells.

Styles are runs in each line, `ab12` being twelve cells of the style that the theme's legend calls `ab`. A style's name
hangs on the style alone (but for clashes), so that a change of one leaves the others' names as they were. Of blank
cells only the background counts: that is all that can be seen of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style

SEEN_ON_BLANKS = ("underline", "reverse", "strike")
ATTRIBUTES = ("bold", "dim", "italic", *SEEN_ON_BLANKS)


@dataclass(frozen=True)
class ScreenText:
    """What a screen showed: its lines without the blanks at their ends, and the style of every cell."""

    lines: tuple[str, ...]
    styles: tuple[tuple[str, ...], ...]


def read_screen(rows: Iterable[Iterable[Segment]]) -> ScreenText:
    """What there is in a screen's rows of segments."""
    lines, styles = [], []
    for row in rows:
        text, cells = "", []
        for part, style, control in row:
            if control:
                continue
            text += part
            described = {blank: _described(style or Style(), blank=blank) for blank in (True, False)}
            for character in part:
                cells += [described[character == " "]] * cell_len(character)
        lines.append(text.rstrip())
        styles.append(tuple(cells))
    return ScreenText(tuple(lines), tuple(styles))


def _described(style: Style, *, blank: bool) -> str:
    """A style as `#ink on #paper` with its attributes; of a blank without those that cannot be seen."""
    attributes = [name for name in (SEEN_ON_BLANKS if blank else ATTRIBUTES) if getattr(style, name)]
    ink = [] if blank and not attributes else [_colour(style.color)]
    return " ".join([*ink, "on", _colour(style.bgcolor), *attributes])


def _colour(colour: Color | None) -> str:
    if colour is None or colour.type is ColorType.DEFAULT:
        return "default"
    return colour.get_truecolor().hex


def account(themes: Mapping[str, ScreenText]) -> str:
    """One screen in several themes: the lines of the first, and of each other one the lines that differ."""
    first = next(iter(themes.values()))
    parts = list(first.lines)
    for theme, screen in themes.items():
        parts += ["", f"=== {theme}"]
        parts += [
            f"{number:3} {line}"
            for number, (line, usual) in enumerate(zip(screen.lines, first.lines, strict=True), start=1)
            if line != usual
        ]
        parts += _styles(screen.styles)
    return "\n".join(parts) + "\n"


def _styles(rows: tuple[tuple[str, ...], ...]) -> list[str]:
    names: dict[str, str] = {}
    for style in sorted({style for row in rows for style in row}):
        names[style] = next(name for name in _candidates(style) if name not in names.values())
    legend = [f"--- {name}  {style}" for style, name in names.items()]
    runs = ["".join(f"{names[style]}{len(list(cells))}" for style, cells in groupby(row)) for row in rows]
    lines, number = [], 1
    for run, same in groupby(runs):
        count = len(list(same))
        where = f"{number}" if count == 1 else f"{number}-{number + count - 1}"
        lines.append(f"{where:>5} {run}")
        number += count
    return legend + lines


def _candidates(style: str) -> Iterable[str]:
    for attempt in range(10_000):
        digest = hashlib.sha256(f"{style}{attempt or ''}".encode()).digest()
        yield "".join(chr(ord("a") + digest[k] % 26) for k in range(2))
