"""The bytes of a table's file, and how its refusals begin.

Files that end in .gz are inflated here, never beyond what `ibtui_engine.rules.limits` allows: first by the size that
the file declares of itself, then, since that may be wrong, while it is inflated.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.limits import LARGEST_FILE, LARGEST_TEXT, STRONGEST_COMPRESSION, UNSUSPICIOUS

GZIP = b"\x1f\x8b"
PIECE = 1 << 20


def refusal(path: Path, sentence: str, *, setting: str = "") -> InvalidValue:
    """The error that a table's file deserves: its name and what is wrong, in one line. `setting`: the one at fault."""
    return InvalidValue(f"table {str(path)!r} {sentence}", setting=setting)


def read_content(path: Path) -> bytes:
    """What is in a file, inflated where its name ends in .gz.

    Raises:
        InvalidValue: it cannot be read, is damaged, or is larger than allowed.
    """
    try:
        if path.is_dir():
            raise refusal(path, "is a directory, not a file")
        if not path.exists():
            raise refusal(path, "does not exist")
        if not path.is_file():
            raise refusal(path, "is not a regular file")
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise refusal(path, f"is {size} bytes; allowed are at most {LARGEST_FILE}")
        content = path.read_bytes()
    except OSError as error:
        raise refusal(path, f"cannot be read: {error.strerror or error}") from error
    return _inflated(path, content) if path.suffix.lower() == ".gz" else content


def _inflated(path: Path, content: bytes) -> bytes:
    if not content.startswith(GZIP) or len(content) < 18:
        raise refusal(path, "is not compressed by gzip, or is damaged: name it without .gz if it is not compressed")
    most = min(LARGEST_TEXT, max(UNSUSPICIOUS, STRONGEST_COMPRESSION * len(content)))
    (declared,) = struct.unpack("<I", content[-4:])
    if declared > most:
        raise refusal(
            path,
            f"says that it inflates to {declared} bytes; allowed are at most {most} for its size, "
            "unless gzip's end of it is cut off",
        )
    parts: list[bytes] = []
    total, rest = 0, content
    try:
        while rest.startswith(GZIP):  # a file may be several that were written one behind the other
            inflater = zlib.decompressobj(wbits=31)
            while not inflater.eof:
                part = inflater.decompress(rest, PIECE)
                rest = inflater.unconsumed_tail
                total += len(part)
                if total > most:
                    raise refusal(path, f"inflates to more than the {most} bytes that are allowed for its size")
                if not part and not rest and not inflater.eof:
                    raise refusal(path, "is cut off: what gzip compressed cannot be read to its end")
                parts.append(part)
            rest = inflater.unused_data
    except zlib.error as error:
        raise refusal(path, "is damaged: what gzip compressed cannot be read to its end") from error
    return b"".join(parts)
