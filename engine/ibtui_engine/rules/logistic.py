"""From a statistic f(x) to the log-odds of p(y=1|x), gamma (f(x) - theta), and choosing theta and gamma.

Shwartz-Ziv and Tishby (arXiv:1703.00810, section 3.1) choose theta so that p(y=1) is about 0.5 and gamma
so that I(X;Y) is about 0.99 bits; both are solved for here by bisection to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float64

from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.log_odds import logistic
from ibtui_engine.rules.rule import binary_entropy, label_information

Theta = float | Literal["auto"]
"""A threshold of f, or "auto": the one for which p(y=1) is 0.5."""


def label_log_odds(f: Float64[np.ndarray, " patterns"], theta: float, gamma: float) -> Float64[np.ndarray, " patterns"]:
    """gamma (f(x) − theta), the log-odds of y = 1, of every pattern; patterns with equal f get exactly equal ones."""
    values, index = np.unique(f, return_inverse=True)
    return _log_odds(values, theta, gamma)[index]


def balanced_theta(f: Float64[np.ndarray, " patterns"], gamma: float) -> float:
    """The theta at which the mean of p(y=1|x) is 0.5: p(y=1) falls with theta, and f's range brackets it."""
    return _bisect(lambda theta: float(_probability(f, theta, gamma).mean()) <= 0.5, f.min(), f.max())


def hard_information(f: Float64[np.ndarray, " patterns"], theta: Theta) -> float:
    """I(X;Y) in bits as gamma grows without bound: what the hard labels, f(x) > theta, carry.

    Patterns exactly at theta stay at p = 0.5. With theta "auto" the class of f in the middle keeps the p
    in [0,1) that balances the others.
    """
    if theta != "auto":
        return label_information((1 + np.sign(f - theta)) / 2)
    _, counts = np.unique(f, return_counts=True)
    up_to = counts.cumsum()
    middle = np.searchsorted(2 * up_to, f.size)
    p_middle = (2 * up_to[middle] - f.size) / (2 * counts[middle])
    return 1 - float(counts[middle] / f.size * binary_entropy(p_middle))


def gamma_for_information(f: Float64[np.ndarray, " patterns"], theta: Theta, wanted_bits: float) -> float:
    """The gamma for which I(X;Y) is `wanted_bits`; theta "auto" is balanced again for each gamma tried.

    With theta "auto", I rises with gamma (its derivative is gamma times a variance), so the answer is unique.
    With a fixed theta I may overshoot its limit; the answer then lies on the rising side.
    Raises InvalidValue unless 0 < wanted_bits < `hard_information`, and where no gamma gets that close to it.
    """
    most = hard_information(f, theta)
    if not 0 < wanted_bits < most:
        shown = math.floor(most * 1e6) / 1e6  # rounded down, so that what is shown is within reach
        raise InvalidValue(
            f"i-xy must be above 0 and below {shown:g} bits, what the rule's labels carry without noise, "
            f"got {wanted_bits:g}"
        )

    def enough(gamma: float) -> bool:
        at = balanced_theta(f, gamma) if theta == "auto" else theta
        return label_information(_probability(f, at, gamma)) >= wanted_bits

    spread = float(np.ptp(f))
    low = high = 1 / spread
    while enough(low):
        low /= 2
    while not enough(high):
        low, high = high, high * 2
        if high * spread > 1e14:  # beyond, theta's last bit moves p
            raise InvalidValue(f"I(X;Y) of {wanted_bits:.17g} bits is too close to the most, {most:.17g}: ask for less")
    return _bisect(enough, low, high)


def _log_odds(f: Float64[np.ndarray, " patterns"], theta: float, gamma: float) -> Float64[np.ndarray, " patterns"]:
    with np.errstate(over="ignore"):  # a huge gamma makes hard labels, which is what it means
        return np.asarray(gamma * (f - theta))


def _probability(f: Float64[np.ndarray, " patterns"], theta: float, gamma: float) -> Float64[np.ndarray, " patterns"]:
    return logistic(_log_odds(f, theta, gamma))


def _bisect(reached: Callable[[float], bool], low: float, high: float) -> float:
    """The first float in (low, high] for which `reached`, which is false below it and true from there on."""
    while True:
        middle = float(low + (high - low) / 2)
        if not low < middle < high:
            return float(high)
        if reached(middle):
            high = middle
        else:
            low = middle
