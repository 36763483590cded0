"""How arrays are written into a session: plain bytes that any program can read, nothing that could be executed."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.errors import damaged
from ibtui_engine.session.limits import LARGEST_WEIGHTS

if TYPE_CHECKING:
    from jaxtyping import Float32, Int64, Num, UInt8

    from ibtui_engine.session.columns import Column

LEVEL = 1
"""zlib's fastest: higher levels save under 2 % of weights and take three times as long."""
CHUNK = 1 << 20
"""Bytes that are decompressed at a time."""


def pack_weights(weights: Float32[np.ndarray, "networks parameters"]) -> bytes:
    """Compressed little-endian float32. All first bytes come first, then all second ones, ...: exponents are alike."""
    planes = np.ascontiguousarray(weights, "<f4").reshape(-1, 1).view(np.uint8).T
    return zlib.compress(planes.tobytes(), LEVEL)


def unpack_weights(data: bytes, networks: int, parameters: int) -> Float32[np.ndarray, "networks parameters"]:
    """The inverse of `pack_weights`. Raises SessionError where the bytes are not of that shape."""
    size = networks * parameters * 4
    if size > LARGEST_WEIGHTS:
        raise damaged(None, f"{size} bytes of weights; allowed are at most {LARGEST_WEIGHTS}")
    planes = np.frombuffer(inflate(data, size), np.uint8).reshape(4, -1)
    flat = np.ascontiguousarray(planes.T).view("<f4")
    weights = flat.reshape(networks, parameters).astype(np.float32, copy=False)
    if not np.isfinite(weights).all():
        raise damaged(None, "some of its weights are no finite numbers")
    return weights


def pack_numbers(numbers: np.ndarray) -> bytes:
    """Compressed little-endian numbers in row-major order."""
    return zlib.compress(np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<")).tobytes(), 6)


def unpack_numbers(data: bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of `pack_numbers`. Raises SessionError where the bytes are not of that shape."""
    kind = np.dtype(dtype)
    size = kind.itemsize * math.prod(shape)
    return np.frombuffer(inflate(data, size), kind.newbyteorder("<")).reshape(shape).astype(kind, copy=False)


def pack_bits(flags: UInt8[np.ndarray, " n"]) -> bytes:
    """One bit a flag, the first in the most significant place."""
    return np.packbits(flags).tobytes()


def unpack_bits(data: bytes, count: int) -> UInt8[np.ndarray, " n"]:
    """The inverse of `pack_bits`. Raises SessionError where there are too few bytes."""
    if not isinstance(data, bytes) or len(data) != -(-count // 8):
        raise damaged(None, f"its {count} flags are unreadable")
    return np.unpackbits(np.frombuffer(data, np.uint8), count=count)


def inflate(data: bytes, size: int) -> bytearray:
    """Decompress to exactly `size` bytes, never to more, whatever the data says; memory is used as they come."""
    if size < 0:
        raise damaged(None, f"{size} bytes of numbers belong in it")
    try:
        found = bytearray(size)  # the machine gives its pages when they are written to
        end = _inflate_into(memoryview(found), data)
    except (zlib.error, TypeError, OverflowError, MemoryError) as error:
        raise damaged(None, f"compressed numbers are unreadable ({error})") from error
    if end != size:
        there = "more, or cut off" if end is None else end
        raise damaged(None, f"{there} bytes of numbers where {size} belong")
    return found


def _inflate_into(found: memoryview, data: bytes) -> int | None:
    """How many bytes the data are, from its beginning to its end mark; None where there is no room for them all, or no
    such mark.
    """
    inflater, at, compressed = zlib.decompressobj(), 0, memoryview(data)
    for start in range(0, len(compressed), CHUNK):
        piece: bytes | memoryview = compressed[start : start + CHUNK]
        while True:
            chunk = inflater.decompress(piece, min(CHUNK, len(found) - at + 1))  # one more: the end is to be seen
            if at + len(chunk) > len(found):
                return None
            found[at : at + len(chunk)] = chunk
            at += len(chunk)
            piece = inflater.unconsumed_tail
            if inflater.eof or not (chunk or piece):
                break
        if inflater.eof:
            return at
    return None


def members_and_labels(
    patterns: Int64[np.ndarray, " samples"], labels: UInt8[np.ndarray, " samples"], total: int, kinds: int = 2
) -> tuple[bytes, bytes]:
    """A sample as two strings over all patterns: bits that say which are in it, and their labels, as bits where there
    are two `kinds` of them, else as bytes.
    """
    flags = np.zeros((2, total), np.uint8)
    flags[0, patterns] = 1
    flags[1, patterns] = labels
    return pack_bits(flags[0]), pack_bits(flags[1]) if kinds == 2 else flags[1].tobytes()


def unpack_labels(data: bytes, count: int, kinds: int) -> UInt8[np.ndarray, " n"]:
    """The labels of `members_and_labels`. Raises SessionError where the bytes are no such labels."""
    if kinds == 2:
        return unpack_bits(data, count)
    labels = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else np.empty(0, np.uint8)
    if labels.size != count or (labels >= kinds).any():
        raise damaged(None, f"its {count} labels are unreadable")
    return labels.copy()


def cells(column: Column, values: Num[np.ndarray, " ..."]) -> list[int | float | None]:
    """What is written into a column; None where a value is not finite and the column may lack it."""
    numbers: list[int | float] = values.ravel().tolist()
    return list(numbers) if column.always else [number if math.isfinite(number) else None for number in numbers]
