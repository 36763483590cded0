"""What can go wrong, as one family: a front end catches `EngineError` and prints its sentence.

Each exception's text is one line that names the value at fault and what is allowed or what to do. Names and values come
from outside and may be of any length: `shown` writes a value, and every message shortens what is still too long in it.
"""

from __future__ import annotations

import re
import reprlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LONGEST_VALUE = 80
"""Characters of a value in a message."""
LONGEST_WORD = 500
"""Characters of a word, or of what stands between quotes, in a message: longer ones lose their middle. Most paths are
shorter, and can be copied from the message."""
_LONG = re.compile(rf"(?<=')[^']{{{LONGEST_WORD + 1},}}(?=')|\S{{{LONGEST_WORD + 1},}}")


def shortened(text: str) -> str:
    """A message in which no word, and nothing between quotes, is longer than `LONGEST_WORD`."""
    if len(text) <= LONGEST_WORD:
        return text
    return _LONG.sub(lambda found: _without_middle(found[0], LONGEST_WORD), text)


def shown(value: object) -> str:
    """A value as a message shows it: as Python writes it, in about `LONGEST_VALUE` characters at most."""
    return _SHORT.repr(value)


def printable(text: str) -> str:
    """Text from outside without control characters, line breaks or escape sequences: they are shown as code."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def either(words: Iterable[str]) -> str:
    """`A`, `A or B`, `A, B or C`: what a message offers to choose from."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _without_middle(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    end = (most - 5) // 3
    return f"{text[: most - 5 - end]} ... {text[-end:]}"


class _Short(reprlib.Repr):
    """Never writes out a long value to cut it afterwards: a gigabyte of text, lists nested a thousand deep, numbers of
    so many digits that Python refuses to write them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = LONGEST_VALUE

    def repr(self, x: object) -> str:
        return _without_middle(super().repr(x), LONGEST_VALUE + 2)

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 8 * LONGEST_VALUE:
            return f"a whole number of about {int(x.bit_length() * 0.30103)} digits"
        return repr(x)

    def repr_str(self, x: str, level: int) -> str:
        if len(x) <= LONGEST_VALUE:
            return repr(x)
        return repr(_without_middle(f"{x[:LONGEST_VALUE]}{x[-LONGEST_VALUE:]}", LONGEST_VALUE))

    def repr_bytes(self, x: bytes, level: int) -> str:
        return repr(x) if len(x) <= LONGEST_VALUE // 4 else f"{len(x)} bytes"


_SHORT = _Short()


class EngineError(Exception):
    """Anything the engine refuses or cannot do, said in one line."""

    def __init__(self, sentence: str) -> None:
        super().__init__(shortened(sentence))


class InvalidValue(EngineError):
    """A setting, a file's content or a request that is outside what is allowed."""

    def __init__(self, sentence: str, *, setting: str = "") -> None:
        """`setting`: the one at fault, by its name in `Experiment`, where it takes more than its value to see that."""
        super().__init__(sentence)
        self.setting = setting


class SessionError(EngineError):
    """A session file that is missing, not a session, damaged, of a newer version or in use."""


def damaged(path: Path | str | None, what: object) -> SessionError:
    """The error of a session file that holds `what` no run has written. None: a file that the caller knows."""
    return SessionError(f"{'the session' if path is None else f'session {str(path)!r}'} is damaged: {what}")


class LockedError(SessionError):
    """A session file that another program holds at the moment."""


class ReplacedError(SessionError):
    """A session file in whose place there is another one now."""


class StorageError(EngineError):
    """The machine would not store what was measured: the disk is full or cannot be written."""


class NoLocksError(StorageError):
    """A session file on a file system that has no file locks."""


class TrainingError(EngineError):
    """Training cannot go on: a network's weights have left the range of floating point."""


class ClusterError(EngineError):
    """A cluster that does not answer any more, or whose workers fail again and again."""


class TooLittleMemory(EngineError):
    """This process may not have the memory that computing takes at least."""
