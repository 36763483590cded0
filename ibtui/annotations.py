"""The user's notes and tags on sessions.

They are not in the session's file: a note must not change an example or somebody else's session, which are only read,
nor a file that a run is writing, nor the bytes of what was measured. Each session's are a small TOML file of their own
in the user's data directory: two programs that write at once do not get into each other's way, and damage to one leaves
the others. A session is known by its path and by the moment it was begun: one that was renamed or moved, here or
elsewhere, keeps its notes; a copy beside the original begins without.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui.files import write_whole
from ibtui.locations import of_this_user
from ibtui_engine.errors import EngineError, InvalidValue, StorageError, shown
from ibtui_engine.toml_file import read_toml

if TYPE_CHECKING:
    from ibtui_engine.session.summary import Summary

LONGEST_NOTE = 2000
LONGEST_TAG = 40
MOST_TAGS = 20
"""Of one session."""


@dataclass(frozen=True)
class Annotation:
    """What a user has noted of one session."""

    note: str = ""
    tags: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it, to be searched."""
        return " ".join((self.note, *self.tags))


NONE = Annotation()


def require_annotation(note: str, tags: Sequence[str]) -> Annotation:
    """A note and tags that can be kept; tags in their order, each once.

    Raises:
        InvalidValue: one of them is too long, or cannot be printed, or a tag has a blank or a comma in it.
    """
    note = note.strip()
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise InvalidValue(f"note must be one line of up to {LONGEST_NOTE} printable characters, got {shown(note)}")
    tags = tuple(dict.fromkeys(tags))
    for tag in tags:
        if not tag or len(tag) > LONGEST_TAG or not tag.isprintable() or "," in tag or " " in tag:
            raise InvalidValue(
                f"tag must be 1 to {LONGEST_TAG} printable characters without blanks and commas, got {shown(tag)}"
            )
    if len(tags) > MOST_TAGS:
        raise InvalidValue(f"a session can have at most {MOST_TAGS} tags, got {len(tags)}")
    return Annotation(note, tags)


@dataclass(frozen=True)
class _Kept:
    created: float
    session: str
    annotation: Annotation


class Annotations:
    """Notes and tags by session, read again where files have changed."""

    def __init__(self, directory: Path | None = None) -> None:
        self._place = directory
        self._stamp: int | None = None
        self._kept: dict[Path, _Kept] = {}
        self.damaged: dict[Path, str] = {}
        """What is wrong with files that cannot be read; they stay as they are."""

    def of(self, summary: Summary) -> Annotation:
        """What is noted of a session."""
        found = self._find(summary)
        return NONE if found is None else self._kept[found].annotation

    def keep(self, summary: Summary, annotation: Annotation) -> None:
        """Note something of a session in place of what was noted; an empty annotation removes it.

        Raises:
            InvalidValue: the user's data directory cannot be written.
            StorageError: the disk is full.
        """
        import tomli_w

        old = self._find(summary)
        new = self._file(summary)
        try:
            if annotation != NONE:
                new.parent.mkdir(parents=True, exist_ok=True)
                if new in self.damaged:  # somebody may still mend it
                    os.replace(new, new.with_suffix(".damaged"))
                plain = {"session": os.path.realpath(summary.path), "created": float(summary.created)}
                text = tomli_w.dumps(plain | {"note": annotation.note, "tags": list(annotation.tags)})
                write_whole(new, text.encode())
            if old is not None and (annotation == NONE or old != new):
                old.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"cannot keep the note in {str(new.parent)!r}: {error.strerror}") from None
        finally:
            self._stamp = None

    def _directory(self) -> Path:
        if self._place is None:
            from platformdirs import user_data_path

            self._place = of_this_user(user_data_path, "XDG_DATA_HOME") / "notes"
        return self._place

    def _file(self, summary: Summary) -> Path:
        """Where a session's annotation is written."""
        name = f"{summary.created!r} {os.path.realpath(summary.path)}"
        return self._directory() / f"{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:24]}.toml"

    def _find(self, summary: Summary) -> Path | None:
        """The file with a session's annotation; one of a session that has been moved, too."""
        self._read()
        exact = self._file(summary)
        if exact in self._kept:
            return exact
        for file, kept in self._kept.items():
            if kept.created == float(summary.created) and not os.path.lexists(kept.session):
                return file
        return None

    def _read(self) -> None:
        """Read what has changed: each file is replaced whole, which its directory's time tells."""
        try:
            stamp = self._directory().stat().st_mtime_ns
        except (OSError, EngineError):
            stamp = -1
        if stamp == self._stamp:
            return
        self._stamp, self._kept, self.damaged = stamp, {}, {}
        if stamp < 0:
            return
        try:
            files = sorted(file for file in self._directory().iterdir() if file.suffix == ".toml")
        except OSError:
            return
        for file in files:
            try:
                self._kept[file] = _from_plain(read_toml(file, "the note"))
            except EngineError as error:
                self.damaged[file] = str(error)


def _from_plain(plain: dict[str, Any]) -> _Kept:
    created, session = plain.get("created"), plain.get("session")
    note, tags = plain.get("note"), plain.get("tags")
    texts = isinstance(session, str) and isinstance(note, str) and isinstance(tags, list)
    if not texts or not isinstance(created, float) or not all(isinstance(tag, str) for tag in tags or ()):
        raise InvalidValue("this is not a note on a session")
    return _Kept(created, str(session), require_annotation(str(note), tags or ()))
