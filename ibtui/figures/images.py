"""Drift and diffusion of SGD in a large standard problem (section 4, question one): gradients and SNR of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ibtui.figures.content import TWO_COLUMNS, Content
from ibtui.figures.reading import ensembles, gradients, one_of, only_session, percent, signal_to_noise


def read(sessions: Sequence[Path], threads: int | None) -> Content:
    """Gradients at the left, SNR at the right."""
    panels = one_of(ensembles(only_session(sessions, "of images")))
    name = panels.summary.experiment.rule.split(":", 1)[0]
    title = f"{name}, {panels.ensemble.hidden}, {percent(panels.ensemble.fraction)}"
    row = (gradients(panels, f"Gradients: {title}"), signal_to_noise(panels, f"Gradient SNR: {title}"))
    return Content((row,), TWO_COLUMNS, (3.0,))
