"""A teacher without hidden layer: y = 1 where w·x > 0, for isotropic Gaussian inputs and one fixed w.

The single-layer network of Shwartz-Ziv and Tishby (2017, section 4, question two), whose generalisation error has a
closed form: the teacher and student perceptrons of Seung, Sompolinsky and Tishby (1992).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from ibtui_engine.rules.rule import Rule

INPUTS = 30
PATTERNS = 4096
SEED = 0
"""Of the teacher's weights and of the patterns, whatever networks learn them."""


def perceptron_rule() -> Rule:
    """4096 patterns of 30 standard normal inputs with hard labels, so that I(X;Y) = H(Y), about 1 bit.

    The parameters w1 to w30 are the teacher's weights, of norm 1: itself drawn from the isotropic distribution.
    """
    from scipy.special import ndtri

    from ibtui_engine.streams import Purpose, uniforms  # imports Numba

    teacher = ndtri(uniforms(INPUTS, SEED, Purpose.TEACHER))
    teacher /= np.sqrt(np.square(teacher).sum())
    patterns = ndtri(uniforms(PATTERNS * INPUTS, SEED, Purpose.PATTERNS)).astype(np.float32).reshape(PATTERNS, INPUTS)
    field = np.zeros(PATTERNS)
    # Input by input, as the order of a matrix product's additions differs between machines.
    for column, weight in zip(patterns.T.astype(np.float64), teacher, strict=True):
        field += weight * column
    parameters = {f"w{k}": float(weight) for k, weight in enumerate(teacher, start=1)}
    return Rule("perceptron", patterns, (field > 0).astype(np.float64), parameters)


def teacher_of(rule_name: str, parameters: dict[str, float]) -> Float64[np.ndarray, " inputs"] | None:
    """The teacher's weights from a rule's parameters; None of another rule, or where they are not all there."""
    names = [f"w{k}" for k in range(1, INPUTS + 1)]
    if rule_name != "perceptron" or set(names) != set(parameters):
        return None
    return np.array([parameters[name] for name in names])
