"""The outputs of one layer on all patterns, of any width: read a block of units at a time, in double precision.

A layer may have a million units (a convolution's outputs, flattened): its outputs in double precision need not all be
there at once. Distances between patterns need no more numbers than there are patterns: where a layer is wider than
that, points with the same distances are made from the matrix of inner products.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float64, Int64, Real

from ibtui_engine.activations import LIMITS, SATURATED

BLOCK_NUMBERS = 4_000_000
"""Outputs of a block, at most: 32 MB in double precision."""
ROUNDING = 4 * np.finfo(np.float64).eps
"""Inner products that are smaller than this share of the largest, times their number, are rounding alone."""

_STRETCH: dict[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sigmoid": lambda z: math.tanh(z / 2),
    "softsign": lambda z: z / (1 + z),
}
"""How far from its middle the output of a pre-activation is, as a share of the way to its bounds."""


class LayerOutputs:
    """One layer's outputs: an array of patterns x units that is only read, and never copied whole."""

    def __init__(self, outputs: Real[np.ndarray, "patterns units"]) -> None:
        self._outputs = outputs
        self.patterns, self.units = outputs.shape
        with np.errstate(invalid="ignore"):
            self.low, self.high = float(outputs.min()), float(outputs.max())

    @property
    def finite(self) -> bool:
        """Whether every output is a finite number."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def broken(self) -> tuple[int, int]:
        """How many outputs are no finite numbers, and of how many patterns."""
        outputs, patterns = 0, 0
        step = max(BLOCK_NUMBERS // self.units, 1)
        for begin in range(0, self.patterns, step):
            wrong = ~np.isfinite(self._outputs[begin : begin + step])
            outputs += int(np.count_nonzero(wrong))
            patterns += int(np.count_nonzero(wrong.any(axis=1)))
        return outputs, patterns

    def blocks(
        self, patterns: Int64[np.ndarray, " chosen"] | slice = slice(None)
    ) -> Iterator[Float64[np.ndarray, "some_units chosen"]]:
        """The outputs of some patterns (by default all), one row a unit, as many units at a time as fit a block."""
        step = max(BLOCK_NUMBERS // self.patterns, 1)
        for begin in range(0, self.units, step):
            block = self._outputs[:, begin : begin + step][patterns]
            yield np.ascontiguousarray(block.T, np.float64)

    def shares(self, activation: str | None) -> tuple[float, float]:
        """Shares of the outputs that are saturated, and whose pre-activation is beyond the activation's linear range,
        both by the outputs alone; NaN where that has no meaning (`ibtui_engine.activations.LIMITS`, whose keys the
        activations are) and where the activation is not known.
        """
        if activation is None:
            return math.nan, math.nan
        limits = LIMITS[activation]
        near = _STRETCH[activation](limits.linear) if activation in _STRETCH else math.nan
        first = second = 0
        for block in self.blocks():
            if activation == "relu":
                first += int(np.count_nonzero(block <= limits.saturated))
            else:
                size = np.abs(2 * block - 1 if activation == "sigmoid" else block)
                first += int(np.count_nonzero(size > SATURATED))
                second += int(np.count_nonzero(size > near))
        whole = self.units * self.patterns
        return (
            math.nan if math.isnan(limits.saturated) else first / whole,
            math.nan if math.isnan(limits.linear) else second / whole,
        )

    def mean_square(self) -> float:
        """The sum over units of the outputs' variance over patterns: the mean squared distance from the mean."""
        total = 0.0
        for block in self.blocks():
            block = block - block.mean(axis=1, keepdims=True)
            total += float(np.einsum("ij,ij->", block, block))
        return float(total / self.patterns)

    def inner_products(self, chosen: Int64[np.ndarray, " chosen"] | slice) -> Float64[np.ndarray, "chosen chosen"]:
        """Inner products of some patterns' outputs, less their mean."""
        found = None
        for block in self.blocks(chosen):
            block = block - block.mean(axis=1, keepdims=True)
            part = block.T @ block
            found = part if found is None else np.add(found, part, out=found)
        assert found is not None
        return np.asarray(found)

    def points(
        self, chosen: Int64[np.ndarray, " chosen"] | slice = slice(None)
    ) -> Float64[np.ndarray, "chosen coordinates"]:
        """Points with the distances of some patterns' outputs, centred, in no more dimensions than there are of them.

        Where the layer is no wider than that, these are the outputs less their mean. Else they come from a pivoted
        Cholesky factor of the inner products (Higham 2002, section 10.3), and squared distances below about 1e-12 of
        the largest are lost.
        """
        count = self.patterns if isinstance(chosen, slice) else len(chosen)
        if self.units <= count:
            points = np.concatenate([block.T for block in self.blocks(chosen)], axis=1)
            return np.asarray(points - points.mean(axis=0))
        return factor(self.inner_products(chosen))


def factor(products: Float64[np.ndarray, "points points"]) -> Float64[np.ndarray, "points coordinates"]:
    """Points with these inner products, in as many dimensions as they need."""
    from scipy.linalg.lapack import dpstrf

    largest = float(products.diagonal().max(initial=0.0))
    if not largest > 0:
        return np.zeros((len(products), 1))
    upper, pivots, rank, _ = dpstrf(products, tol=ROUNDING * len(products) * largest)
    points = np.empty((len(products), rank))
    points[pivots - 1] = np.triu(upper)[:rank].T
    return points
