"""Figure 2: every network's layers before, during and after training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ibtui.figures.content import TWO_COLUMNS, Content
from ibtui.figures.reading import ensembles, one_of, only_source, points
from ibtui.figures.registry import Source

EPOCHS = (0, 400, 9000)
"""The paper's."""


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """The paper's three epochs, or those that were measured nearest to them."""
    one = one_of(ensembles(only_source(sources, "2")))
    nearest = {wanted: min(one.epochs, key=lambda epoch: abs(_place(epoch) - _place(wanted))) for wanted in EPOCHS}
    taken = {epoch: wanted for wanted, epoch in nearest.items()}
    other = [f"epoch {taken[epoch]} was not measured: epoch {epoch} is shown" for epoch in taken if epoch not in EPOCHS]
    row = tuple(points(one, epoch, f"epoch {epoch}") for epoch in taken)
    return Content((row,), TWO_COLUMNS, (2.6,), tuple(other))


def _place(epoch: int) -> float:
    return math.log1p(epoch)
