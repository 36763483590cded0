"""What a reader makes of a file: named columns, or arrays that name their role. Nothing is judged yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ibtui_engine.rules.tables.cells import Decimal

Array = np.ndarray


def usual_place(row: int, column: int) -> str:
    """Where a cell is, in a file without lines: both counted from 1."""
    return f"at pattern {row + 1}, column {column + 1}"


def compact(column: Array) -> Array:
    """Whole numbers in as few bytes as hold them; other columns as they are."""
    if column.dtype.kind not in "iu" or not column.size:
        return column
    least, most = np.min_scalar_type(column.min()), np.min_scalar_type(column.max())
    smallest = np.promote_types(least, most)
    return column.astype(smallest) if smallest.kind in "iu" else column


@dataclass(frozen=True, eq=False)
class Columns:
    """A table of columns, one value a row: numbers, truth values, or texts (arrays of objects that are all `str`)."""

    columns: tuple[Array, ...]
    names: tuple[str, ...] | None
    """As they stand in the file; None where it has no header."""
    format: str
    """What kind of file it is and how it is written: `text, separated by commas, UTF-8`."""
    header: str = ""
    """Where the names stand: `line 1`; empty where there are none."""
    place: Callable[[int, int], str] = usual_place
    """Where the cell of a row and a column stands in the file, both from 0: `in line 3, column 2`."""
    decimal: Decimal = "."
    """The sign in front of decimals."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Columns of the file that are none of these, with the reason."""

    def called(self, column: int) -> str:
        """A column's name for people: in quotes, or its number from 1."""
        name = self.names[column] if self.names is not None else ""
        return repr(name) if name else f"column {column + 1}"


@dataclass(frozen=True, eq=False)
class Arrays:
    """Arrays whose names say what they are: patterns and labels."""

    patterns: Array
    labels: Array
    patterns_name: str
    labels_name: str
    format: str
    log_odds: Array | None = None
    saved: bool = False
    """Whether it is a rule as `save_rule` writes it, to be taken as it is."""
    left_out: tuple[tuple[str, str], ...] = field(default=())
    """Arrays that are not used, with the reason."""
    weights: Array | None = None
    """What p(x) is in proportion to; None: all are equally likely."""
    weights_name: str = ""
