"""Charts of several ensembles in one: a colour for each, the pinned one on top, the bounds and floors of each of them.

An ensemble's number, from 1, is its place among those that are compared; it keeps number and colour whatever is pinned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from ibtui.charts.curves import PLAIN, deviations, epoch_axis, height_at, manner, single_networks
from ibtui.charts.display import Display
from ibtui.charts.information_plane import plane_axes, sentence
from ibtui.charts.palette import Category, Faded
from ibtui.charts.readings import Quantity, Readings, joined, over_epochs
from ibtui.charts.scale import spanning
from ibtui.charts.spec import DRIFT_END, ChartSpec, Guide, Mark, Series, key_of
from ibtui_engine.layer_names import called
from ibtui_engine.layer_names import marks as marks_of
from ibtui_engine.statistics import geometric_mean
from ibtui_engine.statistics import mean as mean_of

if TYPE_CHECKING:
    from jaxtyping import Float, Real

SAME = 1e-9
"""Values that differ by less are one guide."""


@dataclass(frozen=True, eq=False)
class OneCurve:
    """One curve over epochs of one ensemble."""

    name: str
    """What it is of: `all weights`, `T5 mean`."""
    epochs: Real[np.ndarray, " epochs"]
    values: Float[np.ndarray, "epochs networks"]
    geometric: bool = False
    """Whether its mean over networks is the geometric one."""
    dotted: bool = False
    shows_drift_end: bool = False
    """Whether the place where drift ends is marked on it."""

    @cached_property
    def mean(self) -> Float[np.ndarray, " epochs"]:
        """Over networks."""
        return (geometric_mean if self.geometric else mean_of)(self.values, axis=1)


@dataclass(frozen=True, eq=False)
class Plane:
    """The layers of one ensemble in the information plane: their mean paths, or every network's points at one epoch."""

    number: int
    """Of the ensemble, from 0."""
    name: str
    i_x: Float[np.ndarray, "points layers"]
    i_y: Float[np.ndarray, "points layers"]
    h_x: float
    i_xy: float
    readings: Readings | None = None
    """What can be read of them; None: of the points of single networks, what a series tells."""
    names: Sequence[str] | None = None
    """Of the layers; None: T1, T2, ..."""


@dataclass(frozen=True, eq=False)
class CurvesOfOne:
    """The curves over epochs of one ensemble, and where its drift ends."""

    number: int
    """Of the ensemble, from 0."""
    name: str
    curves: tuple[OneCurve, ...]
    drift_end: float | None = None
    """The epoch at which drift ends in the network as a whole."""
    floor: float | None = None
    """What pure noise would have, where the chart has such a floor."""


def compared_planes(
    planes: Sequence[Plane],
    *,
    epoch: int,
    points: bool = False,
    pinned: int = 0,
    title: str = "Information planes",
    basis: str = "",
    until: str = "",
) -> ChartSpec:
    """The layers of several ensembles in one plane, in bits. Each path ends with its layer's number.

    `pinned`: the number of the one on top. `basis`: what the numbers rest on, for the caption. `until`: where paths
    end, where that is not one `epoch`.
    """
    kind: Literal["points", "line"] = "points" if points else "line"
    series, marks = [], []
    for plane in planes:
        colour, key, layers = Category(plane.number), key_of(plane.number), plane.i_x.shape[1]
        told, texts = called(plane.names, layers), marks_of(plane.names, layers)
        thick = plane.number == pinned and not points and len(planes) > 1
        for layer in range(layers):
            x, y = plane.i_x[:, layer], plane.i_y[:, layer]
            tell = f"{numbered(plane.number, plane.name)} {told[layer]}"
            label = numbered(plane.number, plane.name) if layer == 0 else ""
            above = int(plane.number == pinned)
            series.append(Series(x, y, kind, colour, label=label, key=key, tell=tell, thick=thick, above=above))
            known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
            if known.size and not points:
                here = float(x[known[-1]]), float(y[known[-1]])
                marks.append(Mark(*here, texts[layer], colour, family=plane.number))
    h_x = max((plane.h_x for plane in planes), default=12.0)
    i_xy = max((plane.i_xy for plane in planes), default=1.0)
    every = f"Epoch {epoch}. One point for each layer of each network."
    means = f"Up to {until or f'epoch {epoch}'}. Numbers: the layers, from the input on. Means over networks."
    return ChartSpec(
        title,
        *plane_axes(h_x, i_xy),
        series=tuple(series),
        guides=(
            *_guides("x", "H(X)", {plane.number: plane.h_x for plane in planes}),
            *_guides("y", "I(X;Y)", {plane.number: plane.i_xy for plane in planes}),
        ),
        marks=tuple(marks),
        caption=(every if points else means) + sentence(basis),
        corner=(h_x, i_xy),
        readings=_together({plane.number: plane.readings for plane in planes}),
    )


