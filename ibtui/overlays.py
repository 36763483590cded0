"""Several ensembles in one chart: what each of them contributes, and the chart that comes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ibtui.charts.compared import CurvesOfOne, OneCurve, Plane, compared_curves, compared_planes
from ibtui.charts.curves import PHASES
from ibtui.formatting import estimate
from ibtui_engine.layer_names import OUTPUT, layer_name, short_names

if TYPE_CHECKING:
    from ibtui.charts.display import Display
    from ibtui.charts.spec import ChartSpec
    from ibtui.ensemble_charts import EnsembleCharts


def overlaid(
    panel: str,
    those: Sequence[tuple[int, str, EnsembleCharts]],
    *,
    epoch: int,
    points: bool,
    pinned: int,
    focus: int | None,
    display: Display,
    last_epoch: int,
) -> ChartSpec:
    """One of `COMPARED` with several ensembles in it, each with its number, from 0, and its name. `focus` is the layer,
    from 0, whose gradients are shown; without one, those of all weights (SNR) or of the last hidden layer.
    """
    basis = "; ".join(sorted({estimate(charts.summary.experiment) for _, _, charts in those}))
    if panel == "plane":
        planes = [_plane(charts, number, name, epoch, points=points) for number, name, charts in those]
        return compared_planes(planes, epoch=epoch, points=points, pinned=pinned, basis=basis)
    curves = [_curves(charts, panel, number, name, focus) for number, name, charts in those]
    of = "" if focus is None else f" of layer {_layer(focus, those)}"
    title, label, quantity, log, guides, caption = {
        "gradients": (
            f"Gradients{of or ' of the last hidden layer'}",
            "norm / weight norm",
            "norm",
            True,
            (),
            "Lines: mean over batches. Dotted: standard deviation. Means over networks.",
        ),
        "snr": (
            f"Gradient SNR{of or ' of all weights'}",
            "SNR",
            "SNR",
            True,
            (PHASES,),
            "Geometric means over networks.",
        ),
        "learning": (
            "Learning",
            "nats, share",
            "nats, share",
            False,
            (),
            "Lines: inside the sample. Dotted: outside. Losses fall, accuracies rise. Means over networks.",
        ),
    }[panel]
    return compared_curves(
        curves,
        label=label,
        quantity=quantity,
        log=log,
        last_epoch=float(last_epoch),
        pinned=pinned,
        guides=guides,
        title=title,
        caption=caption,
        display=display,
    )


def planes_of(those: Sequence[tuple[str, EnsembleCharts]], epochs: Sequence[int], pinned: int) -> ChartSpec:
    """The planes of several ensembles, each up to an epoch of its own. `pinned`: the number of one, from 0."""
    basis = "; ".join(sorted({estimate(charts.summary.experiment) for _, charts in those}))
    planes = [
        _plane(charts, number, name, epoch, points=False)
        for number, ((name, charts), epoch) in enumerate(zip(those, epochs, strict=True))
    ]
    until = f"epoch {epochs[0]}" if len(set(epochs)) == 1 else f"epochs {', '.join(map(str, epochs))}, in this order"
    return compared_planes(planes, epoch=max(epochs), pinned=pinned, basis=basis, until=until)


def _layer(focus: int, those: Sequence[tuple[int, str, EnsembleCharts]]) -> str:
    """A layer, from 0: its number, with its name where all who have it call it alike."""
    names = {charts.shown.layer_names[focus] for _, _, charts in those if focus < len(charts.widths)}
    own = [name for name in short_names(sorted(names)) if name != layer_name(focus + 1, focus + 2)]
    return f"{focus + 1}" + (f", {own[0]}" if len(own) == 1 and own[0] != OUTPUT else "")


def _plane(charts: EnsembleCharts, number: int, name: str, epoch: int, *, points: bool) -> Plane:
    """The layers of one of them at an epoch."""
    shown = tuple(range(len(charts.widths)))
    i_x, i_y = charts.places(charts.shown, epoch, shown, points=points)
    readings = None if points else charts.in_plane(epoch, shown, points=False)
    return Plane(number, name, i_x, i_y, charts.shown.h_x, charts.shown.i_xy, readings, charts.names)


def _curves(charts: EnsembleCharts, panel: str, number: int, name: str, focus: int | None) -> CurvesOfOne:
    """Curves of one of the charts over epochs; `focus`: the layer in focus."""
    of, epochs, whole = charts.shown, charts.shown.layers.epochs, charts.transition
    layers = len(charts.widths)
    if panel == "learning":
        curves = (
            OneCurve(
                what,
                of.learning.epochs,
                of.values(key),
                dotted=key.startswith("test"),
                shows_drift_end=key == "train_loss",
            )
            for what, key in charts.learned
        )
        return CurvesOfOne(number, name, tuple(curves), charts.drift_end)
    floor = 1 / math.sqrt(of.batches) if of.batches > 1 and panel == "snr" else None
    if panel == "snr" and focus is None:
        snr = OneCurve("all weights", epochs, whole.network_snr, geometric=True, shows_drift_end=True)
        return CurvesOfOne(number, name, (snr,), charts.drift_end, floor)
    layer = max(layers - 2, 0) if focus is None else focus
    if layer >= layers:
        return CurvesOfOne(number, name, ())
    end, of_layer = whole.layers[layer].agreed, of.layer_names[layer]
    if panel == "snr":
        snr = OneCurve(of_layer, epochs, of.values("snr")[..., layer], geometric=True, shows_drift_end=True)
        return CurvesOfOne(number, name, (snr,), end, floor)
    line = OneCurve(f"{of_layer} mean", epochs, of.values("grad_mean")[..., layer], shows_drift_end=True)
    dots = OneCurve(f"{of_layer} sd", epochs, of.values("grad_std")[..., layer], dotted=True)
    return CurvesOfOne(number, name, (line, dots), end)
