"""Drift and diffusion of SGD in a large standard problem (section 4, question one): gradients and SNR of each layer."""

from __future__ import annotations

from collections.abc import Sequence

from ibtui.figures.content import Content
from ibtui.figures.figure_4 import gradients_and_ratio
from ibtui.figures.reading import ensembles, one_of, only_source, percent
from ibtui.figures.registry import Source


def read(sources: Sequence[Source], threads: int | None) -> Content:
    """Gradients at the left, SNR at the right."""
    one = one_of(ensembles(only_source(sources, "of images")))
    name = one.ensemble.rule.settings.name.short
    return gradients_and_ratio(one, f"{name}, {one.ensemble.hidden}, {percent(one.ensemble.fraction)}")
