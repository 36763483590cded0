"""What a screen asks of the app. Screens post these messages, so that none of them needs to know the app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from ibtui.lessons import Lesson
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.session.summary import Summary


class OpenSession(Message):
    """Show the session in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class Compare(Message):
    """Show the ensembles of these session files side by side."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self.paths = tuple(paths)


class ShowAccount(Message):
    """Judge the claims of the paper on these session files; on those that they rest on, where none is named."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self.paths = tuple(paths)


class OpenTour(Message):
    """Follow the tour, from where it was left."""


class ShowStop(Message):
    """Show a stop of a lesson, `index` from 0; None: the one at which the lesson was left."""

    def __init__(self, lesson: Lesson, index: int | None = None) -> None:
        super().__init__()
        self.lesson = lesson
        self.index = index


class NewExperiment(Message):
    """Show the form for a new experiment, filled with the settings of another one if there is one."""

    def __init__(self, like: Experiment | None = None) -> None:
        super().__init__()
        self.like = like


class StartRun(Message):
    """Start a run in a process of its own, and show its session, which it writes to `path`."""

    def __init__(self, experiment: Experiment, path: Path, *, threads: int | None = None) -> None:
        super().__init__()
        self.experiment = experiment
        self.path = path
        self.threads = threads


class ResumeRun(Message):
    """Resume the run of a session in a process of its own, and show the session if `show`. A finished one goes further:
    the app asks how far.
    """

    def __init__(self, summary: Summary, *, show: bool = True) -> None:
        super().__init__()
        self.summary = summary
        self.show = show
