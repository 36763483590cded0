"""beta* of encoders that are given, and of the layers of networks that have learned."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.fits import MATRICES, LayerFits
from ibtui_engine.bottleneck.fitting import fit_classes, fit_layers, fit_snapshot
from ibtui_engine.bottleneck.layers import layer_groups
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve
from ibtui_engine.errors import InvalidValue
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads
from ibtui_engine.training.fused import FusedTrainer
from ibtui_engine.training.problem import Optimization, Problem, TrainingState
from tests.engine.bottleneck.conftest import kl, plane


def ib_encoder(source: Source, beta: float) -> np.ndarray:
    found = solve(source, beta)
    r = found.masses * np.exp(-beta * kl(source.p_y[:, None], found.decoder[None]))
    return r / r.sum(axis=1, keepdims=True)


def residual(source: Source, encoder: np.ndarray, beta: float) -> float:
    """E KL(p(t|x) ‖ p_beta(t|x)) in bits, from Eq. 12 and nothing else."""
    p_t = source.weights @ encoder
    q = source.weights * source.p_y @ encoder / p_t
    log_other = np.log2(p_t) - beta * kl(source.p_y[:, None], q[None]) / math.log(2)
    most = log_other.max(axis=1, keepdims=True)
    log_other -= most + np.log2(np.exp2(log_other - most).sum(axis=1, keepdims=True))
    terms = np.where(encoder > 0, encoder * (np.log2(np.where(encoder > 0, encoder, 1)) - log_other), 0)
    return float(source.weights @ terms.sum(axis=1))


@pytest.mark.parametrize("name", ["symmetric", "symmetric-soft"])
@pytest.mark.parametrize("beta", [1.15, 1.6, 4.0, 20.0, 150.0, 2000.0])
def test_the_beta_of_an_ib_encoder_is_found_again(name: str, beta: float) -> None:
    source = Source.of_rule(load_rule(name))
    encoder = ib_encoder(source, beta)
    found = fit_classes(source, encoder)
    assert found.beta == pytest.approx(beta, rel=1e-3)
    assert found.end == 0
    assert found.residual == pytest.approx(0, abs=1e-9)
    assert found.inconsistency == pytest.approx(0, abs=1e-9)
    assert (found.i_x, found.i_y) == pytest.approx(plane(source, encoder), abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_no_beta_of_a_dense_grid_has_less_residual(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 10))
    source = Source.of(random.beta(0.5, 0.5, n) * 0.98 + 0.01, random.random(n) + 0.01)
    encoder = random.dirichlet(np.full(int(random.integers(2, 6)), 0.5), n)
    encoder = (encoder + 1e-6) / (encoder + 1e-6).sum(axis=1, keepdims=True)
    found = fit_classes(source, encoder)
    grid = np.geomspace(1e-3, 1e3, 241)
    values = [residual(source, encoder, beta) for beta in grid.tolist()]
    best = int(np.argmin(values))
    assert found.residual <= min(values) + 1e-9
    if found.end == 0 and 0 < best < 240:
        assert grid[best - 1] <= found.beta <= grid[best + 1]
        assert found.residual == pytest.approx(residual(source, encoder, found.beta), abs=1e-9)


def test_the_ends_of_the_range_are_told() -> None:
    source = Source.of(np.array([0.1, 0.4, 0.9]))
    nothing = fit_classes(source, np.full((3, 2), 0.5))
    assert nothing.end == -1
    assert math.isnan(nothing.beta)
    assert nothing.residual == pytest.approx(0, abs=1e-12)
    everything = fit_classes(source, np.eye(3))
    assert everything.end == 1
    assert math.isnan(everything.beta)
    assert everything.residual == pytest.approx(0, abs=1e-9)
    twice = fit_classes(source, np.kron(np.eye(3), np.array([[0.5, 0.5]])))  # values t with equal decoders
    assert (twice.end, twice.i_x) == (1, pytest.approx(math.log2(3)))


@pytest.mark.parametrize("encoder", [np.eye(2), np.ones((3, 2)), np.array([[2.0, -1.0]] * 3), np.ones(3)])
def test_what_is_no_encoder_is_refused(encoder: np.ndarray) -> None:
    with pytest.raises(InvalidValue, match="encoder"):
        fit_classes(Source.of(np.array([0.1, 0.4, 0.9])), encoder)


@pytest.fixture(scope="module")
def threads() -> Iterator[Threads]:
    pool = Threads(2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def soft() -> tuple[Rule, Curve]:
    rule = load_rule("symmetric-soft")
    return rule, ib_curve(Source.of_rule(rule), error=1e-5)


def learned(rule: Rule, threads: Threads, activation: str = "tanh", epochs: int = 150) -> tuple[Problem, np.ndarray]:
    seeds = tuple(range(4))
    architecture = Architecture.of(rule, (6, 4, 2), activation)
    samples = draw_samples(rule, 0.5, seeds)
    problem = Problem(architecture, rule, samples, seeds, Optimization("sgd", 0.1, 0.9, 512))
    trainer = FusedTrainer(problem, TrainingState.initial(problem, 1.0), threads)
    trainer.advance(epochs)
    return problem, trainer.state().weights


def fitted(rule: Rule, curve: Curve, problem: Problem, weights: np.ndarray, threads: Threads) -> LayerFits:
    return fit_snapshot(
        curve, rule, problem.architecture, weights, threads, bins=30, hidden="6-4-2", fraction=0.5, epoch=150
    )


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "linear"])
def test_layers_are_binned_as_the_session_bins_them(
    activation: str, soft: tuple[Rule, Curve], threads: Threads
) -> None:
    rule, curve = soft
    problem, weights = learned(rule, threads, activation)
    found = fitted(rule, curve, problem, weights, threads)
    measured, _ = Measurer(problem, 30, threads).measure(weights)
    np.testing.assert_allclose(found.i_x, measured.i_x, atol=1e-11)
    np.testing.assert_allclose(found.i_y, measured.i_y, atol=1e-11)
    groups, counts = layer_groups(rule, problem.architecture, weights, 30, threads)
    assert (counts == measured.distinct).all()
    assert (groups.max(axis=2) + 1 == counts).all()


def test_beta_of_real_layers_is_that_of_a_dense_grid(soft: tuple[Rule, Curve], threads: Threads) -> None:
    rule, curve = soft
    problem, weights = learned(rule, threads)
    found = fitted(rule, curve, problem, weights, threads)
    groups, _ = layer_groups(rule, problem.architecture, weights, 30, threads)
    compared = 0
    source = Source.of_rule(rule)
    for network, layer in ((0, 3), (1, 2), (2, 1), (3, 3), (0, 2)):
        group = groups[network, layer]
        size = Counter(group.tolist())
        p_t = np.array([size[t] for t in range(len(size))]) / len(group)
        q = np.bincount(group, weights=rule.p_y) / np.bincount(group)
        d = kl(source.p_y[:, None], q[None])
        own = float(np.mean(kl(rule.p_y, q[group])))

        def value(beta: float, p_t: np.ndarray = p_t, d: np.ndarray = d, own: float = own) -> float:
            log_z = np.log((p_t * np.exp(-beta * d)).sum(axis=1))
            return float((-p_t @ np.log(p_t) + beta * own + source.weights @ log_z) / math.log(2))

        grid = np.geomspace(0.1, 1e4, 501)
        values = [value(beta) for beta in grid.tolist()]
        best = int(np.argmin(values))
        if 0 < best < 500:
            compared += 1
            assert grid[best - 1] <= found.beta[network, layer] <= grid[best + 1]
            assert found.residual[network, layer] <= min(values) + 1e-9
            assert found.residual[network, layer] == pytest.approx(value(found.beta[network, layer]), abs=1e-9)
    assert compared >= 4


def test_no_layer_lies_above_the_curve(soft: tuple[Rule, Curve], threads: Threads) -> None:
    rule, curve = soft
    for epochs in (1, 20, 150):
        problem, weights = learned(rule, threads, epochs=epochs)
        found = fitted(rule, curve, problem, weights, threads)
        assert (found.i_y <= curve.upper(found.i_x) + 1e-12).all()
        assert (found.distance >= -curve.error).all()
        np.testing.assert_allclose(found.distance, curve.lower(found.i_x) - found.i_y, atol=1e-15)
        known = np.isfinite(found.worth)
        np.testing.assert_allclose(
            found.worth[known], found.distance[known] * curve.beta_at(found.i_x[known]), rtol=1e-12, atol=1e-15
        )
        inside = found.end == 0
        assert np.isin(found.critical[inside], curve.growing).all()
        assert np.isnan(found.beta[~inside]).all()


def test_many_classes_are_fitted_as_the_patterns_themselves() -> None:
    """The committee's classes are put together; the residual changes by less than is said."""
    rule = load_rule("committee")
    curve = ib_curve(Source.of(np.array([0.1, 0.9])))
    random = np.random.default_rng(0)
    groups = (np.argsort(np.argsort(rule.p_y + 1e-3 * random.random(4096))) // 300).astype(np.int32)[None, None]
    counts = np.array([[14]])
    pool = Threads(1)
    found = fit_layers(curve, rule, groups, counts, pool)
    pool.close()
    source = Source.of_rule(rule)
    encoder = np.zeros((len(source.p_y), 14))
    np.add.at(encoder, (np.searchsorted(source.log_odds, rule.log_odds), groups[0, 0]), 1)
    joint = encoder / 4096
    # patterns of one class that differ in t make the class's encoder stochastic: H(T|class) is their difference
    encoder /= encoder.sum(axis=1, keepdims=True)
    by_class = fit_classes(source, encoder)
    noise = -float(np.where(joint > 0, joint * np.log2(np.where(encoder > 0, encoder, 1)), 0).sum())
    assert found.beta[0, 0] == pytest.approx(by_class.beta, rel=1e-3)
    assert found.residual[0, 0] == pytest.approx(by_class.residual + noise, abs=1e-5)


def test_means_leave_out_what_is_absent_and_fits_come_back_from_json() -> None:
    values = {name: np.full((3, 2), np.nan) for name in MATRICES}
    values["beta"] = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, np.nan]])
    values["end"] = np.array([[0.0, 1], [0, 0], [1, -1]])
    fits = LayerFits(hidden="3", fraction=0.5, epoch=7, bins=30, greatest=1e6, **values)
    assert fits.mean("beta").tolist() == [2.0, 5.0]
    assert fits.error("beta")[0] == pytest.approx(1.0)
    assert np.isnan(fits.error("beta")[1])
    plain = json.loads(json.dumps(fits.to_dict(), allow_nan=False))
    assert plain["layers"][1] | {"beta_mean": 5.0, "at_low_end": 1, "at_high_end": 1} == plain["layers"][1]
    again = LayerFits.from_dict(plain)
    for name in MATRICES:
        np.testing.assert_array_equal(getattr(again, name), getattr(fits, name))
    with pytest.raises(InvalidValue, match="not fits"):
        LayerFits.from_dict({})
