"""What a session says at one epoch: charts and tables for people, one JSON object for programs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui.cli.console import output, print_json
from ibtui.cli.drawing import draw
from ibtui.notes import as_lines, as_plain, notes
from ibtui.wording import estimate, printable, title_of
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.names import is_images
from ibtui_engine.session.history import LayerHistory, LearningHistory, SessionReader, describe_epochs

if TYPE_CHECKING:
    from rich.table import Table

    from ibtui.charts.spec import ChartSpec
    from ibtui_engine.session.summary import EnsembleSummary, Summary


def report(path: Path, *, epoch: int | None = None, json: bool = False, chart: bool = True) -> None:
    """Print what the session has measured at an epoch, the last one where none is given.

    Raises:
        InvalidValue: the epoch was not measured.
        SessionError: the session cannot be read.
    """
    with SessionReader(path) as reader, reader.moment():
        summary = reader.summary
        if epoch is not None and not any(epoch in e.snapshots for e in summary.ensembles):
            measured = max((e.snapshots for e in summary.ensembles), key=len, default=())
            raise InvalidValue(f"epoch is {epoch}: {describe_epochs(measured)}")
        if json:
            print_json(_document(reader, summary, epoch))
        else:
            _print(reader, summary, epoch, chart=chart)


def _shown_epoch(ensemble: EnsembleSummary, epoch: int | None) -> int | None:
    if epoch is not None:
        return epoch if epoch in ensemble.snapshots else None
    return ensemble.snapshots[-1] if ensemble.snapshots else None


def _document(reader: SessionReader, summary: Summary, epoch: int | None) -> dict[str, Any]:
    return {
        "name": summary.name,
        "path": str(summary.path),
        "status": summary.status,
        "created": summary.created,
        "experiment": summary.experiment.to_dict(),
        "rule": {
            **summary.rule_parameters,
            "patterns": summary.patterns,
            "labels": summary.labels,
            "h_x": summary.h_x,
            "i_xy": summary.i_xy,
        },
        "ensembles": [
            {
                "hidden": ensemble.hidden,
                "fraction": ensemble.fraction,
                "optimizer": ensemble.optimizer,
                "networks": ensemble.networks,
                "sample_size": ensemble.sample_size,
                "trainer": ensemble.trainer,
                "device": ensemble.device,
                "epochs_done": ensemble.epochs_done,
                "epochs_total": summary.experiment.epochs,
                "snapshots": list(ensemble.snapshots),
                **_figures(reader, summary, ensemble, _shown_epoch(ensemble, epoch)),
            }
            for ensemble in summary.ensembles
        ],
    }


def _figures(reader: SessionReader, summary: Summary, ensemble: EnsembleSummary, at: int | None) -> dict[str, Any]:
    """The epoch, each layer's figures, the learning and what to note there; absent values are None."""
    if at is None:
        nothing: dict[str, Any] = {"epoch": None, "layers": [], "learning": None}
        return nothing | {"sample": None, "ceilings": [], "violations": [], "snapshots_with_violations": 0}
    widths = summary.widths(ensemble)
    now = reader.layers(ensemble, at)
    columns = {
        "i_x_mean": _mean(now.i_x[0]),
        "i_x_std": _std(now.i_x[0]),
        "i_y_mean": _mean(now.i_y[0]),
        "i_y_std": _std(now.i_y[0]),
        "distinct_mean": _mean(now.distinct_t[0]),
        "snr_mean": _mean(now.snr[0]),
        "bins_low": _least(now.low[0]),
        "bins_high": -_least(-now.high[0]),
        "i_x_lower_mean": _mean(now.i_x_lower[0]),
        "i_y_lower_mean": _mean(now.i_y_lower[0]),
        "saturated_mean": _mean(now.saturated[0]),
        "nonlinear_mean": _mean(now.nonlinear[0]),
    }
    layers = [
        {"layer": k + 1, "width": width} | {name: _plain(values[k]) for name, values in columns.items()}
        for k, width in enumerate(widths)
    ]
    learning = reader.learning(ensemble, at)
    names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    means = {f"{name}_mean": _plain(_mean(getattr(learning, name)[0])) for name in names}
    return {"epoch": at, "layers": layers, "learning": means, **as_plain(notes(reader.layers(ensemble), summary, at))}


