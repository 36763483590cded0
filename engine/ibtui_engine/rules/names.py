"""The names of the rules and what each stands for, for programs that must not wait for numpy.

A name is one of the built-in rules of `catalogue`, `digits`, `mnist:DIR`, `table:FILE`, or the path of a table file
itself.
"""

from __future__ import annotations

import difflib
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
TABLE_SUFFIXES = (".npz", ".mat", ".csv")
TABLE_FORM = "table:FILE"
TABLE_SENTENCE = "Patterns with labels or probabilities from an .npz, .mat or .csv file."

RULE_NAMES: Mapping[str, str] = MappingProxyType({**BUILT_IN_SENTENCES, **IMAGE_SENTENCES, TABLE_FORM: TABLE_SENTENCE})
"""Everything a rule can be called -> one sentence; the last is the form `table:FILE`."""


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
    """Whether `name` stands for a file: `table:FILE`, or a path that ends in .npz, .mat or .csv."""
    if is_images(name):
        return False
    return name.startswith(TABLE_PREFIX) or name.lower().endswith(TABLE_SUFFIXES)


def table_path(name: str) -> Path:
    """The file a table's name stands for, `~` expanded. Raises InvalidValue where `table:` names none."""
    file = name.removeprefix(TABLE_PREFIX)
    if not file.strip():
        raise InvalidValue(f"rule {name!r} names no file; write table:FILE with an .npz, .mat or .csv file")
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
    return Path(name.split(":", 1)[-1]).stem if is_table(name) else name


def require_rule_name(name: str) -> None:
    """Raise InvalidValue unless `name` is a built-in rule or stands for a table; no file is opened."""
    if is_table(name):
        table_path(name)
    elif is_images(name):
        if name != DIGITS:
            image_directory(name)
    elif name not in BUILT_IN_SENTENCES:
        close = difflib.get_close_matches(name, (*BUILT_IN_SENTENCES, DIGITS, MNIST), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InvalidValue(f"unknown rule {name!r}: choose one of {', '.join(RULE_NAMES)}{hint}")
