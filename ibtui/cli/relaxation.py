"""`ibtui relaxation`: what a Monte-Carlo relaxation of the weights does to the layers, beside SGD at the same cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli.console import output, print_json
from ibtui.cli.options import Json, Session, SessionsDir
from ibtui.formatting import estimate, labelled, over_some, printable, with_spread
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import layer_number
from ibtui_engine.settings import LONGEST_STEP

if TYPE_CHECKING:
    from rich.table import Table

    from ibtui_engine.phases.relaxation import Change, Relaxation
    from ibtui_engine.session.summary import EnsembleSummary, Summary
    from ibtui_engine.statistics import EpochSpread, Spread


def relaxation(
    session: Session,
    chart: Annotated[bool, typer.Option("--chart/--no-chart", help="Draw the change of I(X;T).")] = True,
    sessions_dir: SessionsDir = None,
    json: Json = False,
) -> None:
    """Tell whether random moves of the weights (optimiser metropolis) compress, too, beside SGD where that ran."""
    path = find_session(session, sessions_directory(sessions_dir))
    from ibtui_engine.phases.relaxation import relaxation_of
    from ibtui_engine.session.history import SessionReader

    with SessionReader(path) as reader, reader.moment():
        summary = reader.summary
        found = [
            (ensemble, relaxation_of(reader, ensemble))
            for ensemble in summary.ensembles
            if ensemble.optimizer == METROPOLIS
        ]
    if not found:
        raise InvalidValue(
            f"session {summary.name!r} has no ensemble of the optimiser metropolis: `ibtui run monte-carlo` makes one"
        )
    if json:
        print_json(_document(summary, found))
        return
    _print(summary, found, chart=chart)


METROPOLIS = "metropolis"


def _document(summary: Summary, found: list[tuple[EnsembleSummary, Relaxation]]) -> dict[str, Any]:
    """Bits, nats, shares; scripts rely on the names."""
    return {
        "name": summary.name,
        "path": str(summary.path),
        "relax_from": summary.experiment.relaxation_epoch,
        "relax_prior": summary.experiment.relaxation_prior,
        "ensembles": [
            {
                "ensemble": ensemble.index,
                **ensemble.settings.to_dict(),
                "networks": ensemble.networks,
                "epoch": one.end,
                "gradient_evaluations": one.end - one.start,
                "sample_size": ensemble.sample_size,
                "layers": [
                    {
                        "layer": row.layer,
                        "width": row.width,
                        "i_x": _change(row.i_x),
                        "i_y": _change(row.i_y),
                        "acceptance": _spread(row.acceptance),
                        "sgd_equal_after": _epoch(row.equal_cost),
                    }
                    for row in one.layers
                ],
                **{name: _change(getattr(one, name)) for name in ("train_loss", "train_accuracy", "test_accuracy")},
            }
            for ensemble, one in found
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    return {name: _spread(getattr(change, name)) for name in ("start", "relaxed", "sgd", "difference")}


def _spread(value: Spread | None) -> dict[str, float | int | None] | None:
    if value is None:
        return None
    plain = [number if math.isfinite(number) else None for number in (value.mean, value.error)]
    return {"mean": plain[0], "error": plain[1], "networks": value.count}


def _epoch(value: EpochSpread | None) -> dict[str, float | int | None] | None:
    """Gradient evaluations; the error is that of the natural logarithm."""
    if value is None:
        return None
    plain = [number if math.isfinite(number) else None for number in (value.epoch, value.log_error)]
    return {"evaluations": plain[0], "log_error": plain[1], "networks": value.count}


def _print(summary: Summary, found: list[tuple[EnsembleSummary, Relaxation]], *, chart: bool) -> None:
    from ibtui.charts.relaxation import relaxation_chart
    from ibtui.cli.drawing import draw

    console = output()
    console.print(
        printable(
            f"{summary.name}: Monte-Carlo relaxation from epoch {summary.experiment.relaxation_epoch}, "
            f"prior {summary.experiment.relaxation_prior}"
        ),
        style="bold",
    )
    for ensemble, one in found:
        name = ensemble.settings.told_apart([one for one in summary.experiment.varied if one != "optimizer"])
        of = f"{ensemble.networks} network{'s' if ensemble.networks > 1 else ''}"
        console.print()
        if chart:
            draw(relaxation_chart(one, title=f"Compression by relaxation: {name}"), console.width)
        title = f"{name}, {of}: change from epoch {one.start} to {one.end}, {one.end - one.start} gradient evaluations"
        console.print(title, style="italic")
        for what, attribute in (("I(X;T) bits", "i_x"), ("I(T;Y) bits", "i_y")):
            console.print(_table(one, what, attribute))
            console.print()
        for line in (*_learning(one), *_equal(one)):
            console.print(line)
    console.print()
    console.print(
        "Mean ± standard error (se) over networks; apart: the difference, of the same networks. A gradient evaluation "
        "is a pass forward and backward over the whole sample, an epoch of SGD; a forward pass of a Monte-Carlo move "
        "counts as a third of it, so that both have cost the same. The loss of the sample never rises above that at "
        f"the start. The step of a move is at most {LONGEST_STEP:.0%} of the root mean square of its layer's "
        "weights: longer steps are accepted where neurons are saturated, and would take weights ever farther. "
        f"I(X;T) and I(T;Y) by {estimate(summary.experiment)}.",
        style="dim",
    )


def _table(one: Relaxation, what: str, name: str) -> Table:
    """How one number of every layer has changed."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    changes = [getattr(row, name) for row in one.layers]
    beside = ("SGD", "apart") if changes[0].sgd is not None else ()
    rows: list[tuple[str, ...]] = []
    for row, change in zip(one.layers, changes, strict=True):
        moved = [part for part in (change.relaxed, change.sgd, change.difference) if part is not None]
        layer = layer_number(row.layer, len(one.layers))
        start, accepted = (over_some(one.count, one.networks) for one in (change.start, row.acceptance))
        cells = [f"{change.start.mean:.3f}{start}", *map(_text, moved), f"{row.acceptance.mean:.0%}{accepted}"]
        rows.append((layer, *cells))
    for column in labelled(("layer", what, "relaxed", *beside, "accepted"), rows, "se"):
        table.add_column(column, justify="right", no_wrap=True)
    for told in rows:
        table.add_row(*told)
    return table


