"""Which columns of a table are inputs, which is the label, and which are neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ibtui_engine.errors import InvalidValue, shown
from ibtui_engine.rules.labels import MOST_LABELS
from ibtui_engine.rules.tables.classes import looks_like_labels
from ibtui_engine.rules.tables.column_names import (
    PROBABILITY,
    SURE,
    WEIGHTS,
    is_index_name,
    is_label_name,
    label_prefix,
    numbered,
)
from ibtui_engine.rules.tables.columns import Array, Columns
from ibtui_engine.rules.tables.content import refusal
from ibtui_engine.rules.tables.options import Reading, parts_of
from ibtui_engine.rules.tables.scaling import LEAST_PIXELS, are_pixels, as_matrix

LEAST_ROWS, ROWS_EACH = 20, 5
"""Rows, and rows in each class, that a first column needs to be taken for an unnamed label."""


@dataclass(frozen=True, eq=False)
class Roles:
    """What is what in a table."""

    inputs: tuple[int, ...]
    """Columns, by their places."""
    labels: tuple[int, ...]
    """One column; several of one-hot labels."""
    name: str
    """Of the label."""
    label_names: tuple[str, ...]
    """Of each of several columns, without what they have in common."""
    left_out: tuple[tuple[str, str], ...]
    """Columns that are no inputs, and why."""
    weight: int | None = None
    """The column that p(x) is in proportion to; None where all rows are equally likely."""


def roles(path: Path, table: Columns, reading: Reading) -> Roles:
    """What is what in a table, by what people say, else by names, else by what the columns look like.

    Raises:
        InvalidValue: a column that people name is not there, or the label cannot be told from the table; the text
            lists the choices.
    """
    names = table.names
    if not len(table.columns[0]):
        raise refusal(path, f"has no patterns: their shape is (0, {len(table.columns) - 1})")
    every = range(len(table.columns))
    left_out = list(table.left_out)
    ignored = {place for one in reading.ignored for place in _places(path, table, one, "--ignore")}
    left_out += [(_name(table, place), "as asked for") for place in sorted(ignored)]
    rest = [place for place in every if place not in ignored]
    labels = _asked(path, table, reading)
    if labels and ignored.intersection(labels):
        raise refusal(path, f"has its label {_name(table, labels[0])} among the columns to ignore", setting="ignore")
    weight = _weight(path, table, reading, rest, labels)
    rest = [place for place in rest if place != weight]
    if names is not None:
        index = [p for p in rest if is_index_name(names[p]) and p not in labels]
        left_out += [(names[p] or "the column without a name", "numbers or names the rows") for p in index]
        rest = [p for p in rest if p not in index]
    if not labels:
        labels = _found(path, table, rest, reading)
    inputs = tuple(place for place in rest if place not in labels)
    if not inputs:
        raise refusal(path, "has no inputs beside the label; needed is at least one")
    name, label_names = _names(table, labels)
    return Roles(inputs, labels, name, label_names, tuple(left_out), weight)


def _weight(path: Path, table: Columns, reading: Reading, rest: list[int], labels: tuple[int, ...]) -> int | None:
    """The column that p(x) is in proportion to: the one that people name, else the one called weight."""
    if reading.weightless:
        return None
    if reading.weight is not None:
        found = _places(path, table, reading.weight.strip(), "--weight")
        if len(found) > 1 or found[0] in labels or found[0] not in rest:
            why = f"is {len(found)} columns" if len(found) > 1 else "is the label, or to be ignored"
            raise refusal(path, f"has {reading.weight!r} for --weight, which {why}", setting="weight")
        return found[0]
    named = [p for p in rest if p not in labels and table.names and table.names[p].strip().lower() == WEIGHTS[0]]
    if len(named) > 1:
        raise refusal(path, f"has {len(named)} columns called weight: give --weight the number of one, or none")
    return named[0] if named else None


def _name(table: Columns, place: int) -> str:
    name = table.names[place] if table.names is not None else ""
    return name or f"column {place + 1}"


def _places(path: Path, table: Columns, text: str, option: str) -> tuple[int, ...]:
    """The columns that a name or a number means. A name wins over a number; capitals count only where they must."""
    names = table.names or ()
    exact = tuple(place for place, name in enumerate(names) if name == text)
    alike = exact or tuple(place for place, name in enumerate(names) if name.lower() == text.lower())
    if alike:
        return alike
    if text.isdecimal() and 1 <= int(text[:20]) <= len(table.columns):
        return (int(text) - 1,)
    begun = tuple(p for p, name in enumerate(names) if len(name) > len(text) and name.startswith(text)
                  and not name[len(text)].isalpha())  # fmt: skip
    if len(begun) > 1 and option == "--label":
        return begun
    raise refusal(
        path,
        f"has no column {text!r} for {option}: choose {numbered(len(table.columns), table.names)}",
        setting=option.removeprefix("--"),
    )


def _asked(path: Path, table: Columns, reading: Reading) -> tuple[int, ...]:
    """The label columns that people name."""
    if reading.label is None:
        return ()
    try:
        found = _places(path, table, reading.label.strip(), "--label")
    except InvalidValue:
        parts = parts_of(reading.label)
        if len(parts) < 2:
            raise
        return tuple(sorted({place for part in parts for place in _places(path, table, part, "--label")}))
    if len(found) > 1 and table.names is not None and table.names[found[0]] == table.names[found[-1]]:
        raise refusal(
            path, f"has {len(found)} columns called {reading.label!r}: give --label the number of one", setting="label"
        )
    return found


def _found(path: Path, table: Columns, rest: list[int], reading: Reading) -> tuple[int, ...]:
    """The label columns, as the table itself says."""
    if not rest:
        raise refusal(path, "has no columns beside those that number its rows")
    names = table.names
    if names is not None:
        if groups := _prefixed(table, rest):
            named = [place for place in rest if is_label_name(names[place])]
            if len(groups) == 1 and not named:
                return groups[0]
            raise _unclear(path, table, [*named, *(place for group in groups for place in group)])
        named = [place for place in rest if is_label_name(names[place])]
        named = _without_coordinates(names, named, rest)
        if len(named) > 1:
            raise _unclear(path, table, named)
        if named and (named[0] in (rest[0], rest[-1]) or names[named[0]].strip().lower() in SURE):
            return (named[0],)
        if named:
            raise _unclear(path, table, named)
    if len(rest) < 2:
        raise refusal(path, "has one column; needed are at least one input and a label")
    if block := _one_hot_at_the_end(path, table, rest):
        return block
    last = table.columns[rest[-1]]
    if last.dtype != object and (reading.label_bins or reading.label_kind != "auto"):
        return (rest[-1],)  # people have said what it holds
    if images := _of_images(path, table, rest):
        return images
    if looks_like_labels(last):
        return (rest[-1],)
    if _only_first(table, rest):
        return (rest[0],)
    raise refusal(
        path,
        f"has no column with a usual name for labels, and {table.called(rest[-1])}, the last one, does not look like "
        f"labels: name the label column by --label ({numbered(len(table.columns), names)})"
        + (", or cut the last one into classes by --label-bins N with --label" if _continuous(table, rest[-1]) else ""),
    )


def _continuous(table: Columns, place: int) -> bool:
    return table.columns[place].dtype.kind in "fiu"


def _unclear(path: Path, table: Columns, named: list[int]) -> InvalidValue:
    said = " and ".join(repr(_name(table, place)) for place in named[:3])
    what = "more than one column that may be the label" if len(named) > 1 else "a column that may be the label or not"
    return refusal(path, f"has {what}, {said}: choose one by --label ({numbered(len(table.columns), table.names)})")


def _without_coordinates(names: tuple[str, ...], named: list[int], rest: list[int]) -> list[int]:
    """Without the `y` of a plane's `x` and `y`, where another column is the label or `y` stands at neither end."""
    for place in named:
        if names[place].strip().lower() != "y" or place == 0 or names[place - 1].strip().lower() != "x":
            continue
        if len(named) > 1 or place not in (rest[0], rest[-1]):
            return [one for one in named if one != place]
    return named


