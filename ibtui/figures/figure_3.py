"""Figure 3: the layers' mean paths with little, more and most of the patterns, and where drift ends."""

from __future__ import annotations

from collections.abc import Sequence

from ibtui.figures.content import ONE_COLUMN, TWO_COLUMNS, Content
from ibtui.figures.reading import ensembles, of_first_values, one_of, only_source, percent, trajectories
from ibtui.figures.registry import Source
from ibtui_engine.session.ensemble import RecordedEnsemble

FRACTIONS = (0.05, 0.45, 0.85)
"""The paper's."""


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """One panel for each of the paper's fractions, or those nearest to them; of one alone, its panel."""
    source = only_source(sources, "3")
    found = of_first_values(ensembles(source))
    hidden = one_of(found).ensemble.hidden
    same = {one.ensemble.fraction: one for one in found if one.ensemble.hidden == hidden}
    chosen = same if len(same) <= len(FRACTIONS) else _nearest(same)
    row = tuple(trajectories(chosen[fraction], percent(fraction)) for fraction in sorted(chosen))
    other = [f"{percent(fraction)}: the paper has 5, 45 and 85 %" for fraction in chosen if fraction not in FRACTIONS]
    if len(chosen) == 1:
        other = [f"{percent(min(chosen))} only: the paper compares 5, 45 and 85 %"]
    whole = [percent(fraction) for fraction in sorted(chosen) if chosen[fraction].batches <= 1]
    if whole:
        other.append(f"{', '.join(whole)}: an epoch is one batch, without noise to say where drift ends")
    return Content((row,), ONE_COLUMN if len(row) == 1 else TWO_COLUMNS, (2.5,), tuple(other))


def _nearest(there: dict[float, RecordedEnsemble]) -> dict[float, RecordedEnsemble]:
    taken = {min(there, key=lambda fraction: abs(fraction - wanted)) for wanted in FRACTIONS}
    return {fraction: there[fraction] for fraction in taken}
