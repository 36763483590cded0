"""The optimum at one beta: its certificate, and that nothing crosses the line that it draws."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.bottleneck.kernel import chord_bound, divergence, slope_sum
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.catalogue import load_rule
from tests.engine.bottleneck.conftest import kl, plane, random_source

SHARES = st.floats(-8, 8)


@pytest.mark.parametrize("name", ["symmetric", "symmetric-soft", "committee"])
def test_the_gap_is_below_a_billionth_of_a_bit_on_the_rules_that_ship(name: str) -> None:
    source = Source.of_rule(load_rule(name))
    last = None
    for beta in np.geomspace(0.5, 1e4, 12 if name == "committee" else 60).tolist():
        last = solve(source, beta) if last is None else solve(source, beta, last)
        assert last.gap <= 1e-9


@pytest.mark.parametrize("problems", [40, pytest.param(400, marks=pytest.mark.long)])
def test_the_gap_is_below_a_billionth_of_a_bit_on_random_problems(problems: int) -> None:
    random = np.random.default_rng(1)
    for _ in range(problems):
        source = random_source(random)
        for beta in (10.0 ** random.uniform(-0.3, 4.5, 2)).tolist():
            found = solve(source, beta)
            assert found.gap <= 1e-9, (len(source.p_y), beta)
            assert found.masses.sum() == pytest.approx(1)


def certificate(source: Source, found: object, q: np.ndarray) -> np.ndarray:
    """log c(q) in bits from its definition, in extended precision."""
    real = np.longdouble
    beta = real(found.beta)  # type: ignore[attr-defined]
    p, w = source.p_y.astype(real), source.weights.astype(real)

    def kernel(at: np.ndarray) -> np.ndarray:
        at = at.astype(real)
        with np.errstate(divide="ignore", invalid="ignore"):
            one = np.where(p[:, None] > 0, p[:, None] * np.log(p[:, None] / at), 0)
            other = np.where(p[:, None] < 1, (1 - p[:, None]) * np.log((1 - p[:, None]) / (1 - at)), 0)
        return np.exp(-beta * (one + other))

    f = kernel(found.decoder) @ found.masses.astype(real)  # type: ignore[attr-defined]
    return np.log2(((w / f)[:, None] * kernel(q)).sum(axis=0))


@pytest.mark.long
def test_the_certificate_bounds_c_on_a_dense_grid() -> None:
    random = np.random.default_rng(2)
    closest = -math.inf
    for _ in range(25):
        n = int(random.integers(2, 40))
        source = Source.of(random.beta(0.4, 0.4, n) * 0.998 + 0.001, 10.0 ** -random.uniform(0, 4, n))
        found = solve(source, float(10 ** random.uniform(0.1, 4)))
        q = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 20001), source.p_y, found.decoder])
        most = float(certificate(source, found, q).max())
        assert most <= found.gap + 1e-11
        closest = max(closest, most)
    assert closest > -1e-9  # at the optimum's own places c is 1: the comparison sees something


@given(SHARES, SHARES, st.floats(0.1, 1e5))
def test_divergences_of_log_odds_do_not_cancel(odds: float, t: float, beta: float) -> None:
    real = np.longdouble
    p = 1 / (1 + np.exp(-odds))
    exact = real(p) * np.log(real(p) * (1 + np.exp(-real(t)))) + (1 - real(p)) * np.log(
        (1 - real(p)) * (1 + np.exp(real(t)))
    )
    assert divergence(p, 1 - p, math.log(p) - math.log1p(-p), t) == pytest.approx(float(exact), rel=1e-9, abs=1e-17)


@given(st.integers(0, 2**32 - 1), st.floats(-12, 12), st.floats(1e-6, 8), st.floats(0, 1), st.floats(0.1, 1e4))
def test_chords_bound_every_sum_of_kernels(seed: int, low: float, width: float, part: float, beta: float) -> None:
    random = np.random.default_rng(seed)
    p = np.sort(random.beta(0.3, 0.3, 12) * 0.999999 + 5e-7)
    odds = np.log(p) - np.log1p(-p)
    level = random.normal(0, 3, 12)
    base = level - beta * (p * np.log(p) + (1 - p) * np.log1p(-p))

    def log_c(t: float) -> float:
        return slope_sum(t, beta, p, 1 - p, odds, base, level, np.empty(12))[0]

    high = low + width
    limit, where = chord_bound(low, log_c(low), high, log_c(high), beta)
    assert low <= where <= high
    assert log_c(low + part * width) <= limit + 1e-9 * max(1.0, beta * 1e-3)


def partitions(n: int) -> itertools.chain[list[int]]:
    """Every way to put n classes into groups, as the group of each."""

    def grow(prefix: list[int]) -> list[list[int]]:
        if len(prefix) == n:
            return [prefix]
        return [full for k in range(max(prefix, default=-1) + 2) for full in grow([*prefix, k])]

    return itertools.chain(grow([]))


@pytest.mark.parametrize("beta", [1.01, 1.7, 4.0, 30.0, 1e3])
def test_no_deterministic_encoder_crosses_the_line(beta: float) -> None:
    random = np.random.default_rng(3)
    for n in (2, 4, 6):
        p = random.random(n)
        p[0], p[-1] = 0.0, 1.0
        source = Source.of(p, random.random(n))
        found = solve(source, beta)
        best = -math.inf
        for groups in partitions(len(source.p_y)):
            i_x, i_y = plane(source, np.eye(n)[groups])
            assert i_y <= found.intercept + i_x / beta + 1e-12
            best = max(best, i_y - i_x / beta)
        assert best <= found.i_y - found.i_x / beta + 2e-9  # what was achieved is no worse than the best of them


@given(st.integers(0, 2**32 - 1), st.floats(0.6, 500))
def test_no_stochastic_encoder_crosses_the_line(seed: int, beta: float) -> None:
    random = np.random.default_rng(seed)
    source = random_source(random, 2, 12)
    found = solve(source, beta)
    for _ in range(10):
        encoder = random.dirichlet(np.full(int(random.integers(1, 8)), 10.0 ** random.uniform(-2, 1)), len(source.p_y))
        encoder = np.where(np.isnan(encoder), 0, encoder)
        if not np.allclose(encoder.sum(axis=1), 1):
            continue
        i_x, i_y = plane(source, encoder)
        assert i_y <= found.intercept + i_x / beta + 1e-11


@given(st.integers(0, 2**32 - 1), st.floats(0.6, 1e4))
def test_the_achieved_point_is_that_of_the_encoder(seed: int, beta: float) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 25))
    source = Source.of(random.random(n), random.random(n))
    found = solve(source, beta)
    r = np.exp(-beta * kl(source.p_y[:, None], found.decoder[None])) * found.masses
    i_x, i_y = plane(source, r / r.sum(axis=1, keepdims=True))
    assert (found.i_x, found.i_y) == pytest.approx((i_x, i_y), abs=1e-9)
    assert found.i_y <= found.intercept + found.i_x / beta + 1e-12
    # and the line touches it, to within the gap
    assert found.intercept + found.i_x / beta - found.i_y <= 2 * found.gap / beta + 1e-11


def test_blahut_arimoto_comes_no_further() -> None:
    random = np.random.default_rng(4)
    for beta in (1.3, 3.0, 12.0):
        source = Source.of(random.random(8), random.random(8))
        found = solve(source, beta)
        r = random.dirichlet(np.ones(8), 8)
        for _ in range(3000):
            p_t = source.weights @ r
            q = (source.weights[:, None] * r).T @ source.p_y / p_t
            r = p_t * np.exp(-beta * kl(source.p_y[:, None], q[None]))
            r /= r.sum(axis=1, keepdims=True)
        i_x, i_y = plane(source, r)
        here, there = found.i_y - found.i_x / beta, i_y - i_x / beta
        assert there <= here + 2e-9
        assert there == pytest.approx(here, abs=1e-4)  # a good method comes near


def test_a_warm_start_changes_nothing_but_the_way() -> None:
    source = Source.of_rule(load_rule("symmetric-soft"))
    for beta in (1.2, 6.0, 50.0):
        cold, warm = solve(source, beta), solve(source, beta, solve(source, beta * 1.5))
        assert (cold.i_x, cold.i_y) == pytest.approx((warm.i_x, warm.i_y), abs=2e-4)
        assert cold.i_y - cold.i_x / beta == pytest.approx(warm.i_y - warm.i_x / beta, abs=2e-9)
        assert cold.support == warm.support


def test_hard_labels_are_copied_above_beta_one_and_ignored_below() -> None:
    source = Source.of(np.array([0.0, 1.0]), np.array([0.3, 0.7]))
    h = -(0.3 * math.log2(0.3) + 0.7 * math.log2(0.7))
    below, above = solve(source, 0.9), solve(source, 1.1)
    assert (below.i_x, below.i_y) == pytest.approx((0, 0), abs=1e-9)
    assert (above.i_x, above.i_y) == pytest.approx((h, h), abs=1e-9)


@pytest.mark.parametrize("beta", [0.0, -1.0, math.nan, math.inf, 1e11])
def test_a_beta_out_of_range_is_refused(beta: float) -> None:
    with pytest.raises(InvalidValue, match="beta"):
        solve(Source.of(np.array([0.2, 0.9])), beta)