def _binary_block(table: Columns, places: list[int]) -> bool:
    """Whether in each row one of these columns is 1 and the others are 0."""
    total = np.zeros(len(table.columns[places[0]]))
    for place in places:
        column = table.columns[place]
        if column.dtype == object or not ((column == 0) | (column == 1)).all():
            return False
        total += column
    return bool((total == 1).all())


def _prefixed(table: Columns, rest: list[int]) -> list[tuple[int, ...]]:
    """Groups of columns whose names begin with a usual name of a label: y0, y1, y2."""
    assert table.names is not None
    groups: dict[str, list[int]] = {}
    for place in rest:
        prefix, _ = label_prefix(table.names[place])
        if prefix:
            groups.setdefault(prefix, []).append(place)
    return [
        tuple(places)
        for prefix, places in groups.items()
        if len(places) > 1 and (_binary_block(table, places) or prefix == PROBABILITY)
    ]


def _one_hot_at_the_end(path: Path, table: Columns, rest: list[int]) -> tuple[int, ...]:
    """The last columns, where together they are a one-hot code and something is left of the others."""
    total = np.zeros(len(table.columns[rest[-1]]))
    for count, place in enumerate(reversed(rest[1:]), start=1):
        column = table.columns[place]
        if count > MOST_LABELS or column.dtype == object or not ((column == 0) | (column == 1)).all():
            return ()
        total = total + column
        if total.max() > 1:
            return ()
        if count < 2 or total.min() < 1:
            continue
        places = rest[-count:]
        if count > 2 or (table.names is not None and _siblings(table.names, places)):
            return tuple(places)
        said = " and ".join(table.called(place) for place in places)
        first, last = (place + 1 for place in places)
        raise refusal(
            path,
            f"has {said} at its end, one of which is always 1 and the other 0: say whether the label is the last one "
            f"(--label {last}) or both (--label {first},{last})",
        )
    return ()


