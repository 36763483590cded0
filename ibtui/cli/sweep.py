"""`ibtui sweep-bins`: does a layer's compression survive other numbers of bins?

Compression that comes and goes with the bins is the bins' (Saxe et al. 2018; Goldfeld et al. 2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli.console import output, print_json
from ibtui.cli.counting import counting
from ibtui.cli.options import Estimator, Json, Quiet, Session, SessionsDir, Threads
from ibtui.formatting import estimate, title_of
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import BINNED
from ibtui_engine.layer_names import layer_names

if TYPE_CHECKING:
    from ibtui_engine.sweep import Sweep

DEFAULT_BINS = (5, 10, 20, 30, 50, 100, 200, 500, 1000)
MOST_SNAPSHOTS = 30
"""Epochs at which a sweep measures, at most."""


def sweep_bins(
    session: Session,
    bins: Annotated[
        str | None,
        typer.Option(
            "--bins",
            metavar="NUMBERS",
            help="Numbers of bins, such as 10,30,100. [default: 5,10,20,30,50,100,200,500,1000]",
            show_default=False,
        ),
    ] = None,
    ensemble: Annotated[int, typer.Option("--ensemble", help="The ensemble, counted from 0.", show_default=False)] = 0,
    estimator: Estimator = None,
    chart: Annotated[bool, typer.Option("--chart/--no-chart", help="Draw compression against bins.")] = True,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """See whether compression survives other numbers of bins: from the peak of I(X;T) to the end."""
    numbers = parse_bins(bins) if bins is not None else DEFAULT_BINS
    source = find_session(session, sessions_directory(sessions_dir))
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.sweep import sweep, thinned
    from ibtui_engine.threads import Threads, usable_cores

    with SessionReader(source) as reader, reader.moment():
        summary = reader.summary
        chosen = reader.ensemble(ensemble)
        own = summary.experiment.estimator
        experiment = summary.experiment.override({"estimator": estimator or (own if own in BINNED else "binning")})
        if experiment.estimator not in BINNED:
            raise InvalidValue(f"--estimator {estimator} has no bins: choose from {', '.join(BINNED)}")
        for number in numbers:
            experiment.override({"bins": number})
        epochs = thinned(chosen.snapshots, MOST_SNAPSHOTS)
        pool = Threads(threads or usable_cores())
        try:
            with counting("measuring", quiet) as watch:
                found = sweep(reader, chosen, experiment, numbers, epochs, pool, watch)
        finally:
            pool.close()
    at = summary.experiment.bins if own == experiment.estimator else None
    heading = f"{title_of(summary, chosen)}, {chosen.networks} network{'s' if chosen.networks > 1 else ''}"
    if json:
        place = {"name": summary.name, "path": str(summary.path), "ensemble": ensemble, **chosen.settings.to_dict(),
                 "networks": chosen.networks}  # fmt: skip
        print_json({**place, "estimator": experiment.estimator, **_plain(found)})
        return
    basis = estimate(experiment).replace(f"{experiment.bins} bins", "bins")
    _print(found, f"{summary.name}: {heading}", basis, at, len(chosen.snapshots), chart=chart)


def parse_bins(text: str) -> tuple[int, ...]:
    """Numbers of bins from `10,30,100`, ascending, each once.

    Raises:
        InvalidValue: one is not a whole number.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 20 for part in parts):
        raise InvalidValue(f"bins must be whole numbers such as 10,30,100, got {text!r}")
    return tuple(sorted({int(part) for part in parts}))


def _plain(found: Sweep) -> dict[str, Any]:
    return {
        "epochs": found.epochs.tolist(),
        "bins": found.bins.tolist(),
        "compression": found.compression.tolist(),
        "peak_epoch": found.peak_epoch.tolist(),
        "i_x_peak": found.peak.tolist(),
        "i_x_end": found.end.tolist(),
        "at_ceiling": found.ceiling.tolist(),
    }


def _print(found: Sweep, title: str, basis: str, at: int | None, measured: int, *, chart: bool) -> None:
    import numpy as np
    from rich.table import Table

    from ibtui.charts.sweep import sweep_chart
    from ibtui.cli.drawing import draw

    console = output()
    layers = found.compression.shape[1]
    if chart:
        compression = np.where(found.ceiling, np.nan, found.compression)
        spec = sweep_chart(
            found.bins.astype(np.float64),
            compression,
            shown=range(layers),
            at=at,
            title=f"Compression against bins: {title}",
            basis=f"{basis[:1].upper()}{basis[1:]}.",
        )
        draw(spec, console.width)
    table = Table(title="compression from the peak, bits (epoch of the peak)", title_justify="left", box=None,
                  header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))  # fmt: skip
    table.add_column("bins", justify="right")
    for name in layer_names(layers):
        table.add_column(name, justify="right", no_wrap=True)
    for row, bins in enumerate(found.bins.tolist()):
        cells = [
            "ceiling" if found.ceiling[row, k] else f"{found.compression[row, k]:.3f} ({found.peak_epoch[row, k]})"
            for k in range(layers)
        ]
        table.add_row(str(bins), *cells)
    console.print(table)
    epochs = found.epochs.tolist()
    console.print()
    console.print(
        f"By {basis}, over all patterns, at {len(epochs)} of {measured} snapshots, epochs {epochs[0]} to {epochs[-1]}. "
        "Of the mean over networks: I(X;T) at its peak less that at the end. Ceiling: the bins separate every pattern "
        "at every snapshot, in every network, so that no compression could be seen.",
        style="dim",
    )
