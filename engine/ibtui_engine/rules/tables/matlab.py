"""Tables in MATLAB's files: level 5 (`ibtui_engine.rules.mat_file`), level 4, and 7.3, which is HDF5.

Level 4 after MathWorks' "MAT-File Format"; in HDF5, matrices lie as MATLAB has them in memory, so that their dimensions
are reversed, and sparse ones are groups of `data`, `ir` and `jc`.
"""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.limits import MOST_NUMBERS
from ibtui_engine.rules.mat_file import MatVariable, Oversize, dense, read_mat
from ibtui_engine.rules.tables.columns import Array, Arrays, Columns
from ibtui_engine.rules.tables.content import refusal
from ibtui_engine.rules.tables.options import Reading
from ibtui_engine.rules.tables.stored import Stored, pick

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
LEVEL_4_TYPES = ("f8", "f4", "i4", "i2", "u2", "u1")
MOST_NAMES = 10_000
"""Variables of a file."""
DAMAGED = "is not a MATLAB file of version 4 to 7.3, or is damaged"


def read_matlab(path: Path, content: bytes, reading: Reading) -> Arrays | Columns:
    """The matrices of a .mat file of any version.

    Raises:
        InvalidValue: it is damaged, or does not hold a table.
    """
    if content.startswith(b"MATLAB 7.3") or HDF5_SIGNATURE in content[:1024]:
        return _read_hdf5(path, content, reading)
    try:
        if content[126:128] in (b"IM", b"MI"):
            arrays = {name: _level_5(one) for name, one in read_mat(content).items()}
            return pick(path, arrays, "MATLAB 5 to 7", reading)
        return pick(path, _level_4(content), "MATLAB 4", reading)
    except Oversize as error:
        raise refusal(path, str(error)) from error
    except ValueError as error:
        raise refusal(path, DAMAGED) from error


def _level_5(variable: MatVariable) -> Stored:
    if variable.kind in ("char", "cell"):
        texts = variable.texts()
        if texts is not None:
            return Stored(texts.shape, "texts", lambda: texts)
    shape = variable.shape()
    kind = "numbers" if variable.kind in ("numbers", "sparse") else variable.kind
    return Stored(shape, kind, variable.numbers, 8 * math.prod(shape))


def _level_4(content: bytes) -> dict[str, Stored]:
    """The variables of a file of level 4: a header of five numbers each, a name, and the values column by column."""
    found: dict[str, Stored] = {}
    at = 0
    while at < len(content):
        if len(content) - at < 20:
            raise ValueError("a header is cut off")
        order = "<" if struct.unpack_from("<i", content, at)[0] in range(53) else ">"
        code, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", content, at)
        machine, rest = divmod(code, 1000)
        precision, kind = divmod(rest, 10)
        if machine != (order == ">") or precision >= len(LEVEL_4_TYPES) or kind > 2 or min(rows, columns) < 0:
            raise ValueError("no header")
        if not 0 < length <= 1000 or imaginary not in (0, 1):
            raise ValueError("no name")
        dtype = np.dtype(order + LEVEL_4_TYPES[precision])
        size = rows * columns * dtype.itemsize
        start = at + 20 + length
        at = start + size * (1 + imaginary)
        if at > len(content):
            raise ValueError("values are cut off")
        name = content[start - length : start].rstrip(b"\0").decode("latin-1")
        matrix = np.frombuffer(content[start : start + size], dtype).reshape((rows, columns), order="F")
        found[name] = _of_level_4(matrix, kind, bool(imaginary))
    if not found:
        raise ValueError("no variables")
    return found


def _of_level_4(matrix: Array, kind: int, imaginary: bool) -> Stored:
    if imaginary:
        return Stored(matrix.shape, "complex", lambda: matrix)
    if kind == 1:
        texts = np.array(["".join(chr(int(letter)) for letter in row).strip() for row in matrix], dtype=str)
        return Stored(texts.shape, "texts", lambda: texts)
    if kind == 0:
        return Stored(matrix.shape, "numbers", lambda: matrix, matrix.size * 8)
    # rows, columns and values; the last row has the size of the matrix
    if matrix.shape[1] != 3 or not len(matrix) or not np.isfinite(matrix).all():
        raise ValueError("no sparse matrix")
    shape = int(matrix[-1, 0]), int(matrix[-1, 1])
    rows, columns = matrix[:-1, 0].astype(np.int64) - 1, matrix[:-1, 1].astype(np.int64) - 1
    return Stored(shape, "numbers", lambda: dense(shape, rows, columns, matrix[:-1, 2]), 8 * math.prod(shape))


