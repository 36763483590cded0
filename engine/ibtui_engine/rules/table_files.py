"""Reading the arrays of a table from .npz, .mat and .csv files, without judging what they contain.

Whatever is wrong with a file becomes one sentence; nothing in a file is ever executed (no pickles). The
layout of .mat files is that of Shwartz-Ziv and Tishby's published var_u.mat: F (patterns x inputs) and y.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import zipfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.limits import LARGEST_FILE, MOST_INPUTS, MOST_NUMBERS
from ibtui_engine.rules.mat_file import Oversize, read_mat
from ibtui_engine.rules.names import TABLE_SUFFIXES

PATTERN_KEYS = ("patterns", "F", "X")
LABEL_KEYS = ("p_y", "label", "labels", "y")
LOG_ODDS_KEY = "log_odds"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"

Array = np.ndarray


def refusal(path: Path, sentence: str) -> InvalidValue:
    """The error that a table's file deserves: its name and what is wrong, in one line."""
    return InvalidValue(f"table {str(path)!r} {sentence}")


def read_table(path: Path) -> tuple[Array, Array, Array | None]:
    """The patterns, the labels and, where they are there, the labels' log-odds in a file, of any shape and type, as
    they stand there.

    Raises InvalidValue, naming the file, where it cannot be read or is not what its suffix says.
    """
    read = {".npz": _read_npz, ".mat": _read_mat, ".csv": _read_csv}.get(path.suffix.lower())
    if read is None:
        raise refusal(path, f"has an unknown suffix; allowed are {', '.join(TABLE_SUFFIXES)}")
    return read(path, _read_bytes(path))


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise refusal(path, "is a directory, not a file")
        if not path.exists():
            raise refusal(path, "does not exist")
        if not path.is_file():
            raise refusal(path, "is not a regular file")
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise refusal(path, f"is {size} bytes; allowed are at most {LARGEST_FILE}")
        return path.read_bytes()
    except OSError as error:
        raise refusal(path, f"cannot be read: {error.strerror or error}") from error


def _read_npz(path: Path, content: bytes) -> tuple[Array, Array, Array | None]:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise refusal(path, "is not an .npz archive, or is damaged")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return _pick(path, archive.files, lambda key: _array(path, content, key, archive))
    except (InvalidValue, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and numpy's parser raise a dozen kinds for damaged files
        if "allow_pickle" in str(error):
            raise refusal(path, "holds pickled objects, which are never loaded; save plain arrays") from error
        raise refusal(path, "is not an .npz archive, or is damaged") from error


def _array(path: Path, content: bytes, key: str, archive: Any) -> Array:
    """An array of an archive, inflated only where its size, as it is declared, is allowed."""
    with zipfile.ZipFile(io.BytesIO(content)) as members, members.open(f"{key}.npy") as member:
        version = np.lib.format.read_magic(member)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read_header(member)
        if not kind.hasobject and math.prod(shape) * kind.itemsize > 8 * MOST_NUMBERS:
            told = " x ".join(map(str, shape))
            raise refusal(path, f"has {key!r} of {told} numbers; allowed are at most {MOST_NUMBERS} in all")
    return np.asarray(archive[key])


def _read_mat(path: Path, content: bytes) -> tuple[Array, Array, Array | None]:
    if content.startswith(b"MATLAB 7.3") or HDF5_SIGNATURE in content[:1024]:
        raise refusal(path, "is a MATLAB 7.3 (HDF5) file; save it with -v7 or earlier, or as .npz")
    try:
        variables = read_mat(content)

        def numbers(name: str) -> Array:
            if variables[name].kind != "numbers":
                raise refusal(path, f"has {name!r} of kind {variables[name].kind}: not a matrix of numbers")
            return variables[name].numbers()

        return _pick(path, variables, numbers)
    except Oversize as error:
        raise refusal(path, str(error)) from error
    except ValueError as error:
        raise refusal(path, "is not a MATLAB file of version 5 to 7, or is damaged") from error


def _pick(path: Path, names: Iterable[str], get: Callable[[str], Any]) -> tuple[Array, Array, Array | None]:
    present = sorted(names)
    held = f"it holds {', '.join(map(repr, present[:8]))}" if present else "it holds nothing"
    pattern_key = next((key for key in PATTERN_KEYS if key in present), None)
    label_key = next((key for key in LABEL_KEYS if key in present), None)
    if pattern_key is None:
        raise refusal(path, f"has no patterns ({held}); call them {_either(PATTERN_KEYS)}")
    if label_key is None:
        raise refusal(path, f"has no labels ({held}); call them {_either(LABEL_KEYS)}")
    log_odds = np.asarray(get(LOG_ODDS_KEY)) if LOG_ODDS_KEY in present else None
    return np.asarray(get(pattern_key)), np.asarray(get(label_key)), log_odds


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _read_csv(path: Path, content: bytes) -> tuple[Array, Array, Array | None]:
    rows = _csv_rows(path, content)
    first_row = next(rows, None)
    if first_row is None:
        raise refusal(path, "is empty")
    first = [cell.strip().lower() for cell in first_row[1]]
    header = first if any(cell and not _is_number(cell) for cell in first) else []
    if len(first) < 2:
        raise refusal(path, "has one column; needed are at least one input and a label, separated by commas")
    named = [column for column, cell in enumerate(header) if cell in LABEL_KEYS]
    if len(named) > 1:
        two = " and ".join(repr(header[column]) for column in named[:2])
        raise refusal(path, f"has more than one column of labels, {two}; keep one of them")
    label = named[0] if named else len(first) - 1
    table_rows = rows if header else itertools.chain([first_row], rows)
    if len(first) > MOST_INPUTS + 1:
        raise refusal(path, f"has {len(first)} columns; allowed are at most {MOST_INPUTS + 1}")
    numbers = array("d")  # rows one by one would take ten times the memory
    for line, row in table_rows:
        numbers.extend(_numbers(path, line, row, len(first)))
        if len(numbers) > MOST_NUMBERS:
            raise refusal(path, f"has more numbers than are allowed, {MOST_NUMBERS}")
    table = np.frombuffer(numbers, np.float64).reshape(-1, len(first))
    return np.delete(table, label, axis=1), table[:, label], None


def _csv_rows(path: Path, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not blank, one at a time: text takes far more memory."""
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise refusal(path, "is not a text file of comma-separated numbers") from error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _numbers(path: Path, line: int, row: list[str], columns: int) -> Array:
    if len(row) != columns:
        raise refusal(path, f"has {len(row)} columns in line {line}, but {columns} in the first")
    try:
        return np.fromiter(map(float, row), dtype=np.float64, count=columns)
    except ValueError:
        column, cell = next((i, cell) for i, cell in enumerate(row, start=1) if not _is_number(cell))
        raise refusal(path, f"has {cell[:40]!r} in line {line}, column {column}: not a number") from None
