"""Losses and accuracies of a network, from its logits over all patterns."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int8

from ibtui_engine.compiled import compiled
from ibtui_engine.forward import LEAST, exp_less_one

MULTIPLIED = 512
"""Arguments of one logarithm; each is at most 2, and 2^1024 would be infinite."""


@compiled
def weigh_learning(
    logits: Float64[np.ndarray, " patterns_and_padding"],
    labels: Int8[np.ndarray, " patterns"],
    p_y: Float64[np.ndarray, " patterns"],
    learning: Float64[np.ndarray, " 4"],
    scratch: Float64[np.ndarray, " patterns_and_padding"],
) -> None:
    """Fill in train loss, test loss, train accuracy and test accuracy, NaN where no pattern is inside or outside the
    sample. A logit of 0 counts as the answer 0.

    −log p(y=0) = max(z, 0) + log(1 + exp(−|z|)), and −log p(y=1) is z less. The logarithms' arguments
    are multiplied up, `MULTIPLIED` to one logarithm.
    """
    patterns = labels.shape[0]
    for s in range(patterns):
        rest, power = exp_less_one(max(-abs(logits[s]), LEAST))
        scratch[s] = 1.0 + (rest + power)
    train_loss = 0.0
    test_loss = 0.0
    train_hits = 0.0
    test_hits = 0.0
    inside = 0
    for begin in range(0, patterns, MULTIPLIED):
        train_product = 1.0
        test_product = 1.0
        for s in range(begin, min(begin + MULTIPLIED, patterns)):
            z = logits[s]
            if labels[s] >= 0:
                inside += 1
                train_product *= scratch[s]
                train_loss += max(z, 0.0) - labels[s] * z
                train_hits += 1.0 if (z > 0.0) == (labels[s] == 1) else 0.0
            else:
                test_product *= scratch[s]
                test_loss += max(z, 0.0) - p_y[s] * z
                test_hits += p_y[s] if z > 0.0 else 1.0 - p_y[s]
        train_loss += math.log(train_product)
        test_loss += math.log(test_product)
    outside = patterns - inside
    learning[0] = train_loss / inside if inside > 0 else math.nan
    learning[1] = test_loss / outside if outside > 0 else math.nan
    learning[2] = train_hits / inside if inside > 0 else math.nan
    learning[3] = test_hits / outside if outside > 0 else math.nan