def _read_hdf5(path: Path, content: bytes, reading: Reading) -> Arrays | Columns:
    import h5py

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            names = list(file)[:MOST_NAMES]
            arrays = {
                name: _of_hdf5(file, file[name]) for name in names
                if not name.startswith("#") and isinstance(file.get(name, getlink=True), h5py.HardLink)
            }  # fmt: skip
            return pick(path, arrays, "MATLAB 7.3", reading)
    except (InvalidValue, MemoryError):
        raise
    except Exception as error:  # h5py raises what HDF5 reports as a dozen kinds of errors
        raise refusal(path, DAMAGED) from error


def _of_hdf5(file: Any, one: Any) -> Stored:
    import h5py

    known = one.attrs.get("MATLAB_class", b"")
    kind = known.decode("ascii", "replace") if isinstance(known, bytes) else str(known)
    if isinstance(one, h5py.Group):
        if "MATLAB_sparse" in one.attrs and {"data", "ir", "jc"} <= set(one):
            return _sparse_of_hdf5(one)
        if "MATLAB_sparse" in one.attrs:
            return Stored((int(one.attrs["MATLAB_sparse"]), 0), "numbers", lambda: np.zeros((0, 0)))
        return Stored((), "struct", lambda: np.empty(0))
    shape = tuple(int(size) for size in one.shape or ())
    if kind == "char" or one.dtype.kind == "O":
        return _texts_of_hdf5(file, one, kind, shape)
    if one.dtype.kind not in "buif":
        return Stored(shape, "complex" if one.dtype.names else str(one.dtype), lambda: np.empty(0))
    if "MATLAB_empty" in one.attrs:
        return Stored((0, 0), "numbers", lambda: np.zeros((0, 0)))
    turned = kind != ""
    return Stored(
        shape[::-1] if turned else shape,
        "numbers",
        lambda: one[()].T if turned else one[()],
        math.prod(shape) * one.dtype.itemsize,
    )


def _sparse_of_hdf5(group: Any) -> Stored:
    values, rows, ends = group["data"], group["ir"], group["jc"]
    shape = int(group.attrs["MATLAB_sparse"]), int(ends.shape[0]) - 1

    def load() -> Array:
        if max(values.size, rows.size, ends.size) > MOST_NUMBERS:
            raise ValueError("larger than allowed")
        counts = np.diff(ends[()].astype(np.int64))
        if (counts < 0).any() or counts.sum() != rows.size:
            raise ValueError("no sparse matrix")
        return dense(shape, rows[()].astype(np.int64), np.repeat(np.arange(shape[1]), counts), values[()])

    return Stored(shape, "numbers", load, 8 * math.prod(shape))


def _texts_of_hdf5(file: Any, one: Any, kind: str, shape: tuple[int, ...]) -> Stored:
    """A char matrix, whose rows are texts, or a cell array of texts."""
    if math.prod(shape) > MOST_NUMBERS // 20:
        return Stored(shape, kind or "texts", lambda: np.empty(0), 8 * MOST_NUMBERS + 1)
    if kind == "char":
        rows = np.atleast_2d(one[()]).T
        texts = np.array(["".join(chr(int(letter)) for letter in row).strip() for row in rows], dtype=str)
        return Stored(texts.shape, "texts", lambda: texts)
    if kind != "cell":
        return Stored(shape, kind or "texts of another program", lambda: np.empty(0))
    found = []
    for reference in one[()].ravel():
        cell = file[reference]
        if cell.attrs.get("MATLAB_class", b"") != b"char" or cell.size > MOST_NAMES:
            return Stored(shape, "cell", lambda: np.empty(0))
        found.append("".join(chr(int(letter)) for letter in cell[()].ravel()))
    texts = np.array(found, dtype=str)
    return Stored(texts.shape, "texts", lambda: texts)
