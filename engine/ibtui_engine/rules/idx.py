"""Arrays of bytes in IDX files, the format of MNIST (LeCun, Cortes and Burges 1998), plain or compressed by gzip.

Two zero bytes, the type of the numbers (8: unsigned bytes, all that MNIST has), how many dimensions there are, the size
of each as four bytes, most significant first, then the numbers row by row, and nothing after them.
"""

from __future__ import annotations

import gzip
import math
import zlib
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.limits import MOST_NUMBERS

UNSIGNED_BYTES = 8
LARGEST = MOST_NUMBERS
"""Bytes of numbers in a file; MNIST's largest has 47 million."""
GZIP = b"\x1f\x8b"


def read_idx(path: Path, dimensions: int) -> UInt8[np.ndarray, "*shape"]:
    """The array in a file, which must have that many dimensions. Whether it is compressed is seen from its content.

    Raises:
        InvalidValue: the file cannot be read, is no IDX file of unsigned bytes, or is longer or shorter than it says.
    """
    try:
        with path.open("rb") as plain:
            compressed = plain.read(2) == GZIP
            plain.seek(0)
            content: BufferedIOBase = gzip.GzipFile(fileobj=plain) if compressed else plain
            return _array(path, content, dimensions)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _refusal(path, "is damaged: what gzip compressed cannot be read to its end") from error
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise _refusal(path, "does not fit in this machine's memory") from error


def _array(path: Path, content: BufferedIOBase, dimensions: int) -> UInt8[np.ndarray, "*shape"]:
    magic = content.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise _refusal(path, f"is not an IDX file: it begins with {magic.hex(' ') or 'nothing'}, not with 00 00")
    if magic[2] != UNSIGNED_BYTES:
        raise _refusal(path, f"holds numbers of type 0x{magic[2]:02x}; needed are unsigned bytes, 0x08")
    if magic[3] != dimensions:
        raise _refusal(path, f"holds an array of {magic[3]} dimensions; needed are {dimensions}")
    sizes = content.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _refusal(path, "is cut off within its first line, the sizes")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    whole = math.prod(shape)
    told = " x ".join(map(str, shape))
    if not 0 < whole <= LARGEST:
        raise _refusal(path, f"says that it holds {told} bytes; allowed are 1 to {LARGEST}")
    numbers = content.read(whole + 1)
    if len(numbers) < whole:
        raise _refusal(path, f"is cut off: {len(numbers)} bytes of {told}")
    if len(numbers) > whole:
        raise _refusal(path, f"is longer than the {told} bytes that it says it holds")
    return np.frombuffer(numbers, np.uint8).reshape(shape)


def _refusal(path: Path, sentence: str) -> InvalidValue:
    return InvalidValue(f"{str(path)!r} {sentence}")
