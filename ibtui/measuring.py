"""Measuring the shown session again, with other bins or another estimator, while somebody looks at it.

The numbers come from a process of their own (`ibtui remeasure --stream`), the shown epoch first, and stay in memory:
the session file is only read. Nothing here loads a compiler. A recording has what its estimators said: of it, another
one is shown, and nothing is measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ibtui.commands import Companion
from ibtui.formatting import estimate
from ibtui.last_words import last_line
from ibtui_engine.errors import EngineError, either
from ibtui_engine.experiment import BINNED, ESTIMATORS, Experiment
from ibtui_engine.recorded import Recording
from ibtui_engine.session.columns import ESTIMATED, LayerHistory
from ibtui_engine.settings import USED_BY

BINS = (2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 500, 1000)
"""Numbers of bins that the keys step through."""
MEASURED = tuple(column.name for column in ESTIMATED)
"""What an answer has for every network and layer."""


class MeasuringAgain:
    """What has been measured again of one session, and the process that does it."""

    def __init__(self, path: Path, recorded: Experiment, changed: Callable[[], None], refused: Callable[[str], None]):
        self._path = path
        self._recorded = recorded
        self.experiment = recorded
        """The settings that the shown numbers rest on."""
        self._changed = changed
        self._refused = refused
        self._answers: dict[tuple[int, int], dict[str, np.ndarray]] = {}
        """By ensemble and epoch."""
        self._asked: tuple[int, int, set[int]] = (-1, -1, set())
        """Ensemble, first epoch and all epochs of the last request."""
        self._process: Companion[dict[str, Any]] | None = None
        self._number = 0

    @property
    def active(self) -> bool:
        """Whether other numbers than the recorded ones are shown."""
        return self.experiment != self._recorded

    @property
    def place(self) -> int:
        """Of the shown estimator among those that a recording was measured by; 0 of the first, and of runs."""
        return self.experiment.chosen if isinstance(self.experiment, Recording) else 0

    @property
    def by(self) -> str | None:
        """What that estimator is called, where it is not the first."""
        return self.experiment.chosen_name if isinstance(self.experiment, Recording) else None

    def missing(self, ensemble: int, epochs: Sequence[int]) -> int:
        """How many of these epochs are still to come."""
        if not self.active or self.place:
            return 0
        return sum((ensemble, epoch) not in self._answers for epoch in epochs)

    def basis(self, ensemble: int, epochs: Sequence[int]) -> str:
        """What the shown numbers rest on, in a few words, and how many of these epochs are still to come."""
        if isinstance(self.experiment, Recording):
            count = len(self.experiment.estimations)
            return (f"{self.place + 1} of {count}: " if count > 1 else "") + estimate(self.experiment)
        if not self.active:
            return estimate(self._recorded)
        left = self.missing(ensemble, epochs)
        return f"measured again: {estimate(self.experiment)}" + (f", {left} epochs to come" if left else "")

    # what to measure with

    def step_bins(self, steps: int) -> None:
        """More bins (1) or fewer (−1)."""
        if self.experiment.estimator not in BINNED:
            raise EngineError(f"the estimator {self.experiment.estimator} has no bins: choose {either(BINNED)} first")
        now = self.experiment.bins
        further = [b for b in BINS if b > now] if steps > 0 else [b for b in reversed(BINS) if b < now]
        if further:
            self._choose(self.experiment.override({"bins": further[0]}))

    def next_estimator(self) -> None:
        """The next of the estimators, of a recording of those that it was measured by."""
        if isinstance(self.experiment, Recording):
            self._choose(self.experiment.by((self.place + 1) % len(self.experiment.estimations)))
            return
        after = ESTIMATORS[(ESTIMATORS.index(self.experiment.estimator) + 1) % len(ESTIMATORS)]
        own = self._recorded if after == self._recorded.estimator else None
        noise = {name: getattr(own, name, None) for name in ("noise", "noise_scale")}
        self._choose(self.experiment.override({"estimator": after, **noise}))

    def as_recorded(self) -> None:
        """The numbers that the session has."""
        self._choose(self._recorded)

    def _choose(self, experiment: Experiment) -> None:
        if experiment != self.experiment:
            self.experiment = experiment
            self._answers.clear()
            self._asked = -1, -1, set()
            self._changed()

    # the numbers

    def history(self, ensemble: int, recorded: LayerHistory) -> LayerHistory:
        """The recorded history with what was measured again in its place, NaN where that is still to come."""
        if not self.active:
            return recorded
        values: dict[str, np.ndarray] = {name: np.full(recorded.i_x.shape, np.nan) for name in MEASURED}
        for row, epoch in enumerate(recorded.epochs.tolist()):
            answer = self._answers.get((ensemble, epoch))
            if answer is not None:
                for name, found in answer.items():
                    values[name][row, : len(found)] = found
        return replace(recorded, **values)

    def ask(self, ensemble: int, shown: int, epochs: Sequence[int]) -> None:
        """Have the epochs that are still to come measured, the shown one first."""
        wanted = [epoch for epoch in epochs if (ensemble, epoch) not in self._answers]
        if not self.active or self.place or not wanted:
            return
        whose, first, asked = self._asked
        if whose == ensemble and set(wanted) <= asked and (shown not in wanted or shown == first):
            return  # they are on their way
        self._asked = ensemble, shown, set(wanted)
        self._number += 1
        order = sorted(wanted, key=lambda epoch: (epoch != shown, epoch))
        request = {
            "id": self._number,
            "ensemble": ensemble,
            "epochs": order,
            "estimator": self.experiment.estimator,
            **{name: getattr(self.experiment, name) for name in USED_BY},
        }
        try:
            self._running().say(request)
        except OSError as error:
            self._refused(f"nothing can be measured again: {error.strerror}")

    def _running(self) -> Companion[dict[str, Any]]:
        """The process, which is started if there is none. Raises OSError where none can be."""
        if self._process is None:
            arguments = "-m", "ibtui", "remeasure", str(self._path.absolute()), "--stream"
            self._process = Companion(*arguments, read=json.loads, heard=self._take, ended=self._end)
        return self._process

    def _end(self, status: int, said: str) -> None:
        """The process has ended by itself; the next question begins another."""
        self._process = None
        self._asked = -1, -1, set()
        self._refused(last_line(said, status))

    def _take(self, answer: dict[str, Any]) -> None:
        if answer.get("id") != self._number:
            return  # of an earlier wish
        if "error" in answer:
            self._refused(str(answer["error"]))
            return
        if answer["estimator"] != self.experiment.estimator:
            return
        found: dict[str, np.ndarray] = {
            name: np.array(answer[name], np.float64) for name in MEASURED if answer.get(name) is not None
        }
        self._answers[answer["ensemble"], answer["epoch"]] = found
        self._changed()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
