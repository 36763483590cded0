"""`ibtui remeasure`: a session's numbers with other bins or another estimator, from its saved weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli.console import output, plain_rows, print_json, tell
from ibtui.cli.counting import counting
from ibtui.cli.options import (
    PLACES,
    Json,
    Quiet,
    Session,
    SessionsDir,
    Threads,
    output_file,
    session_target,
    with_estimators,
)
from ibtui.files import require_new
from ibtui.formatting import estimate, labelled, under, with_spread
from ibtui.locations import find_session, free_path, sessions_directory
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import layer_number
from ibtui_engine.session.columns import INFORMATION
from ibtui_engine.session.format import SUFFIX

if TYPE_CHECKING:
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import EnsembleSummary
    from ibtui_engine.threads import Threads as Pool


@with_estimators(chosen=True)
def remeasure(
    session: Session,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Measure this epoch only, print it and save nothing.", show_default=False),
    ] = None,
    out: Annotated[
        str | None,
        output_file(
            "NAME|FILE",
            "Save under this name, or as this file, which must not exist. [default: the session's name and what "
            "has changed]",
            panel=PLACES,
        ),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option("--stream", hidden=True, help="Answer requests on stdin, one JSON object a line (for the app)."),
    ] = False,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
    **chosen: Any,
) -> None:
    """Measure a session again with other bins or another estimator, without training, and save that as a new session.

    With --epoch or --json, numbers are printed and nothing is saved, unless --out says where.
    """
    directory = sessions_directory(sessions_dir)
    source = find_session(session, directory)
    from ibtui_engine.remeasure import save_remeasured, with_settings
    from ibtui_engine.session.history import SessionReader

    with SessionReader(source) as reader, _pool(threads) as pool:
        if stream:
            from ibtui.cli.stream import serve

            serve(reader, pool)
            return
        before = reader.summary.experiment
        experiment = with_settings(before, chosen)
        if out is None and (epoch is not None or json):
            with reader.moment(), counting("measuring", quiet or epoch is not None) as watch:
                found = [
                    _measured(reader, ensemble, epoch, experiment, pool, watch)
                    for ensemble in _measurable(reader, epoch)
                ]
            _print(reader, experiment, found, json=json)
            return
        if experiment == before and out is None:
            raise InvalidValue(
                "nothing would change: give --bins, --estimator, --noise or another setting of an estimator, or --out "
                "to add what newer versions measure"
            )
        path = _target(out, directory, source, before, experiment)
        require_new(path, SUFFIX)
        if epoch is not None:
            _measurable(reader, epoch)
        with counting("measuring", quiet) as watch:
            save_remeasured(reader, path, path.stem, experiment, pool, watch)
    from ibtui.cli.report import report

    report(path, epoch=epoch, json=json)
    tell(f"saved as {path}", quiet=quiet)


@contextmanager
def _pool(threads: int | None) -> Iterator[Pool]:
    from ibtui_engine.threads import Threads, usable_cores

    pool = Threads(threads or usable_cores())
    try:
        yield pool
    finally:
        pool.close()


def changed(before: Experiment, after: Experiment) -> str:
    """What is measured otherwise, as part of a name: `quantile-60-bins`, `kde-noise-0.01`."""
    parts = []
    if after.estimator != before.estimator:
        parts.append(after.estimator)
    if after.bins != before.bins:
        parts.append(f"{after.bins}-bins")
    if after.noise is not None and (after.noise, after.noise_scale) != (before.noise, before.noise_scale):
        scale = "" if after.noise_scale in (None, "absolute") else f"-of-{after.noise_scale}"
        parts.append(f"noise-{after.noise:g}{scale}")
    if after.noise_samples != before.noise_samples:
        parts.append(f"{after.estimation.samples}-samples")
    if after.kernel_width != before.kernel_width:
        parts.append(f"width-{after.estimation.width:g}")
    return "-".join(parts)


def _target(out: str | None, directory: Path, source: Path, before: Experiment, after: Experiment) -> Path:
    if out is None:
        return free_path(directory, f"{source.stem}-{changed(before, after)}")
    return session_target(out, directory)


def _measurable(reader: SessionReader, epoch: int | None) -> list[EnsembleSummary]:
    """The ensembles that have been measured, at this epoch where one is given."""
    from ibtui_engine.session.summary import describe_epochs

    ensembles = [e for e in reader.summary.ensembles if e.snapshots and (epoch is None or epoch in e.snapshots)]
    if not ensembles:
        measured = max((e.snapshots for e in reader.summary.ensembles), key=len, default=())
        raise InvalidValue(f"epoch is {epoch}: {describe_epochs(measured)}" if epoch is not None else "nothing has "
                           "been measured yet")  # fmt: skip
    return ensembles


def _measured(
    reader: SessionReader,
    ensemble: EnsembleSummary,
    epoch: int | None,
    experiment: Experiment,
    pool: Pool,
    watch: Any,
) -> dict[str, Any]:
    """One ensemble's numbers: for each epoch and layer the mean and standard deviation (n − 1) over networks."""
    import numpy as np

    from ibtui_engine.remeasure import remeasure as again
    from ibtui_engine.statistics import mean, standard_deviation

    epochs = ensemble.snapshots if epoch is None else (epoch,)
    found = []
    for done, (_, information) in enumerate(again(reader, ensemble, epochs, experiment, pool), start=1):
        found.append(information)
        watch(done, len(epochs))
    plain: dict[str, Any] = {
        "index": ensemble.index,
        **ensemble.settings.to_dict(),
        "networks": ensemble.networks,
        "widths": list(ensemble.widths),
        "epochs": list(epochs),
    }
    for name in ("i_x", "i_y"):
        values = np.stack([getattr(information, name) for information in found])
        plain[f"{name}_mean"] = plain_rows(mean(values, axis=1))
        plain[f"{name}_std"] = plain_rows(standard_deviation(values, axis=1))
    for name in [column.field for column in INFORMATION if column.name not in ("i_x", "i_y", "low", "high")]:
        plain[f"{name}_mean"] = plain_rows(mean(np.stack([getattr(i, name) for i in found]), axis=1))
    plain["low"] = np.stack([i.low.min(axis=0) for i in found]).tolist()
    plain["high"] = np.stack([i.high.max(axis=0) for i in found]).tolist()
    return plain


