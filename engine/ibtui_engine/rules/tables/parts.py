"""What is read from any table: inputs, and the values of its label; and the same of a second table like it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ibtui_engine.errors import InvalidValue, shown
from ibtui_engine.rules.limits import oversize
from ibtui_engine.rules.names import TABLE_SUFFIXES, table_suffix, unreadable
from ibtui_engine.rules.tables.classes import Labelled, labelled, labelled_like, one_hot
from ibtui_engine.rules.tables.column_names import is_index_name
from ibtui_engine.rules.tables.columns import Array, Arrays, Columns
from ibtui_engine.rules.tables.content import read_content, refusal
from ibtui_engine.rules.tables.options import Reading
from ibtui_engine.rules.tables.roles import Roles, input_numbers, roles
from ibtui_engine.rules.tables.scaling import as_matrix


@dataclass(frozen=True, eq=False)
class Parts:
    """What is read from any file."""

    matrix: Array
    """Inputs, patterns x inputs."""
    offsets: Array
    """What was taken from each input (`as_matrix`); one number for all, or one for each."""
    names: Callable[[int], str]
    """Of an input, by its place."""
    values: Array
    """Of the label: one for each row, or rows x columns."""
    value_names: tuple[str, ...]
    """What each of several label columns stands for."""
    place: Callable[[int], str]
    """Where the label of a row stands in the file."""
    label: str
    """Name of the label column, or of several."""
    format: str
    header: str
    left_out: tuple[tuple[str, str], ...]
    log_odds: Array | None = None
    saved: bool = False
    """Whether it is a rule as `save_rule` writes it, to be taken as it is."""
    weights: Array | None = None
    """What p(x) of each row is in proportion to, all above 0; None where rows are equally likely."""
    weight: str = ""
    """What that is called."""
    weightless: int = 0
    """Rows of weight 0, which are none of these."""
    table: tuple[Columns, Roles] | None = None
    """The columns that it was made of, and what each is; None of arrays that name their role."""

    def labels(self, reading: Reading) -> Labelled:
        """What the label says of each row.

        Raises:
            Unreadable: it says nothing, or it cannot be told what.
        """
        if self.values.ndim == 2:
            return one_hot(self.values, self.value_names, self.label, reading)
        return labelled(self.values, self.label, reading, self.place)

    def labels_like(self, trained: Labelled) -> Labelled:
        """The same, with the labels of another table.

        Raises:
            Unreadable: a label is another one, or of another kind.
        """
        return labelled_like(trained, self.values, self.value_names, self.place)


def read_source(path: Path, reading: Reading) -> Columns | Arrays:
    """The table in a file, by the file's name."""
    suffix = table_suffix(path.name)
    if suffix not in TABLE_SUFFIXES:
        raise InvalidValue(unreadable(str(path)))
    content = read_content(path)
    match suffix:
        case ".npz" | ".npy":
            from ibtui_engine.rules.tables.archives import read_npy, read_npz

            return (read_npz if suffix == ".npz" else read_npy)(path, content, reading)
        case ".mat":
            from ibtui_engine.rules.tables.matlab import read_matlab

            return read_matlab(path, content, reading)
        case ".parquet":
            from ibtui_engine.rules.tables.parquet import read_parquet

            return read_parquet(path, content)
        case ".arff":
            from ibtui_engine.rules.tables.arff import read_arff

            return read_arff(path, content)
    from ibtui_engine.rules.tables.text import read_text

    return read_text(path, content)


def parts_of(path: Path, source: Columns | Arrays, reading: Reading) -> Parts:
    """What is what in a table.

    Raises:
        InvalidValue: it cannot be told, or a cell is no number; the text says where and what to do.
    """
    found = _of_arrays(path, source) if isinstance(source, Arrays) else _of_columns(path, source, reading)
    found = _with_weight(path, found)
    if len(found.matrix) == 1:
        raise refusal(path, "has one pattern; needed are two or more")
    if (found.matrix == found.matrix[0]).all():
        raise refusal(path, f"has {len(found.matrix)} patterns, all of them equal")
    return found


