"""What measured numbers cannot say: layers at the ceiling, and data processing inequalities that they break.

X, T_1, ..., T_K form a chain, so that in truth (Shwartz-Ziv and Tishby 2017, Eq. 5 and 6)

    H(X) >= I(X;T_1) >= I(X;T_2) >= ...,        I(X;Y) >= I(T_1;Y) >= I(T_2;Y) >= ...

for every network. A layer in which every pattern has its own t has I(X;T) = H(X) whatever it computes: the number is
the estimator's, not the layer's. Only numpy is needed, no compiler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.settings import OWN_NOISE
from ibtui_engine.statistics import greatest, mean

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64

ROUNDING = 1e-9
"""Bits by which sums of thousands of terms may be off."""
NEARLY = 0.01
"""Bits below H(X) at which a lower bound counts as being at the ceiling: Gaussians are never quite apart."""

ESTIMATES = ("i_x", "i_y", "i_x_lower", "i_x_error", "i_x_most")
"""What tells whether a layer is at the ceiling, as snapshots and histories call it."""
ERRORS = 3.0
"""Standard errors by which what is sampled may break an inequality."""

WHY_CEILING = {
    "binning": "the bins separate every pattern",
    "adaptive": "the bins separate every pattern",
    "quantile": "the bins separate every pattern",
    "kde": "the noise is too small to confuse any patterns",
    "exact": "every pattern has outputs of its own",
    "gauss": "the noise is too small to confuse any patterns",
    "renyi": "the kernel is too narrow to confuse any patterns",
    "probe": "a linear classifier reads all that there is of the label",
    OWN_NOISE: "the units' own noise is too small to confuse any patterns",
}
"""By estimator: why I(X;T) is H(X) there, and says nothing of the layer."""

_BINS = (
    "binned layers are no chain: a layer computes from the outputs below it before they are binned, so its bins can "
    "tell patterns apart that the bins below have merged"
)
WHY_VIOLATION = {
    "binning": _BINS,
    "adaptive": _BINS,
    "quantile": _BINS,
    "kde": "each layer gets noise of its own that the next layer does not see, so layers with noise are no chain",
    "exact": "equal outputs make equal outputs above them, so this can only be rounding or a damaged file",
    "gauss": "each layer gets noise of its own that the next layer does not see, so layers with noise are no chain",
    "renyi": "what the kernels give is no Shannon information, for which alone the inequality holds",
    "probe": "what a linear classifier reads is a lower bound, which may rise from layer to layer",
    OWN_NOISE: "the layers of stochastic units are a chain, so this can only be rounding or a damaged file",
}
"""By estimator: how an inequality that holds for layers can fail for what is measured of them."""


@dataclass(frozen=True)
class Ceiling:
    """A layer that is at the ceiling in some networks at an epoch."""

    layer: int
    """From 1, next to the input."""
    networks: int
    """In how many of them."""
    of: int
    """How many have a value."""


@dataclass(frozen=True)
class Violation:
    """A layer that seems to know more than what it is computed from."""

    quantity: str
    """`i_x` for I(X;T), `i_y` for I(T;Y)."""
    layer: int
    """The layer that exceeds, from 1."""
    below: int
    """The layer that it exceeds, 0 for the input: H(X), or I(X;Y)."""
    networks: int
    """In how many networks, at one snapshot or more."""
    of: int
    """How many networks have a value."""
    snapshots: int
    """At how many snapshots, in one network or more."""
    largest: float
    """The largest excess of any network, bits."""
    of_means: float
    """The largest excess of the mean over networks, bits; 0 or less where the means keep the inequality."""


def at_ceiling(
    i_x: Float64[np.ndarray, "*shape"], h_x: float, i_x_lower: Float64[np.ndarray, "*shape"] | None = None
) -> Bool[np.ndarray, "*shape"]:
    """Where I(X;T) is H(X) = `h_x`, in bits: where there are as many different t as different patterns.

    Of bounds, the lower one has to come close to it. A value that is not finite is absent.
    """
    reached = np.asarray(np.isfinite(i_x) & (i_x >= h_x - ROUNDING))
    if i_x_lower is None:
        return reached
    return np.where(np.isnan(i_x_lower), reached, np.asarray(i_x_lower >= h_x - NEARLY))


def layers_at_ceiling(
    estimator: str,
    found: Mapping[str, Float64[np.ndarray, "*shape"]],
    h_x: float,
    i_xy: float,
) -> Bool[np.ndarray, "*shape"]:
    """Where the numbers of a layer are the most that the estimator can say, whatever the layer computes.

    Args:
        estimator: what the numbers come from.
        found: `ESTIMATES`, of any shape; NaN is absent.
        h_x: H(X) in bits, the ceiling of I(X;T) but for `renyi`, whose is `i_x_most`. What is sampled (`gauss`) or has
            a lower bound (`kde`) comes within `NEARLY` of it, and so does `renyi`.
        i_xy: I(X;Y) in bits, that of I(T;Y), which is all that `probe` has.
    """
    i_x, i_y, lower, error, most = (found[name] for name in ESTIMATES)
    if estimator == "probe":
        return np.asarray(np.isfinite(i_y) & (i_y >= i_xy - NEARLY))
    if estimator == "renyi":
        return np.asarray(np.isfinite(i_x) & (i_x >= np.where(np.isnan(most), h_x, most) - NEARLY))
    return at_ceiling(i_x, h_x, np.where(np.isfinite(error), i_x, lower))


def ceilings(
    reached: Bool[np.ndarray, "networks layers"], known: Bool[np.ndarray, "networks layers"]
) -> tuple[Ceiling, ...]:
    """The layers that are at the ceiling in one network or more (`layers_at_ceiling`), of those that are `known`."""
    reached, known = reached.sum(axis=0), known.sum(axis=0)
    return tuple(
        Ceiling(layer, int(count), int(of))
        for layer, (count, of) in enumerate(zip(reached, known, strict=True), start=1)
        if count
    )


def violations(
    i_x: Float64[np.ndarray, "snapshots networks layers"],
    i_y: Float64[np.ndarray, "snapshots networks layers"],
    h_x: float,
    i_xy: float,
    i_x_lower: Float64[np.ndarray, "snapshots networks layers"] | None = None,
    i_y_lower: Float64[np.ndarray, "snapshots networks layers"] | None = None,
) -> tuple[Violation, ...]:
    """Where the inequalities fail beyond rounding, for each layer and the one below it.

    They are checked network by network: each is a chain of its own. Of bounds, a layer exceeds another only where its
    lower bound is above the other's upper one.
    """
    found = []
    for quantity, upper, lower, bound in (("i_x", i_x, i_x_lower, h_x), ("i_y", i_y, i_y_lower, i_xy)):
        if upper.size == 0:
            continue
        excess = _excess(upper, lower, bound)
        known = np.isfinite(excess)
        broken = excess > ROUNDING
        for k in np.flatnonzero(broken.any(axis=(0, 1))).tolist():
            of_network = np.where(known[:, :, k], excess[:, :, k], 0.0)
            found.append(
                Violation(
                    quantity=quantity,
                    layer=k + 1,
                    below=k,
                    networks=int(broken[:, :, k].any(axis=0).sum()),
                    of=int(known[:, :, k].any(axis=0).sum()),
                    snapshots=int(broken[:, :, k].any(axis=1).sum()),
                    largest=float(of_network[broken[:, :, k]].max()),
                    of_means=float(greatest(mean(excess[:, :, k], axis=1))),
                )
            )
    return tuple(found)


def broken_snapshots(
    i_x: Float64[np.ndarray, "snapshots networks layers"],
    i_y: Float64[np.ndarray, "snapshots networks layers"],
    h_x: float,
    i_xy: float,
    i_x_lower: Float64[np.ndarray, "snapshots networks layers"] | None = None,
    i_y_lower: Float64[np.ndarray, "snapshots networks layers"] | None = None,
) -> int:
    """At how many snapshots an inequality fails beyond rounding in one network or more: those with `violations`."""
    excesses = np.stack([_excess(i_x, i_x_lower, h_x), _excess(i_y, i_y_lower, i_xy)])
    return int((excesses > ROUNDING).any(axis=(0, 2, 3)).sum())


def _excess(
    upper: Float64[np.ndarray, "snapshots networks layers"],
    lower: Float64[np.ndarray, "snapshots networks layers"] | None,
    bound: float,
) -> Float64[np.ndarray, "snapshots networks layers"]:
    """By how many bits each layer is above the one below it, the first above the bound; NaN where that is unknown."""
    least = upper if lower is None else np.where(np.isnan(lower), upper, lower)
    most = np.concatenate([np.full_like(upper[:, :, :1], bound), upper[:, :, :-1]], axis=2)
    with np.errstate(invalid="ignore"):  # values that are not finite are absent
        excess = least - most
    return np.where(np.isfinite(excess), excess, np.nan)
