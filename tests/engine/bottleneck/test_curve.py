"""The whole curve: its two sides, its ends, its corners and its bifurcations."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.onset import onset
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve, settled, solve_betas
from ibtui_engine.errors import InvalidValue
from ibtui_engine.rules.catalogue import load_rule
from tests.engine.bottleneck.conftest import plane, random_source


@pytest.fixture(scope="module")
def soft() -> Curve:
    return ib_curve(Source.of_rule(load_rule("symmetric-soft")), name="symmetric-soft")


@pytest.fixture(scope="module")
def hard() -> Curve:
    return ib_curve(Source.of_rule(load_rule("symmetric")), name="symmetric")


@pytest.mark.parametrize("which", ["soft", "hard"])
def test_the_two_sides_are_as_close_as_stated(which: str, request: pytest.FixtureRequest) -> None:
    curve: Curve = request.getfixturevalue(which)
    x = np.concatenate([np.linspace(0, curve.entropy + 1, 4001), curve.i_x])
    lower, upper = curve.lower(x), curve.upper(x)
    assert (upper - lower).max() <= 1e-6 + 1e-12
    assert (upper - lower).min() >= -1e-12
    assert (np.diff(lower[:4001]) >= -1e-15).all()
    assert curve.gap.max() <= 1e-9
    assert curve.i_y_at(0.0) == (0.0, pytest.approx(0.0, abs=1e-9))
    assert curve.i_y_at(curve.entropy)[0] == pytest.approx(curve.i_xy, abs=1e-15)
    assert (np.diff(curve.i_x) >= -1e-7).all()


def test_the_curve_is_concave(soft: Curve) -> None:
    slopes = np.diff(soft.corners[:, 1]) / np.diff(soft.corners[:, 0])
    assert (np.diff(slopes) <= 1e-12).all()
    assert slopes[0] <= 1 / soft.critical + 1e-9


@pytest.mark.long
@given(st.integers(0, 2**32 - 1))
@example(35859171)  # p(y=1) rounds to 1, though one class has a p(y=1|x) below it
def test_no_encoder_lies_above_and_points_do_not_lie_below(seed: int) -> None:
    random = np.random.default_rng(seed)
    source = random_source(random, 2, 15)
    curve = ib_curve(source, error=1e-4, tolerance=0.1)
    for _ in range(20):
        encoder = random.dirichlet(np.full(int(random.integers(1, 6)), 10.0 ** random.uniform(-1, 1)), len(source.p_y))
        i_x, i_y = plane(source, encoder)
        assert i_y <= float(curve.upper(i_x)) + 1e-11
    x = np.linspace(0, curve.entropy, 300)
    assert (curve.upper(x) - curve.lower(x)).max() <= 1e-4 + 1e-9


def test_hard_labels_are_a_corner_that_one_beta_holds() -> None:
    source = Source.of(np.array([0.0, 1.0]), np.array([0.4, 0.6]))
    curve = ib_curve(source)
    ((beta, x, y, to_x, to_y),) = curve.segments.tolist()
    assert beta == pytest.approx(1, abs=1e-9)
    assert (x, y) == pytest.approx((0, 0), abs=1e-6)
    assert (to_x, to_y) == pytest.approx((curve.h_y, curve.h_y), abs=1e-6)
    for i_x in (0.1, 0.5, 0.9):
        assert curve.i_y_at(i_x) == pytest.approx((i_x, i_x), abs=1e-6)
    assert curve.critical == pytest.approx(1)


@pytest.mark.parametrize("noise", [1e-12, 1e-9])
def test_nearly_hard_labels_are_all_but_a_corner(noise: float) -> None:
    curve = ib_curve(Source.of(np.array([noise, 2 * noise, 1 - noise]), np.array([0.2, 0.3, 0.5])))
    assert len(curve.beta) < 60
    assert curve.i_y_at(0.5)[0] == pytest.approx(0.5, abs=1e-6)
    assert curve.i_y_at(1.0)[0] == pytest.approx(1.0, abs=1e-6)
    x = np.linspace(0, curve.entropy, 500)
    assert (curve.upper(x) - curve.lower(x)).max() <= 1e-6 + 1e-12


def test_a_binary_symmetric_channel_follows_mrs_gerber() -> None:
    """For X uniform and Y a copy with noise e, I(T;Y) = 1 − h(e * v) at I(X;T) = 1 − h(v) (Wyner and Ziv 1973)."""

    def h(p: float) -> float:
        return -p * math.log2(p) - (1 - p) * math.log2(1 - p)

    e = 0.1
    curve = ib_curve(Source.of(np.array([e, 1 - e])), error=1e-8)
    for v in (0.01, 0.1, 0.2, 0.35, 0.49):
        exact = 1 - h(e * (1 - v) + (1 - e) * v)
        low, high = curve.i_y_at(1 - h(v))
        assert low - 1e-12 <= exact <= high + 1e-12
        assert high - low <= 1e-8 + 1e-12


def test_bifurcations_are_where_the_support_grows(soft: Curve) -> None:
    source = Source.of_rule(load_rule("symmetric-soft"))
    grown = soft.bifurcations[soft.bifurcations[:, 2] > soft.bifurcations[:, 1]]
    assert len(grown) >= 8
    for beta, before, after in grown[:6].tolist():
        assert solve(source, beta * (1 - 2e-3)).support == before
        assert solve(source, beta * (1 + 2e-3)).support == after
    assert grown[0, 0] == pytest.approx(onset(source).beta, rel=2e-4)
    assert soft.growing[0] == soft.critical


def test_support_that_grows_and_shrinks_nearby_has_not_grown() -> None:
    rows = [(10.0, 1.0, 2.0), (20.0, 2.0, 4.0), (20.1, 4.0, 3.0), (30.0, 3.0, 4.0), (30.2, 4.0, 3.0), (50.0, 3.0, 2.0)]
    assert settled(rows) == [(10.0, 1.0, 2.0), (20.0, 2.0, 3.0), (50.0, 3.0, 2.0)]


def test_points_by_beta_are_those_of_the_solver(soft: Curve) -> None:
    source = Source.of_rule(load_rule("symmetric-soft"))
    for beta in (0.5, 1.5, 7.0, 100.0):
        exact = solve(source, beta)
        x, y = soft.point_at(beta)
        assert (float(x), float(y)) == pytest.approx((exact.i_x, exact.i_y), abs=3e-3)
        if beta > soft.critical:
            assert float(soft.beta_at(exact.i_x)) == pytest.approx(beta, rel=0.05)
    assert math.isinf(float(soft.beta_at(soft.entropy + 1)))


def test_the_nearest_point_is_the_nearest_of_many(soft: Curve) -> None:
    x = np.linspace(0, 12, 200001)
    y = soft.lower(x)
    for here in ((0.5, 0.1), (3.0, 0.7), (11.0, 0.5), (0.0, 0.0)):
        found = soft.nearest(*here)
        least = np.hypot(x - here[0], y - here[1]).min()
        assert math.hypot(found[0] - here[0], found[1] - here[1]) == pytest.approx(least, abs=1e-5)


def test_a_curve_comes_back_from_json(soft: Curve) -> None:
    again = Curve.from_dict(json.loads(json.dumps(soft.to_dict(), allow_nan=False)))
    for name, value in vars(soft).items():
        if not name.startswith("_") and name != "corners":
            np.testing.assert_array_equal(getattr(again, name), value)
    assert again.i_y_at(1.3) == soft.i_y_at(1.3)


@pytest.mark.parametrize("broken", [{}, {"beta": "x"}, {"beta": [1.0]}, {"bifurcations": [1.0]}])
def test_what_is_no_curve_is_refused(soft: Curve, broken: dict[str, object]) -> None:
    with pytest.raises(InvalidValue, match="not a curve"):
        Curve.from_dict(soft.to_dict() | broken if broken else {})


def test_nothing_to_know_is_a_flat_curve() -> None:
    curve = ib_curve(Source.of(np.array([0.3, 0.3])))
    assert curve.i_y_at(1.0) == (0.0, 0.0)
    assert len(curve.beta) == 0
    assert np.isnan(curve.nearest_critical(np.array([2.0]))).all()


@pytest.mark.parametrize(("error", "tolerance"), [(0.0, 1e-4), (1.0, 1e-4), (math.nan, 1e-4), (1e-6, 0.0), (1e-6, 1.0)])
def test_errors_out_of_range_are_refused(error: float, tolerance: float) -> None:
    with pytest.raises(InvalidValue, match="must be"):
        ib_curve(Source.of(np.array([0.1, 0.9])), error=error, tolerance=tolerance)


def test_betas_can_be_chosen() -> None:
    source = Source.of_rule(load_rule("symmetric-soft"))
    found = solve_betas(source, np.geomspace(1.1, 100, 15))
    assert [round(s.beta, 6) for s in found] == np.geomspace(1.1, 100, 15).round(6).tolist()


@pytest.mark.parametrize("module", ["ibtui_engine.bottleneck.curve", "ibtui_engine.bottleneck.fits"])
def test_reading_results_loads_no_compiler(module: str) -> None:
    code = f"import sys, {module}; print(*{{n.split('.')[0] for n in sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numba", "scipy", "torch", "jaxtyping"} & set(found)
