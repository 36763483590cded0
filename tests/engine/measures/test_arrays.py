"""Measuring arrays: the numbers of the engine's own runs, layers of any width, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.errors import InvalidValue, either
from ibtui_engine.measures import outputs_by_block
from ibtui_engine.measures.arrays import KNOWN, measure_outputs
from ibtui_engine.measures.outputs_by_block import LayerOutputs, factor
from ibtui_engine.remeasure import remeasure, with_settings
from ibtui_engine.rules.catalogue import load_rule
from ibtui_engine.session.history import SessionReader
from ibtui_engine.settings import ESTIMATORS
from ibtui_engine.threads import Threads
from tests import naive

EXAMPLE = Path(__file__).parents[3] / "sessions" / "example-figure-4.ibs"
RULE = load_rule("symmetric")
COLUMNS = ("i_x", "i_y", "distinct", "low", "high", "i_x_lower", "i_y_lower", "saturated", "nonlinear")
RANDOM = np.random.default_rng(5)
SOFT = RANDOM.dirichlet(np.ones(3), 60)
LAYERS = {
    "wide": RANDOM.normal(size=(60, 4, 5, 5)).astype(np.float32),
    "few values": RANDOM.integers(0, 2, (60, 300)) * RANDOM.integers(0, 2, 60)[:, None],
    "one": np.tanh(RANDOM.normal(size=60)),
}
ROWS = "must have a row for each of the 60 patterns"
OR = "or a row of p(y|x) for each"


@pytest.fixture(scope="module")
def example() -> Iterator[SessionReader]:
    with SessionReader(EXAMPLE) as reader:
        yield reader


def outputs_of(reader: SessionReader, epoch: int, network: int) -> tuple[list[np.ndarray], list[str]]:
    """Each layer's outputs by NumPy, and its activation."""
    ensemble = reader.ensemble(0)
    architecture = reader.architecture(ensemble)
    weights = reader.weights(ensemble, epoch)[network]
    found = naive.outputs(naive.network_of(weights, architecture.widths), RULE.patterns, "tanh")[0]
    return found, [architecture.activation] * (len(found) - 1) + ["output"]


