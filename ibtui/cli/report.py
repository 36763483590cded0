"""What a session says at one epoch: charts and tables for people, one JSON object for programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui.caveats import as_lines, as_plain, caveats
from ibtui.cli.console import or_none, output, print_json
from ibtui.cli.drawing import draw
from ibtui.formatting import estimate, labelled, other_estimators, over_some, printable, rule_title, title_of, under
from ibtui.layers_text import KEPT, NOT_KEPT, SAID, SAMPLED, columns
from ibtui.layers_text import kept as kept_columns
from ibtui_engine.errors import InvalidValue
from ibtui_engine.layer_names import layer_heading
from ibtui_engine.session.ensemble import LayerFigures, RecordedEnsemble
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import describe_epochs
from ibtui_engine.settings import SAMPLING
from ibtui_engine.statistics import Spread

if TYPE_CHECKING:
    from rich.table import Table

    from ibtui.charts.spec import ChartSpec
    from ibtui_engine.session.summary import EnsembleSummary, Summary


def report(
    path: Path,
    *,
    epoch: int | None = None,
    json: bool = False,
    chart: bool = True,
    kept: bool = False,
    by: str | None = None,
) -> None:
    """Print what the session has measured at an epoch, the last one where none is given; `kept`: also in tables what
    layers keep of orbits; `by`: an estimator of a recording that has several.

    Raises:
        InvalidValue: the epoch was not measured.
        SessionError: the session cannot be read.
    """
    with SessionReader(path, by) as reader, reader.moment():
        summary = reader.summary
        if epoch is not None and not any(epoch in e.snapshots for e in summary.ensembles):
            measured = max((e.snapshots for e in summary.ensembles), key=len, default=())
            raise InvalidValue(f"epoch is {epoch}: {describe_epochs(measured)}")
        if json:
            print_json(_document(reader, summary, epoch))
        else:
            _print(reader, summary, epoch, chart=chart, kept=kept)


def _shown_epoch(ensemble: EnsembleSummary, epoch: int | None) -> int | None:
    if epoch is not None:
        return epoch if epoch in ensemble.snapshots else None
    return ensemble.snapshots[-1] if ensemble.snapshots else None


def _document(reader: SessionReader, summary: Summary, epoch: int | None) -> dict[str, Any]:
    rules = _rules(reader, summary)
    return {
        "name": summary.name,
        "path": str(summary.path),
        "status": summary.status,
        "created": summary.created,
        "experiment": summary.experiment.to_dict(),
        **({"rule": rules[0]} if len(rules) == 1 else {}),
        "rules": rules,
        "ensembles": [
            {
                **ensemble.settings.to_dict(),
                "networks": ensemble.networks,
                "sample_size": ensemble.sample_size,
                "trainer": ensemble.trainer,
                "device": ensemble.device,
                "epochs_done": ensemble.epochs_done,
                "epochs_total": summary.experiment.epochs,
                "snapshots": list(ensemble.snapshots),
                **_figures(reader.recorded_ensemble(ensemble.index), _shown_epoch(ensemble, epoch)),
            }
            for ensemble in summary.ensembles
        ],
    }


def _rules(reader: SessionReader, summary: Summary) -> list[dict[str, Any]]:
    """Each rule with its numbers, and what was read of a table."""
    reports = iter(reader.table_reports())
    found = []
    for rule in summary.rules:
        table = next(reports, None) if rule.settings.name.of_table else None
        found.append(
            {
                "name": rule.name,
                **rule.parameters,
                "patterns": rule.patterns,
                "labels": rule.labels,
                "h_x": rule.h_x,
                "i_xy": rule.i_xy,
                "held_out": None if rule.held_out is None else asdict(rule.held_out),
                **({"table": table.to_dict()} if table is not None else {}),
            }
        )
    return found


def _figures(one: RecordedEnsemble, at: int | None) -> dict[str, Any]:
    """The epoch, each layer's figures, the learning and what to note there; absent values are None."""
    if at is None:
        nothing: dict[str, Any] = {"epoch": None, "layers": [], "learning": None}
        return nothing | {
            "sample": None,
            "ceilings": [],
            "violations": [],
            "snapshots_with_violations": 0,
            "saturated_at_start": None,
        }
    learning = one.learning_figures(at)
    means = {f"{name}_mean": or_none(value.mean) for name, value in learning.items()}
    counts = {f"{name}_networks": value.count for name, value in learning.items()}
    layers = [_layer(figures) for figures in one.layer_figures(at)]
    found = as_plain(caveats(one, at))
    return {"epoch": at, "layers": layers, "learning": means | counts, **found}


def _layer(one: LayerFigures) -> dict[str, Any]:
    """`std` is the standard deviation over networks (n − 1), `mean` the arithmetic mean; of the SNR, at frozen weights
    too, and of the noise scale the geometric one.
    """
    return {
        "layer": one.layer,
        "width": one.width,
        "i_x_mean": or_none(one.i_x.mean),
        "i_x_std": or_none(one.i_x.deviation),
        "i_y_mean": or_none(one.i_y.mean),
        "i_y_std": or_none(one.i_y.deviation),
        "distinct_mean": or_none(one.distinct.mean),
        "snr_mean": or_none(one.snr.mean),
        "bins_low": or_none(one.low),
        "bins_high": or_none(one.high),
        "i_x_lower_mean": or_none(one.i_x_lower.mean),
        "i_y_lower_mean": or_none(one.i_y_lower.mean),
        "i_x_sampling_error": or_none(one.i_x_error),
        "i_y_sampling_error": or_none(one.i_y_error),
        "saturated_mean": or_none(one.saturated.mean),
        "nonlinear_mean": or_none(one.nonlinear.mean),
        "frozen_snr_mean": or_none(one.frozen_snr.mean),
        "noise_scale_mean": or_none(one.noise_scale.mean),
        "i_orbit_mean": or_none(one.i_orbit.mean),
        "i_within_mean": or_none(one.i_within.mean),
        "i_x_given_y_mean": or_none(one.i_x_given_y.mean),
        **{
            f"{name}_{kind}": or_none(value)
            for name, of in (("held_out_i_x", one.held_out_i_x), ("held_out_i_y", one.held_out_i_y))
            for kind, value in (("mean", of.mean), ("std", of.deviation))
        },
        "held_out_i_x_lower_mean": or_none(one.held_out_i_x_lower.mean),
        "held_out_i_y_lower_mean": or_none(one.held_out_i_y_lower.mean),
        "networks": one.i_y.count,
        "snr_networks": one.snr.count,
        "saturated_networks": one.saturated.count,
    }


