"""What ensembles came to, beside a pinned one, as people read it: for the command and the app alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ibtui.wording import over_some, with_spread
from ibtui_engine.session.results import ResultSpreads
from ibtui_engine.statistics import Difference, EpochSpread, Spread, difference, log_ratio

Row = tuple[str, ...]

NUMBERS = ("drift ends", "bits lost", "accuracy %", "I(T;Y) bits")
"""What is compared."""
BESIDE = "less pinned"
"""Heading of the differences; of the epochs, the ratios."""
TIMES = "by pinned"
CAVEATS = (
    "Mean and standard error (se) over networks. Drift ends: of all weights, geometric mean, by all that is recorded. "
    "Bits lost: by the hidden layer that lost most, from the peak of I(X;T) to the epoch. Accuracy: outside the "
    "sample. I(T;Y): of the output. A difference's error has both errors in it, as of networks that are independent; "
    "*: its 95 % interval (Welch) leaves out that there is none."
)


def headings(rows: Sequence[Row], columns: Sequence[str]) -> Row:
    """Headings that say which error is behind the ± or the ×/÷ of their columns, where there is one."""

    def of(column: str, cells: Sequence[str]) -> str:
        for sign in ("×/÷", "±"):
            if any(sign in cell for cell in cells):
                return f"{column} {sign} se"
        return column

    return tuple(of(column, [row[k] for row in rows]) for k, column in enumerate(columns))


def folded(row: Row) -> Row:
    """Cells with the errors in lines of their own."""
    return tuple(cell.replace(" ×/÷", "\n×/÷").replace(" ±", "\n±") for cell in row)


def wide(names: Sequence[str], found: Sequence[ResultSpreads | None], pinned: int) -> tuple[Row, list[Row]]:
    """Headings and rows with a column for each number and one for how far it is from the pinned one's."""
    columns = ["", "epoch"]
    for k, name in enumerate(NUMBERS):
        columns += [name, BESIDE if k else TIMES]
    rows = [
        (name, _epoch(one), *(cell for pair in _pairs(one, found[pinned], own=k == pinned) for cell in pair))
        for k, (name, one) in enumerate(zip(names, found, strict=True))
    ]
    return headings(rows, columns), rows


def narrow(names: Sequence[str], found: Sequence[ResultSpreads | None], pinned: int) -> tuple[Row, list[Row]]:
    """The same with each difference below its number, and the epoch below the name."""
    rows = [
        (
            f"{name}\n  epoch {_epoch(one)}" if one is not None else name,
            *(f"{value}\n{beside}" for value, beside in _pairs(one, found[pinned], own=k == pinned)),
        )
        for k, (name, one) in enumerate(zip(names, found, strict=True))
    ]
    return headings(rows, ("", *NUMBERS)), rows


def _epoch(one: ResultSpreads | None) -> str:
    return "" if one is None else str(one.epoch)


def _pairs(one: ResultSpreads | None, pinned: ResultSpreads | None, *, own: bool) -> list[tuple[str, str]]:
    """Every number, and how far it is from the pinned one's."""
    if one is None:
        return [("–", "")] * len(NUMBERS)
    lost, base = one.most_lost, None if pinned is None or own else pinned
    most = base.most_lost if base is not None else None
    layer = "" if lost is None else f" {lost[0]}"
    return [
        (_drift(one.drift_end), _ratio(log_ratio(one.drift_end, base.drift_end)) if base is not None else ""),
        (
            _number(None if lost is None else lost[1], 2) + layer,
            _beside(lost[1] if lost else None, most[1] if most else None, 2),
        ),
        (_number(one.accuracy, 2, 100), _beside(one.accuracy, base.accuracy if base is not None else None, 2, 100)),
        (_number(one.i_y, 4), _beside(one.i_y, base.i_y if base is not None else None, 4)),
    ]


def _drift(end: EpochSpread) -> str:
    if not end.present:
        return "none"
    factor = f" ×/÷ {math.exp(end.log_error):.2f}" if math.isfinite(end.log_error) else ""
    return f"{end.epoch:.0f}{factor}{over_some(end.count, end.networks)}"


def _ratio(log: Difference) -> str:
    if math.isnan(log.value):
        return ""
    factor = f" ×/÷ {math.exp(log.error):.2f}" if math.isfinite(log.error) else ""
    return f"× {math.exp(log.value):.2f}{factor}{_clear(log)}"


def _number(value: Spread | None, digits: int, times: float = 1.0) -> str:
    if value is None or not value.present:
        return "–"
    text = with_spread(f"{value.mean * times:.{digits}f}", value.error * times, f".{digits}f")
    return text + over_some(value.count, value.networks)


def _beside(one: Spread | None, other: Spread | None, digits: int, times: float = 1.0) -> str:
    if one is None or other is None or not (one.present and other.present):
        return ""
    apart = difference(one, other)
    value = round(apart.value * times, digits) + 0.0  # + 0: no minus before nothing
    return with_spread(f"{value:+.{digits}f}", apart.error * times, f".{digits}f") + _clear(apart)


def _clear(apart: Difference) -> str:
    return " *" if apart.clear else ""
