"""The figures by name, and what each is made of. Each has a module here that is loaded when it is made.

A figure is added with a module that has `read(sources, threads) -> Content`, and an entry in `FIGURES`.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast

from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    from ibtui.figures.content import Content


class Source(NamedTuple):
    """What a figure is made of."""

    path: Path
    """Of the session."""
    by: str | None = None
    """Which estimator's numbers, of a recording that has several; None: those of the first."""


@dataclass(frozen=True)
class Figure:
    """One figure."""

    name: str
    sentence: str
    """What it shows."""
    presets: tuple[str, ...]
    """The experiments it needs, one session each."""
    module: str
    """Of this package."""

    def read(self, sessions: Sequence[Path], *, threads: int | None = None, by: str | None = None) -> Content:
        """What it shows of these sessions, in their order; `by`: an estimator of recordings that have several.

        Raises:
            InvalidValue: a session lacks what the figure needs.
            SessionError: a session cannot be read.
        """
        sources = [Source(path, by) for path in sessions]
        return cast("Content", importlib.import_module(f"ibtui.figures.{self.module}").read(sources, threads))


def _by_name(*figures: Figure) -> Mapping[str, Figure]:
    return MappingProxyType({figure.name: figure for figure in figures})


FIGURES = _by_name(
    Figure("2", "Every layer of every network before, during and after training.", ("figure-2",), "figure_2"),
    Figure("3", "The layers' mean paths with little, more and most of the patterns.", ("figure-3",), "figure_3"),
    Figure("4", "Mean, deviation and SNR of each layer's gradients, drift and diffusion.", ("figure-4",), "figure_4"),
    Figure("5", "The layers' mean paths with more and more hidden layers.", ("figure-5",), "figure_5"),
    Figure(
        "6", "Converged layers on the IB curve, with beta*, of two rules.", ("figure-6", "figure-6-soft"), "figure_6"
    ),
    Figure("7", "Converged layers for many sample fractions, and the finite-sample bound.", ("figure-7",), "figure_7"),
    Figure("8", "The committee machine: paths and gradients.", ("figure-8",), "figure_8"),
    Figure("digits", "Gradients and their SNR in networks that learn small images of digits.", ("digits",), "images"),
    Figure("mnist", "Gradients and their SNR in wide networks that learn MNIST.", ("mnist",), "images"),
    Figure(
        "orbits", "What is compressed: bits of the orbit and bits within orbits, by layer.", ("figure-2",), "orbits"
    ),
    Figure("perceptron", "Generalisation error against noise in the weights.", ("perceptron",), "perceptron"),
    Figure(
        "ib-guided",
        "The bottleneck as an objective, beside cross-entropy: layers and the IB curve at equal cost.",
        ("ib-guided",),
        "ib_guided",
    ),
    Figure("monte-carlo", "Compression by Monte-Carlo relaxation, beside SGD.", ("monte-carlo",), "monte_carlo"),
)
"""All figures by name, in the order to show them in."""


def find_figure(name: str) -> Figure:
    """The figure of that name, `3` or `figure-3`.

    Raises:
        InvalidValue: there is none.
    """
    wanted = name.removeprefix("figure-")
    if wanted not in FIGURES:
        close = difflib.get_close_matches(wanted, FIGURES, n=1) if len(wanted) > 2 else []
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InvalidValue(f"unknown figure {name!r}: choose one of {', '.join(FIGURES)}{hint}")
    return FIGURES[wanted]
