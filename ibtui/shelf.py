"""The sessions there are, brought up to date at each look: what has not changed on disk is not read again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.errors import SessionError
from engine.session.summary import Summary, read_summary
from ibtui.locations import example_files, is_example, session_files


class Shelf:
    """Summaries of the sessions in a directory, and of those that ship with the project."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._summaries: dict[Path, Summary] = {}
        self._stamps: dict[Path, tuple[float, int]] = {}
        self.damaged: dict[Path, str] = {}
        """What is wrong with files that cannot be read."""

    def look(self) -> None:
        """Read what has changed; a session that runs is read each time.

        Raises:
            InvalidValue: the directory cannot be read.
        """
        files = [file for file in session_files(self.directory) if not is_example(file)]
        self._read([*files, *example_files()])

    def _read(self, files: Iterable[Path]) -> None:
        there = set()
        for path in files:
            there.add(path)
            known = self._summaries.get(path)
            try:
                stat = path.stat()
                stamp = (stat.st_mtime, stat.st_size)
                if self._stamps.get(path) == stamp and (known is None or not known.live):
                    continue
                self._stamps[path] = stamp
                self._summaries[path] = read_summary(path)
                self.damaged.pop(path, None)
            except SessionError as error:
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
        """The directory's sessions, the newest first."""
        return sorted((s for p, s in self._summaries.items() if not is_example(p)), key=lambda s: -s.created)

    @property
    def examples(self) -> list[Summary]:
        """Those that ship with the project, by name."""
        return sorted((s for p, s in self._summaries.items() if is_example(p)), key=lambda s: s.path.stem)


def matches(summary: Summary, words: Iterable[str]) -> bool:
    """Whether all the words, in lower case, stand in what is known of a session."""
    words = tuple(words)
    if not words:
        return True
    experiment = summary.experiment.to_dict() | {"optimizer": summary.experiment.optimizer}
    named = (experiment["rule"], experiment["activation"], *experiment["optimizer"], *experiment["hidden"])
    text = " ".join((summary.path.stem, summary.status, *named, *(f"{f:g}" for f in experiment["fraction"]))).lower()
    return all(word in text for word in words)
