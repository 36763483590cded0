"""Panels as charts in the terminal."""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np

from ibtui.charts.bound import fitted_chart, fractions_chart
from ibtui.charts.curves import gradient_chart
from ibtui.charts.information_plane import information_plane, information_points
from ibtui.charts.lines import Curve, lines_chart
from ibtui.charts.phases import transition_chart
from ibtui.charts.spec import ChartSpec
from ibtui.figures.content import Bound, Compared, Fractions, Gradients, Lines, Panel, Paths, Points, SignalToNoise
from ibtui_engine.layer_names import marks

NUMBERS = "Numbers: the layers, from the input on."


@singledispatch
def chart(panel: Panel) -> ChartSpec:
    """The chart of a panel."""
    raise TypeError(f"no chart of {type(panel).__name__}")


@chart.register
def _points(panel: Points) -> ChartSpec:
    plane = panel.plane
    title = f"Information plane: {plane.title}"
    return information_points(
        panel.i_x,
        panel.i_y,
        plane.h_x,
        plane.i_xy,
        epoch=panel.epoch,
        first_seed=panel.first_seed,
        names=plane.names,
        title=title,
        basis=plane.basis,
    )


@chart.register
def _paths(panel: Paths) -> ChartSpec:
    plane = panel.plane
    return information_plane(
        panel.epochs,
        panel.i_x,
        panel.i_y,
        plane.h_x,
        plane.i_xy,
        transitions=panel.transitions,
        last_epoch=float(panel.last_epoch),
        names=plane.names,
        title=f"Information plane: {plane.title}",
        basis=plane.basis,
    )


@chart.register
def _gradients(panel: Gradients) -> ChartSpec:
    return gradient_chart(
        panel.epochs.astype(np.float64),
        panel.mean,
        panel.std,
        shown=range(panel.mean.shape[1]),
        last_epoch=float(panel.last_epoch),
        batches=panel.batches,
        transition=panel.transition,
        names=panel.names,
        title=panel.title,
    )


@chart.register
def _signal_to_noise(panel: SignalToNoise) -> ChartSpec:
    return transition_chart(
        panel.epochs.astype(np.float64),
        panel.snr,
        panel.transitions,
        panel.network,
        shown=range(panel.snr.shape[1]),
        last_epoch=float(panel.last_epoch),
        batches=panel.batches,
        names=panel.names,
        title=panel.title,
    )


@chart.register
def _bound(panel: Bound) -> ChartSpec:
    plane, fits = panel.plane, panel.fits
    medians = fits.medians("beta")[0].tolist()
    named = zip(marks(plane.names, len(medians)), medians, strict=True)
    told = ", ".join(f"{name}: {beta:.3g}" for name, beta in named if not math.isnan(beta))
    caption = f"{NUMBERS} Through each: slope 1/beta*, median beta* = {told or 'none'}."
    return fitted_chart(panel.curve, fits, plane.h_x, plane.i_xy, title=plane.title, caption=caption, names=plane.names)


@chart.register
def _fractions(panel: Fractions) -> ChartSpec:
    plane, corners = panel.plane, panel.curve.corners
    names = [f"{100 * fraction:.4g}%" for fraction in panel.fractions]
    return fractions_chart(
        corners[:, 0],
        corners[:, 1],
        plane.h_x,
        plane.i_xy,
        dict(zip(names, zip(panel.i_x, panel.i_y, strict=True), strict=True)),
        sampled={name: (one.i_x, one.i_y) for name, one in zip(names, panel.sampled, strict=True)},
        title=f"Layers by sample fraction: {plane.title}",
        caption="Line: a fraction's layers, its share at the output. Dotted: its finite-sample bound.",
    )


@chart.register
def _compared(panel: Compared) -> ChartSpec:
    plane, corners = panel.plane, panel.curve.corners
    return fractions_chart(
        corners[:, 0],
        corners[:, 1],
        plane.h_x,
        plane.i_xy,
        dict(zip(panel.names, zip(panel.i_x, panel.i_y, strict=True), strict=True)),
        ordered_by=None,
        title=f"Layers by objective: {plane.title}",
        caption="Line: layers of one objective, from the input at the right to the output.",
    )


@chart.register
def _lines(panel: Lines) -> ChartSpec:
    return lines_chart(
        [Curve(one.name, one.x, one.y, one.low, one.high) for one in panel.lines],
        title=panel.title,
        x_label=panel.x_label,
        y_label=panel.y_label,
        x_log=panel.x_log,
        y_log=panel.y_log,
        y_limits=panel.y_limits,
        caption=panel.note,
    )
