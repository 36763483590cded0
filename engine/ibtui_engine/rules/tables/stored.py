"""Arrays in a file by their names, not yet loaded: which are patterns, which labels, and which a table of columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ibtui_engine.errors import either, shown
from ibtui_engine.rules.limits import MOST_NUMBERS, oversize
from ibtui_engine.rules.log_odds import log_ratio
from ibtui_engine.rules.tables.column_names import JOINT, LABEL_NAMES, PROBABILITY, WEIGHTS, is_index_name
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
    if (joint := next((name for name in present if name.lower() in JOINT), None)) is not None:
        return _of_joint(path, present, joint, format, arrays)
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
    weights = _weights(path, present, reading, (patterns, labels))
    used = [patterns, labels, *([LOG_ODDS_KEY] if LOG_ODDS_KEY in present else []), *([weights] if weights else [])]
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
        weights=None if weights is None else _loaded(path, present, weights),
        weights_name=weights or "",
    )  # fmt: skip


def _weights(path: Path, present: Mapping[str, Stored], reading: Reading, taken: tuple[str, str]) -> str | None:
    """The name of the array that p(x) is in proportion to."""
    if reading.weightless:
        return None
    wanted = WEIGHTS if reading.weight is None else (reading.weight.strip().lower(),)
    named = [name for name, one in present.items() if name.lower() in wanted and name not in taken and one.vector]
    if len(named) > 1:
        raise refusal(path, f"has more than one array of weights, {' and '.join(map(repr, named[:3]))}: leave one out "
                      "by --ignore")  # fmt: skip
    if not named and reading.weight is not None:
        raise refusal(path, f"has no array {reading.weight!r} for --weight ({_held(present)})", setting="weight")
    return named[0] if named else None


def _of_joint(
    path: Path, present: Mapping[str, Stored], joint: str, format: str, arrays: Mapping[str, Stored]
) -> Arrays:
    """The rule that an array of p(x,y) is: its rows are the patterns, as they are called in the same file, else each
    an input of its own.
    """
    _require_size(path, present, [joint])
    known = [name for name in present if name.lower() in (one.lower() for one in (*PATTERN_KEYS, *MORE_PATTERN_KEYS))]
    given = _loaded(path, present, known[0]) if known else None
    found = of_joint(path, _loaded(path, present, joint), joint, format, given)
    others = tuple((name, "beside p(x,y)") for name in arrays if name not in (joint, *known[:1]))
    return replace(found, left_out=(*found.left_out, *others))


def of_joint(path: Path, joint: Array, name: str, format: str, patterns: Array | None = None) -> Arrays:
    """The rule that a matrix p(x,y) is, in any unit: p(x) is the sum of a row, p(y|x) its share of that. Without
    patterns, each x is an input of its own.

    Raises:
        InvalidValue: it is no such matrix, or there is not one pattern for each row.
    """
    if joint.dtype.kind not in "buif" or joint.ndim != 2 or min(joint.shape, default=0) < 2:
        raise refusal(path, f"has {name!r} of shape {joint.shape} and type {joint.dtype}; needed are two rows, a row "
                      "each x, and two columns, a column each y, of numbers")  # fmt: skip
    p = joint.astype(np.float64)
    if not (np.isfinite(p).all() and (p >= 0).all()):
        row, column = (int(one[0]) for one in np.nonzero(~(np.isfinite(p) & (p >= 0))))
        raise refusal(path, f"has {name!r} with {p[row, column]:g} in row {row + 1}, column {column + 1}; allowed are "
                      "numbers from 0")  # fmt: skip
    if not p.any():
        raise refusal(path, f"has {name!r} that is 0 everywhere")
    p /= p.max()
    there = p.any(axis=0)
    if there.sum() < 2:
        raise refusal(path, f"has {name!r} with one label, {int(there.argmax())}, alone; a rule needs two at least")
    left_out = tuple((f"y = {place}", "has no probability") for place in np.flatnonzero(~there).tolist())
    p = p[:, there]
    if patterns is None:
        if wrong := oversize(len(p), len(p)):
            raise refusal(path, f"has {name!r} alone, which makes {wrong}; give patterns, too")
        patterns = np.eye(len(p), dtype=np.uint8)
        format = f"{format}, {name!r} alone: each x is an input of its own"
    weights = p.sum(axis=1)
    shares = p / np.where(weights > 0, weights, 1.0)[:, None]
    shares[weights == 0] = 1 / p.shape[1]  # of no account: rows without weight are left out
    odds = log_ratio(p[:, 1], p[:, 0]) if p.shape[1] == 2 else None
    return Arrays(
        patterns, shares, "patterns", name, format, odds, left_out=left_out, weights=weights, weights_name=name
    )


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
