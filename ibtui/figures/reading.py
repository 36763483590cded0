"""From a session to the panels that several figures share."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ibtui.figures.content import Gradients, Paths, Plane, Points, SignalToNoise
from ibtui.panels import Panels, agreed
from ibtui.wording import estimate
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import parse_hidden
from ibtui_engine.session.follow import Follower
from ibtui_engine.session.history import SessionReader


def ensembles(path: Path) -> list[Panels]:
    """All ensembles of a session of which something is measured.

    Raises:
        InvalidValue: nothing is.
        SessionError: the session cannot be read.
    """
    with Follower(path) as follower:
        found = [Panels(follower, one.index) for one in follower.summary.ensembles if one.snapshots]
    if not found:
        raise InvalidValue(f"session {path.stem!r}: no epoch has been measured yet")
    return found


def of_first_optimizer(found: Sequence[Panels]) -> list[Panels]:
    """Where an experiment has several optimisers, the ensembles of its first."""
    first = found[0].summary.experiment.optimizer[0]
    return [one for one in found if one.ensemble.optimizer == first] or list(found)


def one_of(found: Sequence[Panels]) -> Panels:
    """Of several ensembles the one to show alone: most of the patterns, then most layers."""
    return max(found, key=lambda one: (one.ensemble.fraction, len(one.widths)))


def only_session(paths: Sequence[Path], figure: str) -> Path:
    """The session of a figure that is made of one.

    Raises:
        InvalidValue: there are more.
    """
    if len(paths) > 1:
        raise InvalidValue(f"session is given {len(paths)} times: figure {figure} is made of one")
    return paths[0]


def percent(fraction: float) -> str:
    """A sample fraction as people say it."""
    return f"{100 * fraction:.4g} % of the patterns"


def plane(panels: Panels, title: str) -> Plane:
    """What an ensemble's information planes have in common."""
    summary = panels.summary
    one = panels.ensemble
    return Plane(title, one.hidden, one.fraction, one.networks, summary.h_x, summary.i_xy, estimate(summary.experiment))


def points(panels: Panels, epoch: int, title: str) -> Points:
    """Every network at a measured epoch."""
    row = panels.epochs.index(epoch)
    history = panels.recorded
    return Points(plane(panels, title), epoch, panels.summary.experiment.seed, history.i_x[row], history.i_y[row])


def trajectories(panels: Panels, title: str) -> Paths:
    """The layers' mean paths."""
    turns = [agreed(one) for one in panels.transition.layers]
    return Paths(
        plane(panels, title),
        panels.recorded.epochs,
        panels.mean("i_x"),
        panels.mean("i_y"),
        tuple(math.nan if turn is None else turn for turn in turns),
        panels.epochs[-1],
    )


def gradients(panels: Panels, title: str) -> Gradients:
    """Each layer's gradients.

    Raises:
        InvalidValue: none are recorded.
    """
    _require_gradients(panels)
    std = panels.mean("grad_std")
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # epoch 0 has no gradients
        floor = np.exp(np.nanmean(np.log(std), axis=1)) / math.sqrt(panels.batches)
    return Gradients(
        title,
        (_inputs(panels), *panels.widths),
        panels.recorded.epochs,
        panels.mean("grad_mean"),
        std,
        floor,
        panels.batches,
        panels.turn,
        panels.epochs[-1],
    )


def signal_to_noise(panels: Panels, title: str) -> SignalToNoise:
    """Each layer's SNR.

    Raises:
        InvalidValue: there is none.
    """
    _require_gradients(panels)
    phases = panels.phases
    return SignalToNoise(
        title,
        panels.recorded.epochs,
        panels.mean("log_snr"),
        panels.transition.layers,
        panels.transition.network,
        tuple(row.levels_at for row in phases.layers),
        tuple(row.level for row in phases.layers),
        panels.batches,
        panels.epochs[-1],
    )


def _require_gradients(panels: Panels) -> None:
    if panels.batches <= 1:
        raise InvalidValue(
            f"session {panels.summary.path.stem!r}: an epoch is one batch, so its gradients have no noise to compare "
            "with: take one with smaller batches"
        )
    if len(panels.epochs) < 2:
        raise InvalidValue(f"session {panels.summary.path.stem!r}: no gradients have been measured yet")


def _inputs(panels: Panels) -> int:
    with SessionReader(panels.summary.path) as reader:
        return int(reader.architecture(panels.ensemble).widths[0])


def depth(panels: Panels) -> int:
    """Hidden layers."""
    return len(parse_hidden(panels.ensemble.hidden))
