"""Short texts on a screen."""

from __future__ import annotations

from textual.content import Content
from textual.css.scalar import Scalar
from textual.widgets import Static

from ibtui.spelling import spell


def write(static: Static, text: str | Content) -> None:
    """Give a widget its text, and lay out the screen again, which is expensive, only where its size changes."""
    if isinstance(text, str) and getattr(static.app, "ascii", False):
        text = spell(text)
    if static.content == text:
        return
    static.update(text, layout=False)
    size, styles, viewport = static.size, static.styles, static.app.size
    wider = _fitted(styles.width) and static.get_content_width(size, viewport) != size.width
    if wider or (_fitted(styles.height) and static.get_content_height(size, viewport, size.width) != size.height):
        static.refresh(layout=True)


def _fitted(length: Scalar | None) -> bool:
    """Whether a width or a height follows from what is in the widget."""
    return length is not None and length.is_auto
