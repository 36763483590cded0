"""A user's settings (theme, ASCII mode, keys) in a TOML file at the platform's place, and the last view of sessions."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ibtui.files import write_whole
from ibtui.formatting import printable
from ibtui.locations import of_this_user
from ibtui_engine.errors import EngineError, InvalidValue, shown
from ibtui_engine.toml_file import read_toml

VIEWS_KEPT = 500


@dataclass(frozen=True)
class Settings:
    """What a user has chosen."""

    theme: str = "textual-dark"
    """Name of a Textual theme; the command palette lists them."""
    ascii: bool = False
    """Whether charts are drawn with ASCII alone."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the names that `?` shows, several separated by commas: `"session.play" = "space,x"`."""


def settings_path() -> Path:
    """Where the settings are."""
    from platformdirs import user_config_path

    return of_this_user(user_config_path, "XDG_CONFIG_HOME") / "config.toml"


def load_settings(path: Path | None = None) -> Settings:
    """The user's settings; the usual ones where there is no file.

    Whether the keys can be used is checked by `ibtui.keys.require_usable_keys`, which loads all screens.

    Raises:
        InvalidValue: the file is unreadable, or a setting is unknown or of the wrong kind.
    """
    path = path or settings_path()
    if not _there(path):
        return Settings()
    found = read_toml(path, "the settings file")
    kinds = {"theme": "a text", "ascii": "true or false", "keys": "a table of keys"}
    types: dict[str, type] = {"theme": str, "ascii": bool, "keys": dict}
    for name, value in found.items():
        if name not in kinds:
            raise InvalidValue(f"the settings {str(path)!r} name {shown(name)}: known are {', '.join(kinds)}")
        if not isinstance(value, types[name]):
            raise InvalidValue(f"{name} in {str(path)!r} must be {kinds[name]}, got {shown(value)}")
    keys = found.get("keys", {})
    for name, key in keys.items():
        if not isinstance(key, str):
            raise InvalidValue(
                f"keys.{printable(name)} in {str(path)!r} must be a text such as 'space,x', got {shown(key)}"
            )
    return Settings(**found)


def _there(path: Path) -> bool:
    """Whether there is something of that name, or nobody can say: then reading it says why."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        pass
    return True


def save_theme(theme: str, path: Path | None = None) -> None:
    """Keep a choice of theme, beside whatever else is in the file.

    Raises:
        EngineError: the file cannot be written.
    """
    import tomli_w

    path = path or settings_path()
    found: dict[str, Any] = {}
    if path.exists():
        try:
            found = read_toml(path, "the settings file")
        except InvalidValue:
            return  # not ours to repair
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidValue(f"cannot write the settings {str(path)!r}: {error.strerror}") from None
    write_whole(path, tomli_w.dumps({**found, "theme": theme}).encode())


LAYOUT = "layout"
"""What the layout is kept as beside the sessions, whose names are whole paths."""


class Views:
    """How each session was last looked at, kept between one start of the app and the next."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            from platformdirs import user_state_path

            path = of_this_user(user_state_path, "XDG_STATE_HOME") / "views.json"
        self._path = path

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8")) if self._path.is_file() else {}
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def recall(self, session: Path) -> dict[str, Any]:
        """What was kept of a session's view; empty where nothing was."""
        found = self._read().get(os.path.realpath(session))
        return found if isinstance(found, dict) else {}

    def keep(self, session: Path, view: Mapping[str, Any]) -> None:
        """Keep a session's view. That it cannot be kept is no reason to trouble anybody."""
        self._keep(os.path.realpath(session), dict(view))

    def recall_layout(self, panels: Collection[str]) -> tuple[str, ...]:
        """The charts that are to be beside one another, of those there are; none where that follows from the room."""
        found = self._read().get(LAYOUT)
        names = found if isinstance(found, list) else []
        return tuple(name for name in panels if name in names)

    def keep_layout(self, layout: Sequence[str]) -> None:
        """Keep it, for all sessions."""
        self._keep(LAYOUT, list(layout))

    def _keep(self, name: str, value: object) -> None:
        found = self._read()
        layout = found.pop(LAYOUT, [])
        found.pop(name, None)
        found = dict(list(found.items())[-VIEWS_KEPT + 1 :]) | ({LAYOUT: layout} if layout else {}) | {name: value}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(found).encode())
        except (OSError, EngineError):
            return
