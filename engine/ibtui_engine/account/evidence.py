"""The sessions that an account rests on, and what is read of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ibtui_engine.bottleneck.recorded import fit_session
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.noise import NoiseErrors, noise_of
from ibtui_engine.phases.account import Phases, phases
from ibtui_engine.phases.diffusion import LayerDiffusion, diffusion
from ibtui_engine.phases.relaxation import Relaxation, relaxation_of
from ibtui_engine.presets import QUICK_MOST, find_preset
from ibtui_engine.session.history import LayerHistory, LearningHistory, SessionReader
from ibtui_engine.threads import Threads, usable_cores

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.session.summary import EnsembleSummary, Summary

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


@dataclass(frozen=True, eq=False)
class Ensemble:
    """One ensemble, read."""

    summary: Summary
    ensemble: EnsembleSummary
    layers: LayerHistory
    learning: LearningHistory
    phases: Phases

    @property
    def hidden(self) -> int:
        """Hidden layers."""
        return len(self.phases.layers) - 1

    def name(self, layer: int) -> str:
        """What a layer, counted from 0, is called."""
        return "output" if layer == self.hidden else f"T{layer + 1}"


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

    def ensemble(self, name: str, index: int = -1) -> Ensemble:
        """One ensemble of a session, by its number; without one, the last."""
        return self.ensembles(name)[index]

    def _ensembles(self, name: str) -> tuple[Ensemble, ...]:
        with SessionReader(self._sessions[name]) as reader, reader.moment():
            summary = reader.summary
            return tuple(_read(reader, summary, one) for one in summary.ensembles)

    def _fits(self, name: str) -> LayerFits:
        """beta* of the last ensemble's converged layers."""
        last = self.ensembles(name)[-1].ensemble.index
        return fit_session(self._sessions[name], require_beta=True, ensembles={last})[2][0][1]

    def _moves(self, name: str) -> tuple[LayerDiffusion, ...]:
        """How the weights of the last ensemble move after the transition."""
        of = self.ensembles(name)[-1]
        with SessionReader(self._sessions[name]) as reader:
            snapshots = ((epoch, reader.weights(of.ensemble, epoch)) for epoch in of.ensemble.snapshots)
            return diffusion(snapshots, reader.architecture(of.ensemble), of.phases.transition.epochs)[0]

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


def _read(reader: SessionReader, summary: Summary, one: EnsembleSummary) -> Ensemble:
    if not one.snapshots:
        raise InvalidValue(f"session {summary.name!r} has measured nothing: there is nothing to account for")
    history = reader.layers(one)
    found = phases(history, widths=summary.widths(one), batches=summary.batches(one), h_x=summary.h_x)
    return Ensemble(summary, one, history, reader.learning(one), found)
