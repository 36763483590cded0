"""The names of the rules and what each stands for, for programs that must not wait for numpy.

A name is one of the built-in rules of `catalogue`, `table:FILE`, or the path of a table file itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engine.errors import InvalidValue

BUILT_IN_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "symmetric": "12 points on a sphere, labels invariant under its rotations, nearly deterministic: "
        "the paper's setting (I(X;Y) about 0.99 bits).",
        "symmetric-soft": "The same sphere with softer labels (I(X;Y) about 0.90 bits), whose IB curve is no corner.",
        "committee": "A committee of three logistic units: labels without symmetry (I(X;Y) 0.99 bits), "
        "the paper's Figure 8.",
        "perceptron": "A teacher without hidden layer for 4096 Gaussian patterns of 30 inputs, hard labels: its "
        "students' generalisation error has a closed form.",
    }
)
"""The built-in rules: name -> one sentence."""
FIXED = ("perceptron",)
"""Built-in rules whose labels have no threshold and no sharpness to set."""

TABLE_PREFIX = "table:"
TABLE_SUFFIXES = (".npz", ".mat", ".csv")
TABLE_FORM = "table:FILE"
TABLE_SENTENCE = "Patterns with labels or probabilities from an .npz, .mat or .csv file."

RULE_NAMES: Mapping[str, str] = MappingProxyType({**BUILT_IN_SENTENCES, TABLE_FORM: TABLE_SENTENCE})
"""Everything a rule can be called -> one sentence; the last is the form `table:FILE`."""


def is_table(name: str) -> bool:
    """Whether `name` stands for a file: `table:FILE`, or a path that ends in .npz, .mat or .csv."""
    return name.startswith(TABLE_PREFIX) or name.lower().endswith(TABLE_SUFFIXES)


def table_path(name: str) -> Path:
    """The file a table's name stands for, `~` expanded. Raises InvalidValue where `table:` names none."""
    file = name.removeprefix(TABLE_PREFIX)
    if not file.strip():
        raise InvalidValue(f"rule {name!r} names no file; write table:FILE with an .npz, .mat or .csv file")
    path = Path(file)
    try:
        return path.expanduser()
    except RuntimeError:  # ~somebody, who has no home here: a file of that name is not found either
        return path


def require_rule_name(name: str) -> None:
    """Raise InvalidValue unless `name` is a built-in rule or stands for a table; no file is opened."""
    if is_table(name):
        table_path(name)
        return
    if name not in BUILT_IN_SENTENCES:
        close = difflib.get_close_matches(name, BUILT_IN_SENTENCES, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InvalidValue(f"unknown rule {name!r}: choose one of {', '.join(RULE_NAMES)}{hint}")
