"""Reading settings from a TOML file that anybody may have written: one line where it is none, whatever is in it.

Standard library only.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

from ibtui_engine.errors import InvalidValue

LARGEST = 1_000_000
"""Bytes of a settings file."""
DEEPEST = 64
"""Parts of a key such as `keys.session.play`: the time that reading one takes grows with their square."""


def read_toml(path: Path, called: str, *, pipes: bool = False) -> dict[str, Any]:
    """What a TOML file says; `called` is what messages call it. `pipes`: whether it may be a pipe, as of `<(command)`.

    Raises:
        InvalidValue: the file is missing, no plain file, unreadable, larger than `LARGEST` or not TOML.
    """
    import tomllib

    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InvalidValue(f"cannot read {called} {str(path)!r}: Is a directory")
        if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
            raise InvalidValue(f"cannot read {called} {str(path)!r}: it is not a plain file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InvalidValue(f"cannot read {called} {str(path)!r}: {error.strerror}") from None
    except ValueError:  # a name with a null character
        raise InvalidValue(f"cannot read {called} {str(path)!r}: no file has that name") from None
    if len(content) > LARGEST:
        raise InvalidValue(f"cannot read {called} {str(path)!r}: it must have at most {LARGEST} bytes")
    if _deepest(content) > DEEPEST:
        raise InvalidValue(f"cannot read {called} {str(path)!r}: a key in it has more than {DEEPEST} parts")
    try:
        return tomllib.loads(content.decode())
    except RecursionError:
        raise InvalidValue(f"{called} {str(path)!r} is not TOML: it is nested too deeply") from None
    except ValueError as error:  # not TOML, not UTF-8, or digits without end
        reason = " ".join(str(error).split())
        raise InvalidValue(f"{called} {str(path)!r} is not TOML: {reason}") from None


def _deepest(content: bytes) -> int:
    """How many parts with dots between them stand together somewhere, spaces aside: as many as a key has, or more."""
    words = re.findall(rb"[^\s=,\[\]{}#]+", content.replace(b" ", b"").replace(b"\t", b""))
    return 1 + max((len(re.findall(rb"[^.]\.(?=[^.])", word)) for word in words), default=0)
