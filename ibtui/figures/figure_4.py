"""Figure 4: mean and standard deviation of each layer's gradients, and their ratio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ibtui.figures.content import TWO_COLUMNS, Content
from ibtui.figures.reading import ensembles, gradients, one_of, only_session, percent, signal_to_noise
from ibtui.panels import Panels


def read(sessions: Sequence[Path], threads: int | None) -> Content:
    """Gradients at the left, SNR at the right."""
    panels = one_of(ensembles(only_session(sessions, "4")))
    return gradients_and_ratio(panels, f"{panels.ensemble.hidden}, {percent(panels.ensemble.fraction)}")


def gradients_and_ratio(panels: Panels, title: str) -> Content:
    """Gradients of an ensemble beside their SNR."""
    row = (gradients(panels, f"Gradients: {title}"), signal_to_noise(panels, f"Gradient SNR: {title}"))
    return Content((row,), TWO_COLUMNS, (3.0,))
