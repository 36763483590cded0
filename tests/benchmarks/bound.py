"""100 points of the IB curve of `symmetric-soft`, beside what others compute of it: embo and dit, where installed.

Both run Blahut-Arimoto iterations from random starts. Their times are scaled to 100 points from a few; how far below
the certified curve they end is told beside. They come with the extra `benchmarks`.

dit 2.3 is run at few betas with few restarts, because it takes minutes for each, and its time is scaled to 100
points. At these betas it has ended in points that carry nothing, so its time is not that of a curve found.
"""

from __future__ import annotations

import importlib.util
import math
import time
import warnings
from collections.abc import Callable

import numpy as np

from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve, solve_betas
from ibtui_engine.rules.catalogue import load_rule
from tests.benchmarks.timing import Row

POINTS = 100
GREATEST = 50.0
"""The greatest beta."""
EMBO_POINTS, DIT_POINTS = 20, 3
DIT_RESTARTS = 5
"""Of the 250 that are its default: with all of them a point takes minutes."""
WHAT = "IB curve, 100 points"

Points = tuple[np.ndarray, np.ndarray, np.ndarray]


def bound_points() -> list[Row]:
    """Seconds for 100 points, and the most bits of I(T;Y) by which the others' points lie below the certified curve."""
    source = Source.of_rule(load_rule("symmetric-soft"))
    curve = ib_curve(source)
    betas = np.geomspace(1.1, GREATEST, POINTS)
    own = min(_seconds(lambda: solve_betas(source, betas))[0] for _ in range(3))
    rows = [Row(WHAT, "certified, this engine", own, "s", 1.0)]
    joint = np.stack([source.weights * (1 - source.p_y), source.weights * source.p_y], axis=1)
    for name, points, compute in (("embo", EMBO_POINTS, _embo), ("dit", DIT_POINTS, _dit)):
        if importlib.util.find_spec(name) is None:
            continue
        took, (beta, i_x, i_y) = _seconds(lambda compute=compute: compute(joint.copy()))  # type: ignore[misc]
        took *= POINTS / points
        rows.append(Row(WHAT, name, took, "s", took / own))
        below = float((curve.lower(i_x) - i_y).max())
        rows.append(Row("IB curve, below it at most", name, below, "bits", math.nan))
        best = (curve.i_y - curve.i_x / beta[:, None]).max(axis=1)
        lost = float((best - (i_y - i_x / beta)).max())
        rows.append(Row("IB curve, Lagrangian lost", name, lost, "bits", math.nan))
    return rows


def _seconds(call: Callable[[], Points]) -> tuple[float, Points]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        found = call()
        return time.perf_counter() - began, found


def _embo(joint: np.ndarray) -> Points:
    from embo import InformationBottleneck

    found = InformationBottleneck(pxy=joint, numbeta=EMBO_POINTS, minbeta=1.1, maxbeta=GREATEST)
    i_x, i_y, _, beta = found.get_bottleneck()
    return np.asarray(beta), np.asarray(i_x), np.asarray(i_y)


def _dit(joint: np.ndarray) -> Points:
    from dit.rate_distortion.blahut_arimoto import blahut_arimoto_ib

    def information(table: np.ndarray) -> float:
        outer = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True)
        return float((table[table > 0] * np.log2(table[table > 0] / outer[table > 0])).sum())

    betas = np.geomspace(1.5, GREATEST, DIT_POINTS)
    tables = [blahut_arimoto_ib(joint, beta, restarts=DIT_RESTARTS)[1] for beta in betas.tolist()]
    i_x = np.array([information(t.sum(axis=1)) for t in tables])
    i_y = np.array([information(t.sum(axis=0)) for t in tables])
    return betas, i_x, i_y
