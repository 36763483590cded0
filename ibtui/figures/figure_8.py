"""Figure 8: the committee machine, a rule without symmetry: paths and gradients."""

from __future__ import annotations

from collections.abc import Sequence

from ibtui.figures.content import TWO_COLUMNS, Content
from ibtui.figures.reading import ensembles, gradients, one_of, only_source, percent, trajectories
from ibtui.figures.registry import Source
from ibtui_engine.errors import InvalidValue


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """The plane at the left, gradients at the right."""
    source = only_source(sources, "8")
    one = one_of(ensembles(source))
    rule = one.ensemble.rule.name
    if rule != "committee":
        raise InvalidValue(f"session {source.path.stem!r} is of the rule {rule}: figure 8 is of the committee machine")
    title = f"committee, {percent(one.ensemble.fraction)}"
    return Content(((trajectories(one, title), gradients(one, f"Gradients: {title}")),), TWO_COLUMNS, (2.8,))
