"""What the page of a session holds, as plain values for JSON: the app's charts, readings, tables and texts.

Every number comes from where the app's charts take it (`EnsembleCharts`, its `ChartSpec` and `Readings`); here it is
only rounded. Texts from the session are made printable; the page shows them as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui.bound_text import COLUMNS, WITHOUT_BETA, fit_rows
from ibtui.charts.information_plane import numbered, sentence
from ibtui.charts.palette import DARK, STEPS, Category, Faded, Quantity, Shades
from ibtui.charts.readings import Quantity as Read
from ibtui.charts.readings import Readings
from ibtui.charts.scale import Axis, ticks
from ibtui.charts.spec import DRIFT_END, ChartSpec, Mark, Series
from ibtui.ensemble_charts import EnsembleCharts
from ibtui.formatting import estimate, labelled, printable, under
from ibtui.phases_text import CAVEATS, DIFFUSION, DIFFUSION_CAVEATS, PHASES, diffusion_rows, phase_rows, sentences
from ibtui.status import about
from ibtui_engine.bottleneck.fits import why_no_curve
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import called, marks
from ibtui_engine.recorded import Recording
from ibtui_engine.session.bound import fit_ensembles
from ibtui_engine.session.history import SessionReader
from ibtui_engine.statistics import count, geometric_mean, logarithms, mean, standard_deviation

if TYPE_CHECKING:
    from ibtui.charts.palette import Colour
    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.session.summary import Summary

DIGITS, SPREAD_DIGITS = 6, 3
"""Significant digits of numbers, and of their spreads over networks."""
PLACES = 4
"""Significant digits of what is only drawn: single networks, and the IB curve's points."""
MOST_POINTS = 200_000
"""Numbers of single networks in a page; where there are more, the page has means alone."""
TICKS = {"x": 7, "y": 6}
NO_PLACE = "No layer has a place in the plane: it takes both I(X;T) and I(T;Y)."
PANELS = ("gradients", "snr", "learning")
"""The charts over epochs."""

Plain = dict[str, Any]


def contents(
    path: Path, ensemble: int | None = None, by: str | None = None, tell: Callable[[str], None] = lambda said: None
) -> Plain:
    """All that the page of a session shows.

    Args:
        path: of the session.
        ensemble: only this one, counted from 0; None: all of which something is measured.
        by: of a recording with several estimators the one whose numbers are shown; None: all, one after another.
        tell: called with what takes long, before it begins.

    Raises:
        InvalidValue: nothing is measured, or there is no such ensemble or estimator.
        SessionError: the session cannot be read.
    """
    with SessionReader(path, by) as reader:
        summary = reader.summary
        found = _measured(reader, ensemble, tell)
    if not found:
        raise InvalidValue(f"session {summary.name!r} has measured no epoch yet, so there is nothing to show")
    others = summary.experiment.other_names if by is None and isinstance(summary.experiment, Recording) else ()
    for name in others:
        with SessionReader(path, name) as reader:
            found += _measured(reader, ensemble, tell)
    size = sum(2 * one.shown.values("i_x").size for one, _ in found)
    telling = summary.telling
    return {
        "name": printable(summary.name),
        "state": _state(summary),
        "steps": STEPS,
        "first": next((k for k, (one, _) in enumerate(found) if telling and one.ensemble.index == telling.index), 0),
        "ensembles": [
            _ensemble(one, bound, singles=size <= MOST_POINTS, among_estimators=bool(others)) for one, bound in found
        ],
    }


def _measured(
    reader: SessionReader, ensemble: int | None, tell: Callable[[str], None]
) -> list[tuple[EnsembleCharts, Plain]]:
    """The chosen ensembles of which something is measured, each with its bound."""
    with reader.moment():
        chosen = reader.summary.ensembles if ensemble is None else (reader.ensemble(ensemble),)
        charts = [EnsembleCharts(reader.recorded_ensemble(one.index)) for one in chosen if one.snapshots]
    if not charts:
        return []
    bounds = _Bounds(reader, charts, tell)
    return [(one, bounds.of(one)) for one in charts]


def _state(summary: Summary) -> str:
    kind = "recording" if summary.recorded else "run"
    if summary.status == "finished":
        return f"{kind}, finished: {summary.experiment.epochs} epochs"
    return f"{kind}, {summary.status}: epoch {summary.epochs_done} of {summary.experiment.epochs}"


