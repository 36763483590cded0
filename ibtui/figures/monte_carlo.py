"""Monte-Carlo relaxation beside SGD (section 4, question four): what each layer loses of I(X;T) and of I(T;Y), and what
becomes of the losses, at equal cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ibtui.figures.content import TWO_COLUMNS, Content, Line, Lines
from ibtui.figures.reading import mean_line, only_source
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import layer_names
from ibtui_engine.phases.relaxation import Relaxation, relaxation_of
from ibtui_engine.session.history import SessionReader

if TYPE_CHECKING:
    from jaxtyping import Float64


LOSSES = ("inside the sample", "outside")


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """Layers under the relaxation at the left, the same networks under SGD at the right."""
    path = only_source(sources, "monte-carlo").path
    with SessionReader(path) as reader, reader.moment():
        relaxed = [one for one in reader.summary.ensembles if one.optimizer == "metropolis" and one.snapshots]
        if not relaxed:
            raise InvalidValue(f"session {path.stem!r} has no ensemble of the optimiser metropolis")
        found = relaxation_of(reader, relaxed[-1])
    chains = ("Monte-Carlo relaxation", "SGD")
    names = layer_names(found.relaxed_i_x.shape[2])
    rows = (
        ("I(X;T)", "change of I(X;T)  (bits)", "change_of_i_x_bits", (found.relaxed_i_x, found.sgd_i_x), names),
        ("I(T;Y)", "change of I(T;Y)  (bits)", "change_of_i_y_bits", (found.relaxed_i_y, found.sgd_i_y), names),
        (
            "losses",
            "change of the loss  (nats)",
            "change_of_loss_nats",
            (found.relaxed_losses, found.sgd_losses),
            LOSSES,
        ),
    )
    panels = []
    for what, label, column, courses, called in rows:
        lines = {
            chain: _changes(found, values, called)
            for chain, values in zip(chains, courses, strict=True)
            if values is not None
        }
        limits = _limits(lines.values())
        panels.append(
            tuple(
                Lines(
                    f"{chain}, from epoch {found.start}: {what}",
                    "gradient evaluations of the sample, since",
                    label,
                    of,
                    x_log=True,
                    columns=("gradient_evaluations", column),
                    y_limits=limits,
                    note="Mean over networks and 95 % interval.",
                )
                for chain, of in lines.items()
            )
        )
    return Content(tuple(panels), TWO_COLUMNS, (2.6,) * len(panels))


def _limits(lines: Iterable[tuple[Line, ...]]) -> tuple[float, float]:
    """What holds all lines with their intervals."""
    ends = np.concatenate([end for of in lines for line in of for end in (line.y, line.low, line.high)])
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    margin = 0.05 * (high - low) or 0.1
    return low - margin, high + margin


def _changes(
    found: Relaxation, values: Float64[np.ndarray, "epochs networks things"], names: Sequence[str]
) -> tuple[Line, ...]:
    since = (found.epochs - found.start).astype(np.float64)[1:]
    change = (values - values[0])[1:]
    return tuple(mean_line(name, since, change[:, :, k]) for k, name in enumerate(names))
