"""From a label column in any of the usual codes to p(y|x) of each row: classes, one-hot columns, probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.errors import shown
from ibtui_engine.rules.labels import MOST_LABELS
from ibtui_engine.rules.limits import oversize
from ibtui_engine.rules.tables.cells import MISSING_LABELS, number
from ibtui_engine.rules.tables.column_names import PROBABILITY
from ibtui_engine.rules.tables.columns import Array
from ibtui_engine.rules.tables.options import MOST_LABEL_BINS, Reading
from ibtui_engine.rules.tables.report import Label

if TYPE_CHECKING:
    from ibtui_engine.rules.rule import LabelProbabilities

FEW = 32
"""Different whole numbers that are classes however many rows there are,"""
ROWS_EACH = 4
"""beyond which each class needs this many rows on average; else the label counts or measures something."""
WAY_OUT = (
    "cut it into classes of equal mass by --label-bins N, take each value for a class by --label-kind class, or name "
    "another column by --label"
)


class Unreadable(ValueError):
    """What is wrong with labels, as a sentence without its subject, the file."""

    def __init__(self, sentence: str, *, setting: str = "") -> None:
        """`setting`: the one at fault; empty where it is the table, or the choice of its label."""
        super().__init__(sentence)
        self.setting = setting


@dataclass(frozen=True, eq=False)
class Labelled:
    """p(y|x) of each row, before rows with the same pattern are put together."""

    p_y: LabelProbabilities
    kind: str
    labels: tuple[Label, ...]
    least: tuple[float, ...] = ()
    """Of bins of equal mass: the least value of each."""

    def of_rows(self, rows: Array) -> Labelled:
        """The labels of some of the rows, counted again."""
        p = self.p_y[rows]
        return replace(self, p_y=p, labels=_counted(tuple(one.value for one in self.labels), p))


def labelled(values: Array, name: str, reading: Reading, place: Callable[[int], str]) -> Labelled:
    """What one column of labels says.

    Args:
        values: numbers, truth values or texts (an array of objects), one for each row.
        name: of the column; `p_y` holds probabilities.
        reading: what people say about labels.
        place: where a row's label is in the file, for messages, such as `in line 3`.

    Raises:
        Unreadable: values are missing, are no labels, or are of one kind only.
    """
    if values.dtype.kind in "OU":
        if reading.label_kind == "probability" or reading.label_bins is not None:
            bad = next((row for row, text in enumerate(values) if number(str(text), ".") is None), 0)
            raise Unreadable(f"has {shown(str(values[bad]))} {place(bad)}: not a number, so neither a probability "
                             "nor to be cut into bins",
                             setting="label_kind" if reading.label_bins is None else "label_bins")  # fmt: skip
        return _of_texts(values, reading, place)
    if values.dtype.kind == "b":
        return _classes(np.array(["False", "True"]), values.astype(np.int64))
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise Unreadable(f"has the label {values[row]:g} {place(row)}: needed are finite numbers; fill it in, or "
                         "leave out the row")  # fmt: skip
    if reading.label_kind == "probability" or (name.lower() == PROBABILITY and reading.label_kind == "auto"):
        return _probabilities(values.astype(np.float64) + 0.0, place, asked=reading.label_kind == "probability")
    if reading.label_bins is not None:
        return _binned(values, reading.label_bins)
    return _of_numbers(values, reading)


def one_hot(matrix: Array, names: tuple[str, ...], name: str, reading: Reading) -> Labelled:
    """What several columns of labels say: one of them is 1 in each row, or each has the probability of its label.

    Raises:
        Unreadable: they are neither.
    """
    rows, labels = matrix.shape
    if labels > MOST_LABELS:
        raise Unreadable(f"has {labels} labels; allowed are at most {MOST_LABELS}")
    if wrong := oversize(rows, 1, labels):
        raise Unreadable(f"has {wrong}")
    if reading.label_bins is not None:
        raise Unreadable(
            f"has {labels} columns of labels: --label-bins cuts one column, leave it out", setting="label_bins"
        )
    p = matrix.astype(np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise Unreadable("has p(y|x) outside [0, 1]")
    total = p.sum(axis=1)
    if not np.allclose(total, 1, rtol=0, atol=1e-6):
        row = int(np.abs(total - 1).argmax())
        raise Unreadable(f"has p(y|x) that add up to {total[row]:g} at pattern {row + 1} (from 1), not to 1")
    hard = bool(((p == 0) | (p == 1)).all())
    soft = reading.label_kind == "probability" or (name.lower() == PROBABILITY and reading.label_kind == "auto")
    if hard and not soft:
        there = p.any(axis=0)
        if there.sum() < 2:
            raise Unreadable(f"has only the label {names[int(there.argmax())]}; a rule needs two at least")
        p, names = p[:, there], tuple(np.array(names, object)[there])
    elif labels == 2 and (p == p[0]).all() and hard:
        raise Unreadable(f"has only the label {int(p[0].argmax())}; a rule needs two at least")
    counted = tuple(Label(one, float(count)) for one, count in zip(names, p.sum(axis=0), strict=True))
    if not hard:
        p = p / p.sum(axis=1)[:, None]
    kind = "one-hot" if hard and not soft else "probabilities"
    return Labelled(p[:, 1] if p.shape[1] == 2 else p, kind, counted)


def looks_like_labels(values: Array) -> bool:
    """Whether a column whose name says nothing may be the label: no fractions, and not nearly a value for each row."""
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        return False
    different = len(np.unique(values.astype(str) if values.dtype == object else values))
    if different <= 2:
        return different == 2
    return different <= 0.8 * len(values) and not _measures(different, len(values))


def _measures(different: int, rows: int) -> bool:
    return different > FEW and different * ROWS_EACH > rows


def _of_texts(values: Array, reading: Reading, place: Callable[[int], str]) -> Labelled:
    texts = np.array([str(text).strip() for text in values], dtype=object)
    for row, text in enumerate(texts):
        if text.lower() in MISSING_LABELS:
            raise Unreadable(f"has {text!r} for the label {place(row)}: fill it in, or leave out the row")
    different, which = np.unique(texts.astype(str), return_inverse=True)
    numeric = np.array([number(text, ".") is not None for text in different])
    if numeric.any() and not numeric.all() and reading.label_kind == "auto":
        word = different[~numeric][0]
        row = int(np.flatnonzero(texts == word)[0])
        raise Unreadable(
            f"has {shown(str(word))} {place(row)}: not a number, though other labels are numbers; mend it, or say "
            "--label-kind class to take every value for a class"
        )
    if {text.lower() for text in different} == {"true", "false"}:
        return _classes(np.array(["False", "True"]), np.array([text.lower() == "true" for text in texts], np.int64))
    if len(different) > FEW and len(different) * ROWS_EACH > len(texts) and reading.label_kind == "auto":
        raise Unreadable(
            f"has labels of {len(different)} kinds in {len(texts)} rows, such as {shown(str(different[0]))}: name the "
            "label column by --label, or say --label-kind class"
        )
    return _classes(different, which)


def _of_numbers(values: Array, reading: Reading) -> Labelled:
    different, which = np.unique(values + 0.0 if values.dtype.kind == "f" else values, return_inverse=True)
    if reading.label_kind == "auto":
        whole = values.dtype.kind != "f" or (different == np.rint(different)).all()
        if not whole:
            odd = float(different[different != np.rint(different)][0])
            bounded = different[0] >= 0 and different[-1] <= 1
            more = f"; if they are probabilities, call it {PROBABILITY} or say --label-kind probability"
            raise Unreadable(f"has a continuous label, with values such as {odd:g}: {WAY_OUT}{more if bounded else ''}")
        if _measures(len(different), len(values)):
            raise Unreadable(
                f"has a label with {len(different)} different values in {len(values)} rows, which are hardly classes: "
                f"{WAY_OUT}"
            )
    return _classes(np.array([_short(value) for value in different]), which)


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e18 else repr(float(value))


def _classes(names: Array, which: Array) -> Labelled:
    counts = np.bincount(which, minlength=len(names))
    there = np.flatnonzero(counts)
    if len(there) < 2:
        raise Unreadable(f"has only the label {names[there[0]]}; a rule needs both classes")
    if len(names) > MOST_LABELS:
        raise Unreadable(f"has {len(names)} different labels; allowed are at most {MOST_LABELS}")
    if wrong := oversize(len(which), 1, len(names)):
        raise Unreadable(f"has {wrong}")
    told = tuple(Label(str(name), float(count)) for name, count in zip(names, counts, strict=True))
    p = (which == 1).astype(np.float64) if len(names) == 2 else np.eye(len(names))[which.ravel()]
    return Labelled(p.ravel() if len(names) == 2 else p, "classes", told)


def _probabilities(p: Array, place: Callable[[int], str], *, asked: bool) -> Labelled:
    outside = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if outside.size:
        row = int(outside[0])
        raise Unreadable(
            f"has the label {p[row]:g} {place(row)}; allowed are probabilities from 0 to 1 (else say --label-kind "
            "class)",
            setting="label_kind" if asked else "",
        )
    if p.min() == p.max() and p[0] in (0, 1):
        raise Unreadable(f"has only the label {p[0]:g}; a rule needs both classes")
    ones = float(p.sum())
    return Labelled(p, "probabilities", (Label("0", len(p) - ones), Label("1", ones)))


def _binned(values: Array, bins: int) -> Labelled:
    """Classes of equal mass, as far as equal values, which stay together, allow."""
    different, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    before = np.cumsum(counts) - counts
    of_value = (before * min(bins, MOST_LABEL_BINS)) // len(values)
    used, of_value = np.unique(of_value, return_inverse=True)
    if len(used) < 2:
        raise Unreadable(f"has a label with {len(different)} different values, which make one bin: give more bins",
                         setting="label_bins")  # fmt: skip
    names = []
    for one in range(len(used)):
        inside = different[of_value == one]
        names.append(f"{inside[0]:g} to {inside[-1]:g}" if len(inside) > 1 else f"{inside[0]:g}")
    found = _classes(np.array(names), of_value[which.ravel()])
    least = tuple(float(different[of_value == one][0]) for one in range(len(used)))
    return Labelled(found.p_y, "bins of equal mass", found.labels, least)


def _counted(names: tuple[str, ...], p_y: LabelProbabilities) -> tuple[Label, ...]:
    sums = p_y.sum(axis=0) if p_y.ndim == 2 else np.array([len(p_y) - p_y.sum(), p_y.sum()])
    return tuple(Label(name, float(count)) for name, count in zip(names, sums, strict=True))


def labelled_like(trained: Labelled, values: Array, names: tuple[str, ...], place: Callable[[int], str]) -> Labelled:
    """What the label column of another table says, or several of them, with the labels of the one that is trained on.

    Args:
        trained: the labels that there are.
        values: one for each row, or rows x columns.
        names: of several columns; none of one.
        place: where a row's label is in the file.

    Raises:
        Unreadable: a label is another one, or of another kind.
    """
    known = tuple(one.value for one in trained.labels)
    if values.ndim == 2:
        return replace(trained, p_y=(p := _columns_like(known, values, names, trained)), labels=_counted(known, p))
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise Unreadable(f"has the label {values[row]:g} {place(row)}: needed are finite numbers")
    if trained.kind == "probabilities" or trained.least:
        if values.dtype.kind not in "buif":
            raise Unreadable(f"has {shown(str(values[0]))} {place(0)}: not a number, as the labels that are trained on")
        p = values.astype(np.float64) + 0.0
        if trained.least:
            which = np.searchsorted(np.array(trained.least[1:]), p, side="right")
        elif outside := np.flatnonzero(~((p >= 0) & (p <= 1))).tolist():
            raise Unreadable(f"has the label {p[outside[0]]:g} {place(outside[0])}; allowed are probabilities")
        else:
            return replace(trained, p_y=p, labels=_counted(known, p))
    else:
        which = _which(known, values, place)
    p = which.astype(np.float64) if len(known) == 2 else np.eye(len(known))[which]
    return replace(trained, p_y=p, labels=_counted(known, p))


def _which(known: tuple[str, ...], values: Array, place: Callable[[int], str]) -> Array:
    """The number of each value among the labels that are known by name."""
    texts, back = np.unique(values.astype(str) if values.dtype.kind in "OU" else values, return_inverse=True)
    numbers: list[int] = []
    for text in texts:
        name = str(text).strip() if values.dtype.kind in "OUb" else _short(text)
        if name not in known and values.dtype.kind in "OU":
            value = number(name, ".")
            name = name.capitalize() if name.lower() in ("true", "false") else name if value is None else _short(value)
        if name not in known:
            row = int(np.flatnonzero(back.ravel() == len(numbers))[0])
            told = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
            raise Unreadable(
                f"has the label {shown(name)} {place(row)}, which the rows that train have not: they have {told}"
            )
        numbers.append(known.index(name))
    return np.array(numbers, np.int64)[back.ravel()]


def _columns_like(
    known: tuple[str, ...], values: Array, names: tuple[str, ...], trained: Labelled
) -> LabelProbabilities:
    if values.dtype.kind not in "buif":
        raise Unreadable("has labels in several columns that are not numbers")
    p = values.astype(np.float64)
    if not ((p >= 0) & (p <= 1)).all() or not np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-6):
        raise Unreadable("has p(y|x) outside [0, 1], or that do not add up to 1")
    strange = [name for place, name in enumerate(names) if name not in known and p[:, place].any()]
    if strange or not set(known) <= set(names):
        what = strange[0] if strange else next(name for name in known if name not in names)
        where = "which the rows that train have not" if strange else "but not here, which the rows that train have"
        raise Unreadable(f"has the label {shown(what)}, {where}" if strange else f"lacks the label {shown(what)}")
    p = p[:, [names.index(name) for name in known]]
    p = p if ((p == 0) | (p == 1)).all() else p / p.sum(axis=1)[:, None]
    return p[:, 1] if len(known) == 2 else p
