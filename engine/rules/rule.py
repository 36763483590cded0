"""A rule: equally likely patterns x and p(y=1|x), with the entropies and information that follow from them.

The rule is the joint distribution P(X,Y) against which layers are measured (Shwartz-Ziv and Tishby 2017,
arXiv:1703.00810, section 3.1), whatever sample of it a network was trained on.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import InvalidValue
from engine.rules.patterns import distinct_rows

if TYPE_CHECKING:
    from jaxtyping import Float32, Float64, UInt8


def binary_entropy(p: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """H(p) = -p log2 p - (1-p) log2 (1-p) in bits of each probability in [0,1], with 0 log 0 = 0."""
    p = np.asarray(p, dtype=np.float64)
    log_p = np.log2(p, out=np.zeros_like(p), where=p > 0)
    log_q = np.log1p(-p, out=np.zeros_like(p), where=p < 1) / math.log(2)  # log1p: exact for tiny p too
    return np.asarray(-(p * log_p + (1 - p) * log_q) + 0.0)


def label_information(p_y: Float64[np.ndarray, " patterns"]) -> float:
    """I(X;Y) = H(mean p) - mean H(p) in bits, for equally likely rows whose p(y=1|x) is a function of x."""
    return float(binary_entropy(p_y.mean()) - binary_entropy(p_y).mean())


@dataclass(frozen=True, eq=False)
class Rule:
    """P(X,Y) of binary labels over equally likely rows. The arrays are not to be written to.

    Raises InvalidValue where patterns and p_y do not fit together or p_y is no probability.
    """

    name: str
    """As it was chosen: `symmetric`, `committee`, `table:var_u.mat`."""
    patterns: UInt8[np.ndarray, "patterns inputs"] | Float32[np.ndarray, "patterns inputs"]
    """One row per pattern: uint8 where all inputs are 0 or 1, else float32."""
    p_y: Float64[np.ndarray, " patterns"]
    """p(y=1|x) of each row; rows with the same pattern have the same."""
    parameters: dict[str, float] = field(default_factory=dict)
    """What the rule was made with, such as theta and gamma; empty for a table."""

    def __post_init__(self) -> None:
        if self.patterns.ndim != 2 or self.patterns.dtype not in (np.uint8, np.float32):
            raise InvalidValue(
                f"rule {self.name!r}: patterns of shape {self.patterns.shape} and type "
                f"{self.patterns.dtype}; allowed are uint8 or float32, patterns x inputs"
            )
        if self.p_y.shape != self.patterns.shape[:1] or self.p_y.dtype != np.float64:
            raise InvalidValue(
                f"rule {self.name!r}: p(y|x) of shape {self.p_y.shape} and type {self.p_y.dtype} for "
                f"{len(self.patterns)} patterns; allowed is one float64 for each"
            )
        if not ((self.p_y >= 0) & (self.p_y <= 1)).all():
            raise InvalidValue(f"rule {self.name!r}: p(y|x) must lie in [0, 1] everywhere")

    @property
    def inputs(self) -> int:
        """Number of inputs of a pattern."""
        return int(self.patterns.shape[1])

    @cached_property
    def h_x(self) -> float:
        """H(X) in bits: log2 of the number of rows (12 for the built-in rules), less where rows are equal."""
        counts = distinct_rows(self.patterns).counts
        rows = len(self.patterns)
        return math.log2(rows) - float((counts * np.log2(counts)).sum()) / rows

    @cached_property
    def p_y1(self) -> float:
        """p(y=1), the mean of p(y=1|x) over rows."""
        return float(self.p_y.mean())

    @cached_property
    def h_y(self) -> float:
        """H(Y) in bits, at most 1."""
        return float(binary_entropy(np.asarray(self.p_y1)))

    @cached_property
    def i_xy(self) -> float:
        """I(X;Y) in bits, between 0 and `h_y`."""
        return max(label_information(self.p_y), 0.0)

    @cached_property
    def classes(self) -> int:
        """How many different values p(y|x) takes: patterns of one class are the same to the IB curve."""
        return int(np.unique(self.p_y).size)

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the patterns' type, shape and bytes and of p(y|x): equal for equal rules."""
        patterns = np.ascontiguousarray(self.patterns)
        digest = hashlib.sha256(f"{patterns.dtype.str}{patterns.shape}".encode())
        digest.update(patterns.tobytes())
        digest.update(np.ascontiguousarray(self.p_y).tobytes())
        return digest.hexdigest()
