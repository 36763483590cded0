"""Nothing may depend on which of the two labels is called 1: rules, curves, finite samples, fits.

Rules of all kinds are taken: built-in ones, most of whose patterns have one label for all that a double can say, and
tables with any p(y=1|x), certain labels among them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.bottleneck.fits import MATRICES
from ibtui_engine.bottleneck.fitting import fit_classes, fit_layers
from ibtui_engine.bottleneck.onset import onset
from ibtui_engine.bottleneck.sampling import evaluate_sample, sampled_bound
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import MOST_SUPPORT, ib_curve
from ibtui_engine.errors import InvalidValue
from ibtui_engine.networks import Samples, draw_samples
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule
from ibtui_engine.threads import Threads
from tests.tiers import first

ODDS = st.sampled_from([-np.inf, np.inf, -300.0, 40.0, 38.0, -39.0, 0.0]) | st.floats(-60, 60)
RULES = st.lists(ODDS, min_size=16, max_size=16).map(lambda odds: of_log_odds(np.array(odds)))
NAMES = ("symmetric", "symmetric-soft", "committee")


def of_log_odds(odds: np.ndarray) -> Rule:
    with np.errstate(over="ignore"):
        return Rule("some", binary_patterns(4), 1 / (1 + np.exp(-odds)), {}, odds)


def swapped(rule: Rule) -> Rule:
    return Rule(rule.name, rule.patterns, rule.rest, rule.parameters, -rule.log_odds)


def flipped(samples: Samples) -> Samples:
    return Samples(samples.patterns, (1 - samples.labels).astype(np.uint8))


def require_same_rule(rule: Rule, other: Rule) -> None:
    assert other.classes == rule.classes
    assert other.deterministic == rule.deterministic
    assert (other.p_y1, other.p_y0) == pytest.approx((rule.p_y0, rule.p_y1), rel=1e-15)
    one, two = Source.of_rule(rule), Source.of_rule(other)
    assert np.array_equal(two.log_odds, -one.log_odds[::-1])
    for name in ("h_y", "i_xy"):
        assert getattr(other, name) == pytest.approx(getattr(rule, name), abs=1e-14)
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-9, abs=1e-300)
    assert two.entropy == pytest.approx(one.entropy, abs=1e-13)


@given(RULES)
def test_of_a_rule(rule: Rule) -> None:
    require_same_rule(rule, swapped(rule))


@pytest.mark.parametrize("name", NAMES)
def test_of_a_built_in_rule(name: str) -> None:
    require_same_rule(load_rule(name), swapped(load_rule(name)))


def test_of_where_a_threshold_leaves_one_label() -> None:
    """The thresholds that are refused lie at the same distance on both sides."""
    low, high = 0.5, 2.5  # beyond f's range: about 1.77 to 5.6
    for theta, answer in ((-low, 1), (8 + high, 0)):
        with pytest.raises(InvalidValue, match=f"labels every pattern {answer}"):
            load_rule("symmetric", theta=theta)


@pytest.mark.long
@given(RULES, st.sampled_from([1.1, 3.0, 50.0, 1e4]))
def test_of_the_optimal_encoder_and_where_the_curve_begins(rule: Rule, beta: float) -> None:
    one = Source.of_rule(rule)
    first, second = onset(one), onset(one.swapped())
    assert second.beta == pytest.approx(first.beta, rel=1e-6)
    assert second.local == pytest.approx(first.local, rel=1e-9)
    found, other = solve(one, beta), solve(one.swapped(), beta)
    assert other.i_x - beta * other.i_y == pytest.approx(found.i_x - beta * found.i_y, abs=2e-9 * max(beta, 1))
    assert other.intercept == pytest.approx(found.intercept, abs=2e-9)


@pytest.mark.parametrize("name", first(1, ["symmetric", "symmetric-soft"]))
def test_of_the_curve(name: str) -> None:
    one = Source.of_rule(load_rule(name))
    curve, other = ib_curve(one, error=1e-4), ib_curve(one.swapped(), error=1e-4)
    x = np.linspace(0, one.entropy, 200)
    assert other.lower(x) == pytest.approx(curve.lower(x), abs=1e-7)
    assert other.upper(x) == pytest.approx(curve.upper(x), abs=1e-7)
    assert other.critical == pytest.approx(curve.critical, rel=1e-9)
    assert other.critical_decoder == pytest.approx(1 - curve.critical_decoder, abs=1e-9)
    looked_for = curve.bifurcations[:, 2] <= MOST_SUPPORT
    assert other.bifurcations[looked_for] == pytest.approx(curve.bifurcations[looked_for], rel=1e-3)


@pytest.mark.parametrize("name", ["symmetric", "symmetric-soft"])
@pytest.mark.parametrize("fraction", [0.03, 0.4])
def test_of_what_a_finite_sample_is_worth(name: str, fraction: float) -> None:
    rule = load_rule(name)
    betas = np.array([1.5, 20.0, 1000.0])
    for seed in range(3):
        sample = draw_samples(rule, fraction, (seed,))
        found = evaluate_sample(rule, sample, betas)
        assert evaluate_sample(swapped(rule), flipped(sample), betas) == pytest.approx(found, abs=1e-7)


def test_of_what_a_finite_sample_of_any_rule_is_worth() -> None:
    random = np.random.default_rng(8)
    certain = np.array([-np.inf, np.inf, -300.0, 300.0, 40.0])
    betas = np.array([2.3457, 311.0])  # where nothing bifurcates, as it may at round numbers
    for _ in range(25):
        odds = np.where(random.random(16) < 0.4, random.choice(certain, 16), random.normal(0, 20, 16))
        rule = of_log_odds(odds)
        chosen = np.sort(random.permutation(16)[:9])[None]
        sample = Samples(chosen, random.integers(0, 2, (1, 9)).astype(np.uint8))
        found = evaluate_sample(rule, sample, betas)
        assert evaluate_sample(swapped(rule), flipped(sample), betas) == pytest.approx(found, abs=1e-5)


def require_same_fits(rule: Rule, groups: np.ndarray, counts: np.ndarray, curve_of: Callable[[Source], object]) -> None:
    pool = Threads(1)
    fits, others = (
        fit_layers(curve_of(Source.of_rule(one)), one, groups, counts, pool)  # type: ignore[arg-type]
        for one in (rule, swapped(rule))
    )
    pool.close()
    for name in MATRICES:
        size = 2e-3 if name in ("critical", "ib_x", "ib_y", "worth") else 1e-6  # these are of the curve, to its error
        assert getattr(others, name) == pytest.approx(getattr(fits, name), rel=size, abs=size, nan_ok=True), name


@pytest.mark.parametrize("name", first(1, ["symmetric-soft", "symmetric"]))
def test_of_the_betas_of_layers(name: str) -> None:
    """Partitions as layers make them: patterns that are alike by their log-odds, some of them astray."""
    rule = load_rule(name)
    random = np.random.default_rng(3)
    groups = np.empty((3, 4, 4096), np.int32)
    for network in range(3):
        for layer, values in enumerate((700, 60, 12, 3)):
            at = np.argsort(np.argsort(np.clip(rule.log_odds, -90, 90) + random.normal(0, 3, 4096)))
            groups[network, layer] = at * values // 4096
    require_same_fits(
        rule, groups, groups.max(axis=2).astype(np.int64) + 1, lambda source: ib_curve(source, error=1e-4)
    )


@pytest.mark.long
@given(RULES, st.lists(st.integers(0, 4), min_size=16, max_size=16))
def test_of_the_beta_of_any_encoder(rule: Rule, values: list[int]) -> None:
    source = Source.of_rule(rule)
    encoder = np.zeros((len(source.weights), 5))
    encoder[np.arange(len(encoder)), values[: len(encoder)]] = 1
    found, other = fit_classes(source, encoder), fit_classes(source.swapped(), encoder[::-1])
    assert other.end == found.end
    assert other.beta == pytest.approx(found.beta, rel=1e-6, nan_ok=True)
    assert (other.residual, other.i_x, other.i_y) == pytest.approx((found.residual, found.i_x, found.i_y), abs=1e-9)


@pytest.mark.parametrize("betas", [None, np.array([1000.0])])
def test_the_bound_of_small_samples_is_that_of_the_64_classes(betas: np.ndarray | None) -> None:
    """And does not depend on where the search began. With p(y=1|x) alone, which knows 42 classes, it was .788."""
    pool = Threads(1)
    bound = sampled_bound(load_rule("symmetric"), 0.03, tuple(range(10)), pool, betas)
    pool.close()
    assert bound.i_y[-1] == pytest.approx(0.6874, abs=5e-5)
