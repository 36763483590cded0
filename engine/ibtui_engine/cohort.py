"""A cohort at work: networks that are trained in step and measured at the epochs of a schedule, chunk by chunk.

This is what computes in a run, in its own process (`ibtui_engine.runner`) or in another one, and it knows no file: rows
of cohorts, settings and rules come in, measured numbers and states to go on from go out. Networks are independent, so
how they are shared out among cohorts, chunks, threads and processes changes no bit of what compiled trainers compute.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from ibtui_engine.errors import TrainingError
from ibtui_engine.experiment import Experiment, RuleSettings, hidden_text
from ibtui_engine.measures.choice import make_measurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.writer import Measured
from ibtui_engine.threads import Threads
from ibtui_engine.training.choice import make_trainer
from ibtui_engine.training.problem import GradientNorms, Optimization, Problem, TrainingState, batch_of
from ibtui_engine.training.relaxation import acceptance

CHUNK_SECONDS = 0.2
"""How long training goes on before whoever drives it looks for requests."""


@dataclass(frozen=True)
class Study:
    """What the networks of a session learn, and how they are measured."""

    experiment: Experiment
    rules: Mapping[RuleSettings, Rule]
    measured: Mapping[RuleSettings, Int64[np.ndarray, " measured"] | None]
    """Of each rule the patterns that information is measured over; None where it is all."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What was measured of a cohort at one epoch, and its state there."""

    measured: Measured
    state: TrainingState


@dataclass(frozen=True, eq=False)
class Chunk:
    """What a cohort has just done."""

    epochs: int
    seconds: float
    """That training took; where the cohort had not trained before, with what its beginning took."""
    first: bool
    """Whether the cohort had not trained before."""
    snapshot: Snapshot | None
    """Where an epoch of the schedule was reached."""


class Cohort:
    """A cohort at work: its problem, trainer and measurer. `close` it in any case."""

    def __init__(
        self,
        study: Study,
        row: CohortRow,
        trainer: str,
        device: str,
        state: TrainingState | None,
        threads: Threads,
    ) -> None:
        """`row`: which networks of which ensemble; `state`: what to go on from, None before the first snapshot."""
        experiment = study.experiment
        self.row = row
        self.ensemble = ensemble = experiment.ensemble(row.ensemble)
        rule = study.rules[ensemble.rule_settings]
        seeds = tuple(experiment.seed + k for k in range(row.first, row.first + row.networks))
        samples = draw_samples(rule, ensemble.fraction, seeds, ensemble.labels)
        optimization = Optimization(
            ensemble.optimizer,
            ensemble.learning_rate,
            ensemble.momentum,
            batch_of(ensemble.batch, samples.size),
            relax_from=experiment.relaxation_epoch,
            relax_prior=experiment.relaxation_prior,
            prior_scale=ensemble.init_scale,
            ib_beta=ensemble.bottleneck,
            ib_method=ensemble.ib_method,
            weight_decay=ensemble.weight_decay,
            dropout=ensemble.dropout,
            sampling=ensemble.sampling,
        )
        self.problem = Problem(Architecture.of_ensemble(rule, ensemble), rule, samples, seeds, optimization)
        self.fresh = state is None
        start = state or TrainingState.initial(self.problem, ensemble.init_scale)
        self.epoch = start.epoch
        self.seconds_per_epoch: float | None = None
        self._trained = False
        self._trainer = make_trainer(trainer, device, self.problem, start, threads)
        self._measurer = make_measurer(self.problem, experiment, threads, study.measured[ensemble.rule_settings])

    @property
    def weight(self) -> float:
        """Computing that an epoch takes, in arbitrary units."""
        return self.weight_of(self.row.networks, self.problem.samples.size, self.problem.architecture.parameters)

    @staticmethod
    def weight_of(networks: int, sample: int, parameters: int) -> float:
        """The same of so many networks with samples of that size and so many weights."""
        return float(networks * sample * parameters)

    def state(self) -> TrainingState:
        """A copy of where training stands."""
        return self._trainer.state()

    def close(self) -> None:
        """Give back what the trainer holds."""
        self._trainer.close()

    def advance(self, schedule: Sequence[int]) -> Chunk:
        """Train for about `CHUNK_SECONDS`, at most to the next epoch of the schedule, and measure there.

        Args:
            schedule: epochs to be measured, ascending; the last one is later than where training stands.

        Raises:
            TrainingError: a network has diverged.
        """
        target = schedule[bisect_right(schedule, self.epoch)]
        pace = self.seconds_per_epoch
        chunk = 1 if pace is None else max(1, int(CHUNK_SECONDS / pace))
        epochs = min(chunk, target - self.epoch)
        reached = self.epoch + epochs == target
        began = time.perf_counter()
        norms = self._trainer.advance(epochs, statistics=reached)
        took = time.perf_counter() - began
        self.epoch += epochs
        first, self._trained = not self._trained, True
        if not first:  # that one may have compiled the kernel
            known = self.seconds_per_epoch
            self.seconds_per_epoch = took / epochs if known is None else 0.7 * known + 0.3 * took / epochs
        return Chunk(epochs, took, first, self.snapshot(norms) if reached else None)

    def snapshot(self, norms: GradientNorms | None = None) -> Snapshot:
        """Measure where training stands. `norms`: those of the last epoch's batches; None before training.

        Raises:
            TrainingError: a network has diverged.
        """
        state = self.state()
        self._require_finite(np.isfinite(state.weights).all(axis=1), state.epoch)
        information, learning = self._measurer.measure(state.weights)
        # Finite weights can make outputs that are not.
        finite = np.isfinite(learning.train_loss) & np.isfinite([information.low, information.high]).all(axis=(0, 2))
        if self.problem.samples.size < len(self.problem.rule.p_y):
            finite &= np.isfinite(learning.test_loss)
        if self.problem.rule.held_out is not None:
            finite &= np.isfinite(learning.held_out_loss)
        self._require_finite(finite, state.epoch)
        weight_norm = self.problem.architecture.weight_norms(state.weights)
        absent = np.full_like(weight_norm, np.nan)
        frozen = self._trainer.frozen_gradients().over(weight_norm)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = absent if norms is None else norms.mean / weight_norm
            std = absent if norms is None else norms.std / weight_norm
        moves = None
        if self.problem.optimization.optimizer == "metropolis":
            moves = acceptance(self.problem.architecture, state.slots)
        measured = Measured(information, learning, mean, std, weight_norm, moves, frozen.mean, frozen.std)
        return Snapshot(measured, state)

    def _require_finite(self, finite: Bool[np.ndarray, " networks"], epoch: int) -> None:
        if not finite.all():
            seed = self.problem.seeds[int(np.argmin(finite))]
            cause = "learning-rate" if epoch else "init-scale"
            raise TrainingError(
                f"the network of seed {seed} ({hidden_text(self.ensemble.hidden)}) has diverged by epoch {epoch}: "
                f"try a smaller --{cause}"
            )
