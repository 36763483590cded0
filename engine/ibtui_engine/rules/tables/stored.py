"""Arrays in a file by their names, not yet loaded: which are patterns, which labels, and which a table of columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ibtui_engine.errors import either, shown
from ibtui_engine.rules.limits import MOST_NUMBERS
from ibtui_engine.rules.tables.column_names import LABEL_NAMES, PROBABILITY, is_index_name
from ibtui_engine.rules.tables.columns import Array, Arrays, Columns
from ibtui_engine.rules.tables.content import refusal
from ibtui_engine.rules.tables.options import Reading

PATTERN_KEYS = ("patterns", "F", "X")
"""Names of patterns in messages; capitals do not count, and these are read, too:"""
MORE_PATTERN_KEYS = ("inputs", "features", "data")
LABEL_KEYS = (PROBABILITY, "label", "labels", "y")
LOG_ODDS_KEY = "log_odds"
SAVED_KEY = "patterns"


@dataclass(frozen=True, eq=False)
class Stored:
    """An array of a file."""

    shape: tuple[int, ...]
    kind: str
    """`numbers` or `texts`; else what it is, in a word, which is never loaded."""
    load: Callable[[], Array]
    bytes: int = 0
    """That loading it takes, as it declares them."""

    @property
    def vector(self) -> bool:
        """Whether it is one value after another, whichever way it lies."""
        return math.prod(self.shape) == max(self.shape, default=1) and len(self.shape) in (1, 2)

    @property
    def matrix(self) -> bool:
        """Whether it is several rows of several values."""
        return len(self.shape) == 2 and not self.vector and self.kind == "numbers"


def pick(path: Path, arrays: Mapping[str, Stored], format: str, reading: Reading) -> Arrays | Columns:
    """Patterns and labels among the arrays of a file, or a table of what they are columns of.

    Raises:
        InvalidValue: they are not there, are of another kind, are larger than allowed, or cannot be told apart.
    """
    present = {name: one for name, one in arrays.items() if name not in reading.ignored}
    labels = _labels(path, present, reading)
    patterns = next(
        (key for wanted in (*PATTERN_KEYS, *MORE_PATTERN_KEYS) for key in present
         if key.lower() == wanted.lower() and key != labels), None
    )  # fmt: skip
    known = [name for name, one in present.items() if one.kind in ("numbers", "texts")]
    if patterns is None:
        of_one_length = {math.prod(present[name].shape) for name in known if present[name].vector}
        if len(known) > 1 and len(of_one_length) == 1 and max(of_one_length) > 1 and all(
            present[name].vector for name in known
        ) and any(name != labels and not is_index_name(name) for name in known):  # fmt: skip
            columns = tuple(_loaded(path, present, name).ravel() for name in known)
            return Columns(tuple(map(plain, columns)), tuple(known), f"{format}, an array for each column", "arrays")
        matrices = [name for name in known if present[name].matrix and name != labels]
        patterns = matrices[0] if len(matrices) == 1 else None
        if patterns is not None and labels is None and len(known) == 1:
            matrix = _loaded(path, present, patterns)
            return Columns(tuple(matrix.T), None, f"{format}, {patterns!r}")
    held = _held(present)
    if patterns is None:
        raise refusal(path, f"has no patterns ({held}); call them {either(PATTERN_KEYS)}")
    if labels is None:
        raise refusal(path, f"has no labels ({held}); call them {either(LABEL_KEYS)}, or name them by --label")
    used = [patterns, labels, *([LOG_ODDS_KEY] if LOG_ODDS_KEY in present else [])]
    _require_size(path, present, used)
    return Arrays(
        patterns=_loaded(path, present, patterns),
        labels=_loaded(path, present, labels),
        patterns_name=patterns,
        labels_name=labels,
        format=format,
        log_odds=_loaded(path, present, LOG_ODDS_KEY) if LOG_ODDS_KEY in present else None,
        saved=patterns == SAVED_KEY and labels == PROBABILITY,
        left_out=tuple((name, "as asked for" if name in reading.ignored else "neither patterns nor labels")
                       for name in arrays if name not in used),
    )  # fmt: skip


def _labels(path: Path, present: Mapping[str, Stored], reading: Reading) -> str | None:
    """The name of the labels; None where none has a usual name."""
    if reading.label is not None:
        named = [name for name in present if name.lower() == reading.label.lower()]
        if len(named) == 1:
            return named[0]
        if any(one.matrix for one in present.values()) and len(present) > 1:
            raise refusal(path, f"has no array {reading.label!r} for --label ({_held(present)})", setting="label")
        return None
    named = [name for name in present if name.lower() in LABEL_NAMES]
    if len(named) > 1:
        raise refusal(
            path,
            f"has more than one array of labels, {' and '.join(map(repr, named[:3]))}: choose one by --label, or leave "
            "one out by --ignore",
        )
    return named[0] if named else None


def _held(present: Mapping[str, Stored]) -> str:
    names = sorted(present)
    return f"it holds {', '.join(shown(name) for name in names[:8])}" if names else "it holds nothing"


def require_stored(path: Path, name: str, one: Stored, kinds: tuple[str, ...] = ("numbers", "texts")) -> None:
    """Refuse an array that is of no kind that can be read, or larger than allowed."""
    if one.kind not in kinds:
        raise refusal(path, f"has {name!r} of kind {one.kind}: not a matrix of numbers")
    if max(one.bytes, math.prod(one.shape)) > 8 * MOST_NUMBERS:
        told = " x ".join(map(str, one.shape))
        raise refusal(path, f"has {name!r} of {told} numbers; allowed are at most {MOST_NUMBERS} in all")


def _require_size(path: Path, present: Mapping[str, Stored], used: list[str]) -> None:
    require_stored(path, used[0], present[used[0]], ("numbers",))
    for name in used[1:]:
        require_stored(path, name, present[name])
    if sum(present[name].bytes for name in used) > 16 * MOST_NUMBERS:
        raise refusal(path, f"has more numbers than are allowed, {MOST_NUMBERS}")


def _loaded(path: Path, present: Mapping[str, Stored], name: str) -> Array:
    require_stored(path, name, present[name])
    return np.asarray(present[name].load())


def plain(column: Array) -> Array:
    """A column of numbers in this machine's byte order, or of texts as objects."""
    if column.dtype.kind in "US":
        return np.array([str(text) for text in column.astype(str)], dtype=object)
    return column.astype(column.dtype.newbyteorder("="))
