"""Short texts on a screen."""

from __future__ import annotations

from textual.widgets import Static


def write(static: Static, text: str, *, same_size: bool = False) -> None:
    """Give a widget its text. To lay out the screen anew is dear: it is done where the text is another, and not where
    it is known to be of the `same_size`.
    """
    if static.content != text:
        static.update(text, layout=not same_size)
