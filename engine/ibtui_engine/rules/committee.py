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
    (2, 8, 6, 10, 6, 14, 2, 4, 8, 6, 10, 5),
    (8, 14, 14, 8, 12, 12, 6, 2, 3, 5, 9, 1),
    (8, 4, 6, 12, 2, 13, 11, 5, 2, 5, 14, 3),
)
"""The paper's, in units of 0.05: whole numbers add up without rounding, so that patterns with equal sums have equal
statistics on every processor.
"""


def committee_statistic() -> Float64[np.ndarray, " patterns"]:
    """sum_k sigma(7 (w_k . x - 0.41)) of every binary pattern of 12 inputs: between 0 and 3."""
    weights = np.array(WEIGHTS)
    sums = binary_patterns(weights.shape[1]).astype(np.int64) @ weights.T
    first, second, third = logistic(SLOPE * (sums / weights.sum(axis=1) - OFFSET)).T
    return np.asarray(first + second + third)
