"""What ensembles came to, beside a pinned one, as people read it: for the command and the app alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ibtui.formatting import over_some, with_spread
from ibtui_engine.session.results import ResultSpreads
from ibtui_engine.statistics import Difference, EpochSpread, Spread, log_ratio

Row = tuple[str, ...]

NUMBERS = ("drift ends", "bits lost", "accuracy %", "I(T;Y) bits")
"""What is compared."""
BESIDE, TIMES = "difference", "ratio"
"""Headings of how far a number, or an epoch, is from the pinned ensemble's."""
FORMS = {"bits_lost": (2, 1.0), "accuracy": (2, 100.0), "i_y": (4, 1.0)}
"""Digits of each of `ResultSpreads.numbers`, and what it is multiplied by."""
CAVEATS = (
    "Differences and ratios: to the pinned ensemble. Mean and standard error (se) over networks. "
    "Drift ends: of all weights, geometric mean, by all that is recorded. "
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
    base = None if own else pinned
    ratio = "" if base is None else _ratio(log_ratio(one.drift_end, base.drift_end))
    pairs = [(_drift(one.drift_end), ratio)]
    apart = {} if base is None else one.differences(base)
    for name, value in one.numbers.items():
        of = f" {one.most_lost[0]}" if name == "bits_lost" and one.most_lost is not None else ""
        pairs.append((_number(value, *FORMS[name]) + of, _beside(apart.get(name), *FORMS[name])))
    return pairs


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


def _number(value: Spread | None, digits: int, times: float) -> str:
    if value is None or not value.present:
        return "–"
    text = with_spread(f"{value.mean * times:.{digits}f}", value.error * times, f".{digits}f")
    return text + over_some(value.count, value.networks)


def _beside(apart: Difference | None, digits: int, times: float) -> str:
    if apart is None or math.isnan(apart.value):
        return ""
    value = round(apart.value * times, digits) + 0.0  # + 0: no minus before nothing
    return with_spread(f"{value:+.{digits}f}", apart.error * times, f".{digits}f") + _clear(apart)


def _clear(apart: Difference) -> str:
    return " *" if apart.clear else ""
