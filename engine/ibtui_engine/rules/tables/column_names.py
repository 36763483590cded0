"""Names that say what a column is: a label, or the number of a row. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

PROBABILITY = "p_y"
"""The name of a label column that holds p(y=1|x)."""
WEIGHTS = ("weight", "weights", "p_x")
"""Names of arrays that p(x) is in proportion to; of columns the first alone."""
JOINT = ("p_xy", "pxy")
"""Names of an array that holds p(x,y): a row each x, a column each y."""
SURE = (PROBABILITY, "label", "labels", "y", "target")
"""Names of label columns wherever they stand,"""
LABEL_NAMES = frozenset({*SURE, "class", "species", "diagnosis", "outcome", "response", "output"})
"""and all of those that are one at either end of a table."""
INDEX = re.compile(r"|unnamed: \d+(\.\d+)?|index|id|row|rownames|row[ ._]names?|__index_level_\d+__", re.IGNORECASE)


def is_index_name(name: str) -> bool:
    """Whether a column of this name numbers or names the rows."""
    return INDEX.fullmatch(name.strip()) is not None


def is_label_name(name: str) -> bool:
    """Whether a column of this name is usually the label."""
    return name.strip().lower() in LABEL_NAMES


def label_prefix(name: str) -> tuple[str, str]:
    """The usual name of a label that a longer name begins with, and what is behind it: `y`, `2` of `y_2`; empty texts
    where there is none.
    """
    small = name.strip().lower()
    for known in sorted(LABEL_NAMES, key=len, reverse=True):
        if small.startswith(known):
            rest = name.strip()[len(known) :]
            if rest.isdecimal() or (rest and not rest[0].isalnum() and rest.strip(" _.=:-[]()")):
                return known, rest.strip(" _.=:-[]()")
    return "", ""


def numbered(columns: int, names: Sequence[str] | None) -> str:
    """The columns of a table as choices, by name or by number."""
    shown = [repr(name) if name else str(place + 1) for place, name in enumerate(names or [""] * columns)]
    if names is None and columns > 3:
        return f"1 to {columns}"
    return ", ".join(shown[:12]) + (f", ... ({len(shown)} columns)" if len(shown) > 12 else "")
