"""Lessons: stops on sessions, each with what to look at, a key that changes something, a question, and its answer.

A lesson is a TOML file that anybody may have written; the tour is one that ships with ibtui. That its sessions are
there and can be shown so is checked when it is read, before anything is on the screen.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from ibtui.arrangement import TITLES
from ibtui.locations import example_files, find_session
from ibtui_engine.errors import EngineError, InvalidValue, shown
from ibtui_engine.session.format import SUFFIX
from ibtui_engine.session.summary import Summary, read_summary
from ibtui_engine.toml_file import read_toml

TOUR = Path(__file__).parent / "tour.toml"
"""The lesson that ships with ibtui, on the example sessions."""
MOST_STOPS = 100
COLUMNS = 78
"""That a line has in a terminal of 80."""
KINDS: Mapping[str, tuple[type, str]] = {
    "name": (str, "a text"),
    "session": (str, "a text"),
    "ensemble": (int, "a whole number"),
    "epoch": (int, "a whole number"),
    "panel": (str, "a text"),
    "text": (str, "a text"),
    "key": (str, "a text"),
    "does": (str, "a text"),
    "question": (str, "a text"),
    "answer": (str, "a text"),
}
"""What a stop is made of."""
NEEDED = ("name", "session", "text", "key", "does", "question", "answer")
"""What every stop has."""
LINES: Mapping[str, tuple[int, int]] = {
    "name": (1, 30),
    "text": (3, COLUMNS),
    "does": (1, COLUMNS),
    "question": (1, COLUMNS),
    "answer": (3, COLUMNS),
}
"""Lines that a text may have, and columns of each."""


@dataclass(frozen=True)
class Stop:
    """A view of a session, and what is said of it."""

    name: str
    path: Path
    """The session's file."""
    text: str
    """What to look at."""
    key: str
    """The name, as in the settings, of a key that changes something."""
    does: str
    """What for: it ends a sentence that begins with `Press` and the key."""
    question: str
    answer: str
    ensemble: int = 0
    epoch: int | None = None
    """Of the playhead; None at the end."""
    panel: str = "plane"


@dataclass(frozen=True)
class Lesson:
    """Stops, one after another."""

    path: Path
    title: str
    stops: tuple[Stop, ...]


def load_lesson(path: Path, directory: Path, keys: Collection[str]) -> Lesson:
    """Read a lesson, and check that all of it can be shown.

    Args:
        path: of the TOML file.
        directory: where sessions are looked up by their names, after the directory of the file itself.
        keys: names, as in the settings, of those that a session's screen has.

    Raises:
        InvalidValue: the file cannot be read, or something in it is missing, unknown, or not allowed. The message is
            one line that names the file, the stop and the value.
    """
    found = read_toml(path, "the lesson")
    _require_known(found, ("title", "stops"), f"the lesson {str(path)!r}")
    title = _paragraph(found.get("title", path.stem[:30]))
    if not isinstance(title, str) or not _fits(title, 1, 30):
        raise InvalidValue(f"title in {str(path)!r} must be a text of at most 30 columns, got {shown(title)}")
    stops = found.get("stops")
    if not isinstance(stops, list) or not 1 <= len(stops) <= MOST_STOPS or not all(isinstance(s, dict) for s in stops):
        raise InvalidValue(f"stops in {str(path)!r} must be 1 to {MOST_STOPS} tables [[stops]], got {shown(stops)}")
    known: dict[Path, Summary] = {}
    read = tuple(_stop(one, number, path, directory, keys, known) for number, one in enumerate(stops, start=1))
    return Lesson(path, title, read)


def _require_known(found: Mapping[str, object], names: Collection[str], where: str) -> None:
    for name in found:
        if name not in names:
            raise InvalidValue(f"{where} names {shown(name)}: known are {', '.join(names)}")


def _paragraph(value: object) -> object:
    """A text without line breaks, which are where its lines happen to end in the file; anything else as it is."""
    return " ".join(value.split()) if isinstance(value, str) else value


def _fits(text: str, lines: int, columns: int) -> bool:
    """Whether a text says something, and has room in so many lines: some characters are two columns wide."""
    wide = "".join(character * max(cell_len(character), 1) for character in text)
    return bool(text.strip()) and len(textwrap.wrap(wide, columns)) <= lines


def _stop(
    found: Mapping[str, Any],
    number: int,
    file: Path,
    directory: Path,
    keys: Collection[str],
    known: dict[Path, Summary],
) -> Stop:
    """A stop from its table. `known`: sessions that were read for those before it."""
    where = f"of stop {number} in {str(file)!r}"
    _require_known(found, tuple(KINDS), f"stop {number} in {str(file)!r}")
    found = {name: _paragraph(value) for name, value in found.items()}
    for name in NEEDED:
        if name not in found:
            raise InvalidValue(f"stop {number} in {str(file)!r} must have {name}, got {', '.join(found) or 'nothing'}")
    for name, value in found.items():
        kind, called = KINDS[name]
        if type(value) is not kind:
            raise InvalidValue(f"{name} {where} must be {called}, got {shown(value)}")
    for name, (lines, columns) in LINES.items():
        if not _fits(found[name], lines, columns):
            room = f"{f'1 to {lines} lines' if lines > 1 else '1 line'} of {columns} columns"
            raise InvalidValue(f"{name} {where} must be {room}, got {shown(found[name])}")
    if found["key"] not in keys:
        allowed = "the name of a key of a session such as session.bound (ibtui config keys lists them)"
        raise InvalidValue(f"key {where} must be {allowed}, got {shown(found['key'])}")
    stop = Stop(**{**{name: value for name, value in found.items() if name != "session"}, "path": Path()})
    lines, columns = LINES["text"]
    if not _fits(told(stop, "space"), lines, columns):
        room = f"{lines} lines of {columns} columns, with the key and what it does"
        raise InvalidValue(f"text {where} must be 1 to {room}, got {shown(stop.text)}")
    if stop.panel not in TITLES:
        raise InvalidValue(f"panel {where} must be {', '.join(TITLES)}, got {shown(stop.panel)}")
    path = _session(found["session"], file, directory, where)
    try:
        summary = known[path] = known.get(path) or read_summary(path)
    except EngineError as error:
        raise InvalidValue(
            f"session {where} must be one that can be read, got {shown(found['session'])}: {error}"
        ) from None
    count = len(summary.ensembles)
    if not 0 <= stop.ensemble < count:
        raise InvalidValue(f"ensemble {where} must be 0 to {count - 1}, got {stop.ensemble}")
    last = max(summary.ensembles[stop.ensemble].snapshots, default=0)
    if stop.epoch is not None and not 0 <= stop.epoch <= last:
        raise InvalidValue(f"epoch {where} must be 0 to {last}, got {stop.epoch}")
    return Stop(**{**vars(stop), "path": path})


def _session(text: str, file: Path, directory: Path, where: str) -> Path:
    """The session that a stop names: a file beside the lesson, an example, or what commands take."""
    beside = file.parent / (text if text.endswith(SUFFIX) else f"{text}{SUFFIX}")
    try:
        if beside.is_file():
            return beside
        examples = [one for one in example_files() if one.stem == text]
        return examples[0] if examples else find_session(text, directory)
    except (EngineError, OSError, ValueError) as error:
        raise InvalidValue(f"session {where} must be one there is, got {shown(text)}: {error}") from None


def told(stop: Stop, key: str) -> str:
    """What a stop says at first: what to look at, and its key, which is called so now."""
    return f"{stop.text} Press {key} {stop.does}"
