"""Measuring a session again, from its saved weights: other bins, another estimator, no training.

With the settings that a session was run with, the numbers come out as they were recorded, to the last bit (on the same
kind of processor). What earlier versions did not measure is measured, too, as far as it follows from the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ibtui_engine.errors import InvalidValue, damaged, either
from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.choice import AnyMeasurer, make_measurer
from ibtui_engine.measures.layer import require_equally_likely
from ibtui_engine.measures.snapshot import LayerInformation
from ibtui_engine.networks import Samples
from ibtui_engine.session.columns import INFORMATION, LAYER, LayerHistory
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.session.rewrite import Watch, rewrite
from ibtui_engine.session.summary import EnsembleSummary
from ibtui_engine.setting import written
from ibtui_engine.settings import SETTINGS as SETTINGS_OF
from ibtui_engine.settings import SLOW, UNIFORM, USED_BY
from ibtui_engine.threads import Threads
from ibtui_engine.training.choice import frozen_gradients
from ibtui_engine.training.problem import FrozenGradients, Optimization, Problem, batch_of

SETTINGS = ("estimator", *USED_BY)
"""What can be changed without training again."""
LACKING = {
    "bins": "has no bins",
    "noise": "adds no noise",
    "noise_scale": "adds no noise",
    "noise_samples": "draws no noise",
    "kernel_width": "has no kernel",
}
"""By setting: why an estimator does not use it."""


def measured_otherwise(experiment: Experiment, given: Mapping[str, Any]) -> Experiment:
    """The experiment with others of `SETTINGS`, whether or not its estimator uses them. Noise that was chosen for one
    estimator is not taken over by another.

    Raises:
        InvalidValue: a value is outside its range.
    """
    other = given.get("estimator", experiment.estimator) != experiment.estimator
    return experiment.override({"noise": None, "noise_scale": None, **given} if other else given)


def with_settings(experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    """The experiment with another of `SETTINGS`, as `measured_otherwise` takes it; None changes nothing.

    Raises:
        InvalidValue: a value is outside its range, or the estimator does not use it.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    changed = measured_otherwise(experiment, given)
    for name, estimators in USED_BY.items():
        if name in given and changed.estimator not in estimators:
            raise InvalidValue(
                f"{written(name)} is {SETTINGS_OF[name].text(getattr(changed, name))}: the estimator "
                f"{changed.estimator} {LACKING[name]}; add --estimator {either(estimators)}"
            )
    return changed


class Remeasurer:
    """Measures the networks of an open session again. Made for one ensemble and one experiment's settings."""

    def __init__(
        self, reader: SessionReader, ensemble: EnsembleSummary, experiment: Experiment, threads: Threads
    ) -> None:
        if why := reader.summary.why_not("remeasure"):
            raise InvalidValue(f"session {reader.summary.name!r} cannot be measured again: {why}")
        self._reader = reader
        self._ensemble = ensemble
        self._experiment = experiment
        self._threads = threads
        self._architecture = reader.architecture(ensemble)
        self._rule = reader.rule(ensemble.rule.number)
        require_equally_likely(experiment.estimator, self._rule.p_x)
        self._samples = reader.samples(ensemble)
        self._seeds = tuple(reader.seeds(ensemble))
        self._measured = reader.measured(ensemble.rule.number)
        self._measurers: dict[tuple[int, int], AnyMeasurer] = {}
        self._problems: dict[tuple[int, int], Problem] = {}

    @property
    def parameters(self) -> int:
        """Weights and biases of one network."""
        return self._architecture.parameters

    def measure(self, first: int, weights: Float32[np.ndarray, "networks parameters"]) -> LayerInformation:
        """What networks first, first + 1, ... of the ensemble know with these weights.

        Raises:
            SessionError: the weights are no weights.
        """
        if len(weights) == 0:
            raise damaged(self._reader.path, "it has an ensemble without networks")
        last = first + len(weights)
        if last > len(self._seeds):
            raise damaged(self._reader.path, "a cohort has networks that there are not")
        if not np.isfinite(weights).all():
            raise damaged(self._reader.path, "it has weights that are no numbers")
        if (first, last) not in self._measurers:
            experiment = self._experiment
            samples = Samples(self._samples.patterns[first:last], self._samples.labels[first:last])
            trained = self._ensemble.settings
            batch = batch_of(trained.batch, samples.size)
            optimization = Optimization(trained.optimizer, trained.learning_rate, trained.momentum, batch)
            problem = Problem(self._architecture, self._rule, samples, self._seeds[first:last], optimization)
            self._problems[first, last] = problem
            self._measurers[first, last] = make_measurer(problem, experiment, self._threads, self._measured)
        found, _ = self._measurers[first, last].measure(weights)
        if not np.isfinite([found.low, found.high]).all():
            raise damaged(self._reader.path, "it has weights whose outputs are no numbers")
        return found

    def gradients(self, first: int, weights: Float32[np.ndarray, "networks parameters"]) -> FrozenGradients:
        """Statistics of single examples' gradients at these weights, over the weights' norms. Where `measure` has been
        called with them.
        """
        problem = self._problems[first, first + len(weights)]
        found = frozen_gradients(self._ensemble.trainer, problem, weights, self._threads)
        return found.over(self._architecture.weight_norms(weights))


