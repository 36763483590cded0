"""Tables in text: .csv, .tsv, .txt, .data and .dat, by pandas, with places of cells as lines of the file."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ibtui_engine.errors import shown
from ibtui_engine.rules.limits import MOST_INPUTS, MOST_NUMBERS
from ibtui_engine.rules.tables import cells
from ibtui_engine.rules.tables.columns import Array, Columns, compact
from ibtui_engine.rules.tables.content import refusal
from ibtui_engine.rules.tables.dialect import (
    SEPARATORS,
    Dialect,
    cells_of,
    decoded,
    find_dialect,
    lines_of,
    without_comment,
)

CHUNK_CELLS = 8_000_000
"""Cells that are parsed at a time, so that a large file is never in memory as numbers of eight bytes."""


def read_text(path: Path, content: bytes) -> Columns:
    """The columns of a text file.

    Raises:
        InvalidValue: it is no text of rows that are equally long, or larger than allowed.
    """
    try:
        text, encoding = decoded(content)
    except ValueError:
        archive = "; it is an archive, perhaps of a spreadsheet: save it as .csv" if content[:2] == b"PK" else ""
        raise refusal(path, f"is not a text file of comma-separated numbers{archive}") from None
    try:
        dialect = find_dialect(text)
    except (ValueError, csv.Error) as error:
        said = str(error) if not isinstance(error, csv.Error) else "is not a text file of comma-separated numbers"
        raise refusal(path, said) from None
    return read_rows(path, text, dialect, encoding)


def read_rows(path: Path, text: bytes, dialect: Dialect, encoding: str) -> Columns:
    """The columns of a text in UTF-8 that is written in this way. Raises as `read_text`."""
    if dialect.columns > MOST_INPUTS + 1:
        raise refusal(path, f"has {dialect.columns} columns; allowed are at most {MOST_INPUTS + 1}")
    if (text.count(b"\n") + text.count(b"\r") // 2) * (dialect.columns - 1) > 2 * MOST_NUMBERS:
        raise refusal(path, f"has more numbers than are allowed, {MOST_NUMBERS}")
    lines = _numbered(text, dialect)

    def place(row: int, column: int) -> str:
        return f"in line {lines()[row]}, column {column + 1}"

    columns = _parsed(path, text, dialect, ".")
    texts = [column for column in columns if column.dtype == object]
    try:
        sign = cells.decimal_sign(map(_different, texts), dialect.separator)
    except ValueError as error:
        raise refusal(path, str(error)) from None
    if sign == ",":
        columns = _parsed(path, text, dialect, ",")
    columns = [_as_numbers(column, sign) for column in columns]
    names = dialect.names
    left_out: tuple[tuple[str, str], ...] = ()
    if dialect.row_names:
        columns, names = columns[1:], (names or ())[1:]
        left_out = (("row names", "names of rows"),)
    written = f"text, separated by {SEPARATORS[dialect.separator]}"
    written += ", decimal commas" if sign == "," else ""
    shift = int(dialect.row_names)
    return Columns(
        tuple(columns),
        names,
        f"{written}, {encoding}",
        dialect.header,
        lambda row, column: place(row, column + shift),
        sign,
        left_out,
    )


def _different(texts: Array) -> Sequence[str]:
    import pandas

    return [str(text) for text in pandas.unique(texts)]


def _as_numbers(column: Array, sign: cells.Decimal) -> Array:
    """The numbers in a column of texts, where all of them are some; else the texts, without blanks around them."""
    if column.dtype != object:
        return column
    found = cells.numbers(column, sign)
    if found is not None:
        return found
    return np.array([text.strip() for text in column], dtype=object)


def _parsed(path: Path, text: bytes, dialect: Dialect, decimal: str) -> list[Array]:
    """The columns as pandas reads them, texts where a cell is no number."""
    import pandas

    file = io.BytesIO(text)
    file.seek(_offset(text, dialect.skipped))
    width = dialect.columns + 1  # one more than there may be, to see rows that are too long
    options: dict[str, Any] = {
        "header": None,
        "names": range(width),
        "index_col": False,
        "sep": r"\s+" if dialect.separator == " " else dialect.separator,
        "decimal": decimal,
        "quotechar": dialect.quote,
        "comment": dialect.comment,
        "skipinitialspace": True,
        "keep_default_na": False,
        "na_filter": False,
        "low_memory": False,
        "encoding": "utf-8",
        "encoding_errors": "replace",
        "chunksize": max(1, CHUNK_CELLS // width),
        "engine": "c",
    }
    if int(pandas.__version__.split(".")[0]) < 3:  # from 3 on numbers are read exactly in any case
        options["float_precision"] = "round_trip"
    parts: list[list[Array]] = [[] for _ in range(width)]
    rows = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for chunk in pandas.read_csv(file, **options):
                rows += len(chunk)
                if rows * (dialect.columns - 1) > MOST_NUMBERS:
                    raise refusal(path, f"has more numbers than are allowed, {MOST_NUMBERS}")
                for place, (_, values) in enumerate(chunk.items()):
                    parts[place].append(_cells(values))
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError, csv.Error, OverflowError) as error:
        if isinstance(error, pandas.errors.EmptyDataError):
            raise refusal(path, f"has no patterns: their shape is (0, {dialect.columns - 1})") from None
        _require_even(path, text, dialect)
        raise refusal(path, f"cannot be read as a table: {shown(str(error))}") from None
    columns = [_joined(part) for part in parts]
    if not rows:
        raise refusal(path, f"has no patterns: their shape is (0, {dialect.columns - 1})")
    beyond = columns.pop()
    if beyond.dtype != object or any(cell if not dialect.trailing else cell.strip() for cell in beyond):
        _require_even(path, text, dialect)
        raise refusal(path, f"has rows of more than {dialect.columns} columns")
    if any(column.dtype == object for column in columns):
        _require_whole(path, text, dialect, columns)
        columns = _without_empty_rows(columns)
    return columns


def _cells(values: Any) -> Array:
    """A column of pandas: numbers, or texts as objects."""
    array = values.to_numpy()
    if array.dtype.kind in "iufb":
        return compact(array)
    return np.array([cell if isinstance(cell, str) else str(cell) for cell in array], dtype=object)


def _joined(parts: list[Array]) -> Array:
    """One column of what was read of it piece by piece; texts where one piece has texts."""
    kinds = {part.dtype.kind for part in parts}
    if "O" in kinds or ("b" in kinds and kinds != {"b"}):
        return np.concatenate([_texts(part) for part in parts])
    return np.concatenate(parts) if parts else np.empty(0)


def _texts(part: Array) -> Array:
    return part if part.dtype == object else np.array([str(value) for value in part.tolist()], dtype=object)


def _offset(text: bytes, lines: int) -> int:
    """Where the bytes behind that many lines begin."""
    at = 0
    for _ in range(lines):
        ends = [end for end in (text.find(b"\n", at), text.find(b"\r", at)) if end >= 0]
        if not ends:
            return len(text)
        at = min(ends) + (2 if text[min(ends) : min(ends) + 2] == b"\r\n" else 1)
    return at


def _without_empty_rows(columns: list[Array]) -> list[Array]:
    """Without rows that have no value at all, as spreadsheets leave them at the end."""
    if any(column.dtype != object for column in columns):
        return columns
    filled = np.array([any(cell.strip() for cell in row) for row in zip(*columns, strict=True)], bool)
    return [column[filled] for column in columns] if not filled.all() else columns


def _require_whole(path: Path, text: bytes, dialect: Dialect, columns: Sequence[Array]) -> None:
    """Refuse rows that are too short: pandas fills them up, so that a column at the end lacks values."""
    last = columns[-1]
    if last.dtype == object and any(not cell.strip() for cell in last):
        _require_even(path, text, dialect)


def _require_even(path: Path, text: bytes, dialect: Dialect) -> None:
    """Refuse the first row that is not as long as the others."""
    for line, row in _records(text, dialect):
        width = len(row) - (dialect.trailing and len(row) > dialect.columns and not row[-1].strip())
        if width != dialect.columns and any(cell.strip() for cell in row):
            first = "the first" if not dialect.row_names else "the others"
            raise refusal(path, f"has {width} columns in line {line}, but {dialect.columns} in {first}")


def _records(text: bytes, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The rows of data with the number of the line in which each begins."""
    lines = lines_of(text)[dialect.skipped :]
    taken = 0

    def counted() -> Iterator[str]:
        nonlocal taken
        for line in lines:
            taken += 1
            yield without_comment(line, dialect.comment)

    begin = dialect.skipped + 1
    try:
        for row in cells_of(counted(), dialect.separator, dialect.quote):
            if row and (len(row) > 1 or row[0].strip()):
                yield begin, row
            begin = taken + dialect.skipped + 1
    except csv.Error:
        return


def _numbered(text: bytes, dialect: Dialect) -> Callable[[], list[int]]:
    """The line of each row, found only when it is asked for."""

    @cache
    def found() -> list[int]:
        return [line for line, row in _records(text, dialect) if any(cell.strip() for cell in row)]

    return found
