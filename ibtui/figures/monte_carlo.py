"""Monte-Carlo relaxation beside SGD (section 4, question four): what each layer loses of I(X;T), at equal cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.figures.content import TWO_COLUMNS, Content, Line, Lines
from ibtui.figures.reading import only_source
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import layer_names
from ibtui_engine.phases.relaxation import Relaxation, relaxation_of
from ibtui_engine.session.history import SessionReader
from ibtui_engine.statistics import spread

if TYPE_CHECKING:
    from jaxtyping import Float64


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """Layers under the relaxation at the left, the same networks under SGD at the right."""
    path = only_source(sources, "monte-carlo").path
    with SessionReader(path) as reader, reader.moment():
        relaxed = [one for one in reader.summary.ensembles if one.optimizer == "metropolis" and one.snapshots]
        if not relaxed:
            raise InvalidValue(f"session {path.stem!r} has no ensemble of the optimiser metropolis")
        found = relaxation_of(reader, relaxed[-1])
    courses = {"Monte-Carlo relaxation": found.relaxed_i_x, "SGD": found.sgd_i_x}
    there = {name: _lost(found, values) for name, values in courses.items() if values is not None}
    ends = np.concatenate([line.y for lines in there.values() for line in lines])
    limits = float(np.nanmin(ends)) - 0.1, float(np.nanmax(ends)) + 0.1
    panels = tuple(
        Lines(
            f"{name}, from epoch {found.start}",
            "gradient evaluations of the sample, since",
            "change of I(X;T)  (bits)",
            lines,
            x_log=True,
            columns=("gradient_evaluations", "change_of_i_x_bits"),
            y_limits=limits,
            note="Mean over networks and 95 % interval.",
        )
        for name, lines in there.items()
    )
    return Content((panels,), TWO_COLUMNS, (2.8,))


def _lost(found: Relaxation, i_x: Float64[np.ndarray, "epochs networks layers"]) -> tuple[Line, ...]:
    since = (found.epochs - found.start).astype(np.float64)[1:]
    change = (i_x - i_x[0])[1:]
    lines = []
    for k, name in enumerate(layer_names(i_x.shape[2])):
        spreads = [spread(row) for row in change[:, :, k]]
        mean, low, high = (np.array([getattr(one, end) for one in spreads]) for end in ("mean", "low", "high"))
        lines.append(Line(name, since, mean, low, high, np.array([one.count for one in spreads])))
    return tuple(lines)
