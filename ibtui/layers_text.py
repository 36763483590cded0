"""The layers of an ensemble at one epoch as people read them: columns of a table, for commands and the app alike."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from ibtui.formatting import over_some, with_spread
from ibtui_engine.layer_names import MOST_NAMED
from ibtui_engine.session.ensemble import LayerFigures
from ibtui_engine.statistics import Spread

SAID = (
    "SNR: of the gradients, geometric mean. Saturated: share of outputs near their activation's bounds (for relu, at "
    "0)."
)
"""What the columns are that do not say so themselves."""
KEPT = (
    "Orbit: the class of equal p(y|x), all of x that the label depends on; I(X;T) = I(T;orbit) + I(X;T | orbit), and "
    "I(X;T | Y) = I(X;T) − I(T;Y)."
)
"""What the columns of what is kept are."""
NOT_KEPT = "What is kept is told apart where values of t are counted; `ibtui remeasure` measures older sessions again."
"""What is said where it is not known."""
SAMPLED = "MC error: of the means of I(X;T) and I(T;Y), by what is drawn alone (standard error)."
"""What the column of estimators that sample is."""


def columns(figures: Sequence[LayerFigures], *, unit: str = "") -> dict[str, list[str]]:
    """Cells by heading: each layer's I(X;T) and I(T;Y) with their standard deviation over networks (or their bounds),
    the same of rows that are held out, if there are any, distinct t, SNR and saturation. Where fewer networks than all
    have been measured, `n` says how many.
    """
    told = {
        **informations(figures, unit=unit),
        "distinct t": [_cell(one, one.distinct, ".0f") for one in figures],
        "SNR": [_cell(one, one.snr, ".3g") for one in figures],
        "saturated": [_cell(one, one.saturated, ".1%") for one in figures],
    }
    if any(one.held_out_i_x.present for one in figures):
        beside = {
            f"held-out I(X;T){unit}": [_information(one.held_out_i_x, one.held_out_i_x_lower) for one in figures],
            f"held-out I(T;Y){unit}": [_information(one.held_out_i_y, one.held_out_i_y_lower) for one in figures],
        }
        of_all = list(told.items())
        told = dict((*of_all[:2], *beside.items(), *of_all[2:]))
    some = any(0 < one.i_y.count < one.i_y.networks for one in figures)
    return ({"n": [str(one.i_y.count) for one in figures]} if some else {}) | told


def informations(figures: Sequence[LayerFigures], *, unit: str = "") -> dict[str, list[str]]:
    """Cells by heading: each layer's I(X;T) and I(T;Y), and how far sampling may have taken them where it was used."""
    return {
        f"I(X;T){unit}": [
            _information(one.i_x, one.i_x_lower) if one.i_x.present or not one.i_y.present else "–" for one in figures
        ],
        f"I(T;Y){unit}": [_information(one.i_y, one.i_y_lower) for one in figures],
        **_sampling(figures),
    }


def kept(figures: Sequence[LayerFigures], *, unit: str = "") -> dict[str, list[str]]:
    """Cells by heading: what each layer keeps of the orbit, within orbits and beyond the label, with the standard
    deviation over networks; a dash where that was not told apart.
    """
    parts = (("I(T;orbit)", "i_orbit"), ("I(X;T | orbit)", "i_within"), ("I(X;T | Y)", "i_x_given_y"))
    return {f"{heading}{unit}": [_kept(getattr(one, name)) for one in figures] for heading, name in parts}


def _kept(value: Spread) -> str:
    return with_spread(f"{value.mean:.3f}", value.deviation, ".3f") if value.present else "–"


def _sampling(figures: Sequence[LayerFigures]) -> dict[str, list[str]]:
    """How far sampling may have taken the means of I(X;T) and I(T;Y), where an estimator samples."""
    if all(math.isnan(one.i_y_error) for one in figures):
        return {}
    return {"MC error": [" / ".join(f"{e:.1g}" for e in (one.i_x_error, one.i_y_error) if e == e) for one in figures]}


def _information(value: Spread, lower: Spread) -> str:
    if not value.present:
        return "…"  # it is still to be measured
    if lower.present:
        return f"{lower.mean:.3f} – {value.mean:.3f}"
    return with_spread(f"{value.mean:.3f}", value.deviation, ".3f")


def _cell(one: LayerFigures, value: Spread, form: str) -> str:
    if not value.present or math.isnan(value.mean):
        return "–"
    return format(value.mean, form) + ("" if value.count == one.i_y.count else over_some(value.count, value.networks))


def chosen_rows(rows: Sequence[tuple[str, ...]], hidden: Collection[int]) -> tuple[list[tuple[str, ...]], str]:
    """The rows of a table of layers, each headed by its layer, as the choice of layers to draw has them: of many layers
    those that are hidden, by their numbers from 1, are left out, of few they are called hidden. Then what to say of
    those that are left out.
    """
    count = len(rows)
    if count <= MOST_NAMED:
        return [(f"{row[0]} hidden", *row[1:]) if k in hidden else row for k, row in enumerate(rows, start=1)], ""
    kept = [row for k, row in enumerate(rows, start=1) if k not in hidden]
    if len(kept) in (0, count):
        return list(rows), ""
    return kept, f"{count - len(kept)} of {count} layers are hidden."
