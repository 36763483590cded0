"""`ibtui noise`: generalisation error against noise in the weights, from a session's saved weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli.console import output, print_json
from ibtui.cli.counting import counting
from ibtui.cli.options import Json, Quiet, Session, SessionsDir, Threads
from ibtui.formatting import labelled, over_some, printable, title_of, with_spread
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    import numpy as np

    from ibtui_engine.noise import NoiseErrors
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import EnsembleSummary, Summary
    from ibtui_engine.statistics import Spread


def noise(
    session: Session,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="The weights of this measured epoch. [default: the last]", show_default=False),
    ] = None,
    sigma: Annotated[
        str | None,
        typer.Option(
            "--sigma",
            metavar="SIZES",
            help="Sizes of the noise, relative to the norm of each layer's weights. [default: 0,0.05,0.1,0.2,0.3,0.5,"
            "0.7,1,1.5,2,3]",
            show_default=False,
        ),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", help="Draws of the noise for each network, 1 to 10000.")] = 10,
    chart: Annotated[bool, typer.Option("--chart/--no-chart", help="Draw the error against the noise.")] = True,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the generalisation error under weight noise; for perceptrons, compare it with the closed form."""
    path = find_session(session, sessions_directory(sessions_dir))
    sizes = parse_sigmas(sigma) if sigma is not None else None
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import describe_epochs

    with SessionReader(path) as reader, reader.moment():
        summary = reader.summary
        there = [e for e in summary.ensembles if e.snapshots and (epoch is None or epoch in e.snapshots)]
        if not there:
            told = describe_epochs(max((e.snapshots for e in summary.ensembles), key=len, default=()))
            raise InvalidValue(f"epoch is {epoch}: {told}" if epoch is not None else told)
        found = [
            (ensemble, at, _errors(reader, summary, ensemble, at, sizes, draws, threads, quiet))
            for ensemble in there
            for at in [ensemble.snapshots[-1] if epoch is None else epoch]
        ]
    if json:
        print_json(_document(summary, found, draws))
        return
    _print(summary, found, draws, chart=chart)


def parse_sigmas(text: str) -> tuple[float, ...]:
    """Sizes from `0,0.1,1`, ascending, each once.

    Raises:
        InvalidValue: one is not a number of at least 0.
    """
    try:
        sizes = {float(part) for part in text.split(",")}
    except ValueError:
        sizes = {math.nan}
    if not all(math.isfinite(size) and size >= 0 for size in sizes):
        raise InvalidValue(f"sigma must be numbers of at least 0 such as 0,0.1,1, got {text!r}")
    return tuple(sorted(sizes))


def _errors(
    reader: SessionReader,
    summary: Summary,
    ensemble: EnsembleSummary,
    epoch: int,
    sizes: tuple[float, ...] | None,
    draws: int,
    threads: int | None,
    quiet: bool,
) -> NoiseErrors:
    reader.weights(ensemble, epoch)  # first: a session without weights must not wait for Numba
    from ibtui_engine.noise import DEFAULT_SIGMAS, noise_of
    from ibtui_engine.threads import Threads, usable_cores

    pool = Threads(threads or usable_cores())
    try:
        with counting("adding noise", quiet) as watch:
            return noise_of(
                reader,
                ensemble,
                pool,
                epoch=epoch,
                sigmas=DEFAULT_SIGMAS if sizes is None else sizes,
                draws=draws,
                watch=watch,
            )
    finally:
        pool.close()


Found = list[tuple["EnsembleSummary", int, "NoiseErrors"]]
COLUMNS = {
    "outside": "outside",
    "every": "all patterns",
    "drawn": "all inputs",
    "closed": "closed form",
}


def _document(summary: Summary, found: Found, draws: int) -> dict[str, Any]:
    return {
        "name": summary.name,
        "path": str(summary.path),
        "draws": draws,
        "ensembles": [
            {
                "ensemble": ensemble.index,
                **ensemble.settings.to_dict(),
                "networks": ensemble.networks,
                "epoch": epoch,
                "sigma": errors.sigmas.tolist(),
                **{name: _means(getattr(errors, name)) for name in COLUMNS},
            }
            for ensemble, epoch, errors in found
        ],
    }


def _means(values: np.ndarray | None) -> dict[str, list[Any]] | None:
    """By sigma, mean and standard error over the networks that have a value, and how many these are."""
    from ibtui_engine.statistics import spread

    if values is None:
        return None
    spreads = [spread(column) for column in values.T]
    plain = {
        name: [number if math.isfinite(number) else None for number in (getattr(each, name) for each in spreads)]
        for name in ("mean", "error")
    }
    return plain | {"networks": [each.count for each in spreads]}


def _print(summary: Summary, found: Found, draws: int, *, chart: bool) -> None:
    from rich.table import Table

    from ibtui.charts.noise import noise_chart
    from ibtui.cli.drawing import draw
    from ibtui_engine.statistics import spread

    console = output()
    rules = ", ".join(summary.experiment.rule)
    console.print(printable(f"{summary.name}: noise in the weights, rule {rules}"), style="bold")
    console.print()
    if chart:
        curves = {title_of(summary, ensemble): errors for ensemble, _, errors in found}
        draw(noise_chart(curves, title="Generalisation error against noise in the weights"), console.width)
    for ensemble, epoch, errors in found:
        of = f"{ensemble.networks} network{'s' if ensemble.networks > 1 else ''}"
        title = f"error of {title_of(summary, ensemble)}, {of}, epoch {epoch}"
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
        there = {name: getattr(errors, name) for name in COLUMNS}
        there = {name: values for name, values in there.items() if values is not None}
        rows = [
            (f"{size:g}", *(_text(spread(values[:, row])) for values in there.values()))
            for row, size in enumerate(errors.sigmas.tolist())
        ]
        for heading in labelled(("sigma", *(COLUMNS[name] for name in there)), rows, "se"):
            table.add_column(heading, justify="right", no_wrap=True)
        for cells in rows:
            table.add_row(*cells)
        console.print(title, style="italic")
        console.print(table)
        console.print()
    closed = (
        " All inputs: all Gaussian ones there are, for the noise that was drawn (exact). Closed form: over all noise, "
        "for many inputs; without bias arccos(R / √(1 + sigma²)) / π, R the overlap with the teacher."
    )
    drawn = f"{draws} draw{'s' if draws > 1 else ''}"
    console.print(
        f"Mean ± standard error (se) over networks, of {drawn} each. Sigma: the norm of the noise over that of a "
        "layer's weights; biases have none. Outside: patterns that a network has not learned from."
        + (closed if any(errors.closed is not None for _, _, errors in found) else ""),
        style="dim",
    )


def _text(value: Spread) -> str:
    if not value.present:
        return "–"
    return with_spread(f"{value.mean:.4f}", value.error, ".4f") + over_some(value.count, value.networks)
