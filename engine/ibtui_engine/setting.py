"""What one setting of an experiment is: declared once, in `ibtui_engine.settings`.

From the declaration follow what values are allowed and the message that refuses others, the options of commands with
their help, and the fields of the app's form. Standard library only.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from typing import Any, Literal

from ibtui_engine.errors import InvalidValue, either, shown

WHAT = "What runs"
HOW = "How it is trained"
MEASURED = "What is measured"
MACHINE = "Machine"
PANELS = (WHAT, HOW, MEASURED, MACHINE)
"""Groups of settings, in the order in which they are shown."""


def written(name: str) -> str:
    """A setting's name as commands, files and messages have it: `learning-rate`."""
    return name.replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting."""

    label: str
    """Its name on a form."""
    kind: Literal["text", "whole", "epoch", "number", "choice", "flag", "widths"]
    """Texts, widths and epochs (whole numbers up to the last one) are checked by the experiment, which knows more."""
    panel: str
    """One of `PANELS`."""
    about: str
    """What it is, for the help of a command: a sentence or two with unit and range."""
    hint: str = ""
    """Unit and range in a few words, for a form."""
    allowed: str = ""
    """What numbers are allowed, as a message says it."""
    low: float = -math.inf
    """Numbers are above this one,"""
    least: float = -math.inf
    """at least this one,"""
    below: float = math.inf
    """below this one,"""
    most: float = math.inf
    """and at most this one."""
    words: tuple[str, ...] = ()
    """Texts that are allowed beside numbers."""
    choices: tuple[str, ...] = ()
    """What is allowed, of the kind `choice`."""
    suggested: tuple[str, ...] = ()
    """Values to pick from, as they are written; others are allowed, too."""
    grid: bool = False
    """Whether it may have several values, each of which makes ensembles of its own."""
    listed: bool = False
    """Whether it is a list that belongs to all ensembles."""
    named: str = "{}"
    """How a value is told from others in an ensemble's name, such as `batch {}`."""
    unset: str = ""
    """What None stands for, where None is allowed."""
    metavar: str | None = None
    """What the help of a command calls its value."""
    of: str = ""
    """The optimiser that it is a setting of, where it is one of that alone."""
    beside: tuple[tuple[str, Any], ...] = ()
    """Values of other settings with which all of its own are allowed, where they are not by themselves."""

    @property
    def several(self) -> bool:
        """Whether it holds several values."""
        return self.grid or self.listed

    @property
    def known(self) -> tuple[str, ...]:
        """Values to pick from."""
        return self.choices or self.suggested or (("yes", "no") if self.kind == "flag" else ())

    def require(self, name: str, value: object) -> None:
        """Check one value, or one of a list.

        Raises:
            InvalidValue: it is not allowed; the text names the setting, the value and what is.
        """
        if (value is None and self.unset) or (isinstance(value, str) and value in self.words):
            return
        name = written(name)
        match self.kind:
            case "whole":
                if not is_whole(value) or not self.least <= value <= self.most:  # type: ignore[operator]
                    allowed = f"a whole number from {self.least:.0f} to {self.most:.0f}"
                    more = f" or {', '.join(self.words)}" if self.words else ""
                    raise InvalidValue(f"{name} must be {allowed}{more}, got {shown(value)}")
            case "number":
                if not self._is_in_range(value):
                    raise InvalidValue(f"{name} must be {self.allowed}, got {shown(value)}")
            case "choice":
                if value not in self.choices:
                    raise InvalidValue(f"{name} must be {either(self.choices)}, got {shown(value)}")
            case "flag":
                if not isinstance(value, bool):
                    raise InvalidValue(f"{name} must be true or false, got {shown(value)}")

    def _is_in_range(self, value: object) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= sys.float_info.max:
            return False
        return self.low < value < self.below and self.least <= value <= self.most

    def text(self, value: Any) -> str:
        """A value as people write it; empty for None."""
        return ", ".join(_text(one) for one in value) if self.several else _text(value)

    def read(self, text: str) -> Any:
        """What people wrote, as `Experiment.override` takes it; None for nothing, where that is allowed.

        Raises:
            ValueError: it is no number, or neither yes nor no.
        """
        stripped = text.strip()
        if self.unset and not stripped:
            return None
        if not self.several:
            return self._read_one(stripped)
        # The name of a file may have blanks, and commas that no blank follows.
        parts = re.split(r",\s+", stripped) if self.kind == "text" else stripped.replace(",", " ").split()
        return [self._read_one(part) for part in parts if part]

    def _read_one(self, text: str) -> Any:
        if text in self.words:
            return text
        match self.kind:
            case "whole":
                return int(text) if not self.words or text.lstrip("-").isdecimal() else text
            case "epoch":
                return int(text)
            case "number":
                return float(text)
            case "flag":
                if text.lower() not in ("yes", "no"):
                    raise ValueError
                return text.lower() == "yes"
        return text


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return "-".join(map(str, value)) if value else "none"
        case float():
            short = f"{value:g}"
            return short if float(short) == value else repr(value)
    return f"{value}"
