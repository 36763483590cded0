"""Rows of a table that are held out: no network trains on them, and they are measured separately."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.rules.patterns import distinct_rows

if TYPE_CHECKING:
    from jaxtyping import Bool, Real

    from ibtui_engine.rules.rule import LabelProbabilities

STREAM = 11
"""The second half of the key of the random numbers; the first is the seed."""


def held_out_rows(
    inputs: Real[np.ndarray, "rows inputs"], p_y: LabelProbabilities, fraction: float, seed: int
) -> Bool[np.ndarray, " rows"]:
    """Which rows are held out: about this share of those of each label, drawn by a seed.

    Rows of equal inputs stay together, so that no pattern that is held out is trained on; the label of a pattern is its
    likeliest one. Of each label at least one pattern is left to train on. The numbers are raw words of Philox 4x64-10,
    which no version of NumPy changes.
    """
    group, counts = distinct_rows(inputs)
    columns = np.stack([1.0 - p_y, p_y]) if p_y.ndim == 1 else p_y.T
    sums = np.stack([np.bincount(group, weights=column) for column in columns])
    label = sums.argmax(axis=0)
    words = np.random.Philox(key=np.array([seed, STREAM], np.uint64)).random_raw(len(counts))
    order = np.lexsort((words, label))
    last = np.append(label[order][1:] != label[order][:-1], True)
    held = np.zeros(len(counts), bool)
    seen = taken = 0
    begin = True
    spared = False
    for place, size, ends in zip(order.tolist(), counts[order].tolist(), last.tolist(), strict=True):
        seen += size
        if begin:
            spared = False
        if taken + size / 2 < fraction * seen and (spared or not ends):
            held[place] = True
            taken += size
        else:
            spared = True
        begin = ends
    return np.asarray(held[group])
