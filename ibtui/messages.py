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
    """Show the session in a file, and the ensemble of that index in it; None: the one that was last looked at."""

    def __init__(self, path: Path, ensemble: int | None = None) -> None:
        super().__init__()
        self.path = path
        self.ensemble = ensemble


class Compare(Message):
    """Show ensembles of these session files side by side: the first ones, or those that are `chosen`, each by the place
    of its file and its index.
    """

    def __init__(self, paths: Sequence[Path], chosen: Sequence[tuple[int, int]] = ()) -> None:
        super().__init__()
        self.paths = tuple(paths)
        self.chosen = tuple(chosen)


class ShowAccount(Message):
    """Judge the claims of the paper on these session files; on those that they rest on, where none is named."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self.paths = tuple(paths)


class ShowMap(Message):
    """Show the map of a session whose ensembles are a grid."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


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
