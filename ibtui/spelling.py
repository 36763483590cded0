"""What is written in place of characters that a terminal or an encoding does not have, such as `+-` for a spread."""

from __future__ import annotations

import codecs
import unicodedata

HANDLER = "ibtui.spelled"
"""The name of the handler of encoding errors that `register` makes known."""

STAND_INS = {
    "±": "+-",
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "×": "x",
    "÷": "/",
    "·": ".",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "√": "sqrt",
    "‖": "||",
    "§": "S",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "β": "beta",
    "σ": "sigma",
    "μ": "mu",
    "π": "pi",
    "→": "->",
    "←": "<-",
    "↑": "^",
    "↓": "v",
    "⏎": "enter",
    "◆": "*",
    "◇": "*",
    "●": "o",
    "○": "o",
    "◉": "*",
    "■": "#",
    "□": "#",
    "▲": "^",
    "△": "^",
    "►": ">",
    "▶": ">",
    "▸": ">",
    "▾": "v",
    "▼": "v",
    "░": ".",
    "▒": ":",
    "▓": "%",
    "█": "#",
    "╱": "/",
}


def spell(text: str) -> str:
    """The text in ASCII alone: with stand-ins, letters without their accents, and `?` for what has neither."""
    return text if text.isascii() else "".join(_spelled(c) or "?" for c in text if not unicodedata.combining(c))


def in_cells(text: str) -> str:
    """The text in ASCII alone, each character as wide as it was: for what has been laid out already."""
    return text if text.isascii() else "".join(_as_wide(c) for c in text)


def encodable(text: str, encoding: str) -> str:
    """The text with stand-ins for what an encoding does not have; where there is none, with the character's number."""
    register()
    return text.encode(encoding, HANDLER).decode(encoding)


def register() -> None:
    """Make the handler of encoding errors known to Python."""
    codecs.register_error(HANDLER, _stand_in)


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_spelled(c) or c.encode("ascii", "backslashreplace").decode() for c in lacking), error.end


def _spelled(character: str) -> str:
    """A character in ASCII; empty where there is no way to write it."""
    if character.isascii():
        return character
    if character in STAND_INS:
        return STAND_INS[character]
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        return _line(name)
    if name.startswith(("BLOCK", "FULL BLOCK", "LEFT", "RIGHT", "UPPER", "LOWER", "QUADRANT", "BRAILLE")):
        return " " if name == "BRAILLE PATTERN BLANK" else "#"
    return "".join(c for c in unicodedata.normalize("NFKD", character) if c.isascii() and c.isprintable())


def _line(name: str) -> str:
    """The line or corner of a box that has this name."""
    across = any(word in name for word in ("HORIZONTAL", "LEFT", "RIGHT"))
    upright = any(word in name for word in ("VERTICAL", "UP", "DOWN"))
    return "+" if across and upright else "|" if upright else "-"


def _as_wide(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    wide = unicodedata.east_asian_width(character) in "WF"
    return (_spelled(character)[:1] or "?") + ("?" if wide else "")
