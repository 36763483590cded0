"""Which images there are to learn from, and where: found without opening a file, for forms and commands.

Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ibtui_engine.errors import InvalidValue
from ibtui_engine.packages import require_packages
from ibtui_engine.rules.names import DIGITS, MNIST, RuleName

SOURCE = "https://ossci-datasets.s3.amazonaws.com/mnist/"
"""Where MNIST's files can be had."""
PARTS = {
    "training": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
"""Images and labels of the two parts of MNIST."""
PUBLISHED = {"training": 60_000, "test": 10_000}
MNIST_IMAGE = 784, 10
"""Inputs and labels."""
DIGITS_SIZE = 1797, 64, 10
"""Patterns, inputs and labels."""


@dataclass(frozen=True)
class Part:
    """One part of MNIST."""

    name: str
    images: Path
    labels: Path

    @property
    def published(self) -> int:
        """How many images it has as it is published."""
        return PUBLISHED[self.name]


def find_mnist(directory: Path) -> tuple[Part, ...]:
    """The parts of MNIST that are in a directory, plain or as .gz: training, test, or one of them.

    Raises:
        InvalidValue: it has neither, or the images of one without its labels; the text says where files come from.
    """
    found = []
    missing: list[str] = []
    for name, files in PARTS.items():
        there = [_find(directory, file) for file in files]
        missing += [file for file, path in zip(files, there, strict=True) if path is None and any(there)]
        if there[0] is not None and there[1] is not None:
            found.append(Part(name, there[0], there[1]))
    if missing or not found:
        wanted = missing or [file for files in PARTS.values() for file in files]
        raise InvalidValue(
            f"no {', '.join(wanted)} (or .gz) in {str(directory)!r}: get the files from {SOURCE}, name their directory "
            "by --data DIR (the last two are enough), or use the rule digits, which needs none"
        )
    return tuple(found)


def _find(directory: Path, file: str) -> Path | None:
    return next((path for path in (directory / file, directory / f"{file}.gz") if path.is_file()), None)


def require_images(name: RuleName) -> None:
    """Raise InvalidValue where `name` is a rule of images whose files are missing. Does nothing for other rules."""
    if name.of_images and name.path is None:
        require_scikit_learn()
    elif name.of_images and name.path is not None:
        find_mnist(name.path)


def require_scikit_learn() -> None:
    """Raise InvalidValue where it is not installed, saying how that is done."""
    require_packages(f"the rule {DIGITS} needs", "sklearn")


def size_of(name: RuleName) -> tuple[int, int, int] | None:
    """Patterns, inputs and labels of a rule of images, of MNIST as it is published; None of other rules.

    Raises:
        InvalidValue: MNIST's files are not there.
    """
    if not name.of_images:
        return None
    if name.path is None:
        return DIGITS_SIZE
    return sum(part.published for part in find_mnist(name.path)), *MNIST_IMAGE


def told_parts(directory: Path) -> str:
    """What the patterns of `mnist` are that a directory has, in a few words.

    Raises:
        InvalidValue: it has none.
    """
    parts = [part.name for part in find_mnist(directory)]
    if len(parts) == len(PARTS):
        return f"{MNIST}: the patterns are the training and the test images together"
    absent = next(name for name in PARTS if name not in parts)
    return f"{MNIST}: the patterns are the {parts[0]} images only; there are no {absent} images in {str(directory)!r}"
