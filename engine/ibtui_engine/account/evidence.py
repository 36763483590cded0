"""The sessions that an account rests on, and what is read of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.noise import NoiseErrors, noise_of
from ibtui_engine.phases.diffusion import LayerDiffusion
from ibtui_engine.phases.relaxation import Relaxation, relaxation_of
from ibtui_engine.presets import QUICK_MOST, find_preset
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import Threads, usable_cores

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.session.ensemble import RecordedEnsemble

PRESETS = ("figure-3", "figure-5", "figure-6", "figure-6-soft", "figure-7", "figure-8")
"""What the paper's figures rest on."""
QUESTIONS = ("digits", "perceptron", "monte-carlo")
"""What the questions of section 4 do."""
CONTROLS = ("relu", "full-batch", "random-labels", "adam")

VARIANTS: Mapping[str, Experiment] = MappingProxyType(
    {
        f"{name} {value}": Experiment(networks=20, **{setting: value})  # type: ignore[arg-type]
        for name, setting, values in (
            ("learning rate", "learning_rate", (0.005, 0.08)),
            ("batch", "batch", (128, 1024)),
        )
        for value in values
    }
)
"""What shows how much the numbers depend on how one trains."""


def experiments(*, quick: bool = False, networks: int | None = None) -> dict[str, Experiment]:
    """Everything that an account rests on, by name.

    `quick`: small versions, whose account says little. `networks`: so many in each ensemble; fewer make the standard
    errors larger and little else.

    Raises:
        InvalidValue: there cannot be so many.
    """
    found = {name: find_preset(name) for name in (*PRESETS, *QUESTIONS, *CONTROLS)}
    wanted = {name: preset.quick if quick else preset.experiment for name, preset in found.items()}
    small = QUICK_MOST if quick else {}
    wanted |= {name: experiment.override(small) for name, experiment in VARIANTS.items()}
    if networks is None:
        return wanted
    return {name: experiment.override({"networks": networks}) for name, experiment in wanted.items()}


class Evidence:
    """Reads sessions by the names of `experiments`; what has been read is kept."""

    def __init__(self, sessions: Mapping[str, Path]) -> None:
        self._sessions = dict(sessions)
        self.ensembles = cache(self._ensembles)
        self.fits = cache(self._fits)
        self.moves = cache(self._moves)
        self.relaxation = cache(self._relaxation)
        self.noise = cache(self._noise)

    def __contains__(self, name: str) -> bool:
        return name in self._sessions

    def ensemble(self, name: str, index: int = -1) -> RecordedEnsemble:
        """One ensemble of a session, by its number; without one, the last."""
        return self.ensembles(name)[index]

    def _ensembles(self, name: str) -> tuple[RecordedEnsemble, ...]:
        with SessionReader(self._sessions[name]) as reader, reader.moment():
            summary = reader.summary
            if not summary.ensembles or not all(one.snapshots for one in summary.ensembles):
                raise InvalidValue(f"session {summary.name!r} has measured nothing: there is nothing to account for")
            return reader.recorded_ensembles()

    def _fits(self, name: str) -> LayerFits:
        """beta* of the last ensemble's converged layers."""
        return self.ensemble(name).fits(require_beta=True)

    def _moves(self, name: str) -> tuple[LayerDiffusion, ...]:
        """How the weights of the last ensemble move after the transition."""
        return self.ensemble(name).diffusion()

    def _relaxation(self, name: str) -> Relaxation:
        """The last ensemble of metropolis beside that of SGD."""
        with SessionReader(self._sessions[name]) as reader, reader.moment():
            return relaxation_of(reader, [e for e in reader.summary.ensembles if e.optimizer == "metropolis"][-1])

    def _noise(self, name: str) -> tuple[NoiseErrors, ...]:
        """What noise in the weights does to the ensembles, in their order."""
        threads = Threads(usable_cores())
        try:
            with SessionReader(self._sessions[name]) as reader, reader.moment():
                return tuple(noise_of(reader, one, threads) for one in reader.summary.ensembles)
        finally:
            threads.close()