def parts_like(path: Path, source: Columns | Arrays, trained: Parts, kept: Array) -> Parts:
    """What is what in a second table, which has the columns of the one that is trained on.

    Args:
        path: of the second table.
        source: what is in it.
        trained: what was read from the first.
        kept: which of the first one's inputs are used, by their places.

    Raises:
        InvalidValue: it has not the same inputs and label, or a cell is no number.
    """
    if isinstance(source, Arrays):
        if trained.table is not None:
            raise refusal(path, "has arrays, and the table that trains has columns: write both in one way")
        found = _of_arrays(path, source)
        if found.matrix.shape[1] != trained.matrix.shape[1]:
            raise refusal(
                path, f"has {found.matrix.shape[1]} inputs, and the table that trains has {trained.matrix.shape[1]}"
            )
        if (found.weights is None) != (trained.weights is None):
            one, other = ("no weights", "some") if found.weights is None else ("weights", "none")
            raise refusal(path, f"has {one}, and the table that trains has {other}")
        offsets = np.broadcast_to(found.offsets, found.matrix.shape[1])[kept]
        return _with_weight(path, replace(found, matrix=found.matrix[:, kept], offsets=offsets))
    if trained.table is None:
        raise refusal(path, "has columns, and the table that trains has arrays: write both in one way")
    first, known = trained.table
    inputs = tuple(known.inputs[int(place)] for place in kept)
    weight = () if known.weight is None else (known.weight,)
    places = _same_places(path, source, first, (*inputs, *weight, *known.labels))
    inputs, labels = places[: len(inputs)], places[len(inputs) + len(weight) :]
    at = places[len(inputs)] if weight else None
    return _with_weight(path, _from_columns(path, source, replace(known, inputs=inputs, labels=labels, weight=at)))


def _with_weight(path: Path, parts: Parts) -> Parts:
    """Without the rows that have the weight 0.

    Raises:
        InvalidValue: a weight is negative or not finite, there is not one for each row, or all are 0.
    """
    if parts.weights is None:
        return parts
    way_out = "; --weight none takes it for an input" if parts.table is not None else ""
    weights = parts.weights.ravel()
    if weights.dtype.kind not in "buif" or len(weights) != len(parts.matrix):
        raise refusal(
            path, f"has weights of shape {parts.weights.shape} and type {weights.dtype} for {len(parts.matrix)} "
            "patterns; needed is one number for each", setting="weight"
        )  # fmt: skip
    weights = weights.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0))).tolist()
    if wrong:
        where = f"in row {wrong[0] + 1}"
        raise refusal(
            path, f"has the weight {weights[wrong[0]]:g} {where} of {parts.weight!r}; allowed are finite numbers from "
            f"0{way_out}", setting="weight"
        )  # fmt: skip
    there = weights > 0
    if not there.any():
        raise refusal(path, f"has the weight 0 in every row of {parts.weight!r}{way_out}", setting="weight")
    if there.all():
        return replace(parts, weights=weights)
    rows, place = np.flatnonzero(there), parts.place
    return replace(
        parts,
        matrix=parts.matrix[rows],
        values=parts.values[rows],
        weights=weights[rows],
        log_odds=None if parts.log_odds is None else parts.log_odds.ravel()[rows],
        weightless=int((~there).sum()),
        place=lambda row: place(int(rows[row])),
    )


