"""Tables in NumPy's files, .npz and .npy. Nothing in them is executed: pickled objects are refused."""

from __future__ import annotations

import io
import math
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.limits import MOST_NUMBERS
from ibtui_engine.rules.tables.columns import Array, Arrays, Columns
from ibtui_engine.rules.tables.content import refusal
from ibtui_engine.rules.tables.options import Reading
from ibtui_engine.rules.tables.stored import Stored, of_joint, pick, plain, require_stored

PICKLED = "holds pickled objects, which are never loaded; save plain arrays"


def read_npz(path: Path, content: bytes, reading: Reading) -> Arrays | Columns:
    """The arrays of an .npz archive, of which only those are inflated that are needed.

    Raises:
        InvalidValue: it is damaged, or does not hold a table.
    """
    wrong = "is not an .npz archive, or is damaged"
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise refusal(path, wrong)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
            arrays = {name.removesuffix(".npy"): _member(path, archive, name) for name in members}
            return pick(path, arrays, "NumPy archive", reading)
    except (InvalidValue, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and numpy's parser raise a dozen kinds for damaged files
        raise refusal(path, wrong) from error


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> Stored:
    with archive.open(name) as member:
        shape, _, kind = array_header(member)

    def load() -> Array:
        if kind.hasobject:
            raise refusal(path, PICKLED)
        with archive.open(name) as member:
            return whole_array(member, shape, kind)

    return Stored(shape, "numbers" if kind.kind not in "US" else "texts", load, math.prod(shape) * kind.itemsize)


def read_npy(path: Path, content: bytes, reading: Reading) -> Arrays | Columns:
    """The columns of an .npy file: of a matrix, or the fields of records; numbers from 0 that add up to 1 are p(x,y).
    Raises as `read_npz`.
    """
    try:
        shape, _, kind = array_header(io.BytesIO(content))
        if kind.hasobject:
            raise refusal(path, PICKLED)
        size = math.prod(shape) * kind.itemsize
        require_stored(path, path.name, Stored(shape, "numbers", lambda: np.empty(0), size))
        array = whole_array(io.BytesIO(content), shape, kind)
    except (InvalidValue, MemoryError):
        raise
    except Exception as error:
        raise refusal(path, "is not an .npy file, or is damaged") from error
    if kind.names:
        records = array.ravel()
        if any(records[name].ndim != 1 for name in kind.names):
            raise refusal(path, "has records whose fields are arrays; needed is one value in each field")
        return Columns(tuple(plain(records[name]) for name in kind.names), tuple(kind.names), "NumPy records", "fields")
    if array.ndim != 2:
        raise refusal(path, f"has an array of shape {array.shape}; needed are patterns x (inputs and label)")
    if array.dtype.kind not in "buifUS":
        raise refusal(path, f"has an array of type {array.dtype}: not numbers")
    joint = array.dtype.kind == "f" and min(array.shape, default=0) > 1 and bool((array >= 0).all())
    if joint and abs(float(array.sum(dtype=np.float64)) - 1) < 1e-6:
        return of_joint(path, array, "p_xy", "NumPy array whose numbers add up to 1")
    return Columns(tuple(plain(column) for column in array.T), None, "NumPy array")


def array_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of the array that a file begins with, of which nothing is loaded.

    Raises:
        ValueError: it is none, or of a version of the format with names that are not plain.
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"version {version}")


def whole_array(file: Any, shape: tuple[int, ...], kind: np.dtype[Any]) -> Array:
    """The array of a file, whose header is read once more, taken as far as that declares and no further."""
    if math.prod(shape) * kind.itemsize > 8 * MOST_NUMBERS:
        raise ValueError("larger than allowed")
    array = np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    for letters in [array[name] for name in kind.names or ()] or [array]:
        _require_letters(np.asarray(letters))
    return array


def _require_letters(texts: Array) -> None:
    """Refuse texts with numbers beyond the letters of Unicode, which Python itself cannot hold."""
    if texts.dtype.kind == "U" and texts.size:
        numbers = np.ascontiguousarray(texts).view(np.dtype(np.uint32).newbyteorder(texts.dtype.byteorder))
        if numbers.max() > sys.maxunicode:
            raise ValueError("no letters")
