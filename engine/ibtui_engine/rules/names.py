"""The names of the rules and what each stands for, for programs that must not wait for numpy.

A name is one of the built-in rules of `catalogue`, `digits`, `mnist:DIR`, `table:FILE`, or the path of a table file
itself. It is parsed once, by `parse_rule_name`, into a `RuleName`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from ibtui_engine.errors import InvalidValue

BUILT_IN_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "symmetric": "12 points on a sphere, labels invariant under its rotations, nearly deterministic: "
        "the paper's setting (I(X;Y) about 0.99 bits).",
        "symmetric-soft": "The same sphere with softer labels (I(X;Y) about 0.90 bits), whose IB curve is no corner.",
        "committee": "A committee of three logistic units: labels without symmetry (I(X;Y) 0.99 bits), "
        "the paper's Figure 8.",
        "perceptron": "A teacher without hidden layer for 4096 Gaussian patterns of 30 inputs, hard labels: its "
        "students' generalisation error has a closed form.",
    }
)
"""The built-in rules: name -> one sentence."""
FIXED = ("perceptron",)
"""Built-in rules whose labels have no threshold and no sharpness to set."""

DIGITS = "digits"
MNIST = "mnist"
MNIST_PREFIX = "mnist:"
MNIST_FORM = "mnist:DIR"
MNIST_DIRECTORY = Path("data", "mnist")
"""Where `mnist` alone looks for its files."""
IMAGE_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        DIGITS: "1797 handwritten digits of 8 x 8 pixels, ten labels; comes with scikit-learn.",
        MNIST_FORM: "The handwritten digits of MNIST, 28 x 28 pixels, ten labels, from the IDX files in a directory.",
    }
)
"""The rules of images: name -> one sentence."""

TABLE_PREFIX = "table:"
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".dat", ".parquet", ".npz", ".npy", ".mat", ".arff")
"""Endings of the files that tables are read from; each may be followed by .gz."""
COMPRESSED = ".gz"
TABLE_FORM = "table:FILE"
TABLE_SENTENCE = f"Patterns with labels or probabilities from a file: {', '.join(TABLE_SUFFIXES)}, plain or .gz."

RECORDING_PREFIX = "recording:"
"""Before the name of the data of a recording, which is no rule that can be run."""

RULE_NAMES: Mapping[str, str] = MappingProxyType({**BUILT_IN_SENTENCES, **IMAGE_SENTENCES, TABLE_FORM: TABLE_SENTENCE})
"""Everything a rule can be called -> one sentence; the last is the form `table:FILE`."""


ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
"""How the name of a file ends."""


Kind = Literal["built-in", "images", "table", "recording"]


@dataclass(frozen=True)
class RuleName:
    """A rule's name, and what it stands for."""

    text: str
    """As it was written."""
    kind: Kind
    short: str
    """Without the place of its files: `symmetric`, `mnist`, the stem of a table."""
    path: Path | None = None
    """A table's file, or the directory of MNIST's files, `~` expanded; None of rules without files."""

    @property
    def of_table(self) -> bool:
        """Whether it stands for a table's file."""
        return self.kind == "table"

    @property
    def of_images(self) -> bool:
        """Whether it stands for images."""
        return self.kind == "images"

    @property
    def of_recording(self) -> bool:
        """Whether it stands for the data of a recording."""
        return self.kind == "recording"

    @property
    def settable(self) -> bool:
        """Whether the rule has a threshold and a sharpness to set."""
        return self.kind == "built-in" and self.text not in FIXED


@lru_cache(maxsize=1024)
def parse_rule_name(text: str) -> RuleName:
    """What a rule's name stands for; no file is opened.

    Raises:
        InvalidValue: it is no rule's name, or names no file where one belongs; the text says what is allowed.
    """
    kind = rule_kind(text)
    if kind == "table":
        file = text.removeprefix(TABLE_PREFIX)
        if not file.strip():
            raise InvalidValue(f"rule {text!r} names no file; write table:FILE with a file such as data.csv")
        return RuleName(text, kind, _stem(file), _expanded(file))
    if kind == "images":
        return RuleName(text, kind, text.split(":", 1)[0], _image_directory(text))
    if kind:
        return RuleName(text, kind, text.removeprefix(RECORDING_PREFIX))
    if ENDING.search(text):
        raise InvalidValue(f"cannot read {table_suffix(text)}: save it as .csv; {text!r} is neither a rule nor a table")
    close = difflib.get_close_matches(text, (*BUILT_IN_SENTENCES, DIGITS, MNIST), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise InvalidValue(f"unknown rule {text!r}: choose one of {', '.join(RULE_NAMES)}{hint}")


def rule_kind(text: str) -> Kind | Literal[""]:
    """What kind of rule a text begins to name; empty where it is none."""
    if text in BUILT_IN_SENTENCES:
        return "built-in"
    if text in (DIGITS, MNIST) or text.startswith(MNIST_PREFIX):
        return "images"
    if text.startswith(RECORDING_PREFIX):
        return "recording"
    return "table" if text.startswith(TABLE_PREFIX) or table_suffix(text) in TABLE_SUFFIXES else ""


def _image_directory(text: str) -> Path | None:
    directory = text.removeprefix(MNIST_PREFIX)
    if not directory.strip():
        raise InvalidValue(f"rule {text!r} names no directory; write {MNIST_FORM} with one that has MNIST's IDX files")
    if text == DIGITS:
        return None
    return MNIST_DIRECTORY if text == MNIST else _expanded(directory)


def _expanded(file: str) -> Path:
    path = Path(file)
    try:
        return path.expanduser()
    except RuntimeError:  # ~somebody, who has no home here: a file of that name is not found either
        return path


def table_suffix(file: str) -> str:
    """What the name of a file ends in, in small letters and before .gz; empty where it has no ending."""
    return Path(file.lower().removesuffix(COMPRESSED)).suffix


def unreadable(file: str) -> str:
    """What is wrong with a table's file of another ending, and what to do."""
    suffix = table_suffix(file)
    known = f"known are {', '.join(TABLE_SUFFIXES)}, each also with {COMPRESSED}"
    if not suffix:
        return f"table {file!r} has no suffix; {known}"
    return f"table {file!r}: cannot read {suffix}: save it as .csv ({known})"


def _stem(file: str) -> str:
    path = Path(file)
    return Path(path.stem).stem if path.suffix.lower() == COMPRESSED else path.stem