def _ensemble(charts: EnsembleCharts, bound: Plain, *, singles: bool, among_estimators: bool) -> Plain:
    """Of one ensemble. `singles`: with every network's place; `among_estimators`: its title says which one it is by."""
    basis = estimate(charts.summary.experiment)
    own, layers = charts.names, len(charts.widths)
    epochs = charts.epochs
    lines = [charts.caveats(epoch) for epoch in epochs]
    known = {line: k for k, line in enumerate(dict.fromkeys(line for of_epoch in lines for line in of_epoch))}
    shown = tuple(range(layers))
    over_epochs = {
        panel: charts.chart(panel, epoch=epochs[-1], shown=shown, points=False)
        for panel in PANELS
        if panel != "snr" or charts.batches > 1
    }
    plane = charts.chart("plane", epoch=epochs[-1], shown=shown, points=False)
    held_out = charts.ensemble.rule.held_out is not None
    return {
        "title": printable(charts.title + (f", by {basis}" if among_estimators else "")),
        "basis": f"{sentence(basis).strip()} Information is measured {under(charts.summary)}.",
        "about": [[line[:9].strip(), printable(line[9:])] for line in about(charts.summary, charts.ensemble)],
        "networks": charts.ensemble.networks,
        "seed": charts.summary.experiment.seed,
        "epochs": list(epochs),
        "layers": list(called(own, layers)),
        "marks": list(marks(own, layers)),
        "driftEnd": rounded(charts.drift_end),
        "commentary": [printable(charts.commentary(epoch)) for epoch in epochs],
        "caveats": [printable(line) for line in known],
        "caveatsAt": [[known[line] for line in of_epoch] for of_epoch in lines],
        "plane": _plane(charts, charts.shown, plane, singles=singles),
        "heldOut": _held_out(charts, shown, singles=singles) if held_out else None,
        "charts": {panel: _chart(spec) for panel, spec in over_epochs.items() if _has_points(spec.series)},
        "absent": {
            panel: _absent(charts, panel)
            for panel in PANELS
            if panel not in over_epochs or not _has_points(over_epochs[panel].series)
        },
        "table": _readings(_layers_table(charts, plane.readings)),
        "bound": bound,
        "phases": _phases(charts),
    }


def _absent(charts: EnsembleCharts, panel: str) -> str:
    if panel == "learning":
        return "No losses or accuracies are recorded."
    if charts.batches == 1:
        return "An epoch is one batch, so gradients have no noise to compare with, and no SNR."
    return "No gradients are recorded."


def _has_points(series: Iterable[Series]) -> bool:
    return any(np.isfinite(one.y).any() for one in series)


# charts


def _chart(spec: ChartSpec, *, fitted: bool = False) -> Plain:
    """A chart as the page draws it. `fitted`: the layers beside the IB curve, whose lines have no names."""
    readings = spec.readings
    return {
        "title": printable(spec.title),
        "caption": spec.caption,
        "x": _axis(spec.x, "x"),
        "y": _axis(spec.y, "y"),
        "guides": [[one.axis, rounded(one.value), one.label] for one in spec.guides],
        "series": [_series(one, readings, named=fitted) for one in spec.series],
        "bands": [
            {"x": _row(one.x), "low": _row(one.low), "high": _row(one.high), "colour": _colour(one.colour)}
            for one in spec.bands
        ],
        "marks": [_mark(one) for one in spec.marks],
        "readings": None if readings is None else _readings(readings),
    }


def _axis(axis: Axis, name: str) -> Plain:
    low, high = axis.limits
    return {
        "label": axis.label,
        "low": low,
        "high": high,
        "log": axis.log,
        "ticks": [[one.value, one.label] for one in ticks(axis, TICKS[name])],
    }


def _series(one: Series, readings: Readings | None, *, named: bool) -> Plain:
    """A series; its x is left out where it is the epochs of the chart's readings."""
    epochs = readings is not None and np.array_equal(one.x, readings.epochs)
    layer = isinstance(one.colour, Category) and not (named and one.label)
    return {
        "x": None if epochs else _row(one.x),
        "y": _row(one.y),
        "kind": one.kind,
        "colour": _colour(one.colour),
        "layer": one.colour.index if layer and isinstance(one.colour, Category) else None,
        "label": printable(one.label),
    }