def _print(reader: SessionReader, experiment: Experiment, found: list[dict[str, Any]], *, json: bool) -> None:
    summary = reader.summary
    if json:
        from ibtui.cli.export import basis

        print_json({"name": summary.name, "path": str(summary.path), **basis(experiment), "ensembles": found})
        return
    from rich.table import Table

    console = output()
    for ensemble in found:
        name = summary.experiment.ensemble(ensemble["index"]).told_apart(summary.experiment.varied)
        title = f"{name}, epoch {ensemble['epochs'][0]}"
        table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False,
                      padding=(0, 3, 0, 0))  # fmt: skip
        widths = ensemble["widths"]
        rows = []
        for k, width in enumerate(widths):
            figures = []
            for name in ("i_x", "i_y"):
                mean, std, least = (ensemble[f"{name}_{kind}"][0][k] for kind in ("mean", "std", "lower_mean"))
                if mean is None:
                    figures.append("–")
                    continue
                text = with_spread(f"{mean:.3f}", math.nan if std is None else std, ".3f")
                figures.append(text if least is None else f"{least:.3f} – {mean:.3f}")
            distinct = f"{ensemble['distinct_mean'][0][k]:.0f}"
            rows.append((layer_number(k + 1, len(widths)), str(width), *figures, distinct))
        for heading in labelled(("layer", "width", "I(X;T) bits", "I(T;Y) bits", "distinct t"), rows, "sd"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        console.print()
    kde = experiment.estimator == "kde"
    what = "Lower – upper bounds, means over networks" if kde else "Mean ± standard deviation (sd) over networks"
    console.print(
        f"{what}. By {estimate(experiment)}, over all patterns {under(summary)}.",
        style="dim",
    )
