"""What is compressed? What each layer keeps of the orbit (the class of equal p(y|x), all of x that the label depends
on), within orbits, and beyond the label; and what it loses of each from the peak of its I(X;T) to the end.

I(X;T) = I(T;orbit) + I(X;T | orbit), and I(X;T | Y) = I(X;T) − I(T;Y).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.figures.content import TWO_COLUMNS, Content, Lines
from ibtui.figures.reading import ensembles, mean_line, of_layers, one_of, only_source, percent
from ibtui.figures.registry import Source
from ibtui.formatting import estimate
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import called

if TYPE_CHECKING:
    from ibtui_engine.session.ensemble import RecordedEnsemble

COURSES = (
    ("I(T;orbit)", "i_orbit", "i_orbit_bits"),
    ("I(X;T | orbit)", "i_within", "i_within_bits"),
    ("I(X;T | Y)", "i_x_given_y", "i_x_given_y_bits"),
)
LOST = (("of the orbit", "i_orbit"), ("within orbits", "i_within"), ("of the label", "i_y"))
EPOCHS = 25
"""Epochs shown of those that are measured, at most."""
NOTE = "Mean over networks and 95 % interval."


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """Three courses over epochs, and what is lost."""
    source = only_source(sources, "orbits")
    known = [one for one in ensembles(source) if np.isfinite(one.values("i_orbit")).any()]
    if not known:
        raise InvalidValue(
            f"session {source.path.stem!r} does not tell what layers keep of orbits: it was measured before that was "
            "recorded, or by an estimator that counts no values of t; `ibtui remeasure` measures it again"
        )
    one = one_of(known)
    names = called(one.ensemble.own_names, len(one.widths))
    title = f"{one.ensemble.hidden}, {percent(one.ensemble.fraction)}"
    panels = [_course(one, f"{what}: {title}", what, of, column, names) for what, of, column in COURSES]
    return Content(((panels[0], panels[1]), (panels[2], _lost(one, names))), TWO_COLUMNS, (2.6, 2.6))


def _course(one: RecordedEnsemble, title: str, what: str, name: str, column: str, names: tuple[str, ...]) -> Lines:
    """A line for each layer over epochs."""
    measured = np.flatnonzero(np.array(one.epochs) > 0)  # a log axis has no place for epoch 0
    rows = (
        measured[np.unique(np.linspace(0, len(measured) - 1, EPOCHS).round().astype(int))]
        if len(measured)
        else measured
    )
    epochs, values = np.array(one.epochs, np.float64)[rows], one.values(name)[rows]
    lines = tuple(mean_line(layer, epochs, values[:, :, k]) for k, layer in enumerate(names))
    note = f"{NOTE} {estimate(one.summary.experiment).capitalize()}."
    return Lines(title, "epoch", f"{what}  (bits)", lines, x_log=True, columns=("epoch", column), note=note)


def _lost(one: RecordedEnsemble, names: tuple[str, ...]) -> Lines:
    """What each layer loses from the peak of its I(X;T) to the end, network by network."""
    i_x = one.values("i_x")
    peak = np.where(np.isnan(i_x), -np.inf, i_x).argmax(axis=0)
    lines = []
    for what, name in LOST:
        values = one.values(name)
        lost = np.take_along_axis(values, peak[None], axis=0)[0] - values[-1]
        lines.append(mean_line(what, np.arange(1.0, len(names) + 1), lost.T))
    note = f"From the peak of a layer's I(X;T) to epoch {one.epochs[-1]}. {NOTE}"
    return of_layers(
        "What compression loses", "lost since the peak of I(X;T)  (bits)", "lost_bits", lines, names, note=note
    )
