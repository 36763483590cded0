"""What was put off until later may find its screen left, and the widgets of that gone."""

from __future__ import annotations

from typing import Any

from textual.css.query import NoMatches
from textual.screen import Screen


def is_left(screen: Screen[Any], selector: str) -> bool:
    """Whether a screen, or the app, has been left for good. An app that is being closed takes the widgets first, so the
    one that `selector` names is looked for.
    """
    if screen not in screen.app.screen_stack or not screen.is_attached:
        return True
    try:
        screen.query_one(selector)
    except NoMatches:
        return True
    return False