def _print(reader: SessionReader, summary: Summary, epoch: int | None, *, chart: bool, kept: bool) -> None:
    at_epoch = [_shown_epoch(ensemble, epoch) for ensemble in summary.ensembles]
    read = [  # all of it before anything is printed: damage is found while reading
        None if at is None else reader.recorded_ensemble(ensemble.index)
        for ensemble, at in zip(summary.ensembles, at_epoch, strict=True)
    ]
    console = output()
    experiment = summary.experiment
    console.print(
        printable(
            f"{summary.name}: {summary.status}, epoch {summary.epochs_done} of {experiment.epochs}; "
            + "; ".join(
                f"rule {rule_title(rule)}, H(X) = {rule.h_x:.4g} bits, I(X;Y) = {rule.i_xy:.4g} bits"
                for rule in summary.rules
            )
        ),
        style="bold",
    )
    for ensemble, at, one in zip(summary.ensembles, at_epoch, read, strict=True):
        of = f"{ensemble.networks} network{'s' if ensemble.networks > 1 else ''}"
        heading = f"{title_of(summary, ensemble)}, {of}"
        console.print()
        if at is None or one is None:
            missing = "nothing has been measured yet" if epoch is None else f"not measured at epoch {epoch}"
            console.print(f"{heading}: {missing}")
            continue
        if chart:
            draw(_plane(one, heading, at), console.width)
        console.print(_layer_table(one, at, f"{heading}, epoch {at}", kept=kept))
        console.print(_learning_line(one, at), soft_wrap=False)
        for line in as_lines(caveats(one, at)):
            console.print(line)
    console.print()
    console.print(_caption(summary), style="dim")
    if kept:
        told = any(one is not None and np.isfinite(one.values("i_orbit")).any() for one in read)
        console.print(KEPT if told else NOT_KEPT, style="dim")


def _plane(one: RecordedEnsemble, title: str, at: int) -> ChartSpec:
    from ibtui.charts.information_plane import information_plane

    until = one.layers.epochs <= at
    return information_plane(
        one.layers.epochs[until],
        one.middle_mean("i_x")[until],
        one.middle_mean("i_y")[until],
        one.h_x,
        one.i_xy,
        intervals=one.place_between(at),
        names=one.ensemble.own_names,
        title=f"Information plane: {title}",
        basis=estimate(one.summary.experiment),
    )


def _layer_table(one: RecordedEnsemble, at: int, title: str, *, kept: bool) -> Table:
    from rich.table import Table

    table = Table(
        title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    figures = one.layer_figures(at)
    names = [printable(layer_heading(layer.name, layer.layer, len(figures))) for layer in figures]
    told = {"layer": names, "width": [str(layer.width) for layer in figures], **columns(figures, unit=" bits")}
    told |= kept_columns(figures, unit=" bits") if kept else {}
    rows = list(zip(*told.values(), strict=True))
    for heading in labelled(tuple(told), rows, "sd"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _learning_line(one: RecordedEnsemble, at: int) -> str:
    found = one.learning_figures(at)

    def part(where: str, loss: Spread, accuracy: Spread) -> str:
        told = [f"loss {loss.mean:.4g} nats"] if loss.present else []
        told += [f"accuracy {accuracy.mean:.2%}"] if accuracy.present else []
        if not told:
            return f"{where}: {'not recorded' if one.ensemble.recorded else 'no patterns'}"
        known = loss if loss.present else accuracy
        return f"{where}: {', '.join(told)}{over_some(known.count, known.networks)}"

    inside = part("inside the sample", found["train_loss"], found["train_accuracy"])
    line = f"{inside}; {part('outside', found['test_loss'], found['test_accuracy'])}"
    held = found["held_out_loss"]
    return f"{line}; {part('held out', held, found['held_out_accuracy'])}" if held.present else line


def _caption(summary: Summary) -> str:
    experiment = summary.experiment
    kde = experiment.estimator == "kde"
    several = any(one.networks > 1 for one in summary.ensembles)
    spread = "Mean ± standard deviation (sd) over networks. " if several and not kde else ""
    bounds = " Of bounds the mean over networks, lower – upper; paths in the plane are in the middle." if kde else ""
    bounds += f" {SAMPLED}" if experiment.estimator in SAMPLING else ""
    over = "" if experiment.measured else ", over all patterns"
    apart = [rule.held_out for rule in summary.rules if rule.held_out is not None]
    over += " that train" if over and apart else ""
    for held in apart:
        spread += f"Held out: {held.patterns} rows, H(X) = {held.h_x:.4g} bits, I(X;Y) = {held.i_xy:.4g} bits. "
    by = "" if experiment.all_stochastic else "by "
    others = other_estimators(experiment)
    told = f" Also recorded: {others} (--by)." if others else ""
    return f"{spread}I(X;T) and I(T;Y) {by}{estimate(experiment)}{over} {under(summary)}.{told}{bounds} {SAID}"
