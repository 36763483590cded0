"""What `ibtui phases` prints: a chart and tables for people, one JSON object for programs."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import InvalidValue
from engine.experiment import parse_hidden
from engine.phases.account import LayerPhases, Phases, phases
from engine.phases.diffusion import diffusion
from engine.phases.order import Order
from engine.phases.spread import EpochSpread, Spread
from engine.session.history import SessionReader
from ibtui.cli.console import output, print_json
from ibtui.cli.phases_document import NO_WEIGHTS, Found, document
from ibtui.cli.report import draw
from ibtui.wording import printable

if TYPE_CHECKING:
    from rich.console import Console

    from engine.session.summary import EnsembleSummary, Summary
    from ibtui.charts.spec import ChartSpec

NONE = "none"
CAVEATS = (
    "Epochs: geometric means over the networks that have one (n), with 95 % intervals. Drift ends where gradient SNR "
    "falls below one, for good or for longest; I(X;T) turns at its peak before its deepest fall. Turn / end: natural "
    "logarithm of their ratio in the networks that have both; `together` means that the two cannot be told apart at "
    "95 %, not that they are one. I(X;T) is by binning: where it compresses can depend on the bins."
)
DIFFUSION_CAVEATS = (
    "Exponent of the squared displacement over the epochs since the transition: 1 is a Wiener process, 2 constant "
    "velocity, 0 rest; late: of the later half of the log axis. |r|: mean correlation of the in-weights of two neurons "
    "of a layer, at the transition and now, and of independent Gaussian vectors. ±: standard error over networks."
)


def phases_report(path: Path, *, ensemble: int | None = None, json: bool = False, chart: bool = True) -> None:
    """Print the phases of all ensembles of a session, or of one.

    Raises:
        InvalidValue: there is no ensemble of that number, or nothing has been measured yet.
        SessionError: the session cannot be read.
    """
    with SessionReader(path) as reader, reader.moment():
        summary = reader.summary
        chosen = summary.ensembles if ensemble is None else (reader.ensemble(ensemble),)
        if not any(each.snapshots for each in chosen):
            raise InvalidValue(f"session {summary.name!r} has measured no epoch yet: there are no phases to tell")
        found = [_find(reader, summary, each) for each in chosen if each.snapshots]
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
    if len({each.ensemble.hidden for each in found}) > 1:
        console.print()
        _print_depths(console, found)
    console.print()
    console.print(CAVEATS, style="dim")
    console.print(DIFFUSION_CAVEATS, style="dim")


def _find(reader: SessionReader, summary: Summary, ensemble: EnsembleSummary) -> Found:
    history = reader.layers(ensemble)
    batch = summary.experiment.batch
    batches = 1 if batch == "full" else math.ceil(ensemble.sample_size / batch)
    widths = (*parse_hidden(ensemble.hidden), 1)
    account = phases(history, widths=widths, batches=batches, h_x=summary.h_x)
    moves = None
    if summary.experiment.weights:
        snapshots = ((epoch, reader.weights(ensemble, epoch)) for epoch in ensemble.snapshots)
        moves, _ = diffusion(snapshots, reader.architecture(ensemble), account.transition.epochs)
    return Found(ensemble, history, account, moves)


def _print(console: Console, summary: Summary, found: Found, *, chart: bool) -> None:
    ensemble, account = found.ensemble, found.phases
    of = f"{ensemble.networks} network{'s' if ensemble.networks > 1 else ''}"
    heading = f"{ensemble.hidden} at {ensemble.fraction:.4g}, {of}, up to epoch {account.epochs}"
    console.print()
    if chart and account.transition.measured:
        draw(_chart(found, summary), console.width)
    _print_phases(console, account, heading)
    for line in _sentences(account):
        console.print(line)
    console.print()
    _print_diffusion(console, found)


def _chart(found: Found, summary: Summary) -> ChartSpec:
    from ibtui.charts.phases import transition_chart

    account = found.phases
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # epochs at which no network has an SNR
        mean = np.exp(np.nanmean(np.log(found.history.snr), axis=1))
    return transition_chart(
        found.history.epochs.astype(np.float64),
        mean,
        [row.transition for row in account.layers],
        account.transition.network,
        shown=range(len(account.layers)),
        last_epoch=float(summary.experiment.epochs),
        batches=account.batches,
        title=f"Gradient SNR, geometric mean over networks: {found.ensemble.hidden} at {found.ensemble.fraction:.4g}",
    )


def _print_phases(console: Console, account: Phases, heading: str) -> None:
    rows: list[tuple[str, ...]] = [
        (
            _name(row.layer, len(account.layers)),
            _epoch(row.transition),
            str(row.transition.count),
            _epoch(row.turning),
            str(row.turning.count),
            _together(row),
            _number(row.compression, 2),
            _share(row.drift_share),
            _epoch(row.levels_at, interval=False),
        )
        for row in account.layers
    ]
    columns = ("layer", "drift ends", "n", "I(X;T) turns", "n", "turn / end", "lost bits", "drift", "SNR levels")
    _table(console, heading, columns, rows)


def _print_diffusion(console: Console, found: Found) -> None:
    rows: list[tuple[str, ...]] = []
    for index, row in enumerate(found.phases.layers):
        moves = found.diffusion[index] if found.diffusion is not None else None
        weights: tuple[str, ...] = ("–",) * 4
        if moves is not None:
            at, now = moves.correlation_at_transition, moves.correlation
            pair = f"{_number(at, 2, error=False)} → {_number(now, 2, error=False)}" if now.present else NONE
            independent = f"{moves.independent:.2f}" if math.isfinite(moves.independent) else NONE
            weights = (_number(moves.exponent, 2), _number(moves.late_exponent, 2), pair, independent)
        norms = f"{_number(row.norm_first, 3, error=False)} → {_number(row.norm_last, 3, error=False)}"
        slope = _number(row.slope, 2)
        fit = f"{slope} (R² {row.r_squared.mean:.2f})" if row.r_squared.present else slope
        rows.append((_name(row.layer, len(found.phases.layers)), fit, norms, *weights))
    columns = ("layer", "bits per e-fold", "weight norm", "exponent", "late", "|r|", "independent")
    _table(console, "After the transition", columns, rows)
    if found.diffusion is None:
        console.print(f"No displacements and correlations: {NO_WEIGHTS}.")


def _print_depths(console: Console, found: list[Found]) -> None:
    rows: list[tuple[str, ...]] = []
    for each in found:
        account, hidden = each.phases, parse_hidden(each.ensemble.hidden)
        half = _epoch(account.layers[-2].half_compressed) if hidden else "–"
        sides = [
            f"10^{log / math.log(10):.1f}" if math.isfinite(log) else "–"
            for log in (account.depth.from_below.log_alone, account.depth.from_below.log_together)
        ]
        name = f"{each.ensemble.hidden} at {each.ensemble.fraction:.4g}"
        rows.append((name, str(len(hidden)), *sides, _epoch(account.transition.network), half))
    columns = ("networks", "K", "exp of sum", "sum of exp", "drift ends", "last hidden layer half compressed")
    _table(
        console, "What depth saves: Eq. 11, by what each hidden layer compresses from the layer below", columns, rows
    )


def _table(console: Console, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.table import Table

    table = Table(
        title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _sentences(account: Phases) -> list[str]:
    """What is of the whole network, or of some layers alone, each in a line."""
    lines = [*_drift_sentences(account)]
    starts = [f"{row.from_start} in T{row.layer}" for row in account.layers if row.from_start]
    if starts:
        lines.append(f"Networks in which I(X;T) falls from the start: {', '.join(starts)}.")
    lines.append(f"I(T;Y) rises in the order {_ordered(account.fitting)}.")
    lines.append(f"I(X;T) falls in the order {_ordered(account.compressing)}.")
    both = (("from the layer below", account.depth.from_below), ("since its peak", account.depth.since_peak))
    for steps, sides in both:
        if math.isfinite(sides.log_alone):
            alone, together = (log / math.log(10) for log in (sides.log_alone, sides.log_together))
            lines.append(
                f"Eq. 11, by what each hidden layer compresses {steps}: exp of the sum 10^{alone:.1f}, sum of exp "
                f"10^{together:.1f} (orders of magnitude, in an unknown unit of time)."
            )
    return lines


def _drift_sentences(account: Phases) -> list[str]:
    whole = account.transition
    if not whole.measured:
        why = "an epoch is one batch" if account.batches == 1 else "no gradient has been measured yet"
        return [f"There is no gradient SNR ({why}), so no transition."]
    lines = []
    if whole.network.present:
        drift = account.drift_share.mean
        lines.append(
            f"All weights together: drift ends at epoch {_epoch(whole.network)} in {whole.network.count} of "
            f"{whole.network.networks}; it has {drift:.2%} of the epochs so far, diffusion {1 - drift:.2%}."
        )
    else:
        lines.append("All weights together: SNR does not fall from above one to below one in any network.")
    counts = [(f"T{row.layer}", row.returns) for row in account.layers]
    returns = [f"{n} in {name}" for name, n in (("all weights", int(whole.network_returns.sum())), *counts) if n]
    if returns:
        lines.append(f"Networks whose SNR is above one again at the end: {', '.join(returns)}.")
    beside = f"independent batches of pure noise would give about {account.floor:.2g}"
    at, level = _epoch(account.levels_at), _number(account.level, 2)
    levels = f"levels off at epoch {at}, at {level}" if account.levels_at.present else "does not level off"
    lines.append(f"The SNR of all weights {levels}; {beside}.")
    return lines


def _ordered(order: Order) -> str:
    if not order.layers:
        return "of no layers: most networks have no such layer in common"
    told = ", ".join(f"T{layer}" for layer in order.layers)
    if len(order.layers) == 1:
        return f"{told} alone ({order.networks} of the networks)"
    if math.isnan(order.agreement):
        return f"{told} ({order.networks} network{'s' if order.networks > 1 else ''}: no agreement to tell)"
    return f"{told} (agreement of {order.networks} networks, Kendall's W: {order.agreement:.2f})"


def _epoch(value: EpochSpread, *, interval: bool = True) -> str:
    if not value.present:
        return NONE
    ends = f" [{_whole(value.low)}, {_whole(value.high)}]" if interval and math.isfinite(value.low) else ""
    return f"{_whole(value.epoch)}{ends}"


def _whole(epoch: float) -> str:
    """Epochs are whole numbers; the end of an interval may be far beyond any."""
    return f"{epoch:.0f}" if epoch < 1e7 else f"{epoch:.1e}"


def _together(row: LayerPhases) -> str:
    if not row.delay.present:
        return "–"
    verdict = {True: " together", False: " apart", None: ""}[row.coincide]
    return f"{_number(row.delay, 2, sign='+')}{verdict}"


def _number(value: Spread, digits: int, *, error: bool = True, sign: str = "") -> str:
    if not value.present:
        return NONE
    spread = f" ± {value.error:.{digits}f}" if error and math.isfinite(value.error) else ""
    return f"{round(value.mean, digits) + 0.0:{sign}.{digits}f}{spread}"  # + 0: no minus before nothing


def _share(value: Spread) -> str:
    return f"{value.mean:.1%}" if value.present else "–"


def _name(layer: int, layers: int) -> str:
    return str(layer) if layer < layers else "output"