def _mark(one: Mark) -> Plain:
    layer = one.colour.index if isinstance(one.colour, Category) else None
    place = {"x": rounded(one.x), "y": rounded(one.y)}
    return place | {"text": one.text, "layer": layer, "colour": _colour(one.colour), "end": one.dot == DRIFT_END}


def _colour(colour: Colour | Shades) -> str:
    """The name of a colour of the page's style (`ibtui.web.page.colours`)."""
    if isinstance(colour, Faded):
        return _colour(colour.colour) if colour.colour is not None else "frame"
    if isinstance(colour, Category):
        return f"layer-{colour.index % len(DARK.categories)}"
    if isinstance(colour, Quantity):
        return f"quantity-{colour.index % len(DARK.quantities)}"
    return "ink"


def _held_out(charts: EnsembleCharts, shown: tuple[int, ...], *, singles: bool) -> Plain:
    """The plane of the rows that are held out."""
    spec = charts.chart("plane", epoch=charts.epochs[-1], shown=shown, points=False, held_out=True)
    return _plane(charts, charts.shown.on_held_out(), spec, singles=singles)


def _plane(charts: EnsembleCharts, of: RecordedEnsemble, spec: ChartSpec, *, singles: bool) -> Plain:
    """The plane with the whole paths; the page shows them up to its epoch. `of`: whose numbers they are."""
    own, layers = charts.names, len(charts.widths)
    names = called(own, layers)
    paths = [one for one in spec.series if isinstance(one.colour, Shades)]
    ends = {mark.tell.removesuffix(" drift ends"): mark for mark in spec.marks if mark.dot == DRIFT_END}
    agreed = [one.agreed for one in charts.transition.layers]
    intervals = [of.place_between(epoch) for epoch in charts.epochs]
    bounds = any(one is not None for one in intervals)
    caption = f"{numbered(marks(own, layers))}, means over networks."
    caption += " Crosses: between what both lie." if bounds else ""
    caption += f" {DRIFT_END}: where a layer's drift ends." if ends else ""
    basis = sentence(estimate(charts.summary.experiment))
    single = f"One point for each layer of {charts.ensemble.networks} networks, in the colours of the layers."
    shades = paths[0].colour if paths else None
    i_x, i_y = (of.middle(name) for name in ("i_x", "i_y"))
    return _chart(spec) | {
        "caption": caption + basis,
        "captionOfPoints": (single + " Points: the middle of both bounds." if bounds else single) + basis,
        "series": [],
        "marks": [],
        "paths": [{"x": _row(one.x), "y": _row(one.y)} for one in paths],
        "none": "" if any(np.isfinite(one.x * one.y).any() for one in paths) else NO_PLACE,
        "levels": DARK.levels(shades, len(charts.epochs)).tolist() if isinstance(shades, Shades) else [],
        "bar": [[rounded(place), text] for place, text in spec.bar.stops] if spec.bar is not None else [],
        "ends": [
            {"layer": k, "x": rounded(ends[name].x), "y": rounded(ends[name].y), "epoch": rounded(agreed[k])}
            for k, name in enumerate(names)
            if name in ends
        ],
        "intervals": [None if one is None else [_row(end) for end in one] for one in intervals] if bounds else None,
        "points": [_rows(i_x, PLACES), _rows(i_y, PLACES)] if singles and charts.ensemble.networks > 1 else None,
    }


def _layers_table(charts: EnsembleCharts, plane: Readings | None) -> Readings:
    """What the table of layers says at each epoch: what is read in the plane, and more of what is recorded."""
    assert plane is not None
    of = charts.shown
    further = (
        Read("held-out I(X;T)", ".3f", of.values("held_out_i_x")),
        Read("held-out I(T;Y)", ".3f", of.values("held_out_i_y")),
        Read("distinct t", ".0f", of.values("distinct_t")),
        Read("SNR", ".3g", of.values("snr"), geometric=True),
        Read("saturated", ".3f", of.values("saturated")),
    )
    there = tuple(one for one in further if np.isfinite(one.values).any())
    return Readings(plane.names, plane.x, plane.y, plane.epochs, (*plane.quantities, *there), plane.moments)


def _readings(readings: Readings) -> Plain:
    """Means over networks, by point and row, with their standard deviations, and how many networks have a value."""
    return {
        "names": [printable(name) for name in readings.names],
        "epochs": readings.epochs.tolist(),
        "columns": [_read(one, readings.moments) for one in readings.quantities],
    }


