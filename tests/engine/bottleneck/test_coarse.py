"""The first look at a curve: certified like the curve itself, whatever the grid and the cells that it comes from."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from ibtui_engine.bottleneck import coarse
from ibtui_engine.bottleneck.annealing import COARSE, annealed_curve
from ibtui_engine.bottleneck.choice import coarse_curve
from ibtui_engine.bottleneck.coarse import coarse_binary_curve
from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.solver import solve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.rule import Rule

ROUNDING = 1e-10


def require_around(found: Curve, source: Source) -> None:
    """The optimum at any beta lies on or below the upper curve, and the lower curve on or below its line."""
    for beta in np.geomspace(1.0, 2e3, 12).tolist():
        best = solve(source, beta)
        assert best.i_y <= float(found.upper(best.i_x)) + ROUNDING
        assert (found.i_y <= best.intercept + found.i_x / beta + ROUNDING).all()


@pytest.mark.parametrize("name", ["symmetric", "symmetric-soft", "committee"])
def test_the_coarse_curve_of_a_built_in_rule_is_certified_to_a_five_hundredth_of_its_height(name: str) -> None:
    source = Source.of_rule(load_rule(name))
    found = coarse_binary_curve(source, name=name)
    assert found.certified
    assert 0.0 < found.error <= 2e-3 * source.i_xy
    assert found.error == pytest.approx(found.apart(), abs=1e-15)
    require_around(found, source)


def test_the_true_curve_lies_between_the_coarse_lower_and_upper_one(sources: list[Source]) -> None:
    for source in sources:
        if source.deterministic:
            continue
        found, exact = coarse_binary_curve(source), ib_curve(source, error=1e-4, tolerance=0.1)
        x = np.linspace(0, source.entropy, 300)
        assert (found.lower(x) <= exact.upper(x) + ROUNDING).all()
        assert (exact.lower(x) <= found.upper(x) + ROUNDING).all()
        assert (found.upper(x) - found.lower(x)).max() <= found.error + ROUNDING


def test_the_coarse_curve_of_a_binary_symmetric_channel_is_around_mrs_gerbers() -> None:
    """I(T;Y) = 1 − h(e * v) at I(X;T) = 1 − h(v) (Wyner and Ziv 1973)."""

    def h(p: float) -> float:
        return -p * math.log2(p) - (1 - p) * math.log2(1 - p)

    e = 0.1
    found = coarse_binary_curve(Source.of(np.array([e, 1 - e])))
    assert found.critical == pytest.approx(1 / (1 - 2 * e) ** 2)
    for v in (0.01, 0.1, 0.2, 0.35, 0.49):
        low, high = found.i_y_at(1 - h(v))
        assert low - 1e-12 <= 1 - h(e * (1 - v) + (1 - e) * v) <= high + 1e-12
        assert high - low <= found.error + 1e-12


def test_many_classes_are_weighed_in_blocks_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source.of(np.random.default_rng(3).random(300))
    whole = coarse_binary_curve(source)
    monkeypatch.setattr(coarse, "ROWS", 64)
    blocks = coarse_binary_curve(source)
    np.testing.assert_allclose(blocks.i_x, whole.i_x, rtol=0, atol=1e-9)
    np.testing.assert_allclose(blocks.intercept, whole.intercept, rtol=0, atol=1e-9)


def test_the_certificate_tells_when_the_grid_is_too_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few places the curve is worse, says so, and is still right."""
    source = Source.of_rule(load_rule("symmetric-soft"))
    fine = coarse_binary_curve(source)
    monkeypatch.setattr(coarse, "PLACES", 12)
    rough = coarse_binary_curve(source)
    assert rough.error > 3 * fine.error
    require_around(rough, source)


def test_the_coarse_curve_does_not_depend_on_which_label_is_called_1() -> None:
    source = Source.of_rule(load_rule("committee"))
    one, other = coarse_binary_curve(source), coarse_binary_curve(source.swapped())
    x = np.linspace(0, source.entropy, 100)
    np.testing.assert_allclose(one.lower(x), other.lower(x), atol=1e-6)
    np.testing.assert_allclose(one.upper(x), other.upper(x), atol=1e-6)


def test_a_rule_that_says_nothing_of_y_has_a_flat_coarse_curve() -> None:
    found = coarse_binary_curve(Source.of(np.array([0.3, 0.3])))
    assert found.error == 0.0
    assert not found.lower(np.array([0.0, 0.5])).any()


def test_a_coarse_curve_knows_no_bifurcations_and_makes_none_up() -> None:
    found = coarse_curve(load_rule("symmetric-soft"))
    assert found.coarse
    assert not ib_curve(Source.of_rule(load_rule("symmetric-soft")), error=1e-2).coarse
    assert np.isnan(found.nearest_critical(np.array([2.0, 10.0]))).all()
    assert Curve.from_dict(found.to_dict()).coarse


def test_where_y_is_a_function_of_x_the_first_look_is_exact() -> None:
    rule = Rule("table", np.arange(4, dtype=np.uint8)[:, None] // np.uint8(2), np.array([0.0, 0.0, 1.0, 1.0]))
    assert coarse_curve(rule).exact


@pytest.mark.long
def test_coarse_points_of_many_labels_can_be_achieved() -> None:
    """Two labels given as rows, for which the certified curve is known: no point lies above it, and none far below."""
    p = np.random.default_rng(1).random(400)
    found = annealed_curve(np.stack([1 - p, p], axis=1), effort=COARSE)
    assert found.coarse
    assert not found.certified
    upper = ib_curve(Source.of(p), error=1e-4, tolerance=0.1)
    assert (found.i_y <= upper.upper(found.i_x) + 1e-9).all()
    x = np.linspace(0, 5, 50)
    assert (upper.lower(x) - found.lower(x)).max() < 0.05 * found.i_xy


def test_a_coarse_curve_waits_for_no_compiler() -> None:
    code = (
        "import sys; import numpy as np\n"
        "from ibtui_engine.bottleneck.choice import coarse_curve\n"
        "from ibtui_engine.rules.catalogue import load_rule\n"
        "coarse_curve(load_rule('symmetric'))\n"
        "print('numba' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout.strip() == "False"
