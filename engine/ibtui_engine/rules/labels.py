"""Labels of a rule: how many there may be, and how many outputs a network needs for them. Standard library only."""

from __future__ import annotations

MOST_LABELS = 256
"""Labels that a rule may have; the labels of a sample are kept in a byte each."""


def outputs_for(labels: int) -> int:
    """Units of the output layer for that many labels: one logistic unit for two, else one of a softmax for each."""
    return 1 if labels == 2 else labels
