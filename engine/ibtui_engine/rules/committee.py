"""The committee machine's statistic: the summed output of three logistic units, without any symmetry.

Shwartz-Ziv and Tishby (arXiv:1703.00810, section 4, Figure 8): y = 1 where
sum_k sigma(7 (w_k . x - 0.41)) > 1.945, each w_k divided by its own sum.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from ibtui_engine.rules.log_odds import logistic
from ibtui_engine.rules.patterns import binary_patterns

SLOPE = 7.0
OFFSET = 0.41
WEIGHTS = (
    (0.10, 0.40, 0.30, 0.50, 0.30, 0.70, 0.10, 0.20, 0.40, 0.30, 0.50, 0.25),
    (0.40, 0.70, 0.70, 0.40, 0.60, 0.60, 0.30, 0.10, 0.15, 0.25, 0.45, 0.05),
    (0.40, 0.20, 0.30, 0.60, 0.10, 0.65, 0.55, 0.25, 0.10, 0.25, 0.70, 0.15),
)


def committee_statistic() -> Float64[np.ndarray, " patterns"]:
    """sum_k sigma(7 (w_k . x - 0.41)) of every binary pattern of 12 inputs: between 0 and 3."""
    weights = np.array(WEIGHTS)
    weights /= weights.sum(axis=1, keepdims=True)
    patterns = binary_patterns(weights.shape[1])
    activity = np.zeros((len(patterns), len(weights)))
    # Input by input, as the order of a matrix product's additions differs between machines.
    for column, weight in zip(patterns.T, weights.T, strict=True):
        activity += column[:, None] * weight
    units = logistic(SLOPE * (activity - OFFSET))
    return np.asarray(units.sum(axis=1))
