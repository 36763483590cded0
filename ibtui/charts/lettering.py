"""Text in a grid of cells: what a string becomes when every column of the terminal holds one entry.

Titles and labels can come from files and from users, so control characters never get through, and characters
that are two columns wide, or none, keep the columns after them in place.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from ibtui.spelling import spell


@lru_cache(1024)
def clean(text: str, *, ascii: bool = False) -> str:
    """The text on one line, without control and formatting characters; with `ascii`, spelt in ASCII alone."""
    shown = "".join(_safe(character) for character in text)
    return spell(shown) if ascii else shown


def columns(text: str) -> list[str]:
    """One entry for each column of the terminal: a character with its accents, or "" behind a wide one."""
    return list(text) if text.isascii() else list(_entries(text))


@lru_cache(1024)
def _entries(text: str) -> tuple[str, ...]:
    entries: list[str] = []
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) == "Me":
            if entries:
                entries[-1 if entries[-1] or len(entries) == 1 else -2] += character
        else:
            entries.append(character)
            if unicodedata.east_asian_width(character) in "WF":
                entries.append("")
    return tuple(entries)


def fit(text: str, width: int, *, ascii: bool = False) -> str:
    """The text if it is at most `width` columns wide, or its beginning with an ellipsis."""
    entries = columns(text)
    if len(entries) <= width:
        return text
    ellipsis = "..." if ascii else "…"
    kept = entries[: max(0, width - len(ellipsis))]
    if kept and len(kept) < len(entries) and entries[len(kept)] == "":  # half of a wide character
        kept = kept[:-1]
    return "".join(kept) + ellipsis if width >= len(ellipsis) else ""


def wrap(text: str, width: int) -> list[str]:
    """The words of the text on as many lines as it takes; a word wider than a line is cut."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and len(columns(joined)) <= width:
            lines[-1] = joined
        else:
            lines.append(fit(word, width))
    return lines


def _safe(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp") or character in "\t\n\r\v\f":
        return " "
    return {"Cc": "", "Cf": "", "Cs": "?", "Co": "?", "Cn": "?"}.get(category, character)