def compared_curves(
    ensembles: Sequence[CurvesOfOne],
    *,
    label: str,
    quantity: str,
    log: bool,
    last_epoch: float,
    pinned: int = 0,
    guides: Sequence[Guide] = (),
    title: str = "",
    caption: str = "",
    display: Display = PLAIN,
) -> ChartSpec:
    """Curves over epochs of several ensembles; `label` is the y axis, `quantity` what a cross-hair reads there.

    The pinned one, by its number, is thick, on top, and has bands of one standard deviation over its networks.
    `guides`: what is the same for all.
    """
    log = display.scale(log)
    series: list[Series] = []
    behind: list[Series] = []
    bands, marks = [], []
    for found in ensembles:
        colour, own, name = Category(found.number), found.number == pinned, numbered(found.number, found.name)
        for curve in found.curves:
            line = display.shaped(curve.epochs, curve.mean, log=log)
            tell = f"{name} {curve.name}"
            if display.singles:
                behind.append(single_networks(curve.epochs, curve.values, Faded(colour), f"{tell}, one network"))
            elif own and not curve.dotted and curve.values.shape[1] > 1 and np.isfinite(line).any():
                bands.append(deviations(curve.epochs, line, curve.values, colour, log=log))
            kind: Literal["dotted", "line"] = "dotted" if curve.dotted else "line"
            series.append(
                Series(
                    curve.epochs,
                    line,
                    kind,
                    colour,
                    label=name if curve is found.curves[0] else "",
                    key=key_of(found.number),
                    tell=tell,
                    thick=own and not curve.dotted and len(ensembles) > 1,
                    above=int(own),
                )
            )
            end = found.drift_end
            if curve.shows_drift_end and end is not None and len(curve.epochs):
                place = 1.0 if curve.geometric else height_at(end, curve.epochs, line)
                told = f"{name} drift ends"
                marks.append(Mark(end, place, f"{end:.0f}", colour, dot=DRIFT_END, family=found.number, tell=told))
    floors = {found.number: found.floor for found in ensembles if found.floor is not None}
    level = [guide.value for guide in guides if guide.axis == "y"]
    seen = np.concatenate([*(np.asarray(one.y, np.float64) for one in series), level, list(floors.values())])
    absent = [str(found.number + 1) for found in ensembles if not any(np.isfinite(c.mean).any() for c in found.curves)]
    lacking = f" Without values: {', '.join(absent)}." if absent else ""
    ended = f" {DRIFT_END}: where drift ends." if marks else ""
    spread = " Band: one standard deviation over the networks of the pinned one." if bands else ""
    return ChartSpec(
        title,
        epoch_axis(last_epoch),
        spanning(label, seen, log=log),
        series=(*behind, *series),
        bands=tuple(bands),
        guides=(*guides, *_guides("y", "independent noise", floors)),
        marks=tuple(marks),
        caption=caption + lacking + ended + spread + manner(display),
        readings=_together({found.number: _readings(found.curves, quantity) for found in ensembles}),
    )


def numbered(number: int, name: str) -> str:
    """An ensemble's name behind its number, which counts from 1 for people."""
    return f"{number + 1} {name}"


def _guides(axis: Literal["x", "y"], name: str, values: Mapping[int, float]) -> list[Guide]:
    """A guide at each value; where they differ, with the numbers of the ensembles that have it."""
    groups: list[tuple[float, list[str]]] = []
    for number, value in values.items():
        near = [group for group in groups if abs(group[0] - value) <= SAME * max(abs(value), 1.0)]
        if near:
            near[0][1].append(str(number + 1))
        else:
            groups.append((value, [str(number + 1)]))
    if len(groups) < 2:
        return [Guide(axis, value, name) for value, _ in groups]
    return [Guide(axis, value, f"{name} {', '.join(numbers)}") for value, numbers in groups]


def _together(parts: Mapping[int, Readings | None]) -> Readings | None:
    """What can be read of all of them, the rows behind the ensembles' numbers."""
    there = {str(number + 1): part for number, part in parts.items() if part is not None}
    return joined(list(there), list(there.values())) if there else None


def _readings(curves: Sequence[OneCurve], quantity: str) -> Readings | None:
    """What can be read of the curves of one ensemble, which have their epochs in common."""
    if not curves:
        return None
    epochs = np.asarray(curves[0].epochs).astype(np.int64)
    values = np.stack([curve.values for curve in curves], axis=-1)
    read = Quantity(quantity, ".4g", values, geometric=all(curve.geometric for curve in curves))
    means = np.stack([curve.mean for curve in curves], axis=-1)
    return over_epochs([curve.name for curve in curves], epochs, means, [read])
