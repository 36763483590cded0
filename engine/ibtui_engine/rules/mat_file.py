"""MATLAB files of version 5 to 7: their matrices of numbers, by name.

Written after MathWorks' "MAT-File Format" (level 5). scipy.io.loadmat is not used because one damaged byte in
a file makes it (1.17) read outside its tables and take the whole process down.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ibtui_engine.rules.limits import MOST_NUMBERS

HEADER_BYTES = 128
MATRIX, COMPRESSED, DIMENSIONS = 14, 15, 5
CHAR = 4
"""The class of texts."""
NUMBER_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
OTHER_CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse"}
NUMBER_CLASSES = range(6, 16)  # double, single, int8 .. uint64; a logical array is a uint8 one
COMPLEX_FLAG = 0x0800
MOST_BYTES = 8 * MOST_NUMBERS
"""Of a file's compressed variables together, as they are inflated."""


class Oversize(ValueError):
    """A file that is whole, as far as it was read, and declares more numbers than are allowed."""


@dataclass(frozen=True)
class MatVariable:
    """A variable of a file: its content is decoded only when it is asked for."""

    kind: str
    """"numbers", "sparse" (numbers as well), or why it is neither: "cell", "struct", "char", "complex", "object"."""
    content: bytes
    """The matrix element's parts: flags, dimensions, name, values."""
    order: str
    """Byte order, "<" or ">"."""

    def shape(self) -> tuple[int, ...]:
        """Its dimensions, as they are declared; none where it has no such thing. Raises ValueError where they are
        damaged.
        """
        parts = list(islice(_elements(self.content, self.order), 2))
        if len(parts) < 2 or parts[1][0] != DIMENSIONS:
            return ()
        return tuple(self._dimensions(parts[1][1]))

    def _dimensions(self, raw: bytes) -> list[int]:
        if len(raw) % 4:
            raise ValueError("dimensions are cut off")
        dimensions: list[int] = np.frombuffer(raw, dtype=f"{self.order}i4").tolist()
        if len(dimensions) < 2 or min(dimensions) < 0:
            raise ValueError(f"dimensions {dimensions}")
        return dimensions

    def numbers(self) -> np.ndarray:
        """The matrix, of whatever number type it is stored in; a sparse one with its zeros. Raises ValueError where it
        is damaged.
        """
        _, (_, raw_dimensions), _, *stored = islice(_elements(self.content, self.order), 6)
        dimensions = self._dimensions(raw_dimensions)
        if self.kind == "sparse":
            return self._sparse(dimensions, stored)
        array = self._values(*stored[0])
        if math.prod(dimensions) != array.size:
            raise ValueError(f"{array.size} values for dimensions {dimensions}")
        return array.reshape(dimensions, order="F")

    def _values(self, type_code: int, values: bytes) -> np.ndarray:
        if type_code not in NUMBER_TYPES:
            raise ValueError(f"values of type {type_code}")
        return np.frombuffer(values, dtype=self.order + NUMBER_TYPES[type_code])

    def _sparse(self, dimensions: list[int], stored: list[tuple[int, bytes]]) -> np.ndarray:
        """Row of each value, where each column begins, and the values."""
        if len(dimensions) != 2 or len(stored) < 3:
            raise ValueError("no sparse matrix")
        rows, starts, values = (self._values(*part) for part in stored[:3])
        if rows.dtype.kind == "f" or starts.dtype.kind == "f" or len(starts) != dimensions[1] + 1:
            raise ValueError("no sparse matrix")
        counts: np.ndarray = np.diff(starts.astype(np.int64)).astype(np.int64)
        filled = int(starts[-1])
        if (counts < 0).any() or counts.sum() != filled or min(len(rows), len(values)) < filled:
            raise ValueError("no sparse matrix")
        columns = np.repeat(np.arange(dimensions[1]), counts)
        return dense((dimensions[0], dimensions[1]), rows[:filled].astype(np.int64), columns, values[:filled])

    def texts(self) -> np.ndarray | None:
        """The rows of a matrix of letters, or the texts of a cell array; None where it is neither. Raises ValueError
        where it is damaged.
        """
        parts = list(_elements(self.content, self.order))
        if self.kind == "char" and len(parts) > 3:
            letters = self._letters(self._dimensions(parts[1][1]), *parts[3])
            return np.array([row.strip() for row in letters], dtype=str)
        if self.kind != "cell":
            return None
        found = []
        for type_code, content in parts[3:]:
            inner = list(_elements(content, self.order))
            if type_code != MATRIX or len(inner) < 4 or len(inner[0][1]) < 4:
                return None
            if struct.unpack_from(f"{self.order}I", inner[0][1])[0] & 0xFF != CHAR:
                return None
            found.append("".join(self._letters(self._dimensions(inner[1][1]), *inner[3])))
        return np.array(found, dtype=str)

    def _letters(self, dimensions: list[int], type_code: int, values: bytes) -> list[str]:
        encoding = {16: "utf-8", 17: f"utf-16-{'le' if self.order == '<' else 'be'}"}.get(type_code)
        text = values.decode(encoding) if encoding else "".join(map(chr, self._values(type_code, values).tolist()))
        if len(dimensions) != 2 or len(text) != math.prod(dimensions):
            raise ValueError(f"{len(text)} letters for dimensions {dimensions}")
        return [text[row :: dimensions[0]] for row in range(dimensions[0])]


