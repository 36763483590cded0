"""The keys of the app by their names, for people who want other ones."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from textual.binding import Binding
from textual.keys import Keys

from ibtui.wording import printable
from ibtui_engine.errors import InvalidValue

MODIFIERS = ("ctrl", "shift", "alt", "super", "hyper", "meta")


def known_keys() -> dict[str, Binding]:
    """Everything that can be given other keys, by its name in the settings. Loads all screens."""
    from ibtui.app import IbtuiApp
    from ibtui.screens.compare import CompareScreen
    from ibtui.screens.library import LibraryScreen, SessionsTable
    from ibtui.screens.new import NewScreen, Picker
    from ibtui.screens.playback import PlaybackScreen
    from ibtui.screens.session import SessionScreen
    from ibtui.screens.study import StudyScreen
    from ibtui.widgets.chart_view import ChartView

    found: dict[str, Binding] = {}
    for owner in (
        IbtuiApp,
        LibraryScreen,
        SessionsTable,
        NewScreen,
        Picker,
        PlaybackScreen,
        StudyScreen,
        SessionScreen,
        CompareScreen,
        ChartView,
    ):
        for binding in owner.BINDINGS:
            if isinstance(binding, Binding) and binding.id:
                found.setdefault(binding.id, binding)
    return found


def require_known_keys(keys: Mapping[str, str]) -> None:
    """Check the keys of the settings.

    Raises:
        InvalidValue: one is for something that the app does not have, or is no key.
    """
    if not keys:
        return
    known = known_keys()
    for name, value in keys.items():
        if name not in known:
            raise InvalidValue(
                f"keys.{printable(name)} in the settings is unknown: ibtui config keys lists what there is"
            )
        for key in value.split(","):
            if not _is_key(key.strip()):
                raise InvalidValue(
                    f"keys.{printable(name)} is {value!r} in the settings: {key.strip()!r} is no key; allowed are "
                    "names such as x, space, f5, ctrl+r or question_mark, several separated by commas"
                )


def _is_key(text: str) -> bool:
    *before, last = text.split("+") if len(text) > 1 else [text]
    if any(modifier not in MODIFIERS for modifier in before):
        return False
    if len(last) == 1:
        return last.isprintable()
    if last in {key.value for key in Keys}:
        return True
    try:
        return bool(unicodedata.lookup(last.replace("_", " ").upper()))
    except KeyError:
        return False