def _print(reader: SessionReader, summary: Summary, epoch: int | None, *, chart: bool) -> None:
    at_epoch = [_shown_epoch(ensemble, epoch) for ensemble in summary.ensembles]
    read = [  # all of it before a word is said: damage is found while it is read
        None if at is None else (reader.layers(e), reader.layers(e, at), reader.learning(e, at))
        for e, at in zip(summary.ensembles, at_epoch, strict=True)
    ]
    console = output()
    experiment = summary.experiment
    console.print(
        printable(
            f"{summary.name}: {summary.status}, epoch {summary.epochs_done} of {experiment.epochs}; rule "
            f"{experiment.rule}, H(X) = {summary.h_x:.4g} bits, I(X;Y) = {summary.i_xy:.4g} bits"
        ),
        style="bold",
    )
    for ensemble, at, found in zip(summary.ensembles, at_epoch, read, strict=True):
        of = f"{ensemble.networks} network{'s' if ensemble.networks > 1 else ''}"
        heading = f"{title_of(summary, ensemble)}, {of}"
        console.print()
        if at is None or found is None:
            missing = "nothing has been measured yet" if epoch is None else f"not measured at epoch {epoch}"
            console.print(f"{heading}: {missing}")
            continue
        history, now, learned = found
        if chart:
            draw(_plane(history, summary, heading, at), console.width)
        console.print(_layer_table(now, summary.widths(ensemble), f"{heading}, epoch {at}"))
        console.print(_learning_line(learned), soft_wrap=False)
        for line in as_lines(notes(history, summary, at)):
            console.print(line)
    console.print()
    console.print(_caption(summary), style="dim")


def _plane(history: LayerHistory, summary: Summary, title: str, at: int) -> ChartSpec:
    from ibtui.charts.information_plane import information_plane

    until = history.epochs <= at
    return information_plane(
        history.epochs[until],
        _mean(history.i_x[until], axis=1),
        _mean(history.i_y[until], axis=1),
        summary.h_x,
        summary.i_xy,
        title=f"Information plane: {title}",
        basis=estimate(summary.experiment),
    )


def _layer_table(now: LayerHistory, widths: tuple[int, ...], title: str) -> Table:
    from rich.table import Table

    table = Table(
        title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for heading in ("layer", "width", "I(X;T) bits", "I(T;Y) bits", "distinct t", "SNR", "saturated"):
        table.add_column(heading, justify="right", no_wrap=True)
    snr = _mean(now.snr[0])
    distinct = _mean(now.distinct_t[0])
    means, stds = (_mean(now.i_x[0]), _mean(now.i_y[0])), (_std(now.i_x[0]), _std(now.i_y[0]))
    lower = _mean(now.i_x_lower[0]), _mean(now.i_y_lower[0])
    saturated = _mean(now.saturated[0])
    for k, width in enumerate(widths):
        name = str(k + 1) if k + 1 < len(widths) else "output"
        figures = [
            _spread(mean[k], std[k]) if np.isnan(least[k]) else f"{least[k]:.3f} – {mean[k]:.3f}"
            for mean, std, least in zip(means, stds, lower, strict=True)
        ]
        table.add_row(
            name,
            str(width),
            *figures,
            f"{distinct[k]:.0f}",
            "–" if np.isnan(snr[k]) else f"{snr[k]:.3g}",
            "–" if np.isnan(saturated[k]) else f"{saturated[k]:.1%}",
        )
    return table


def _learning_line(now: LearningHistory) -> str:
    def part(where: str, loss: np.ndarray, accuracy: np.ndarray) -> str:
        if np.isnan(loss).all():
            return f"{where}: no patterns"
        return f"{where}: loss {_mean(loss):.4g} nats, accuracy {_mean(accuracy):.2%}"

    inside = part("inside the sample", now.train_loss[0], now.train_accuracy[0])
    return f"{inside}; {part('outside', now.test_loss[0], now.test_accuracy[0])}"


def _caption(summary: Summary) -> str:
    experiment = summary.experiment
    kde = experiment.estimator == "kde"
    spread = "Mean ± standard deviation over networks. " if experiment.networks > 1 and not kde else ""
    bounds = " Of bounds the mean over networks, lower – upper; in the plane upper ones." if kde else ""
    under = "" if experiment.measured else ", over all patterns"
    under += "" if is_images(experiment.rule) else " under the true rule"
    return (
        f"{spread}I(X;T) and I(T;Y) by {estimate(experiment)}{under}.{bounds} "
        "SNR: of the gradients. Saturated: share of outputs near their activation's bounds (for relu, at 0)."
    )


def _spread(mean: float, std: float) -> str:
    return f"{mean:.3f}" if np.isnan(std) else f"{mean:.3f} ± {std:.3f}"


def _mean(values: np.ndarray, axis: int = 0) -> Any:
    """Mean over the networks that have a value; NaN where none has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(values, axis=axis)


def _std(values: np.ndarray) -> Any:
    """Standard deviation over networks (n − 1); NaN for a single one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanstd(values, axis=0, ddof=1)


def _least(values: np.ndarray) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmin(values, axis=0)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
