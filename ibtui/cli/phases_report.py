"""What `ibtui phases` prints: a chart and tables for people, one JSON object for programs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ibtui.cli.console import output, print_json
from ibtui.cli.drawing import draw
from ibtui.cli.phases_document import Found, document
from ibtui.formatting import estimate, labelled, printable, title_of
from ibtui.phases_text import (
    CAVEATS,
    DIFFUSION,
    DIFFUSION_CAVEATS,
    PHASES,
    diffusion_rows,
    epoch_text,
    phase_rows,
    sentences,
)
from ibtui_engine.errors import InvalidValue
from ibtui_engine.session.history import SessionReader

if TYPE_CHECKING:
    from rich.console import Console

    from ibtui.charts.spec import ChartSpec
    from ibtui_engine.session.summary import Summary


def phases_report(
    path: Path, *, ensemble: int | None = None, json: bool = False, chart: bool = True, by: str | None = None
) -> None:
    """Print the phases of all ensembles of a session, or of one; `by`: an estimator of a recording that has several.

    Raises:
        InvalidValue: there is no ensemble of that number, or nothing has been measured yet.
        SessionError: the session cannot be read.
    """
    with SessionReader(path, by) as reader, reader.moment():
        summary = reader.summary
        every = reader.recorded_ensembles() if ensemble is None else (reader.recorded_ensemble(ensemble),)
    recorded = [one for one in every if one.ensemble.snapshots]
    if not recorded:
        raise InvalidValue(f"session {summary.name!r} has measured no epoch yet, so it has no phases")
    found = [Found(one, one.diffusion()[0] if summary.can("weights") else None) for one in recorded]
    if json:
        print_json(document(summary, found))
        return
    console = output()
    console.print(
        printable(f"{summary.name}: {summary.status}, epoch {summary.epochs_done} of {summary.experiment.epochs}"),
        style="bold",
    )
    for each in found:
        _print(console, summary, each, chart=chart)
    if len({each.recorded.ensemble.hidden for each in found}) > 1:
        console.print()
        _print_depths(console, summary, found)
    console.print()
    console.print(f"{CAVEATS} Here: {estimate(summary.experiment)}.", style="dim")
    console.print(DIFFUSION_CAVEATS, style="dim")


def _print(console: Console, summary: Summary, found: Found, *, chart: bool) -> None:
    ensemble, account = found.recorded.ensemble, found.recorded.phases
    of = f"{ensemble.networks} network{'s' if ensemble.networks > 1 else ''}"
    heading = f"{title_of(summary, ensemble)}, {of}, up to epoch {account.epochs}"
    console.print()
    if chart and account.transition.measured:
        draw(_chart(found, summary), console.width)
    _table(console, heading, PHASES, phase_rows(account, ensemble.own_names))
    for line in sentences(account, ensemble.own_names):
        console.print(line)
    console.print()
    _print_diffusion(console, found)


def _chart(found: Found, summary: Summary) -> ChartSpec:
    from ibtui.charts.phases import transition_chart

    one = found.recorded
    return transition_chart(
        one.layers.epochs.astype(np.float64),
        one.mean("snr"),
        one.transition.layers,
        one.transition.network,
        shown=range(len(one.widths)),
        last_epoch=float(summary.experiment.epochs),
        batches=one.batches,
        names=one.ensemble.own_names,
        title=f"Gradient SNR: {title_of(summary, one.ensemble)}",
    )


def _print_diffusion(console: Console, found: Found) -> None:
    one = found.recorded
    rows = diffusion_rows(one.phases, found.diffusion, one.ensemble.own_names)
    _table(console, "After the transition", DIFFUSION, rows)
    if found.diffusion is None:
        console.print(f"No displacements and correlations: {found.recorded.summary.why_not('weights')}.")


def _print_depths(console: Console, summary: Summary, found: list[Found]) -> None:
    rows: list[tuple[str, ...]] = []
    for each in found:
        account, hidden = each.recorded.phases, each.recorded.hidden_layers
        half = epoch_text(account.layers[-2].half_compressed, count=True) if hidden else "–"
        sides = [
            f"10^{log / math.log(10):.1f}" if math.isfinite(log) else "–"
            for log in (account.depth.from_below.log_alone, account.depth.from_below.log_together)
        ]
        name = title_of(summary, each.recorded.ensemble)
        rows.append((name, str(hidden), *sides, epoch_text(account.transition.network, count=True), half))
    columns = ("networks", "K", "exp of sum", "sum of exp", "drift ends", "last hidden layer half compressed")
    _table(
        console, "What depth saves: Eq. 11, by what each hidden layer compresses from the layer below", columns, rows
    )


def _table(console: Console, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.table import Table

    columns = labelled(columns, rows, "se")
    table = Table(
        title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
