"""The names of the rules and what each stands for, for programs that must not wait for numpy.

A name is one of the built-in rules of `catalogue`, `digits`, `mnist:DIR`, `table:FILE`, or the path of a table file
itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

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
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".npz", ".npy", ".mat", ".arff")
"""Endings of the files that tables are read from; each may be followed by .gz."""
COMPRESSED = ".gz"
TABLE_FORM = "table:FILE"
TABLE_SENTENCE = f"Patterns with labels or probabilities from a file: {', '.join(TABLE_SUFFIXES)}, plain or .gz."

RULE_NAMES: Mapping[str, str] = MappingProxyType({**BUILT_IN_SENTENCES, **IMAGE_SENTENCES, TABLE_FORM: TABLE_SENTENCE})
"""Everything a rule can be called -> one sentence; the last is the form `table:FILE`."""


ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
"""How the name of a file ends."""


def is_images(name: str) -> bool:
    """Whether `name` stands for images: `digits`, `mnist` or `mnist:DIR`."""
    return name in (DIGITS, MNIST) or name.startswith(MNIST_PREFIX)


def image_directory(name: str) -> Path:
    """The directory in which `mnist` or `mnist:DIR` looks for its files, `~` expanded. Raises InvalidValue where
    `mnist:` names none.
    """
    directory = name.removeprefix(MNIST_PREFIX)
    if not directory.strip():
        raise InvalidValue(f"rule {name!r} names no directory; write {MNIST_FORM} with one that has MNIST's IDX files")
    return MNIST_DIRECTORY if name == MNIST else _expanded(directory)


def is_table(name: str) -> bool:
    """Whether `name` stands for a file: `table:FILE`, or a path that ends as tables do."""
    if is_images(name):
        return False
    return name.startswith(TABLE_PREFIX) or table_suffix(name) in TABLE_SUFFIXES


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


def table_path(name: str) -> Path:
    """The file a table's name stands for, `~` expanded. Raises InvalidValue where `table:` names none."""
    file = name.removeprefix(TABLE_PREFIX)
    if not file.strip():
        raise InvalidValue(f"rule {name!r} names no file; write table:FILE with a file such as data.csv")
    return _expanded(file)


def _expanded(file: str) -> Path:
    path = Path(file)
    try:
        return path.expanduser()
    except RuntimeError:  # ~somebody, who has no home here: a file of that name is not found either
        return path


def short_name(name: str) -> str:
    """A rule's name without the place of its files: `symmetric`, `mnist`, the stem of a table."""
    if is_images(name):
        return name.split(":", 1)[0]
    if not is_table(name):
        return name
    stem = Path(name.split(":", 1)[-1])
    return Path(stem.stem).stem if stem.suffix.lower() == COMPRESSED else stem.stem


def require_rule_name(name: str) -> None:
    """Raise InvalidValue unless `name` is a built-in rule or stands for a table; no file is opened."""
    if is_table(name):
        table_path(name)
    elif is_images(name):
        if name != DIGITS:
            image_directory(name)
    elif name not in BUILT_IN_SENTENCES:
        if ENDING.search(name):
            raise InvalidValue(f"cannot read {table_suffix(name)}: save it as .csv; {name!r} is no rule and no table")
        close = difflib.get_close_matches(name, (*BUILT_IN_SENTENCES, DIGITS, MNIST), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InvalidValue(f"unknown rule {name!r}: choose one of {', '.join(RULE_NAMES)}{hint}")