@pytest.mark.parametrize("place", [0, 60, -1])
def test_outputs_are_measured_as_the_run_that_had_them_measured_them(example: SessionReader, place: int) -> None:
    ensemble, p_y = example.ensemble(0), RULE.p_y
    epoch = ensemble.snapshots[place]
    history = example.layers(ensemble, epoch)
    for network in (0, 7):
        outputs, kinds = outputs_of(example, epoch, network)
        found = measure_outputs(outputs, p_y, activations=kinds)
        assert found.layers == ("T1", "T2", "T3", "T4", "T5", "output")
        for name in COLUMNS:
            recorded = getattr(history, "distinct_t" if name == "distinct" else name)[0, network]
            assert getattr(found.information, name)[0] == pytest.approx(recorded, abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize(
    ("estimator", "settings"),
    [
        ("quantile", {"bins": 7}),
        ("exact", {}),
        pytest.param("kde", {"noise": 0.01}, marks=pytest.mark.long),
    ],
)
def test_by_other_estimators_too_numbers_are_those_of_the_compiled_kernels(
    example: SessionReader, estimator: str, settings: dict[str, float]
) -> None:
    ensemble, p_y = example.ensemble(0), RULE.p_y
    epoch = ensemble.snapshots[-1]
    how = with_settings(example.summary.experiment, {"estimator": estimator, **settings})
    threads = Threads(1)
    ((_, compiled),) = remeasure(example, ensemble, [epoch], how, threads)
    threads.close()
    outputs, kinds = outputs_of(example, epoch, 3)
    found = measure_outputs(outputs, p_y, estimator, activations=kinds, **settings).information
    for name in ("i_x", "i_y", "i_x_lower", "i_y_lower"):
        assert getattr(found, name)[0] == pytest.approx(getattr(compiled, name)[3], abs=1e-9, nan_ok=True), name
    # outputs in another order of additions differ by rounding, so that equal ones may not be the same bits
    assert found.distinct[0] == pytest.approx(compiled.distinct[3], abs=0 if estimator == "quantile" else 40)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_how_many_units_are_read_at_a_time_changes_nothing(estimator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measure_outputs(LAYERS, SOFT, estimator, activations={"one": "tanh"})
    monkeypatch.setattr(outputs_by_block, "BLOCK_NUMBERS", 60 * 7)
    parts = measure_outputs(LAYERS, SOFT, estimator, activations={"one": "tanh"})
    for name in COLUMNS:
        expected = getattr(whole.information, name)
        # rounding turns the space that the points of a wide layer span, and with it the noise that is drawn there
        error = np.nan_to_num(getattr(whole.information, f"{name}_error", np.zeros(3)))
        found = getattr(parts.information, name)
        assert (np.isnan(found) == np.isnan(expected)).all(), name
        assert (abs(np.nan_to_num(found - expected)) <= 1e-6 + 5 * error * (estimator == "gauss")).all(), name


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_array_is_changed_and_shapes_beyond_the_first_axis_mean_nothing(estimator: str) -> None:
    before = {name: array.copy() for name, array in LAYERS.items()}
    found = measure_outputs(LAYERS, SOFT, estimator)
    flat = measure_outputs(
        {name: array.reshape(60, -1).astype(float) for name, array in LAYERS.items()}, SOFT, estimator
    )
    assert all((LAYERS[name] == array).all() for name, array in before.items())
    assert found.information.i_y == pytest.approx(flat.information.i_y, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("estimator", ["binning", "exact", "kde", "gauss", "renyi"])
def test_a_layer_of_a_million_units_is_measured(estimator: str) -> None:
    """Five values, of which each pattern has one: H(T) is known, whatever tells them apart."""
    value = np.arange(20) % 5
    wide = np.repeat(np.arange(5, dtype=np.float32), 1_000_000).reshape(5, -1)[value]
    found = measure_outputs({"conv": wide}, (value == 2).astype(int), estimator, **_far_apart(estimator))
    assert found.information.i_x[0, 0] == pytest.approx(math.log2(5), abs=0.02)
    assert found.information.distinct[0, 0] == 5
    if estimator != "renyi":
        assert found.information.i_y[0, 0] == pytest.approx(naive.entropy(np.array([0.2, 0.8])), abs=1e-6)


def _far_apart(estimator: str) -> dict[str, float]:
    return {"kde": {"noise": 1e-3}, "gauss": {"noise": 1e-3}, "renyi": {"width": 0.01}}.get(estimator, {})


def test_sixty_layers_keep_their_names_and_order() -> None:
    layers = {f"layer{k}.0.conv": LAYERS["one"] * (k + 1) for k in range(60)}
    found = measure_outputs(layers, SOFT, bins=5)
    assert found.layers == tuple(layers)
    assert found.information.i_x.shape == (1, 60)
    assert found.information.i_x[0] == pytest.approx(found.information.i_x[0, 0])


def test_outputs_that_are_no_numbers_are_a_note_and_no_number() -> None:
    broken = LAYERS["wide"].copy()
    broken[3, 0, 0, :2], broken[9, 1, 1, 1] = np.nan, np.inf
    found = measure_outputs({"good": LAYERS["one"], "bad": broken}, SOFT, "gauss")
    assert found.notes == (
        "",
        "layer 'bad': 3 of 6000 outputs are NaN or infinite, on 2 of 60 patterns: nothing is measured",
    )
    assert math.isfinite(found.information.i_x[0, 0])
    for name in ("i_x", "i_y", "low", "high", "i_x_error", "saturated"):
        assert math.isnan(getattr(found.information, name)[0, 1]), name
    assert found.information.distinct[0, 1] == 0


@pytest.mark.parametrize(("estimator", "settings"), [("binning", {}), ("exact", {}), ("kde", {"noise": 1e-9})])
def test_each_estimator_says_where_it_is_at_its_ceiling(estimator: str, settings: dict[str, float]) -> None:
    layers = {"apart": np.arange(60.0) * 1e3, "together": np.arange(60) // 30}
    found = measure_outputs(layers, SOFT, estimator, **({"bins": 60} if estimator == "binning" else settings))
    assert found.at_ceiling.tolist() == [True, False]


def test_sampling_kernels_and_probes_have_ceilings_of_their_own() -> None:
    layers = {"apart": np.eye(60) * 1e3, "together": np.arange(60) // 30}
    assert measure_outputs(layers, SOFT, "gauss", noise=1.0).at_ceiling.tolist() == [True, False]
    assert measure_outputs(layers, SOFT, "renyi", width=0.05).at_ceiling.tolist() == [True, False]
    labels = np.arange(60) % 2
    layers = {"label": labels * 1000.0, "noise": LAYERS["one"]}
    assert measure_outputs(layers, labels, "probe").at_ceiling.tolist() == [True, False]


def test_labels_and_probabilities_that_say_the_same_are_the_same() -> None:
    labels = RANDOM.integers(0, 2, 60)
    forms = (labels, labels.astype(bool), labels.astype(float), np.eye(2)[labels], np.eye(2, dtype=np.float32)[labels])
    found = [measure_outputs([LAYERS["one"]], form, bins=4).information.i_y[0, 0] for form in forms]
    assert found == pytest.approx([found[0]] * 5, abs=1e-12)
    assert 0 < found[0] < 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"outputs": {}}, "outputs must have at least one layer"),
        ({"outputs": {"a": np.zeros((59, 2))}}, f"outputs of 'a' {ROWS}, got shape (59, 2)"),
        ({"outputs": {"a": np.zeros((60, 0))}}, f"outputs of 'a' {ROWS}, got shape (60, 0)"),
        ({"outputs": {"a": np.array(["x"] * 60)}}, "outputs of 'a' must be an array of numbers, got type <U1"),
        ({"outputs": {"a": np.zeros(60, complex)}}, "outputs of 'a' must be an array of numbers, got type complex128"),
        ({"p_y": np.full(60, -1)}, "labels must be whole numbers from 0 to 255, got -1 to -1"),
        ({"p_y": np.full(60, 7.0)}, "p(y|x) must be from 0 to 1, got 7 (labels are whole numbers)"),
        ({"p_y": np.full((60, 2), 0.7)}, "p(y|x) must add up to 1 in each row"),
        ({"p_y": np.full(60, np.nan)}, "p(y|x) must be from 0 to 1, got nan (labels are whole numbers)"),
        ({"p_y": np.full((60, 300), 1 / 300)}, "p(y|x) must have 2 to 256 columns, one a label, got 300"),
        ({"p_y": np.zeros((60, 2, 2))}, f"labels must be one for each pattern, {OR}, got shape (60, 2, 2)"),
        ({"activations": {"b": "tanh"}}, "activations name 'b', which is no layer: a"),
        ({"activations": "gelu"}, f"activation must be {either(KNOWN)}, or None, got 'gelu'"),
        ({"activations": ["tanh", "tanh"]}, "activations must be one for each of the 1 layers, got 2"),
        ({"estimator": "best"}, f"estimator must be {either(ESTIMATORS)}, got 'best'"),
        ({"bins": 1}, "bins must be a whole number from 2 to 1000000, got 1"),
        ({"noise": 1.0}, "noise applies only to kde or gauss, not to binning"),
        ({"estimator": "gauss", "noise": -1.0}, "noise must be a variance from 1e-30 to 1e+30, got -1.0"),
        ({"estimator": "gauss", "scale": "unit"}, "scale is what noise is a multiple of: give noise, too"),
        ({"estimator": "gauss", "noise": 1.0, "scale": "x"}, "scale must be absolute, unit or layer, got 'x'"),
        ({"estimator": "gauss", "samples": 1}, "samples must be a whole number from 2 to 10000000, got 1"),
        ({"inputs": np.zeros((3, 2))}, f"inputs {ROWS}, got shape (3, 2)"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(change: dict[str, object], text: str) -> None:
    given: dict[str, object] = {"outputs": {"a": LAYERS["one"]}, "p_y": SOFT, **change}
    with pytest.raises(InvalidValue) as refused:
        measure_outputs(**given)  # type: ignore[arg-type]
    assert str(refused.value) == text


def test_points_of_a_wide_layer_have_the_distances_of_its_outputs() -> None:
    wide = RANDOM.normal(size=(12, 500)) * 1e3 + 1e4
    wide[5] = wide[4]
    points = LayerOutputs(wide).points()
    assert points.shape == (12, 10)  # eleven points, less their mean
    expected = ((wide[:, None] - wide) ** 2).sum(axis=2)
    assert ((points[:, None] - points) ** 2).sum(axis=2) == pytest.approx(expected, rel=1e-9, abs=1e-4)
    assert factor(np.zeros((3, 3))).tolist() == [[0.0]] * 3
