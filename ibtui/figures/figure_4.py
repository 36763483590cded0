"""Figure 4: mean and standard deviation of each layer's gradients, and their ratio."""

from __future__ import annotations

from collections.abc import Sequence

from ibtui.figures.content import TWO_COLUMNS, Content
from ibtui.figures.reading import ensembles, gradients, one_of, only_source, percent, signal_to_noise
from ibtui.figures.registry import Source
from ibtui_engine.session.ensemble import RecordedEnsemble

HIDDEN = "12-10-7-5-4-3-2"
"""The paper's, of section 3.1."""


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """Gradients at the left, SNR at the right."""
    one = one_of(ensembles(only_source(sources, "4")))
    hidden = one.ensemble.hidden
    other = () if hidden == HIDDEN else (f"hidden layers {hidden}: the paper has {HIDDEN}",)
    return gradients_and_ratio(one, f"{hidden}, {percent(one.ensemble.fraction)}", other)


def gradients_and_ratio(one: RecordedEnsemble, title: str, notes: tuple[str, ...] = ()) -> Content:
    """Gradients of an ensemble beside their SNR."""
    row = (gradients(one, f"Gradients: {title}"), signal_to_noise(one, f"Gradient SNR: {title}"))
    return Content((row,), TWO_COLUMNS, (3.0,), notes)