def _siblings(names: tuple[str, ...], places: list[int]) -> bool:
    """Whether names differ in what is behind a common beginning."""
    one, other = (names[place] for place in places[:2])
    common = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    beginning = one[:common]
    return len(beginning) > 1 and not beginning[-1].isalnum()


def _of_images(path: Path, table: Columns, rest: list[int]) -> tuple[int, ...]:
    """The label of images, which stands in front of their pixels or behind them: the end that is not mostly one value,
    as a pixel at the border is.
    """
    pixels = [table.columns[place] for place in rest[1:-1]]
    if len(pixels) < LEAST_PIXELS - 1 or any(pixel.dtype.kind not in "uif" for pixel in pixels):
        return ()
    if not are_pixels(as_matrix([pixels[0], *pixels])[0]):
        return ()
    usual = []
    for place in (rest[0], rest[-1]):
        counts = np.unique(_comparable(table.columns[place]), return_counts=True)[1]
        usual.append(counts.max() / counts.sum() if looks_like_labels(table.columns[place]) else 1.0)
    if max(usual) < 2 * min(usual):
        raise refusal(
            path,
            f"may have its labels in {table.called(rest[0])} or in {table.called(rest[-1])}: say which by --label "
            f"({numbered(len(table.columns), table.names)})",
        )
    return (rest[0],) if usual[0] < usual[1] else (rest[-1],)


def _comparable(column: Array) -> Array:
    return column.astype(str) if column.dtype == object else column


def _only_first(table: Columns, rest: list[int]) -> bool:
    """Whether the first column alone looks like labels, with enough rows to tell."""
    first = table.columns[rest[0]]
    different = len(np.unique(_comparable(first)))
    if len(first) < LEAST_ROWS or len(first) < ROWS_EACH * different or not looks_like_labels(first):
        return False
    return not any(looks_like_labels(table.columns[place]) for place in rest[1:])


def _names(table: Columns, labels: tuple[int, ...]) -> tuple[str, tuple[str, ...]]:
    """What the label is called, and what each of several columns stands for."""
    if len(labels) == 1:
        return _name(table, labels[0]), ()
    if table.names is None:
        return f"columns {labels[0] + 1} to {labels[-1] + 1}", tuple(str(k) for k in range(len(labels)))
    found = [label_prefix(table.names[place]) for place in labels]
    if all(prefix for prefix, _ in found):
        return found[0][0], tuple(rest for _, rest in found)
    return f"{table.names[labels[0]]} to {table.names[labels[-1]]}", tuple(_name(table, place) for place in labels)


Place = Callable[[int], str]


def input_numbers(path: Path, table: Columns, places: tuple[int, ...], without: str = "") -> list[Array]:
    """The inputs, or other columns that `without` does without, all of them numbers.

    Raises:
        InvalidValue: a cell is none, or not finite; the text says where and what to do.
    """
    from ibtui_engine.rules.tables.cells import MISSING, number

    found = []
    for place in places:
        column = table.columns[place]
        if column.dtype.kind in "OU":
            row, text = next(
                (row, str(text)) for row, text in enumerate(column) if number(str(text), table.decimal) is None
            )
            way_out = (
                "fill it in, or leave out the row"
                if text.strip().lower() in MISSING
                else f"mend it, or leave out the column by {without or f'--ignore {_ignored(table, place)}'}"
            )
            of = f" for {table.called(place)}" if table.names is not None else ""
            raise refusal(path, f"has {shown(text)} {table.place(row, place)}: not a number{of}; {way_out}")
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            raise refusal(
                path,
                f"has the value {column[row]:g} {table.place(row, place)}: needed are finite numbers; fill it in, "
                "or leave out the row",
            )
        found.append(column)
    return found


def _ignored(table: Columns, place: int) -> str:
    name = table.names[place] if table.names is not None else ""
    return repr(name) if name and "," not in name else str(place + 1)
