"""Rules whose patterns are images: MNIST and scikit-learn's digits, each image equally likely, with its one label.

Section 4 of Shwartz-Ziv and Tishby (2017) asks whether drift and diffusion appear in large standard problems. P(X,Y) is
not known there: what stands for it is the empirical distribution of the given images, which has H(X) = log2 of their
number. A network's sample is a random fraction of all images, as of every rule, whichever part they come from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.idx import read_idx
from ibtui_engine.rules.image_files import Part, find_mnist, require_scikit_learn
from ibtui_engine.rules.limits import oversize
from ibtui_engine.rules.names import DIGITS
from ibtui_engine.rules.rule import Rule
from ibtui_engine.rules.table import mean_over_equal_rows

LABELS = 10
BRIGHTEST = 255
BRIGHTEST_DIGIT = 16


def load_mnist(directory: Path, name: str) -> Rule:
    """All images of MNIST that a directory has, inputs from 0 (paper) to 1 (ink), training images first.

    Raises:
        InvalidValue: files are missing, damaged or do not belong together.
    """
    parts = find_mnist(directory)
    images, labels = (list(column) for column in zip(*map(_read, parts), strict=True))
    if len({one.shape[1:] for one in images}) > 1:
        sizes = " and ".join(" x ".join(map(str, one.shape[1:])) for one in images)
        raise InvalidValue(f"the images in {str(directory)!r} are of different sizes: {sizes}")
    size = images[0][0].size
    if wrong := oversize(sum(map(len, images)), size, LABELS):
        raise InvalidValue(f"{str(directory)!r} has {wrong}")
    numbers = {part.name: float(len(one)) for part, one in zip(parts, labels, strict=True)}
    return _rule(name, np.concatenate(images), np.concatenate(labels).astype(np.int64), BRIGHTEST, numbers)


def _read(part: Part) -> tuple[UInt8[np.ndarray, "images height width"], UInt8[np.ndarray, " images"]]:
    images, labels = read_idx(part.images, 3), read_idx(part.labels, 1)
    if len(images) != len(labels):
        raise InvalidValue(
            f"{str(part.images)!r} has {len(images)} images, but {str(part.labels)!r} has {len(labels)} labels"
        )
    wrong = np.flatnonzero(labels >= LABELS)
    if wrong.size:
        raise InvalidValue(
            f"{str(part.labels)!r} has the label {labels[wrong[0]]} for image {wrong[0] + 1} (from 1); allowed are "
            f"0 to {LABELS - 1}"
        )
    return images, labels


def load_digits() -> Rule:
    """The 1797 handwritten digits of 8 x 8 pixels that come with scikit-learn, inputs from 0 to 1.

    Raises:
        InvalidValue: scikit-learn is not installed.
    """
    require_scikit_learn()
    from sklearn.datasets import load_digits as load

    found = load()
    images = np.rint(found.images).astype(np.uint8)
    return _rule(DIGITS, images, found.target.astype(np.int64), BRIGHTEST_DIGIT, {"images": float(len(images))})


def _rule(
    name: str,
    images: UInt8[np.ndarray, "images height width"],
    labels: Int64[np.ndarray, " images"],
    brightest: int,
    parameters: dict[str, float],
) -> Rule:
    patterns = images.reshape(len(images), -1) / np.float32(brightest)
    p_y = np.eye(LABELS)[labels]
    return Rule(name, patterns, mean_over_equal_rows(patterns, p_y), parameters)
