"""beta* of stochastic networks, whose p(t|x) is known: against Eq. 12 itself, and of encoders that lie on the curve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from ibtui_engine.bottleneck.fitting import fit_snapshot
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve
from ibtui_engine.networks import Architecture
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule
from ibtui_engine.stochastic import layers_of
from ibtui_engine.threads import Threads
from tests.engine.bottleneck.conftest import kl
from tests.naive import network_of


def residual(rule: Rule, encoder: np.ndarray, beta: float) -> float:
    """E KL(p(t|x) ‖ p_beta(t|x)) in bits, over patterns, from Eq. 12 and nothing else."""
    p_t = encoder.mean(axis=0)
    q = (rule.p_y @ encoder) / len(rule.p_y) / p_t
    with np.errstate(divide="ignore"):
        other = p_t * np.exp(-beta * kl(rule.p_y[:, None], q[None]))
        other /= other.sum(axis=1, keepdims=True)
        terms = np.where(encoder > 0, encoder * np.log2(encoder / other), 0.0)
    return float(terms.sum(axis=1).mean())


@pytest.mark.parametrize(
    ("name", "hidden"),
    [("small", (3, 2)), ("small", ()), pytest.param("symmetric-soft", (4, 3, 1), marks=pytest.mark.long)],
)
def test_beta_star_minimises_the_mean_divergence_of_the_true_encoders(name: str, hidden: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    rule = load_rule(name) if name != "small" else Rule(
        "small", rng.normal(size=(30, 3)).astype(np.float32), rng.uniform(0.02, 0.98, 30)
    )  # fmt: skip
    architecture = Architecture.of(rule, hidden, "tanh", stochastic=True)
    weights = rng.normal(size=(2, architecture.parameters)).astype(np.float32)
    threads = Threads(2)
    found = fit_snapshot(
        *(ib_curve(Source.of_rule(rule)), rule, architecture, weights, threads),
        bins=30,
        hidden="h",
        fraction=0.5,
        epoch=7,
        optimizer="adam",
    )
    threads.close()
    assert (found.bins, found.hidden, found.fraction, found.epoch, found.optimizer) == (0, "h", 0.5, 7, "adam")
    for network in range(2):
        for layer, states in enumerate(layers_of(network_of(weights[network], architecture.widths), rule.patterns)):
            encoder = states.given
            p_t = encoder.mean(axis=0)
            i_x = float(np.where(encoder > 0, encoder * np.log2(encoder / p_t), 0.0).sum(axis=1).mean())
            assert found.i_x[network, layer] == pytest.approx(i_x, abs=1e-12)
            if found.end[network, layer] != 0:
                continue
            beta = found.beta[network, layer]
            best = minimize_scalar(
                lambda log: residual(rule, encoder, math.exp(log)),  # noqa: B023
                bounds=(math.log(beta) - 2, math.log(beta) + 2),
                method="bounded",
                options={"xatol": 1e-9},
            )
            assert found.residual[network, layer] == pytest.approx(best.fun, abs=1e-9)
            assert beta == pytest.approx(math.exp(best.x), rel=1e-3)
    assert (found.distance >= -1e-6).all()
    inside = found.end == 0
    assert inside.any()


@pytest.mark.parametrize("beta", [2.3, 3.0, 12.0])
def test_a_layer_can_lie_on_the_curve(beta: float) -> None:
    """Of two classes an optimal encoder has two values of t. One unit whose input is the class is any such encoder: it
    has the residual 0, its own beta as beta*, and no distance to the curve.
    """
    rule = Rule("two", np.repeat([[0], [1]], [3, 5], axis=0).astype(np.uint8), np.repeat([0.1, 0.85], [3, 5]))
    source = Source.of_rule(rule)
    found = solve(source, beta)
    encoder = found.masses * np.exp(-beta * kl(source.p_y[:, None], found.decoder[None]))
    odds = np.log(encoder[:, 1] / encoder[:, 0])  # of the second value of t, by class
    weights = np.array([[(odds[1] - odds[0]) / 2, odds[0] / 2, 0.3, 0.1]], np.float32)
    threads = Threads(1)
    fits = fit_snapshot(
        *(ib_curve(source), rule, Architecture.of(rule, (1,), "tanh", stochastic=True), weights, threads),
        bins=30,
        hidden="1",
        fraction=1.0,
        epoch=0,
    )
    threads.close()
    assert fits.beta[0, 0] == pytest.approx(beta, rel=1e-5)
    assert fits.residual[0, 0] == pytest.approx(0, abs=1e-10)
    assert fits.inconsistency[0, 0] == pytest.approx(0, abs=1e-10)
    assert fits.distance[0, 0] == pytest.approx(0, abs=1e-6)