def remeasure(
    reader: SessionReader,
    ensemble: EnsembleSummary,
    epochs: Sequence[int],
    experiment: Experiment,
    threads: Threads,
    given_up: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, LayerInformation]]:
    """All networks of an ensemble at each of these epochs, in this order, measured as `experiment` says.

    Ends early where `given_up` says so; it is asked between epochs, and between some networks of a slow estimator.

    Raises:
        InvalidValue: an epoch was not measured for all networks, or the session keeps no weights.
        SessionError: the session is damaged.
    """
    for epoch in epochs:
        ensemble.require_measured(epoch)
    again = Remeasurer(reader, ensemble, experiment, threads)
    step = 2 * threads.count if experiment.estimator in SLOW else max(ensemble.networks, 1)
    for epoch in epochs:
        weights = reader.weights(ensemble, epoch)
        parts = []
        for first in range(0, max(len(weights), 1), step):
            if given_up():
                return
            parts.append(again.measure(first, weights[first : first + step]))
        yield epoch, _joined(parts)


def _joined(parts: list[LayerInformation]) -> LayerInformation:
    """What was measured of some networks, then of others, as one."""
    if len(parts) == 1:
        return parts[0]
    columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(LayerInformation)}
    return LayerInformation(**{name: np.concatenate(column) for name, column in columns.items()})


def by_every_estimator(
    reader: SessionReader,
    recorded: RecordedEnsemble,
    epoch: int,
    estimators: Sequence[str],
    changes: Mapping[str, Any],
    threads: Threads,
) -> Iterator[tuple[str, RecordedEnsemble | str]]:
    """Each estimator with an ensemble measured by it at one epoch, whose history has that epoch alone; or with why it
    cannot be. A change of settings is for the estimators that use them.

    Raises:
        InvalidValue: the epoch was not measured, a setting is outside its range, the units are stochastic, or the
            session keeps no weights.
        SessionError: the session is damaged.
    """
    own, ensemble = reader.summary.experiment, recorded.ensemble
    if ensemble.settings.stochastic:
        raise InvalidValue("estimators differ on deterministic units: information of stochastic ones is exact")
    for name, value in changes.items():
        if value is not None:
            SETTINGS_OF[name].require(name, value)
    for estimator in estimators:
        if estimator in UNIFORM and ensemble.rule.weighted:
            yield estimator, "it needs equally likely patterns, and here p(x) has weights"
            continue
        used = {name: value for name, value in changes.items() if estimator in USED_BY[name]}
        experiment = with_settings(own, {"estimator": estimator, **used})
        (_, found), *_ = remeasure(reader, ensemble, [epoch], experiment, threads)
        row = np.flatnonzero(recorded.layers.epochs == epoch)
        columns = {one.name: getattr(recorded.layers, one.name)[row] for one in LAYER}
        columns |= {one.name: np.asarray(getattr(found, one.field), np.float64)[None] for one in INFORMATION}
        yield (
            estimator,
            recorded.measured_again(LayerHistory(epochs=recorded.layers.epochs[row], **columns), experiment),
        )


def save_remeasured(
    reader: SessionReader,
    target: Path | str,
    name: str,
    experiment: Experiment,
    threads: Threads,
    watch: Watch = lambda done, total: None,
) -> None:
    """Write a new session: this one measured again, all else as it is. Gradients at frozen weights are found where the
    session lacks them.

    Raises:
        InvalidValue: the file exists or cannot be written, or the session keeps no weights.
        SessionError: the session is damaged.
        StorageError: the disk is full.
    """
    ensembles = reader.summary.ensembles
    for ensemble in ensembles:  # nothing is saved that could not be read again
        reader.recorded_ensemble(ensemble.index)
    again = {ensemble.index: Remeasurer(reader, ensemble, experiment, threads) for ensemble in ensembles}

    def of(index: int) -> Remeasurer:
        if index not in again:
            raise damaged(reader.path, f"it has no ensemble {index}")
        return again[index]

    def measure(cohort: CohortRow, weights: Float32[np.ndarray, "networks parameters"]) -> LayerInformation:
        return of(cohort.ensemble).measure(cohort.first, weights)

    def gradients(cohort: CohortRow, weights: Float32[np.ndarray, "networks parameters"]) -> FrozenGradients:
        return of(cohort.ensemble).gradients(cohort.first, weights)

    rewrite(reader.path, Path(target), name, experiment, lambda index: of(index).parameters, measure, gradients, watch)
