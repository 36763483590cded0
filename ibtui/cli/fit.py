"""`ibtui fit`: which point of the bound each layer is nearest to, and how far below the bound it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ibtui.bound_text import COLUMNS, WITHOUT_BETA, fit_rows
from ibtui.cli.console import output, print_json
from ibtui.cli.options import By, Json, Session, SessionsDir, Threads
from ibtui.formatting import fitted_by, labelled, printable, rule_title, title_of, under
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import marks

if TYPE_CHECKING:
    from rich.table import Table

    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.session.summary import EnsembleSummary, Summary


def fit(
    session: Session,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Fit at this measured epoch. [default: the last]", show_default=False),
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="Fit at every measured epoch; needs --json. Takes up to a minute or more.")
    ] = False,
    error: Annotated[
        float, typer.Option("--error", metavar="BITS", help="Largest distance of the curve to the true one.")
    ] = 1e-6,
    stream: Annotated[
        bool,
        typer.Option("--stream", hidden=True, help="Answer requests on stdin, one JSON object a line (for the app)."),
    ] = False,
    threads: Threads = None,
    by: By = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
) -> None:
    """Measure how far each layer is from the IB curve, and fit its beta* (Eq. 12 of the paper)."""
    path = find_session(session, sessions_directory(sessions_dir))
    if not 1e-8 <= error <= 0.1:
        raise InvalidValue(f"error must be a number of bits from 1e-08 to 0.1, got {error!r}")
    if every and not json:
        raise InvalidValue("--every prints one JSON document: give --json too")
    if every and epoch is not None:
        raise InvalidValue(f"epoch is {epoch}: with --every, none is allowed")
    if stream:
        from ibtui.cli.fit_stream import serve
        from ibtui_engine.session.history import SessionReader

        with SessionReader(path) as reader:
            serve(reader, threads)
        return
    from ibtui_engine.fit import fit_session

    summary, curves, fits = fit_session(path, epoch=epoch, error=error, threads=threads, every=every, by=by)
    if json:
        of_rules = [{"rule": number} | curve.to_dict() for number, curve in curves.items()]
        print_json(
            {
                "name": summary.name,
                **({"curve": of_rules[0]} if len(of_rules) == 1 else {}),
                "curves": of_rules,
                "fits": [
                    {"rule": ensemble.rule.number, "layer_names": list(ensemble.layer_names)} | one.to_dict()
                    for ensemble, one in fits
                ],
            }
        )
        return
    _print(summary, curves, fits)


def _print(summary: Summary, curves: dict[int, Curve], fits: list[tuple[EnsembleSummary, LayerFits]]) -> None:
    from ibtui.charts.bound import fitted_chart
    from ibtui.charts.information_plane import numbered
    from ibtui.cli.drawing import draw

    console = output(110)
    for rule in summary.rules:
        if (found := curves.get(rule.number)) is None:
            continue
        console.print(
            printable(
                f"{summary.name}: rule {rule_title(rule)}, I(X;Y) = {found.i_xy:.4g} bits"
                + (f", critical beta {found.critical:.5g}" if math.isfinite(found.critical) else "")
                + ("" if found.certified else "; the IB curve is not certified: layers may lie further below it")
            ),
            style="bold",
        )
    for ensemble, one in fits:
        curve = curves[ensemble.rule.number]
        of = f"{ensemble.networks} network{'s' if ensemble.networks > 1 else ''}"
        heading = f"{title_of(summary, ensemble)}, {of}, epoch {one.epoch}"
        console.print()
        names = ensemble.own_names
        beta = "" if one.no_beta else " Through each: slope 1/beta*."
        caption = f"{numbered(marks(names, one.beta.shape[1]))}.{beta}"
        place = ensemble.rule.h_x, curve.i_xy
        spec = fitted_chart(curve, one, *place, title=heading, caption=caption, names=names)
        draw(spec, console.width)
        console.print(_table(one, heading, names))
    console.print()
    for line in _footnotes(summary, *fits[0]):
        console.print(printable(line), style="dim")


def _footnotes(summary: Summary, ensemble: EnsembleSummary, one: LayerFits) -> list[str]:
    basis = fitted_by(summary.experiment, ensemble.settings, one.bins, one.no_beta)
    lines = [f"Mean ± standard error (se) over networks, of beta* median (95 % interval); {basis}, {under(summary)}."]
    below = (
        "below: bits of I(T;Y) under the curve; worth: the bits of I(X;T) that this would cost at the curve's slope "
        "there (none where the curve is flat)."
    )
    if one.no_beta:
        return [*lines, below, f"No beta*: {one.no_beta}."]
    return [
        *lines,
        "beta*: minimises E KL(p(t|x) ‖ p_beta(t|x)); the residual is that minimum, in bits. n: networks with a beta* "
        "(IB point and critical are of these), and with a worth. The others have none between 0 and "
        f"{one.greatest:g}: it falls on where t tells all p(y|x) apart, and is at 0 where t knows nothing of Y.",
        f"{below} Eq. 9, bits: how far p(y|t) is from the decoder that beta* implies.",
    ]


def _table(one: LayerFits, title: str, names: Sequence[str] | None) -> Table:
    from rich.table import Table

    table = Table(
        title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    shown = WITHOUT_BETA if one.no_beta else range(len(COLUMNS))
    rows = [[row[k] for k in shown] for row in fit_rows(one, names)]
    for heading in labelled([COLUMNS[k] for k in shown], rows, "se"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
