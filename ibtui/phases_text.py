"""The phases of an ensemble as people read them: rows for tables and sentences, for commands and for the app alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ibtui.formatting import over_some, with_spread
from ibtui_engine.layer_names import called, headings
from ibtui_engine.phases.diffusion import LayerDiffusion
from ibtui_engine.phases.order import Order
from ibtui_engine.phases.summary import LayerPhases, Phases
from ibtui_engine.statistics import EpochSpread, Spread

NONE = "none"
CAVEATS = (
    "Epochs: geometric means over the networks that have one (n), with 95 % intervals. Drift ends where gradient SNR "
    "falls below one, for good or for longest; I(X;T) turns at its peak before its deepest fall. Turn / end: natural "
    "logarithm of their ratio in the networks that have both; `together` means that the two cannot be told apart at "
    "95 %, not that they are one. Where I(X;T) compresses can depend on how it is measured. Means of SNR are geometric."
)
DIFFUSION_CAVEATS = (
    "Exponent of the squared displacement over the epochs since the transition: 1 is a Wiener process, 2 constant "
    "velocity, 0 rest; late: of the later half of the log axis. |r|: mean correlation of the in-weights of two neurons "
    "of a layer, at the transition and now; random: that of independent Gaussian vectors. ± se: standard error over "
    "networks. n: the networks that a mean is over."
)
PHASES = ("layer", "drift ends", "n", "I(X;T) turns", "n", "turn / end", "lost bits", "drift", "SNR levels")
"""Columns of `phase_rows`."""
DIFFUSION = ("layer", "bits per e-fold", "n", "weight norm", "exponent", "late", "|r|", "random")
"""Columns of `diffusion_rows`."""

Row = tuple[str, ...]


NARROW = frozenset({"n", "drift", "SNR levels", "late", "random"})
"""Columns that are left out where there is little room."""


def narrow(columns: Sequence[str], rows: Sequence[Row]) -> tuple[Row, list[Row]]:
    """Fewer columns, with intervals and errors in a line of their own below each number."""
    kept = [k for k, column in enumerate(columns) if column.split(" ±")[0] not in NARROW]

    def folded(cell: str) -> str:
        for sign in (" [", " ±", " (", " together", " apart", " →"):
            cell = cell.replace(sign, f"\n{sign.strip()}")
        return cell

    return tuple(folded(columns[k]) for k in kept), [tuple(folded(row[k]) for k in kept) for row in rows]


def phase_rows(account: Phases, names: Sequence[str] | None = None, *, counts: bool = True) -> list[Row]:
    """Each layer's transition, turning point and what follows. `counts`: there are columns that say how many networks
    have an epoch; without them the epoch itself says so.
    """
    return [
        (
            heading,
            epoch_text(row.transition, count=not counts),
            str(row.transition.count),
            epoch_text(row.turning, count=not counts),
            str(row.turning.count),
            _together(row),
            _number(row.compression, 2),
            _share(row.drift_share, known=row.transition.count if counts else None),
            epoch_text(row.levels_at, interval=False, count=True),
        )
        for row, heading in zip(account.layers, headings(names, len(account.layers)), strict=True)
    ]


def diffusion_rows(
    account: Phases,
    diffusion: Sequence[LayerDiffusion] | None,
    names: Sequence[str] | None = None,
    *,
    counts: bool = True,
) -> list[Row]:
    """How information and weights of each layer move after the transition; without weights, less of it. `counts` as
    for `phase_rows`: of the networks that have a transition.
    """
    rows: list[Row] = []
    told = headings(names, len(account.layers))
    for index, row in enumerate(account.layers):
        known = row.slope.count if counts else None
        moves = diffusion[index] if diffusion is not None else None
        weights: Row = ("–",) * 4
        if moves is not None:
            at, now = moves.correlation_at_transition, moves.correlation
            ends = f"{_number(at, 2, error=False, known=at.count)} → {_number(now, 2, error=False, known=known)}"
            independent = f"{moves.independent:.2f}" if math.isfinite(moves.independent) else NONE
            exponents = (_number(one, 2, known=known) for one in (moves.exponent, moves.late_exponent))
            weights = (*exponents, ends if now.present else NONE, independent)
        first, last = row.norm_first, row.norm_last
        norms = f"{_number(first, 3, error=False, known=first.count)} → {_number(last, 3, error=False)}"
        slope, r_squared = _number(row.slope, 2, known=known), row.r_squared
        some = "" if r_squared.count == row.slope.count else f", n {r_squared.count}"
        fit = f"{slope} (R² {r_squared.mean:.2f}{some})" if r_squared.present else slope
        rows.append((told[index], fit, str(row.slope.count), norms, *weights))
    return rows


def sentences(account: Phases, names: Sequence[str] | None = None) -> list[str]:
    """What is of the whole network, or of some layers alone, each in a line."""
    told = called(names, len(account.layers))
    lines = _drift_sentences(account, told)
    starts = [f"{row.from_start} in {told[row.layer - 1]}" for row in account.layers if row.from_start]
    if starts:
        lines.append(f"Networks in which I(X;T) falls from the start: {', '.join(starts)}.")
    lines.append(f"I(T;Y) rises in the order {_ordered(account.fitting, told)}.")
    lines.append(f"I(X;T) falls in the order {_ordered(account.compressing, told)}.")
    both = (("from the layer below", account.depth.from_below), ("since its peak", account.depth.since_peak))
    for steps, sides in both:
        if math.isfinite(sides.log_alone):
            alone, together = (log / math.log(10) for log in (sides.log_alone, sides.log_together))
            lines.append(
                f"Eq. 11, by what each hidden layer compresses {steps}: exp of the sum 10^{alone:.1f}, sum of exp "
                f"10^{together:.1f} (orders of magnitude, in an unknown unit of time)."
            )
    return lines


def _drift_sentences(account: Phases, names: Sequence[str]) -> list[str]:
    whole = account.transition
    if not whole.measured:
        why = "an epoch is one batch" if account.batches == 1 else "no gradient has been measured yet"
        return [f"There is no gradient SNR ({why}), so no transition."]
    lines = []
    if whole.network.present:
        drift = account.drift_share.mean
        lines.append(
            f"All weights together: drift ends at epoch {epoch_text(whole.network)} in {whole.network.count} of "
            f"{whole.network.networks}; it has {drift:.2%} of the epochs so far, diffusion {1 - drift:.2%}."
        )
    else:
        lines.append("All weights together: SNR does not fall from above one to below one in any network.")
    counts = [(names[row.layer - 1], row.returns) for row in account.layers]
    returns = [f"{n} in {name}" for name, n in (("all weights", int(whole.network_returns.sum())), *counts) if n]
    if returns:
        lines.append(f"Networks whose SNR is above one again at the end: {', '.join(returns)}.")
    beside = f"independent batches of pure noise would give about {account.floor:.2g}"
    at, level = epoch_text(account.levels_at, count=True), _number(account.level, 2, known=account.levels_at.count)
    level += " (se)" if "±" in level else ""
    levels = f"levels off at epoch {at}, at {level}" if account.levels_at.present else "does not level off"
    lines.append(f"The SNR of all weights {levels}; {beside}.")
    return lines


def _ordered(order: Order, names: Sequence[str]) -> str:
    if not order.layers:
        return "of no layers: most networks have no such layer in common"
    told = ", ".join(names[layer - 1] for layer in order.layers)
    if len(order.layers) == 1:
        return f"{told} alone ({order.networks} of the networks)"
    if math.isnan(order.agreement):
        return f"{told} ({order.networks} network{'s' if order.networks > 1 else ''}: no agreement to tell)"
    return f"{told} (agreement of {order.networks} networks, Kendall's W: {order.agreement:.2f})"


def epoch_text(value: EpochSpread, *, interval: bool = True, count: bool = False) -> str:
    """An epoch with its 95 % interval, where there is one; `count`: and how many networks have one, if not all."""
    if not value.present:
        return NONE
    ends = f" [{_whole(value.low)}, {_whole(value.high)}]" if interval and math.isfinite(value.low) else ""
    return f"{_whole(value.epoch)}{ends}{over_some(value.count, value.networks) if count else ''}"


def _whole(epoch: float) -> str:
    """Epochs are whole numbers; the end of an interval may be far beyond any."""
    return f"{epoch:.0f}" if epoch < 1e7 else f"{epoch:.1e}"


def _together(row: LayerPhases) -> str:
    if not row.delay.present:
        return "–"
    verdict = {True: " together", False: " apart", None: ""}[row.coincide]
    return f"{_number(row.delay, 2, sign='+')}{verdict}"


def _number(value: Spread, digits: int, *, error: bool = True, known: int | None = None, sign: str = "") -> str:
    """A mean with its standard error; `known` is how many networks the reader takes it to be over (None: all)."""
    if not value.present:
        return NONE
    number = f"{round(value.mean, digits) + 0.0:{sign}.{digits}f}"  # + 0: no minus before nothing
    return (with_spread(number, value.error, f".{digits}f") if error else number) + _some(value, known)


def _share(value: Spread, known: int | None = None) -> str:
    return f"{value.mean:.1%}{_some(value, known)}" if value.present else "–"


def _some(value: Spread, known: int | None) -> str:
    return "" if value.count == known else over_some(value.count, value.networks)