def _read(one: Read, moments: np.ndarray) -> Plain:
    values = one.values[moments]
    middle = (geometric_mean if one.geometric else mean)(values, axis=1)
    away = standard_deviation(logarithms(values) if one.geometric else values, axis=1)
    counts = count(logarithms(values) if one.geometric else values, axis=1)
    partly = ((counts > 0) & (counts < values.shape[1])).any()
    spread = away * middle if one.geometric else away
    return {
        "name": one.name,
        "form": one.form,
        "mean": _rows(middle, DIGITS),
        "sd": _rows(spread, SPREAD_DIGITS) if np.isfinite(spread).any() else None,
        "n": counts.tolist() if partly else None,
    }


# tables


def _phases(charts: EnsembleCharts) -> Plain:
    account, own = charts.phases, charts.names
    kept = charts.summary.can("weights")
    diffusion = charts.recorded.diffusion()[0] if kept else None
    said = [printable(line) for line in sentences(account, own)]
    if not kept:
        said.append(f"No displacements and correlations: {charts.summary.why_not('weights')}.")
    return {
        "tables": [
            _table("Where drift ends and information falls", PHASES, phase_rows(account, own)),
            _table("After the transition", DIFFUSION, diffusion_rows(account, diffusion, own)),
        ],
        "sentences": said,
        "notes": [CAVEATS, DIFFUSION_CAVEATS],
    }


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Plain:
    return {
        "title": title,
        "columns": list(labelled(columns, rows, "se")),
        "rows": [[printable(cell) for cell in row] for row in rows],
    }


class _Bounds:
    """The IB curves of some ensembles of a session, and how their layers stand to them at the last epoch."""

    def __init__(self, reader: SessionReader, charts: Sequence[EnsembleCharts], tell: Callable[[str], None]) -> None:
        self.none = why_no_curve(charts[0].summary.experiment)
        """Why there are no curves; empty where there are."""
        self._curves: dict[int, Curve] = {}
        self._fits: dict[int, LayerFits] = {}
        if self.none:
            return
        tell("finding the IB curve and the way of each layer to it")
        chosen = {one.ensemble.index for one in charts}
        _, self._curves, fits = fit_ensembles(reader, ensembles=chosen)
        self._fits = {ensemble.index: one for ensemble, one in fits}

    def of(self, charts: EnsembleCharts) -> Plain:
        """The chart of an ensemble, its table, and the curve for its plane."""
        ensemble = charts.ensemble
        if self.none:
            return {"none": f"{self.none[0].upper()}{self.none[1:]}."}
        curve, fits = self._curves[ensemble.rule.number], self._fits[ensemble.index]
        columns = WITHOUT_BETA if fits.no_beta else range(len(COLUMNS))
        rows = [[row[k] for k in columns] for row in fit_rows(fits, charts.names)]
        notes = [
            "below: bits of I(T;Y) under the curve. worth: bits of I(X;T) that this costs at the curve's slope there.",
            "Mean ± standard error (se) over networks, of beta* median (95 % interval).",
        ]
        if fits.no_beta:
            notes.append(f"No beta*: {fits.no_beta}.")
        if not curve.certified:
            notes.append("The IB curve is not certified: layers may lie further below it.")
        spec = charts.bound(curve, fits.epoch, fits)
        return {
            "chart": _chart(spec, fitted=True),
            "curve": [_row(values, PLACES) for values in (curve.corners[:, 0], curve.corners[:, 1])],
            "table": _table(f"Layers and the IB curve, epoch {fits.epoch}", [COLUMNS[k] for k in columns], rows),
            "notes": notes,
        }


# numbers


def rounded(value: float | None, digits: int = DIGITS) -> float | None:
    """A number with so many significant digits, a whole one where it can be; None for what is absent."""
    if value is None or not np.isfinite(value):
        return None
    near = float(f"{value:.{digits}g}")
    return int(near) if near.is_integer() and abs(near) < 1e15 else near


def _row(values: np.ndarray, digits: int = DIGITS) -> list[float | None]:
    return [rounded(value, digits) for value in np.asarray(values, np.float64).tolist()]


def _rows(values: np.ndarray, digits: int) -> list[Any]:
    """The same of arrays of any dimension."""
    return [_row(one, digits) if one.ndim == 1 else _rows(one, digits) for one in np.asarray(values)]
