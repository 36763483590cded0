"""The keys of the app by their names, for people who want other ones, and whether those can be used together."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from itertools import combinations

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from ibtui.formatting import printable
from ibtui_engine.errors import InvalidValue

MODIFIERS = ("ctrl", "shift", "alt", "super", "hyper", "meta")
PALETTE = "the command palette"
"""What a message calls it: its key has no name in the settings."""


def known_keys() -> dict[str, Binding]:
    """Everything that can be given other keys, by its name in the settings. Loads all screens."""
    found: dict[str, Binding] = {}
    for owners in _screens().values():
        for name, binding in _bindings(owners).items():
            found.setdefault(name, binding)
    return found


def require_usable_keys(keys: Mapping[str, str]) -> None:
    """Check the keys of the settings. Loads all screens where there are any.

    Raises:
        InvalidValue: one is for something that the app does not have, or is no key, or does two things on one screen.
    """
    if not keys:
        return
    known = known_keys()
    for name, value in keys.items():
        if name not in known:
            raise InvalidValue(
                f"keys.{printable(name)} in the settings is unknown: ibtui config keys lists the known ones"
            )
        for key in value.split(","):
            if not _is_key(key.strip()):
                raise InvalidValue(
                    f"keys.{printable(name)} in the settings must be names of keys such as x, space, f5, ctrl+r or "
                    f"question_mark, several separated by commas, got {key.strip()!r} in {value!r}"
                )
    for screen, owners in _screens().items():
        _require_apart(screen, _bindings(owners), keys)


def _require_apart(screen: str, bindings: Mapping[str, Binding], chosen: Mapping[str, str]) -> None:
    """Check that no key does two things on a screen, unless the two share a key by default or do the same."""
    from ibtui.app import IbtuiApp

    usual = {name: _split(binding.key) for name, binding in bindings.items()}
    usual[PALETTE] = _split(IbtuiApp.COMMAND_PALETTE_BINDING)
    now = {name: _split(chosen[name]) if name in chosen else keys for name, keys in usual.items()}
    does = {name: binding.action.removeprefix("app.") for name, binding in bindings.items()}
    for one, other in combinations(now, 2):
        shared = now[one] & now[other]
        if shared and not usual[one] & usual[other] and does.get(one) != does.get(other):
            told = " and ".join(name if name == PALETTE else f"keys.{name}" for name in (one, other))
            raise InvalidValue(
                f"the key {min(shared)!r} is that of {told} in the settings, on the {screen} screen: give one of them "
                "another key"
            )


def _screens() -> dict[str, tuple[type, ...]]:
    """What has keys on each screen, at the same time."""
    from ibtui.app import IbtuiApp
    from ibtui.screens.account import AccountScreen
    from ibtui.screens.compare import CompareScreen
    from ibtui.screens.form_fields import Picker
    from ibtui.screens.lesson import LessonScreen
    from ibtui.screens.library import LibraryScreen
    from ibtui.screens.map import MapScreen
    from ibtui.screens.new import NewScreen
    from ibtui.screens.playback import PlaybackScreen
    from ibtui.screens.session import SessionScreen
    from ibtui.widgets.chart_view import ChartView
    from ibtui.widgets.map_view import MapView
    from ibtui.widgets.sessions_table import SessionsTable

    return {
        "library": (IbtuiApp, LibraryScreen, SessionsTable),
        "new experiment": (IbtuiApp, NewScreen, Picker),
        "session": (IbtuiApp, PlaybackScreen, SessionScreen, LessonScreen, ChartView),
        "compare": (IbtuiApp, PlaybackScreen, CompareScreen, ChartView),
        "account": (IbtuiApp, AccountScreen, ChartView),
        "map": (IbtuiApp, MapScreen, MapView),
    }


def _bindings(owners: Iterable[type]) -> dict[str, Binding]:
    """The keys that have names, of some classes."""
    found: dict[str, Binding] = {}
    for owner in owners:
        for binding in owner.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                found.setdefault(binding.id, binding)
    return found


def _split(keys: str) -> set[str]:
    """Keys separated by commas, each by its name: `?` is question_mark."""
    return {_name(key.strip()) for key in keys.split(",")}


def _name(key: str) -> str:
    if len(key) != 1 or key.isalnum():
        return key
    named = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(named, named)


def _is_key(text: str) -> bool:
    *before, last = text.split("+") if len(text) > 1 else [text]
    if any(modifier not in MODIFIERS for modifier in before):
        return False
    if len(last) == 1:
        return last.isprintable()
    if last in {*(key.value for key in Keys), *(_name(chr(code)) for code in range(33, 127))}:
        return True
    try:
        return bool(unicodedata.lookup(last.replace("_", " ").upper()))
    except KeyError:
        return False
