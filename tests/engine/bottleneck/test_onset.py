"""The critical beta at the origin, against the certificate of the encoder that knows nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.bottleneck.onset import onset, ratio
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.rules.catalogue import load_rule
from tests.engine.bottleneck.conftest import kl


def trivial_certificate(source: Source, beta: float) -> float:
    """The largest log c(q) on a dense grid of the encoder that knows nothing, in nats."""
    q = np.unique(np.concatenate([np.linspace(1e-5, 1 - 1e-5, 2001), 1 / (1 + np.exp(np.linspace(-30, 30, 2001)))]))
    d = kl(source.p_y[:, None], q[None])
    at_mean = kl(source.p_y, np.asarray(source.p_y1))
    c = (source.weights[:, None] * np.exp(-beta * (d - at_mean[:, None]))).sum(axis=0)
    return float(np.log(c.max()))


@given(st.integers(0, 2**32 - 1))
def test_knowing_nothing_is_best_just_up_to_the_critical_beta(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 15))
    source = Source.of(random.beta(0.5, 0.5, n) * 0.98 + 0.01, random.random(n) + 1e-3)
    found = onset(source)
    assert 1 <= found.beta <= found.local * (1 + 1e-12)
    assert trivial_certificate(source, found.beta * 0.999) <= 1e-12
    assert trivial_certificate(source, found.beta * 1.02) > 0


@pytest.mark.parametrize("name", ["symmetric", "symmetric-soft", "committee"])
def test_the_solver_leaves_the_origin_there(name: str) -> None:
    source = Source.of_rule(load_rule(name))
    found = onset(source)
    below, above = solve(source, found.beta * (1 - 1e-4)), solve(source, found.beta * (1 + 1e-3))
    assert below.support == 1
    assert below.i_x < 1e-9
    assert above.support == 2
    assert above.i_x > 1e-4


def test_the_onset_is_the_inverse_of_the_steepest_encoder() -> None:
    """No encoder at all has a ratio I(X;T)/I(T;Y) below it: those of two values with one of small mass come close."""
    random = np.random.default_rng(0)
    source = Source.of(np.array([0.02, 0.3, 0.35, 0.9]), np.array([0.1, 0.5, 0.3, 0.1]))
    found = onset(source)
    for s in random.normal(0, 10, 300).tolist():
        assert ratio(source, s)[0] >= found.beta * (1 - 1e-12)
    tilted = source.weights * np.exp(
        min((ratio(source, s)[0], s) for s in np.linspace(-30, 30, 4001).tolist() if s)[1] * source.p_y
    )
    tilted /= tilted.sum()
    small = 1e-4
    r = small * tilted / source.weights
    p_t = np.array([small, 1 - small])
    encoder = np.stack([r, 1 - r], axis=1)
    i_x = float((source.weights[:, None] * encoder * np.log(encoder / p_t)).sum())
    q = (source.weights[:, None] * encoder).T @ source.p_y / p_t
    i_y = float(p_t @ kl(q, np.asarray(source.p_y1)))
    assert found.beta <= i_x / i_y <= found.beta * 1.01


def test_hard_labels_leave_the_origin_at_one_and_noisy_copies_at_the_channel_s_constant() -> None:
    assert onset(Source.of(np.array([0.0, 1.0]), np.array([0.2, 0.8]))).beta == pytest.approx(1, abs=1e-9)
    for noise in (0.05, 0.2, 0.45):  # binary symmetric: (1 - 2 noise)^2, where the decoder splits
        found = onset(Source.of(np.array([noise, 1 - noise])))
        assert found.beta == pytest.approx(1 / (1 - 2 * noise) ** 2, rel=1e-9)
        assert found.splits
        assert found.q == pytest.approx(0.5)


def test_a_rare_sure_class_appears_at_a_distance() -> None:
    found = onset(Source.of(np.array([0.5, 0.52, 1.0]), np.array([0.5, 0.5, 1e-3])))
    assert not found.splits
    assert found.beta < found.local
    assert found.q > 0.9


def test_where_x_says_nothing_nothing_ever_pays() -> None:
    assert math.isinf(onset(Source.of(np.array([0.3, 0.3]))).beta)


def test_nearly_equal_posteriors_keep_their_digits() -> None:
    found = onset(Source.of(np.array([0.5 - 1e-9, 0.5 + 1e-9])))
    assert found.beta == pytest.approx(0.25 / 1e-18, rel=1e-6)
