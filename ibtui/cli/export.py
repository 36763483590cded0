"""`ibtui export`: a session's numbers as a table, as arrays, for TensorBoard, or as a page for a browser."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli import completion
from ibtui.cli.console import tell, write_output
from ibtui.cli.options import By, Quiet, Session, SessionsDir, output_file
from ibtui.cli.table_files import Rows, Scalar, encoded, is_absent, netcdf, npz, write_scalars
from ibtui.files import FORMATS, PAGE, TENSORBOARD, is_stream, require_output, require_vacant
from ibtui.formatting import title_of
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue, either
from ibtui_engine.experiment import BINNED, Experiment
from ibtui_engine.packages import require_packages
from ibtui_engine.session.columns import INFORMATION, LAYER, LEARNING, MEASURED, values_of
from ibtui_engine.settings import OWN_NOISE

if TYPE_CHECKING:
    from xarray import Dataset

    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import EnsembleSummary

PLACE = ("ensemble", "hidden", "fraction", "seed", "epoch")
LAYER_PLACE = (*PLACE, "layer", "width")
RECORDED = {
    "information": ("i_x", "i_y", "distinct_t", "i_x_lower", "i_y_lower", "saturated", "nonlinear", "low", "high"),
    "gradients": ("grad_mean", "grad_std", "snr", "weight_norm", "acceptance"),
    "learning": ("train_loss", "test_loss", "train_accuracy", "test_accuracy"),
}
"""What each export has of the recorded columns, in the order that scripts rely on."""
GRADIENTS = ("grad_mean", "frozen_mean")
"""An epoch of a layer is a row of gradients where one of these has a value."""
OF = {
    "information": INFORMATION,
    "gradients": tuple(column for column in LAYER if column not in INFORMATION),
    "learning": LEARNING,
}
FOLLOWING = {"information": ("i_within", "i_x_given_y"), "gradients": ("noise_scale", "frozen_snr")}
"""What follows from the columns of an export, besides those of `RECORDED`."""
FURTHER = {
    what: (*(column.name for column in columns if column.name not in RECORDED[what]), *FOLLOWING.get(what, ()))
    for what, columns in OF.items()
}
"""What was added later: it is at the end."""
SETTINGS = {
    "information": (
        *("estimator", "bins", "noise", "measured", "optimizer"),
        *("noise_scale", "noise_samples", "kernel_width"),
    ),
    "gradients": ("optimizer",),
    "learning": ("optimizer",),
}


def _named(what: str, between: Sequence[str] = ()) -> tuple[str, ...]:
    """What an export calls its recorded columns; `between`: others, in front of those that were added later."""
    return (*("distinct" if name == "distinct_t" else name for name in RECORDED[what]), *between, *FURTHER[what])


COLUMNS = {
    what: (
        *(PLACE if what == "learning" else LAYER_PLACE),
        *_named(what, SETTINGS[what]),
        *(() if what == "learning" else ("layer_name",)),
    )
    for what in RECORDED
}
"""Columns of each export. Scripts rely on them: they never change, and new ones are added at the end. Behind them stand
other settings that have several values in the session."""

BINARY = ("npz", "parquet", "netcdf")


def export(
    session: Session,
    what: Annotated[
        str | None,
        typer.Option(
            "--what",
            metavar="KIND",
            help="information, gradients, learning or weights. A page (.html) has all, and no --what.",
            show_default=False,
            autocompletion=completion.known(*COLUMNS, "weights"),
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"{', '.join(FORMATS)}, {PAGE} (a page) or {TENSORBOARD} (a directory); weights are npz only. "
            "[default: the output file's ending, else csv]",
            show_default=False,
            autocompletion=completion.known(*FORMATS, PAGE, TENSORBOARD),
        ),
    ] = None,
    ensemble: Annotated[
        int | None,
        typer.Option("--ensemble", help="Only this ensemble, counted from 0. [default: all]", show_default=False),
    ] = None,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Only this measured epoch. [default: all]", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        output_file(
            "FILE",
            f"Write to this {either((*FORMATS.values(), f'.{PAGE}'))} file instead of stdout; for TensorBoard a new "
            "directory.",
        ),
    ] = None,
    by: By = None,
    sessions_dir: SessionsDir = None,
    quiet: Quiet = False,
) -> None:
    """Write a session's numbers as a table, or all of it as a page that any browser replays.

    Bits, nats, epochs; absent values are empty (csv), null (json) or NaN (npz). A page (-o FILE.html) needs no network.
    """
    from ibtui_engine.session.history import SessionReader

    if _is_page(format, out):
        for name, value in (("--what", what), ("--epoch", epoch)):
            if value is not None:
                raise InvalidValue(f"a page has all kinds of numbers at all epochs: leave out {name}")
        _export_page(find_session(session, sessions_directory(sessions_dir)), ensemble, by, out, quiet)
        return
    if what not in (*COLUMNS, "weights"):
        given = "no --what is given" if what is None else f"invalid --what {what!r}"
        raise InvalidValue(f"{given}: choose from {', '.join(COLUMNS)}, weights")
    chosen = _format(what, format, out)
    if chosen in BINARY and out is None and sys.stdout.isatty():
        raise InvalidValue(f"{chosen} is binary and stdout is a terminal: name a file with -o FILE{FORMATS[chosen]}")
    if chosen == "netcdf":
        require_packages("netCDF files need", "xarray", "h5netcdf")
    with SessionReader(find_session(session, sessions_directory(sessions_dir)), by) as reader, reader.moment():
        if what == "weights":
            data = _weights(reader, ensemble, epoch)
        elif chosen == "netcdf":
            data = netcdf(_arrays(reader, what, ensemble, epoch))
        else:
            rows = _table(reader, what, ensemble, epoch)
            if chosen == TENSORBOARD:
                assert out is not None
                write_scalars(out, _scalars(reader, rows, what), reader.summary.created)
            else:
                data = encoded(rows, chosen)
    if chosen != TENSORBOARD:
        write_output(out, data)
    if out is not None:
        tell(f"wrote {what} to {out}", quiet=quiet)


def _is_page(format: str | None, out: Path | None) -> bool:
    """Whether a page is asked for; where it is by --format, the name of its file must agree."""
    by_name = out is not None and not is_stream(out) and out.suffix.lower() == f".{PAGE}"
    if format == PAGE and out is not None and not is_stream(out):
        require_output(out, (f".{PAGE}",))
    return format == PAGE or (format is None and by_name)


def _export_page(path: Path, ensemble: int | None, by: str | None, out: Path | None, quiet: bool) -> None:
    if out is not None and not is_stream(out):
        require_output(out, (f".{PAGE}",), source=path)
    from ibtui.web.page import page

    write_output(out, page(path, ensemble, by, lambda said: tell(said, quiet=quiet)))
    if out is not None:
        tell(f"wrote a page to {out}", quiet=quiet)


def _format(what: str, format: str | None, out: Path | None) -> str:
    """The format of an export, on which its kind, --format and the name of its file must agree."""
    if format not in (None, *FORMATS, TENSORBOARD):
        raise InvalidValue(f"invalid --format {format!r}: choose from {', '.join((*FORMATS, PAGE, TENSORBOARD))}")
    possible = ("npz",) if what == "weights" else (*FORMATS, TENSORBOARD)
    if format not in (None, *possible):
        raise InvalidValue(f"invalid --format {format!r}: weights are exported as npz only")
    if format == TENSORBOARD:
        if out is None:
            raise InvalidValue("TensorBoard reads a directory: name a new one with -o DIRECTORY")
        require_vacant(out)
        return format
    if out is None or is_stream(out):
        return format or possible[0]
    endings = {ending[1:]: each for each, ending in FORMATS.items() if each in possible}
    named = endings[require_output(out, [f".{each}" for each in endings])]
    if format not in (None, named):
        raise InvalidValue(
            f"cannot write {str(out)!r} as --format {format}: give a name that ends in {FORMATS[format]}"
        )
    return named


def _weights(reader: SessionReader, index: int | None, epoch: int | None) -> bytes:
    import numpy as np

    summary = reader.summary
    if index is None:
        if len(summary.ensembles) > 1:
            raise InvalidValue(f"weights of which ensemble? Give --ensemble, from 0 to {len(summary.ensembles) - 1}")
        index = 0
    chosen = reader.ensemble(index)
    if epoch is None:
        if not chosen.snapshots:
            raise InvalidValue("no epoch has been measured yet: there are no weights")
        epoch = chosen.snapshots[-1]
    arrays: dict[str, Any] = {}
    matrices = reader.architecture(chosen).matrices(reader.weights(chosen, epoch))
    for layer, matrix in enumerate(matrices, start=1):
        arrays[f"W{layer}"] = matrix[:, :, :-1]
        arrays[f"b{layer}"] = matrix[:, :, -1]
    samples = reader.samples(chosen)
    arrays |= {"samples": samples.patterns, "labels": samples.labels, "seeds": np.array(reader.seeds(chosen))}
    arrays |= {"epoch": np.array(epoch)}
    return npz(arrays)


def _table(reader: SessionReader, what: str, index: int | None, epoch: int | None) -> Rows:
    summary = reader.summary
    ensembles = summary.ensembles if index is None else (reader.ensemble(index),)
    _require_epoch(ensembles, epoch)
    more = tuple(name for name in summary.experiment.varied if name not in COLUMNS[what])
    rows = [
        (*row, *(getattr(ensemble.settings, name) for name in more))
        for ensemble in ensembles
        for row in _rows(reader, ensemble, what, epoch)
    ]
    columns = COLUMNS[what] + more
    about = {"name": summary.name, "what": what, **basis(summary.experiment)}
    return Rows(columns, rows, about)


def _arrays(reader: SessionReader, what: str, index: int | None, epoch: int | None) -> Dataset:
    """The columns of an export by ensemble, network, epoch and layer."""
    summary = reader.summary
    _require_epoch(summary.ensembles if index is None else (reader.ensemble(index),), epoch)
    columns = [*RECORDED[what], *FURTHER[what]]
    of_layers = [] if what == "learning" else ["layer_name", "width"]
    found: Dataset = reader.to_xarray()[["title", "h_x", "i_xy", *of_layers, *columns]]
    if index is not None:
        found = found.sel(ensemble=[index])
    return found if epoch is None else found.sel(epoch=[epoch])


def _scalars(reader: SessionReader, rows: Rows, what: str) -> Iterator[Scalar]:
    """What there is at each epoch: a run for each network, a tag for each layer and column."""
    names = _named(what)
    summary = reader.summary
    of = {one.index: title_of(summary, one) for one in summary.ensembles}
    for row in rows.values:
        at = dict(zip(rows.columns, row, strict=True))
        run = f"{at['ensemble']} {of[at['ensemble']]}/network {at['seed']}"
        layer = "learning" if what == "learning" else f"{at['layer']} {at['layer_name']}"
        for name in names:
            if not is_absent(at[name]):
                yield Scalar(run, f"{layer}/{name}", at["epoch"], at[name])


def _rows(reader: SessionReader, ensemble: EnsembleSummary, what: str, epoch: int | None) -> Iterator[tuple[Any, ...]]:
    """The rows of one ensemble: by epoch, then network, then layer; networks that are not that far are left out."""
    import numpy as np

    seeds = reader.seeds(ensemble)
    widths = reader.architecture(ensemble).widths[1:]
    history = reader.learning(ensemble, epoch) if what == "learning" else reader.layers(ensemble, epoch)
    names = (*RECORDED[what], *FURTHER[what])
    values = np.stack([values_of(history, name, ensemble.noisy_batch) for name in names], axis=-1)
    values = values[:, :, None] if what == "learning" else values
    settings = basis(reader.summary.experiment, exact=ensemble.settings.stochastic) | {"optimizer": ensemble.optimizer}
    chosen = [math.nan if settings[name] is None else settings[name] for name in SETTINGS[what]]
    whole = [k for k, name in enumerate(names) if name in MEASURED and MEASURED[name].sql.startswith("INTEGER")]
    # weights have a norm at epoch 0, too, where nobody has measured gradients
    of = values[..., [k for k, name in enumerate(names) if name in GRADIENTS]] if what == "gradients" else values
    there = ~np.isnan(of).all(axis=(2, 3))
    numbers, first = values.tolist(), len(RECORDED[what])
    for e, at in enumerate(history.epochs.tolist()):
        for k, seed in enumerate(seeds):
            if not there[e, k]:
                continue
            place = (ensemble.index, ensemble.hidden, ensemble.fraction, seed, at)
            for layer, row in enumerate(numbers[e][k]):
                for c in whole:
                    row[c] = row[c] if is_absent(row[c]) else int(row[c])
                layer_place = () if what == "learning" else (layer + 1, widths[layer])
                name = () if what == "learning" else (ensemble.layer_names[layer],)
                yield (*place, *layer_place, *row[:first], *chosen, *row[first:], *name)


def basis(experiment: Experiment, *, exact: bool | None = None) -> dict[str, Any]:
    """What the information rests on; None where the estimator has no such setting, or all patterns are `measured`.

    `exact`: whether it is that of stochastic units, whose estimator is called `OWN_NOISE`; None: whether all are.
    """
    exact = experiment.all_stochastic if exact is None else exact
    estimator = OWN_NOISE if exact else experiment.estimator
    used = {} if exact else experiment.estimation.to_dict()
    return {
        "estimator": estimator,
        "bins": experiment.bins if estimator in BINNED else None,
        "noise": used.get("noise"),
        "measured": experiment.measured,
        "noise_scale": used.get("scale"),
        "noise_samples": used.get("samples"),
        "kernel_width": used.get("width"),
    }


def _require_epoch(ensembles: tuple[EnsembleSummary, ...], epoch: int | None) -> None:
    from ibtui_engine.session.summary import describe_epochs

    if epoch is not None and not any(epoch in e.snapshots for e in ensembles):
        raise InvalidValue(f"epoch is {epoch}: {describe_epochs(ensembles[0].snapshots)}")
