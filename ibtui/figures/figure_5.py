"""Figure 5: more and more hidden layers: the layers' mean paths, the epochs they need, and when each compresses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ibtui.figures.content import TWO_COLUMNS, Content, Line, Lines
from ibtui.figures.reading import LAYER, ensembles, of_first_values, only_source, trajectories
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.phases.smoothing import first_passage, log_axis, smooth
from ibtui_engine.session.ensemble import RecordedEnsemble
from ibtui_engine.statistics import quantiles

LEVELS = (0.3, 0.6, 0.9)
"""Of I(T;Y) at the output that networks are timed to, as shares of I(X;Y)."""
ACROSS = 3
"""Panels side by side."""


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """One panel for each depth; below, epochs against depth and the layers' compression."""
    source = only_source(sources, "5")
    path = source.path
    found = of_first_values(ensembles(source))
    fraction = max(one.ensemble.fraction for one in found)
    by_depth = {one.hidden_layers: one for one in found if one.ensemble.fraction == fraction}
    if len(by_depth) < 2:
        raise InvalidValue(
            f"session {path.stem!r} has networks of {next(iter(by_depth))} hidden layers: figure 5 compares depths"
        )
    depths = sorted(by_depth)
    planes = tuple(trajectories(by_depth[k], f"{k} hidden layer{'s' if k != 1 else ''}") for k in depths)
    rows = [planes[k : k + ACROSS] for k in range(0, len(planes), ACROSS)]
    last = max(by_depth[k].epochs[-1] for k in depths)
    times = Lines(
        "Epochs until the output knows the label",
        "hidden layers",
        "epochs",
        tuple(_times([by_depth[k] for k in depths], depths, share) for share in LEVELS),
        y_log=True,
        x_whole=True,
        columns=("hidden_layers", "epoch"),
        y_limits=(1.0, float(last)),
        note="Median over networks and quartiles; none where fewer than half come so far.",
    )
    turns = Lines(
        "Where compression begins",
        LAYER,
        "epoch",
        tuple(_turning(by_depth[k], f"{k} hidden") for k in depths),
        y_log=True,
        x_whole=True,
        columns=("layer", "epoch"),
        y_limits=(1.0, float(last)),
        note="Peak of I(X;T), geometric mean and 95 % interval; none where it falls in fewer than half of the networks "
        "or from the start.",
    )
    return Content((*rows, (times, turns)), TWO_COLUMNS, (*(1.75 for _ in rows), 2.5))


def _times(found: Sequence[RecordedEnsemble], depths: Sequence[int], share: float) -> Line:
    """Epochs to a share of I(X;Y) at the output: median and quartiles, networks that never come there counted last."""
    quartiles, counts = [], []
    for one in found:
        history = one.layers
        axis = log_axis(history.epochs)
        course = smooth(axis, history.i_y[:, :, -1])
        level = np.full(course.shape[1], -share * one.i_xy)
        passed = first_passage(axis, -course, level, np.zeros(course.shape[1], np.int64))
        epochs = np.where(np.isnan(passed), np.inf, np.exp(passed))
        quartiles.append(quantiles(epochs, [0.25, 0.5, 0.75]))
        counts.append(int(np.isfinite(epochs).sum()))
    low, middle, high = (np.where(np.isinf(q), np.nan, q) for q in np.array(quartiles).T)
    name = f"{100 * share:.0f} % of I(X;Y)"
    return Line(name, np.array(depths, float), middle, low, high, np.array(counts))


def _turning(one: RecordedEnsemble, name: str) -> Line:
    """The epochs at which the layers' I(X;T) turns."""
    spreads = [row.turning for row in one.phases.layers]
    there = np.array([each.common for each in spreads])
    epoch, low, high = (
        np.where(there, [getattr(one, end) for one in spreads], np.nan) for end in ("epoch", "low", "high")
    )
    return Line(name, np.arange(1.0, len(spreads) + 1), epoch, low, high, np.array([one.count for one in spreads]))