def _learning(one: Relaxation) -> list[str]:
    """Loss and accuracy at the start and at the end."""

    def part(what: str, change: Change, style: str) -> str:
        start = change.start.mean
        ends = [("relaxed", change.relaxed), *([("SGD", change.sgd)] if change.sgd is not None else [])]
        told = ", ".join(f"{start + moved.mean:{style}} {name}" for name, moved in ends)
        return f"{what}: {start:{style}} at the start; {told} at the end"

    lines = [
        part("loss of the sample, nats", one.train_loss, ".4g"),
        part("accuracy inside", one.train_accuracy, ".2%"),
    ]
    return [*lines, part("accuracy outside", one.test_accuracy, ".2%")] if one.test_accuracy.start.present else lines


def _equal(one: Relaxation) -> list[str]:
    """What SGD needs for the same loss of I(X;T)."""
    costs = {
        layer_number(row.layer, len(one.layers)): row.equal_cost
        for row in one.layers
        if row.equal_cost is not None and row.equal_cost.present
    }
    told = [f"{layer}: {cost.epoch:.0f}{over_some(cost.count, cost.networks)}" for layer, cost in costs.items()]
    many = one.end - one.start
    return (
        [f"SGD has lost as much of I(X;T) as the moves do in {many} evaluations after {'; '.join(told)}"]
        if told
        else []
    )


def _text(value: Spread) -> str:
    return with_spread(f"{value.mean:+.3f}", value.error, ".3f") + over_some(value.count, value.networks)
