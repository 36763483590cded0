"""What is compressed: I(T;orbit), of the class of patterns with equal p(y|x), against brute force, and what follows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibtui_engine.estimation import Estimation
from ibtui_engine.experiment import ESTIMATORS, Experiment
from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.measures.layer import information_of_classes
from ibtui_engine.measures.partition import Orbits, counting_arrays, information, orbit_information
from ibtui_engine.measures.snapshot import Measurer
from ibtui_engine.measures.softmax import SoftmaxMeasurer
from ibtui_engine.networks import Architecture, draw_samples
from ibtui_engine.remeasure import remeasure
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.rules.patterns import binary_patterns
from ibtui_engine.rules.rule import Rule, binary_entropy
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import Optimization, Problem
from tests import naive

COUNTING = ("binning", "adaptive", "quantile", "exact")
FIGURE_4 = Path(__file__).parents[3] / "sessions" / "example-figure-4.ibs"
SEEDS = (0, 1)


def mutual(first: Sequence[Hashable], second: Sequence[Hashable], p_x: Sequence[float] | None = None) -> float:
    """Sum over all pairs of p(a,b) log2 p(a,b) / p(a) p(b)."""
    mass = p_x or [1 / len(first)] * len(first)
    both: Counter[tuple[Hashable, Hashable]] = Counter()
    one: Counter[Hashable] = Counter()
    other: Counter[Hashable] = Counter()
    for a, b, p in zip(first, second, mass, strict=True):
        both[a, b] += p  # type: ignore[assignment]
        one[a] += p  # type: ignore[assignment]
        other[b] += p  # type: ignore[assignment]
    return math.fsum(p * math.log2(p / (one[a] * other[b])) for (a, b), p in both.items())


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 5), min_size=n, max_size=n)] * 2)))
def test_what_a_partition_and_the_orbits_share_is_what_the_definition_says(drawn: tuple[list[int], list[int]]) -> None:
    groups, orbits = (np.unique(one, return_inverse=True)[1].ravel() for one in drawn)
    patterns, count = len(groups), int(groups.max()) + 1
    h_t, _ = information(groups.astype(np.int32), count, np.full(patterns, 0.5), binary_entropy(np.full(patterns, 0.5)),
                         1.0, *counting_arrays(patterns))  # fmt: skip
    expected = mutual(groups.tolist(), orbits.tolist())
    ready = Orbits.of(orbits)
    for _ in range(2):  # nothing is left from the first time
        found = orbit_information(groups.astype(np.int32), count, h_t, ready)
        assert found == pytest.approx(expected, abs=1e-12)
    assert information_of_classes(groups.astype(np.int32), orbits) == pytest.approx(expected, abs=1e-12)
    assert ready.entropy == pytest.approx(mutual(orbits.tolist(), orbits.tolist()), abs=1e-12)


def test_weighted_patterns_share_by_their_weights() -> None:
    rng = np.random.default_rng(0)
    groups, orbits, p_x = rng.integers(0, 5, 50), rng.integers(0, 3, 50), rng.dirichlet(np.ones(50))
    expected = mutual(groups.tolist(), orbits.tolist(), p_x.tolist())
    assert information_of_classes(groups.astype(np.int32), orbits, p_x) == pytest.approx(expected, abs=1e-12)


def test_orbits_are_patterns_of_equal_log_odds_or_of_equal_rows() -> None:
    rule = load_rule("symmetric")
    assert rule.orbits.max() == 63
    assert Orbits.of(rule.orbits).entropy == pytest.approx(5.5695, abs=5e-5)
    assert len(np.unique(rule.p_y)) < 64, "p(y|x) alone would merge those that are 1 in double precision"
    for orbit in range(64):
        assert len(np.unique(rule.log_odds[rule.orbits == orbit])) == 1
    rows = np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5], [0.5, 0.3, 0.2], [0.0, 0.5, 0.5], [-0.0, 0.5, 0.5]])
    three = Rule("three", np.arange(5, dtype=np.float32)[:, None], rows)
    assert len(np.unique(three.orbits)) == 3
    assert three.orbits[0] == three.orbits[1]
    assert three.orbits[3] == three.orbits[4]


def problem_of(p_x: np.ndarray | None = None) -> Problem:
    levels = np.array([0.05, 0.3, 0.8, 0.95])[np.random.default_rng(3).integers(0, 4, 64)]
    rule = Rule("levels", binary_patterns(6), levels, p_x=p_x)
    samples = draw_samples(rule, 0.7, SEEDS)
    return Problem(Architecture.of(rule, (5, 3, 2), "tanh"), rule, samples, SEEDS, Optimization("sgd", 0.1, 0.9, 9))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_both_measurers_have_it_where_they_count_values_and_not_elsewhere(estimator: str) -> None:
    problem, threads = problem_of(), Threads(2)
    weights = problem.architecture.initial_weights(SEEDS, 4.0)
    how = Estimation.chosen(estimator, **({"bins": 4} if estimator in COUNTING[:3] else {}))
    found = [SoftmaxMeasurer(problem, how, threads).measure(weights)[0]]
    if estimator in (*COUNTING, "kde"):
        found.append(Measurer(problem, 4, threads, estimator).measure(weights)[0])
    for one in found:
        assert np.isfinite(one.i_orbit).all() == (estimator in COUNTING)
        assert np.isnan(one.i_orbit).all() == (estimator not in COUNTING)
    if estimator == "binning":
        edges = np.linspace(-1, 1, 5)[1:-1]
        for k in range(len(SEEDS)):
            network = naive.network_of(weights[k], problem.architecture.widths)
            for layer, values in enumerate(naive.outputs(network, problem.rule.patterns, "tanh")[0]):
                t = [tuple(row) for row in np.digitize(values, edges).tolist()]
                for one in found:
                    assert one.i_orbit[k, layer] == pytest.approx(mutual(t, problem.rule.p_y.tolist()), abs=1e-12)
    if estimator in COUNTING:
        assert found[0].i_orbit == pytest.approx(found[1].i_orbit, abs=1e-12)
        for one in found:
            assert (one.i_orbit <= one.i_x).all()
            assert (one.i_y <= one.i_orbit + 1e-12).all()


def test_labels_that_are_certain_are_the_orbits() -> None:
    rng = np.random.default_rng(1)
    outputs, labels = {"a": rng.normal(size=(80, 3)), "b": rng.normal(size=(80, 1)).round()}, rng.integers(0, 3, 80)
    found = measure_outputs(outputs, labels, "binning", bins=3).information
    assert found.i_orbit == pytest.approx(found.i_y, abs=1e-12)
    assert np.isnan(measure_outputs(outputs, labels, "gauss").information.i_orbit).all()


def test_a_run_records_it_and_measuring_again_finds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "r.ibs"
    experiment = Experiment(networks=2, epochs=6, snapshots=2, hidden=((4, 2),), fraction=(0.5,))
    assert Run(begin(path, "r", experiment), threads=1).execute() == "finished"
    with SessionReader(path) as reader:
        one = reader.recorded_ensemble(0)
        layers = one.layers
        assert (layers.i_orbit <= layers.i_x).all()
        np.testing.assert_allclose(layers.i_within, layers.i_x - layers.i_orbit)
        np.testing.assert_allclose(layers.i_x_given_y, layers.i_x - layers.i_y)
        figures = one.layer_figures(6)[0]
        assert figures.i_orbit.mean + figures.i_within.mean == pytest.approx(figures.i_x.mean)
        for row, (_, found) in enumerate(remeasure(reader, one.ensemble, one.epochs, experiment, Threads(1))):
            assert np.array_equal(found.i_orbit, layers.i_orbit[row])
        kde = remeasure(reader, one.ensemble, [6], Experiment(estimator="kde"), Threads(1))
        assert all(np.isnan(found.i_orbit).all() for _, found in kde)


def test_arrays_with_named_axes_have_it(tmp_path: Path) -> None:
    pytest.importorskip("xarray")  # an extra, which the lowest versions are tried without
    experiment = Experiment(networks=2, epochs=2, snapshots=1, hidden=((3,),))
    Run(begin(tmp_path / "r.ibs", "r", experiment), threads=1).execute()
    with SessionReader(tmp_path / "r.ibs") as reader:
        arrays, layers = reader.to_xarray(), reader.layers(reader.ensemble(0))
    assert arrays.i_within.attrs["units"] == "bits"
    assert "I(X;T | Y)" in arrays.i_x_given_y.attrs["long_name"]
    assert np.array_equal(arrays.i_orbit.values[0].transpose(1, 0, 2), layers.i_orbit)


def test_converged_networks_have_lost_of_the_orbit_and_within_orbits_what_is_known() -> None:
    """Ten networks of figure 4 on 85 %: T4 has 2.97 of 5.57 bits of the orbit, and 3.88 within orbits."""
    with SessionReader(FIGURE_4) as reader:
        ensemble = reader.ensemble(0)
        (_, found), *_ = remeasure(reader, ensemble, [10_000], reader.summary.experiment, Threads(2))
        assert reader.layers(ensemble).i_within[-1] == pytest.approx(found.i_x - found.i_orbit, abs=0.02)
    assert found.i_orbit.mean(axis=0)[[0, 3]] == pytest.approx([5.57, 2.97], abs=0.005)
    assert (found.i_x - found.i_orbit).mean(axis=0)[3] == pytest.approx(3.88, abs=0.005)
