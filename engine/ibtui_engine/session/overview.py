"""A session as a notebook shows it: a table of what it is, and a small information plane, as HTML and SVG.

Nothing is loaded from elsewhere, and texts from the file are escaped. Lines and letters have the colour of the text
around them, so that they are seen on light and on dark pages.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.errors import EngineError, printable
from ibtui_engine.recorded import Recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import Summary

WIDTH, HEIGHT, MARGIN = 340, 220, 34
"""Pixels."""
MOST_NAMES = 12
"""Layers that are named."""
FIRST_HUE, LAST_HUE = 265, 30
"""Degrees, of the first layer and the last: from blue over green to orange."""


def overview(reader: SessionReader) -> str:
    """HTML of what a session is at this moment; of one that cannot be read, why."""
    try:
        with reader.moment():
            summary = reader.summary
            telling = summary.telling
            one = reader.recorded_ensemble(telling.index) if telling is not None and telling.snapshots else None
    except EngineError as error:
        return f"<p>{escape(str(error))}</p>"
    rows = "".join(
        f'<tr><th style="text-align:left">{what}</th><td style="text-align:left">{escape(printable(text))}</td></tr>'
        for what, text in _rows(summary, one)
    )
    plane = "" if one is None else _plane(one)
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">'
        f"<table><tbody>{rows}</tbody></table>{plane}</div>"
    )


def _rows(summary: Summary, one: RecordedEnsemble | None) -> list[tuple[str, str]]:
    experiment = summary.experiment
    how = experiment.estimation.text if isinstance(experiment, Recording) else experiment.estimator
    others = experiment.other_names if isinstance(experiment, Recording) else ()
    found = [
        ("session", summary.name),
        ("file", str(summary.path)),
        ("kind", "recording" if summary.recorded else "run"),
        ("status", summary.status),
        ("data", ", ".join(rule.name for rule in summary.rules[:4]) + (", …" if len(summary.rules) > 4 else "")),
        ("estimator", how),
        *([("also by", ", ".join(others))] if others else []),
        ("ensembles", str(len(summary.ensembles))),
    ]
    if one is None:
        return [*found, ("measured", "nothing yet")]
    names = [f"{name} ({width})" for name, width in zip(one.layer_names, one.widths, strict=True)]
    shown = ", ".join(names[:MOST_NAMES]) + (f", … {len(names)} in all" if len(names) > MOST_NAMES else "")
    return [
        *found,
        ("shown", one.title),
        ("networks", str(one.ensemble.networks)),
        ("layers (units)", shown),
        ("measured", f"{len(one.epochs)} epochs, {one.epochs[0]} to {one.epochs[-1]}"),
        ("H(X)", f"{one.h_x:.4g} bits"),
        ("I(X;Y)", f"{one.i_xy:.4g} bits"),
    ]


def _plane(one: RecordedEnsemble) -> str:
    """The mean path of each layer, which ends in a dot, inside the bounds H(X) and I(X;Y)."""
    i_x, i_y = one.middle_mean("i_x"), one.middle_mean("i_y")
    most_x = max([one.h_x, *i_x[np.isfinite(i_x)].tolist()]) or 1.0
    most_y = max([one.i_xy, *i_y[np.isfinite(i_y)].tolist()]) or 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            MARGIN + (WIDTH - 2 * MARGIN) * x / most_x,
            HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * y / most_y,
        )

    parts = [_frame(one, at(0, 0), at(one.h_x, one.i_xy), at(most_x, most_y))]
    for layer, name in enumerate(one.layer_names):
        known = np.isfinite(i_x[:, layer]) & np.isfinite(i_y[:, layer])
        places = [at(x, y) for x, y in zip(i_x[known, layer], i_y[known, layer], strict=True)]
        if not places:
            continue
        share = layer / max(len(one.layer_names) - 1, 1)
        colour = f"hsl({FIRST_HUE + (LAST_HUE - FIRST_HUE) * share:.0f} 75% 52%)"
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        x, y = places[-1]
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.3"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour}">'
            f"<title>{escape(printable(name))}</title></circle>"
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="information plane" font-size="11" fill="currentColor">{"".join(parts)}</svg>'
    )


def _frame(one: RecordedEnsemble, origin: Sequence[float], bounds: Sequence[float], corner: Sequence[float]) -> str:
    (left, bottom), (bound_x, bound_y), (right, top) = origin, bounds, corner
    line = 'stroke="currentColor" fill="none" stroke-opacity='
    texts = [
        (left, bottom + 14, "start", "0"),
        (bound_x, bottom + 14, "end", f"H(X) {one.h_x:.3g}"),
        ((left + right) / 2, HEIGHT - 6, "middle", "I(X;T) bits"),
        (left, bound_y - 5, "start", f"I(X;Y) {one.i_xy:.3g}"),
        (right, top - 16 if math.isclose(bound_y, top) else top - 5, "end", "I(T;Y) bits"),
    ]
    return (
        f'<path d="M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}" {line}"0.8"/>'
        f'<path d="M{left:.1f} {bound_y:.1f}H{bound_x:.1f}V{bottom:.1f}" {line}"0.4" stroke-dasharray="3 3"/>'
        + "".join(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>' for x, y, anchor, text in texts)
    )
