"""Whether a screen is closed: work that was put off until later may find it so, its widgets gone."""

from __future__ import annotations

from typing import Any

from textual.css.query import NoMatches
from textual.screen import Screen


def is_closed(screen: Screen[Any], selector: str) -> bool:
    """Whether a screen, or the app, has been closed. An app that closes removes widgets first, so that the one that
    `selector` names is looked for.
    """
    if screen not in screen.app.screen_stack or not screen.is_attached:
        return True
    try:
        screen.query_one(selector)
    except NoMatches:
        return True
    return False