def dense(shape: tuple[int, int], rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A sparse matrix with its zeros, of values at rows and columns from 0.

    Raises:
        Oversize: it has more numbers than are allowed.
        ValueError: a place is outside it.
    """
    if math.prod(shape) > MOST_NUMBERS:
        told = " x ".join(map(str, shape))
        raise Oversize(f"has a sparse matrix of {told} numbers; allowed are at most {MOST_NUMBERS}")
    if min(shape) < 0 or ((rows < 0) | (rows >= shape[0])).any() or ((columns < 0) | (columns >= shape[1])).any():
        raise ValueError("a place outside the matrix")
    matrix = np.zeros(shape, values.dtype if values.dtype.kind in "buif" else np.float64)
    matrix[rows, columns] = values
    return matrix


def read_mat(content: bytes) -> dict[str, MatVariable]:
    """The variables of a MATLAB file (version 5 to 7), by name. Raises ValueError where it is damaged, Oversize
    where its variables are too large to be inflated.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:HEADER_BYTES])
    if order is None:
        raise ValueError("no MATLAB 5 header")
    variables, taken = {}, 0
    for type_code, element in _elements(content[HEADER_BYTES:], order):
        matrix = element
        if type_code == COMPRESSED:
            try:
                inflated = _inflated(element, order, MOST_BYTES - taken)
                taken += len(inflated)
                type_code, matrix = next(_elements(inflated, order))
            except (zlib.error, StopIteration) as error:
                raise ValueError("damaged compression") from error
        if type_code != MATRIX:
            raise ValueError(f"element of type {type_code}")
        name, kind = _name_and_kind(matrix, order)
        if name:  # MATLAB appends nameless data of its own
            variables[name] = MatVariable(kind, matrix, order)
    return variables


def _inflated(element: bytes, order: str, most: int) -> bytes:
    """A compressed element, as far as its own first bytes say that it goes."""
    inflater = zlib.decompressobj()
    tag = inflater.decompress(element, 8)
    if len(tag) < 8:
        raise ValueError("a tag is cut off")
    _, size = struct.unpack(f"{order}II", tag)
    if size > most:
        raise Oversize(f"has variables of more than {MOST_BYTES} bytes in all, which is what is allowed")
    whole = tag + inflater.decompress(inflater.unconsumed_tail, size + 1)
    if not inflater.eof:
        raise zlib.error("longer than it says, or cut off")
    return whole


def _name_and_kind(matrix: bytes, order: str) -> tuple[str, str]:
    parts = [part for _, part in islice(_elements(matrix, order), 3)]
    if not parts or len(parts[0]) < 4:
        raise ValueError("no array flags")
    (flags,) = struct.unpack_from(f"{order}I", parts[0])
    array_class = flags & 0xFF
    if array_class not in NUMBER_CLASSES:
        has_dimensions = array_class in OTHER_CLASSES  # tables, strings and other new classes have none
        name = parts[2] if has_dimensions and len(parts) > 2 else parts[1] if len(parts) > 1 else b""
        return name.decode("latin-1"), OTHER_CLASSES.get(array_class, "object")
    if len(parts) < 3:
        raise ValueError("no name")
    return parts[2].decode("latin-1"), "complex" if flags & COMPLEX_FLAG else "numbers"


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The (type, data) pairs one after another in `content`. Raises ValueError where one ends too early."""
    at = 0
    while at < len(content):
        if len(content) - at < 8:
            raise ValueError("a tag is cut off")
        type_code, size = struct.unpack_from(f"{order}II", content, at)
        if type_code >> 16:  # up to four bytes of data lie in the tag itself
            type_code, size = type_code & 0xFFFF, type_code >> 16
            data = content[at + 4 : at + 8][:size]
            step = 8
        else:
            data = content[at + 8 : at + 8 + size]
            step = 8 + size + (0 if type_code == COMPRESSED else -size % 8)
        if len(data) < size:
            raise ValueError("an element is cut off")
        yield type_code, data
        at += step
