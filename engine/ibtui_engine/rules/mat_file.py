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
MATRIX, COMPRESSED = 14, 15
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
    """"numbers", or why it is none: "cell", "struct", "char", "sparse", "complex", "object"."""
    content: bytes
    """The matrix element's parts: flags, dimensions, name, values."""
    order: str
    """Byte order, "<" or ">"."""

    def numbers(self) -> np.ndarray:
        """The matrix, of whatever number type it is stored in. Raises ValueError where it is damaged."""
        _, (_, raw_dimensions), _, (type_code, values) = islice(_elements(self.content, self.order), 4)
        dimensions = np.frombuffer(raw_dimensions, dtype=f"{self.order}i4").tolist()
        if type_code not in NUMBER_TYPES:
            raise ValueError(f"values of type {type_code}")
        array = np.frombuffer(values, dtype=self.order + NUMBER_TYPES[type_code])
        if min(dimensions) < 0 or math.prod(dimensions) != array.size:
            raise ValueError(f"{array.size} values for dimensions {dimensions}")
        return array.reshape(dimensions, order="F")


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
