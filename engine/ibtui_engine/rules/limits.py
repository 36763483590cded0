"""How large a rule may be, whichever file it comes from. Standard library only.

Sizes are compared with these limits as a file declares them, before anything is inflated or allocated: a few megabytes
of zeros, compressed, can claim to be hundreds of gigabytes.
"""

from __future__ import annotations

from ibtui_engine.rules.labels import MOST_LABELS

MOST_INPUTS = 1_000_000
"""Inputs of a pattern."""
MOST_NUMBERS = 200_000_000
"""Patterns times inputs: 800 MB as float32. MNIST has 55 million, CIFAR-10 184 million."""
MOST_PROBABILITIES = 100_000_000
"""Patterns times numbers for each in p(y|x): 800 MB as float64."""
LARGEST_FILE = 4_000_000_000
"""Bytes of a table's file as it is stored."""
LARGEST_TEXT = 2_000_000_000
"""Bytes of a compressed table once it is inflated."""
STRONGEST_COMPRESSION = 100
"""By which a table may have been compressed; tables of digits shrink to a third up to a twentieth."""
UNSUSPICIOUS = 50_000_000
"""Bytes up to which a compressed table may inflate whatever its size is."""


def oversize(patterns: int, inputs: int, labels: int = 2) -> str | None:
    """What is too large about a rule of this size, with what is allowed, after "has"; None where nothing is."""
    if inputs > MOST_INPUTS:
        return f"{inputs} inputs; allowed are at most {MOST_INPUTS}"
    if patterns * inputs > MOST_NUMBERS:
        return f"{patterns} patterns of {inputs} inputs; allowed are at most {MOST_NUMBERS} numbers in all"
    if labels > MOST_LABELS:
        return f"{labels} labels; allowed are at most {MOST_LABELS}"
    columns = 1 if labels == 2 else labels
    if patterns * columns > MOST_PROBABILITIES:
        return f"{patterns} patterns of {labels} labels; allowed are at most {MOST_PROBABILITIES} probabilities in all"
    return None
