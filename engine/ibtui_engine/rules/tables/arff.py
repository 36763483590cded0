"""Tables in Weka's ARFF files: names and types of the columns in front, then rows separated by commas, dense or sparse.

After Weka's manual (Witten, Frank, Hall, Pal, "Data Mining", 2016). scipy.io.arff is not used: it reads no sparse rows
and no texts, and takes a value that is missing for a number.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from ibtui_engine.rules.limits import MOST_INPUTS, MOST_NUMBERS
from ibtui_engine.rules.tables.cells import number
from ibtui_engine.rules.tables.columns import Columns
from ibtui_engine.rules.tables.content import refusal
from ibtui_engine.rules.tables.dialect import Dialect, decoded, lines_of
from ibtui_engine.rules.tables.text import read_rows

ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s{]+)\s*(.+)", re.IGNORECASE)


def read_arff(path: Path, content: bytes) -> Columns:
    """The columns of an ARFF file.

    Raises:
        InvalidValue: it is none, or its rows are not those of its attributes.
    """
    try:
        text, encoding = decoded(content)
    except ValueError:
        raise refusal(path, "is not an ARFF file: it is no text") from None
    end = re.search(rb"^[ \t]*@data\b[^\r\n]*(\r\n|\r|\n|$)", text, re.IGNORECASE | re.MULTILINE)
    if end is None:
        raise refusal(path, "is not an ARFF file: it has no line @data")
    head = lines_of(text[: end.start()])
    attributes = []
    for place, line in enumerate(head, start=1):
        if line.strip().lower().startswith("@attribute"):
            found = ATTRIBUTE.match(line.strip())
            if found is None:
                raise refusal(path, f"has {line.strip()[:60]!r} in line {place}: not an attribute with name and type")
            attributes.append((found[1].strip("'\"").strip(), found[2].strip()))
    if len(attributes) < 2:
        raise refusal(path, f"has {len(attributes)} attributes; needed are at least one input and a label")
    if len(attributes) > MOST_INPUTS + 1:
        raise refusal(path, f"has {len(attributes)} columns; allowed are at most {MOST_INPUTS + 1}")
    names = tuple(name for name, _ in attributes)
    rows = text[end.end() :]
    skipped = len(lines_of(text[: end.end()])) - 1
    first = next((line.strip() for line in lines_of(rows[:100_000]) if line.strip() and line.strip()[0] != "%"), "")
    if first.startswith("{"):
        return _sparse(path, rows, skipped, attributes)
    quote = "'" if b"'" in rows else '"'
    dialect = Dialect(",", "%", len(names), names, "attributes", skipped, False, False, quote)
    table = read_rows(path, text, dialect, encoding)
    return Columns(table.columns, names, f"ARFF, {encoding}", "attributes", table.place)


def _sparse(path: Path, rows: bytes, skipped: int, attributes: list[tuple[str, str]]) -> Columns:
    """Rows as {place value, ...}; what is not named is 0, or the first of the values that an attribute lists."""
    usual = [_first_value(kind) for _, kind in attributes]
    lines, table = [], []
    for place, line in enumerate(lines_of(rows), start=skipped + 1):
        if not line.strip() or line.strip().startswith("%"):
            continue
        row = list(usual)
        inside = line.strip().removeprefix("{").removesuffix("}")
        for part in next(csv.reader([inside], quotechar="'", skipinitialspace=True), []):
            index, _, value = part.strip().partition(" ")
            if not index.isdecimal() or int(index[:9]) >= len(usual) or not value.strip():
                raise refusal(path, f"has {part[:40]!r} in line {place}: needed are the number of an attribute, from "
                              f"0 to {len(usual) - 1}, and a value")  # fmt: skip
            row[int(index)] = value.strip().strip("'\"")
        lines.append(place)
        table.append(row)
        if len(table) * (len(usual) - 1) > MOST_NUMBERS // 20:  # texts take more memory than numbers
            raise refusal(path, f"has more numbers than are allowed in sparse rows, {MOST_NUMBERS // 20}")
    if not table:
        raise refusal(path, f"has no patterns: their shape is (0, {len(usual) - 1})")
    columns = []
    for cells in zip(*table, strict=True):
        found = [number(cell, ".") for cell in cells]
        whole = all(value is not None for value in found)
        columns.append(np.array(found, np.float64) if whole else np.array(cells, dtype=object))
    return Columns(
        tuple(columns),
        tuple(name for name, _ in attributes),
        "ARFF, sparse rows",
        "attributes",
        lambda row, column: f"in line {lines[row]}, attribute {column + 1}",
    )


def _first_value(kind: str) -> str:
    if not kind.startswith("{"):
        return "0"
    values = next(csv.reader([kind.strip("{} ")], quotechar="'", skipinitialspace=True), [])
    return values[0].strip().strip("'\"") if values else ""
