"""The IB curve where y is a function of x, in closed form, for any number of labels.

Then no T knows more of Y than of X, nor more than H(Y), and all of that can be had: I(T;Y) = min(I(X;T), H(Y))
(Kolchinsky, Tracey and Van Kuyk 2019, arXiv:1808.07593). The rise is one straight piece, all of which beta 1 holds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.rules.rule import label_entropy

if TYPE_CHECKING:
    from jaxtyping import Float64

METHOD = "closed form: y is a function of x, so that I(T;Y) = min(I(X;T), H(Y))"


def deterministic_curve(p_y: Float64[np.ndarray, " labels"], *, name: str = "") -> Curve:
    """The curve of an X that determines which of the labels, of probabilities `p_y`, there is."""
    h_y = float(label_entropy(np.asarray(p_y, np.float64)))
    present = int((np.asarray(p_y) > 0).sum())
    points = 1 if h_y > 0 else 0
    one, h = np.ones(points), np.full(points, h_y)
    return Curve(
        name=name,
        certified=True,
        method=METHOD,
        i_xy=h_y,
        h_y=h_y,
        entropy=h_y,
        classes=present,
        error=0.0,
        critical=1.0 if points else math.inf,
        critical_local=1.0 if points else math.inf,
        critical_decoder=float(p_y[1]) if len(p_y) == 2 else math.nan,
        tolerance=0.0,
        beta=one,
        i_x=h,
        i_y=h,
        gap=np.zeros(points),
        support=np.full(points, present, np.int64),
        intercept=np.zeros(points),
        bifurcations=np.array([[1.0, 1.0, present]] * points).reshape(-1, 3),
        segments=np.array([[1.0, 0.0, 0.0, h_y, h_y]] * points).reshape(-1, 5),
    )
