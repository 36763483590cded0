"""What every estimator says of one snapshot: a table for people, one JSON object for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ibtui.caveats import caveats
from ibtui.cli.console import or_none, output, print_json
from ibtui.cli.export import basis
from ibtui.formatting import estimate, labelled, printable, title_of, under
from ibtui.layers_text import SAMPLED, informations
from ibtui_engine.layer_names import layer_heading
from ibtui_engine.session.ensemble import RecordedEnsemble

if TYPE_CHECKING:
    from ibtui_engine.session.ensemble import LayerFigures
    from ibtui_engine.statistics import Spread

Found = dict[str, RecordedEnsemble | str]
"""By estimator the ensemble as it measures it, or why it cannot."""


def report(one: RecordedEnsemble, epoch: int, found: Found, *, json: bool) -> None:
    """Print it. `one`: the ensemble as recorded."""
    if json:
        print_json(_document(one, epoch, found))
    else:
        _print(one, epoch, found)


def _ceilings(measured: RecordedEnsemble, epoch: int) -> dict[int, int]:
    """In how many networks each layer, from 1, is at the ceiling."""
    return {one.layer: one.networks for one in caveats(measured, epoch, elsewhere=0).ceilings}


def _document(one: RecordedEnsemble, epoch: int, found: Found) -> dict[str, Any]:
    return {
        "name": one.summary.name,
        "path": str(one.summary.path),
        "ensemble": one.ensemble.index,
        **one.ensemble.settings.to_dict(),
        "networks": one.ensemble.networks,
        "epoch": epoch,
        "h_x": one.h_x,
        "i_xy": one.i_xy,
        "estimators": [
            {"estimator": name, "why_not": measured, "layers": []}
            if isinstance(measured, str)
            else {
                "name": name,
                **basis(measured.summary.experiment),
                "why_not": None,
                "layers": _layers(measured, epoch),
            }
            for name, measured in found.items()
        ],
    }


def _layers(measured: RecordedEnsemble, epoch: int) -> list[dict[str, Any]]:
    reached = _ceilings(measured, epoch)
    return [_layer(figures, reached) for figures in measured.layer_figures(epoch)]


def _layer(one: LayerFigures, ceilings: dict[int, int]) -> dict[str, Any]:
    """`std` is the standard deviation over networks (n − 1), `sampling_error` that of the mean by what is drawn."""
    return {
        "layer": one.layer,
        "name": one.name,
        "width": one.width,
        **_numbers("i_x", one.i_x, one.i_x_lower, one.i_x_error),
        **_numbers("i_y", one.i_y, one.i_y_lower, one.i_y_error),
        "distinct_mean": or_none(one.distinct.mean),
        "networks": one.i_y.count,
        "at_ceiling": ceilings.get(one.layer, 0),
    }


def _numbers(name: str, value: Spread, lower: Spread, error: float) -> dict[str, float | None]:
    return {
        f"{name}_mean": or_none(value.mean),
        f"{name}_std": or_none(value.deviation),
        f"{name}_lower_mean": or_none(lower.mean),
        f"{name}_sampling_error": or_none(error),
    }


def _print(one: RecordedEnsemble, epoch: int, found: Found) -> None:
    from rich.table import Table

    measured = {name: which for name, which in found.items() if not isinstance(which, str)}
    seen = {name: (which.layer_figures(epoch), _ceilings(which, epoch)) for name, which in measured.items()}
    rows = [row for layer in range(len(one.widths)) for row in _rows(layer, seen)]
    networks = f"{one.ensemble.networks} network{'s' if one.ensemble.networks > 1 else ''}"
    table = Table(
        title=f"{title_of(one.summary, one.ensemble)}, {networks}, epoch {epoch}",
        title_justify="left",
        box=None,
        header_style="bold",
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    headings = ("layer", "estimator", "I(X;T) bits", "I(T;Y) bits", "MC error", "ceiling")
    kept = [k for k, heading in enumerate(headings) if heading != "MC error" or any(row[k] for row in rows)]
    told = labelled([headings[k] for k in kept], [[row[k] for k in kept] for row in rows], "sd")
    for k, heading in zip(kept, told, strict=True):
        table.add_column(heading, justify="left" if k in (1, 5) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[k] for k in kept))
    console = output()
    console.print(table)
    console.print()
    for name, why in found.items():
        if isinstance(why, str):
            console.print(f"note: {name} is left out: {why}")
    for which in measured.values():
        console.print(estimate(which.summary.experiment), style="dim")
    sampled = f" {SAMPLED}" if any(row[4] for row in rows) else ""
    console.print(
        f"H(X) = {one.h_x:.4g} bits, I(X;Y) = {one.i_xy:.4g} bits. Means over networks; of kde lower – upper bounds. "
        f"Ceiling: there an estimator says the same of any layer.{sampled} All {under(one.summary)}.",
        style="dim",
    )


def _rows(layer: int, seen: Mapping[str, tuple[Sequence[LayerFigures], dict[int, int]]]) -> list[tuple[str, ...]]:
    """What each estimator says of a layer, from 0; `seen`: of each its layers, and in how many networks they are at the
    ceiling.
    """
    rows = []
    for number, (name, (figures, ceilings)) in enumerate(seen.items()):
        one = figures[layer]
        told = informations([one])
        reached = ceilings.get(layer + 1, 0)
        flag = "" if not reached else "yes" if reached == one.i_y.count else f"in {reached} of {one.i_y.count}"
        heading = printable(layer_heading(one.name, layer + 1, len(figures))) if number == 0 else ""
        cells = (told[key][0] if key in told else "" for key in ("I(X;T)", "I(T;Y)", "MC error"))
        rows.append((heading, name, *cells, flag))
    return rows
