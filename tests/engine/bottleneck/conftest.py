"""Problems to bound: random classes over many orders of magnitude, and encoders of all kinds."""

from __future__ import annotations

import numpy as np
import pytest

from ibtui_engine.bottleneck.source import Source


def random_source(random: np.random.Generator, least: int = 2, most: int = 500) -> Source:
    """2 to 500 classes; weights and posteriors over many orders of magnitude, exact 0 and 1 among them."""
    n = (
        int(random.integers(least, most + 1))
        if random.random() < 0.5
        else int(random.integers(least, min(20, most) + 1))
    )
    kind = random.integers(5)
    if kind == 0:
        p = random.random(n)
    elif kind == 1:
        p = 1 / (1 + np.exp(-np.clip(random.normal(0, random.choice([1, 5, 30, 200]), n), -700, 700)))
    elif kind == 2:
        p = 10.0 ** -random.uniform(0, 300, n)
        p = np.where(random.random(n) < 0.5, p, 1 - p)
    elif kind == 3:
        p = random.beta(0.1, 0.1, n)
    else:
        p = np.clip(0.5 + 10.0 ** random.uniform(-12, -0.4, n) * random.choice([-1, 1], n), 0, 1)
    if random.random() < 0.6:
        p[0], p[-1] = 0.0, 1.0
    if random.random() < 0.1:
        p = np.round(p)
    return Source.of(p, 10.0 ** -random.uniform(0, random.choice([0.1, 3, 12, 200]), n))


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p ‖ q) in nats of binary distributions with these probabilities of 1, by its definition."""
    p, q = np.broadcast_arrays(np.asarray(p, np.float64), np.asarray(q, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(p > 0, p * (np.log(p) - np.log(q)), 0.0)
        other = np.where(p < 1, (1 - p) * (np.log1p(-p) - np.log1p(-q)), 0.0)
    return np.maximum(one + other, 0.0)


def plane(source: Source, encoder: np.ndarray) -> tuple[float, float]:
    """I(X;T) and I(T;Y) in bits from the joint tables, with nothing of the engine."""

    def entropy(table: np.ndarray) -> float:
        table = table[table > 0]
        return -float((table * np.log2(table)).sum())

    p_xt = source.weights[:, None] * encoder
    p_ty = np.stack([p_xt.T @ (1 - source.p_y), p_xt.T @ source.p_y])
    i_x = entropy(source.weights) + entropy(p_xt.sum(axis=0)) - entropy(p_xt)
    i_y = entropy(p_ty.sum(axis=1)) + entropy(p_ty.sum(axis=0)) - entropy(p_ty)
    return i_x, i_y


@pytest.fixture
def sources() -> list[Source]:
    random = np.random.default_rng(5)
    return [random_source(random, 2, 30) for _ in range(12)]