def _same_places(path: Path, table: Columns, first: Columns, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Where the wanted columns of the first table stand in this one: by their names, or where they have none by their
    places.
    """
    if table.names is None or first.names is None:
        if (table.names is None) != (first.names is None):
            one, other = ("no header", "one") if table.names is None else ("a header", "none")
            raise refusal(path, f"has {one}, and the table that trains has {other}: write both in one way")
        if len(table.columns) != len(first.columns):
            raise refusal(path, f"has {len(table.columns)} columns, and the table that trains has {len(first.columns)}")
        return wanted
    if table.names == first.names:
        return wanted
    if strange := [name for name in table.names if name not in first.names and not is_index_name(name)]:
        raise refusal(path, f"has the column {shown(strange[0])}, which the table that trains has not: leave it out")
    places = []
    for place in wanted:
        there = [other for other, name in enumerate(table.names) if name == first.names[place]]
        if len(there) != 1 or first.names.count(first.names[place]) != 1:
            many = "no column" if not there else f"{len(there)} columns"
            raise refusal(path, f"has {many} {first.names[place]!r}, which the table that trains has")
        places.append(there[0])
    return tuple(places)


def _of_columns(path: Path, table: Columns, reading: Reading) -> Parts:
    return _from_columns(path, table, roles(path, table, reading))


def _from_columns(path: Path, table: Columns, chosen: Roles) -> Parts:
    matrix, offsets = as_matrix(input_numbers(path, table, chosen.inputs))
    at = chosen.labels[0]
    of = f" ({table.called(at)})" if table.names is not None else ""
    values = table.columns[at]
    if len(chosen.labels) > 1:
        values, _ = as_matrix(input_numbers(path, table, chosen.labels))
    weights = None if chosen.weight is None else input_numbers(path, table, (chosen.weight,), "--weight none")[0]
    named = table.names or ("",) * len(table.columns)
    called = [named[place] or f"column {place + 1}" for place in chosen.inputs]
    return Parts(
        matrix, offsets, called.__getitem__, values, chosen.label_names, lambda row: f"{table.place(row, at)}{of}",
        chosen.name, table.format, table.header, chosen.left_out, weights=weights,
        weight="" if chosen.weight is None else named[chosen.weight] or f"column {chosen.weight + 1}",
        table=(table, chosen),
    )  # fmt: skip


def _of_arrays(path: Path, arrays: Arrays) -> Parts:
    raw = arrays.patterns
    if raw.dtype.kind not in "buif":
        raise refusal(path, f"has patterns of type {raw.dtype}: not numbers")
    if raw.ndim != 2:
        raise refusal(path, f"has patterns of shape {raw.shape}; needed is patterns x inputs")
    if raw.size == 0:
        raise refusal(path, f"has no patterns: their shape is {raw.shape}")
    if wrong := oversize(int(raw.shape[0]), int(raw.shape[1])):
        raise refusal(path, f"has {wrong}")
    if raw.dtype.kind == "f" and not np.isfinite(raw).all():
        row, column = (int(i[0]) for i in np.nonzero(~np.isfinite(raw)))
        raise refusal(
            path,
            f"has the value {raw[row, column]:g} in pattern {row + 1}, input {column + 1} (from 1); needed are finite "
            "numbers",
        )
    matrix, offsets = (
        as_matrix(list(raw.T)) if raw.dtype.kind in "iu" and raw.dtype.itemsize == 8 else (raw, np.zeros(1))
    )
    if raw.dtype.kind == "b":
        matrix = raw.astype(np.uint8)
    values = _label_values(path, arrays, len(raw), raw.shape[1])
    names = tuple(map(str, range(values.shape[1]))) if values.ndim == 2 else ()
    return Parts(
        matrix, offsets, lambda place: f"input {place + 1}", values, names,
        lambda row: f"at pattern {row + 1} (from 1)", arrays.labels_name,
        arrays.format, "arrays", arrays.left_out, arrays.log_odds, arrays.saved,
        arrays.weights, arrays.weights_name,
    )  # fmt: skip


def _label_values(path: Path, arrays: Arrays, patterns: int, inputs: int) -> Array:
    raw = arrays.labels
    if raw.dtype.kind not in "buifUS":
        raise refusal(path, f"has labels of type {raw.dtype}: not numbers")
    if raw.size == 0:
        raise refusal(path, "has no labels: they are empty")
    if raw.ndim == 2 and min(raw.shape) > 1:
        if len(raw) != patterns:
            raise refusal(path, f"has p(y|x) of shape {raw.shape} for {patterns} patterns; needed is patterns x labels")
        if raw.dtype.kind in "US":
            raise refusal(path, f"has labels of type {raw.dtype} in several columns: not numbers")
        return raw
    if raw.size != max(raw.shape, default=1):
        raise refusal(path, f"has labels of shape {raw.shape}; needed is one number for each pattern")
    if raw.size != patterns:
        turned = "; are the patterns the columns? Transpose them" if raw.size == inputs else ""
        raise refusal(path, f"has {raw.size} labels for {patterns} patterns{turned}")
    return raw.ravel().astype(str).astype(object) if raw.dtype.kind in "US" else raw.ravel()
