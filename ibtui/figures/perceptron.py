"""Noise in the weights (section 4, question two): generalisation error of a single layer and of a deep network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.figures.content import ONE_COLUMN, Content, Line, Lines
from ibtui.figures.reading import only_source
from ibtui.figures.registry import Source
from ibtui.formatting import title_of
from ibtui_engine.noise import noise_of
from ibtui_engine.session.history import SessionReader
from ibtui_engine.statistics import spread
from ibtui_engine.threads import Threads, usable_cores

if TYPE_CHECKING:
    from jaxtyping import Float64


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """One line for each ensemble, and one for the closed form where there is one."""
    path = only_source(sources, "perceptron").path
    lines: list[Line] = []
    pool = Threads(threads or usable_cores())
    try:
        with SessionReader(path) as reader, reader.moment():
            summary = reader.summary
            for one in summary.ensembles:
                if not one.snapshots:
                    continue
                found = noise_of(reader, one, pool)
                outside = found.outside if np.isfinite(found.outside).any() else found.every
                hidden = f"hidden {one.hidden}" if one.hidden != "none" else "no hidden layer"
                name = hidden if len({e.hidden for e in summary.ensembles}) > 1 else title_of(summary, one)
                lines.append(_line(name, found.sigmas, outside))
                if found.closed is not None:
                    lines.append(_line("closed form", found.sigmas, found.closed))
    finally:
        pool.close()
    panel = Lines(
        "Generalisation error against noise in the weights",
        "noise, relative to the weights",
        "generalisation error",
        tuple(lines),
        columns=("sigma", "error"),
        y_limits=(0.0, 0.55),
        note="Outside the samples, mean over networks, 95 % interval. Closed form: arccos(R / sqrt(1 + sigma²)) / pi "
        "without bias, R the overlap of student and teacher.",
    )
    return Content(((panel,),), ONE_COLUMN, (2.8,))


def _line(name: str, sigmas: Float64[np.ndarray, " sigmas"], errors: Float64[np.ndarray, "networks sigmas"]) -> Line:
    spreads = [spread(column) for column in errors.T]
    mean, low, high = (np.array([getattr(one, end) for one in spreads]) for end in ("mean", "low", "high"))
    return Line(name, sigmas, mean, low, high, np.array([one.count for one in spreads]))
