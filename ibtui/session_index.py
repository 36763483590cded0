"""An index of the sessions in a directory: each look reads only the files that have changed since the one before."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ibtui.locations import example_files, is_example, session_files
from ibtui_engine.errors import SessionError, StorageError
from ibtui_engine.experiment import GRID
from ibtui_engine.session.ending import tidy
from ibtui_engine.session.summary import Summary, read_summary
from ibtui_engine.settings import SETTINGS


class SessionIndex:
    """Summaries of the sessions in a directory, and of those that ship with the project."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._summaries: dict[Path, Summary] = {}
        self._stamps: dict[Path, tuple[float, int]] = {}
        self._examples: set[Path] = set()
        self.damaged: dict[Path, str] = {}
        """What is wrong with files that cannot be read."""
        self.unread = 0
        """Files of the directory that the last look left for the next one."""

    def look(self, most: int | None = None) -> None:
        """Read what has changed; a session that runs is read each time.

        Args:
            most: read at most this many unknown sessions, newest first; None reads all.

        Raises:
            InvalidValue: the directory cannot be read.
        """
        files = [file for file in session_files(self.directory) if not is_example(file)]
        later: set[Path] = set()
        if most is not None:
            new = [file for file in files if file not in self._stamps]
            later = set(sorted(new, key=_written, reverse=True)[most:])
        self.unread = len(later)
        self._examples = set(example_files())
        self._read([*files, *sorted(self._examples)], later)

    def _read(self, files: Iterable[Path], later: Collection[Path]) -> None:
        there = set()
        for path in files:
            there.add(path)
            if path in later:
                continue
            known = self._summaries.get(path)
            try:
                stat = path.stat()
                stamp = (stat.st_mtime, stat.st_size)
                if self._stamps.get(path) == stamp and (known is None or not known.live):
                    continue
                self._stamps[path] = stamp
                self._summaries[path] = read_summary(path)
                if not self._summaries[path].live:
                    tidy(path)
                self.damaged.pop(path, None)
            except (SessionError, StorageError) as error:
                self._summaries.pop(path, None)
                self.damaged[path] = str(error)
            except OSError:
                continue  # gone between two looks
        for table in (self._summaries, self._stamps, self.damaged):
            for path in set(table) - there:
                del table[path]

    def __getitem__(self, path: Path) -> Summary:
        return self._summaries[path]

    def __contains__(self, path: Path) -> bool:
        return path in self._summaries

    @property
    def own(self) -> list[Summary]:
        """The directory's sessions, the newest first, those of one moment by name."""
        return sorted(
            (s for p, s in self._summaries.items() if p not in self._examples), key=lambda s: (-s.created, s.path.stem)
        )

    @property
    def examples(self) -> list[Summary]:
        """Those that ship with the project, by name."""
        return sorted((s for p, s in self._summaries.items() if p in self._examples), key=lambda s: s.path.stem)


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # gone between two looks
        return 0.0


def matches(summary: Summary, words: Iterable[str], noted: str = "") -> bool:
    """Whether all the words, in lower case, occur in a session's name, status or settings, or in its notes."""
    words = tuple(words)
    if not words:
        return True
    experiment = summary.experiment
    settings = [SETTINGS[name].text(getattr(experiment, name)) for name in GRID]
    text = " ".join((summary.path.stem, summary.status, noted, *settings)).lower()
    return all(word in text for word in words)
