"""Curves of more than two labels: achievable, near the certified one where there is one, and honest about the rest."""

from __future__ import annotations

import numpy as np
import pytest

from ibtui_engine.bottleneck.annealing import annealed_curve
from ibtui_engine.bottleneck.source import Source
from ibtui_engine.bottleneck.tracing import ib_curve
from ibtui_engine.errors import InvalidValue


def test_two_labels_come_near_the_certified_curve_and_never_above() -> None:
    p = np.random.default_rng(0).random(12)
    certified = ib_curve(Source.of(p))
    found = annealed_curve(np.stack([1 - p, p], axis=1))
    assert (found.i_y <= certified.upper(found.i_x) + 1e-9).all()
    assert (certified.lower(found.i_x) - found.i_y).max() < 2e-3
    assert found.i_xy == pytest.approx(certified.i_xy, abs=1e-9)
    assert found.entropy == pytest.approx(certified.entropy, abs=1e-9)


def test_it_says_that_it_is_not_certified() -> None:
    found = annealed_curve(np.random.default_rng(1).dirichlet(np.ones(4), 10))
    assert not found.certified
    assert np.isnan(found.gap).all()
    assert np.isnan(found.intercept).all()
    assert np.isnan(found.error)
    assert "not certified" in found.method
    x = np.linspace(0, 5, 50)
    assert (found.upper(x) == np.minimum(x, found.i_xy)).all()


def test_sure_labels_are_copied() -> None:
    """Y a function of X with four values: the curve is I(T;Y) = I(X;T) up to H(Y)."""
    p = np.eye(4)[np.repeat(np.arange(4), [1, 2, 3, 4])]
    found = annealed_curve(p)
    assert found.classes == 4
    assert found.i_xy == pytest.approx(found.h_y)
    x = np.linspace(0, found.h_y, 20)
    assert found.lower(x) == pytest.approx(x, abs=1e-6)


def test_what_is_no_distribution_is_refused_and_no_information_is_a_flat_curve() -> None:
    for p in (np.ones((3, 2)), np.ones((3, 1)), np.array([0.5, 0.5]), np.array([[1.5, -0.5]])):
        with pytest.raises(InvalidValue, match="distributions"):
            annealed_curve(p)
    flat = annealed_curve(np.full((5, 3), 1 / 3))
    assert len(flat.beta) == 0
    assert float(flat.lower(1.0)) == 0
