"""Runs by the estimators that measure arrays: numbers, errors and ceilings, held against the arrays themselves."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ibtui.caveats import as_lines, caveats
from ibtui_engine.errors import InvalidValue
from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.measures.checks import NEARLY, layers_at_ceiling
from ibtui_engine.remeasure import save_remeasured, with_settings
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader
from ibtui_engine.threads import Threads
from tests.tiers import first

NAN = np.nan
SETTINGS = {
    "gauss": {"noise": 0.2, "noise_scale": "unit", "noise_samples": 300},
    "renyi": {"kernel_width": 0.8},
    "probe": {},
    "kde": {"noise": 0.1, "noise_scale": "layer"},
}
GIVEN = {"noise": "noise", "noise_scale": "scale", "noise_samples": "samples", "kernel_width": "width"}


def run(path: Path, estimator: str, **settings: object) -> Path:
    small = {"hidden": "4-2", "networks": 2, "epochs": 2, "snapshots": 0, "seed": 5}
    experiment = Experiment.from_dict({**small, "estimator": estimator, **settings})
    Run(begin(path, path.stem, experiment), threads=1).execute()
    return path


@pytest.mark.parametrize("estimator", first(1, SETTINGS))
def test_a_run_records_what_the_arrays_of_its_layers_give(tmp_path: Path, estimator: str) -> None:
    """Outputs are computed here from the recorded weights; what is drawn is drawn by each network's seed."""
    settings = SETTINGS[estimator]
    with SessionReader(run(tmp_path / "a.ibs", estimator, **settings)) as reader:
        ensemble = reader.ensemble(0)
        layers, rule = reader.layers(ensemble, 2), reader.rule(1)
        matrices = reader.architecture(ensemble).matrices(reader.weights(ensemble, 2))
    for network in range(2):
        a, outputs = rule.patterns.astype(np.float64), []
        for matrix in matrices:
            z = a @ matrix[network, :, :-1].T.astype(np.float64) + matrix[network, :, -1]
            a = np.tanh(z) if matrix is not matrices[-1] else 1 / (1 + np.exp(-z))
            outputs.append(a)
        found = measure_outputs(
            *(outputs, rule.p_y, estimator),
            inputs=rule.patterns,
            **{GIVEN[name]: value for name, value in settings.items()},
            **({} if estimator == "kde" else {"seed": 5 + network}),
        ).information
        error = np.nan_to_num(found.i_x_error[0]) if estimator == "gauss" else 0.0
        for name in ("i_x", "i_y", "i_x_lower", "i_y_lower", "i_x_most"):
            expected, recorded = getattr(found, name)[0], getattr(layers, name)[0, network]
            assert (np.isnan(recorded) == np.isnan(expected)).all(), name
            assert (abs(np.nan_to_num(recorded - expected)) <= 1e-6 + error).all(), name
        assert (layers.i_x_error[0, network] > 0).all() == (estimator == "gauss")
        assert np.isnan(layers.i_x[0]).all() == (estimator == "probe")
        assert np.isfinite(layers.i_x_most).all() == (estimator == "renyi")


def test_networks_draw_noise_of_their_own(tmp_path: Path) -> None:
    """So the sampling error of a mean over networks falls with their number."""
    with SessionReader(run(tmp_path / "a.ibs", "gauss", networks=3)) as reader:
        one = reader.recorded_ensemble(0)
    for figures, errors in zip(one.layer_figures(2), one.layers.i_x_error[-1].T, strict=True):
        assert figures.i_x_error == pytest.approx(np.sqrt((errors**2).sum()) / 3)
    low, high = one.interval("i_x")
    assert (high - low)[-1] == pytest.approx([2 * figures.i_x_error for figures in one.layer_figures(2)])


def test_bounds_are_drawn_in_their_middle(tmp_path: Path) -> None:
    with SessionReader(run(tmp_path / "a.ibs", "kde")) as reader:
        one = reader.recorded_ensemble(0)
    layers = one.layers
    assert one.middle("i_x") == pytest.approx((layers.i_x + layers.i_x_lower) / 2)
    assert one.middle_mean("i_y") == pytest.approx((layers.i_y + layers.i_y_lower).mean(axis=1) / 2)
    low, high = one.interval("i_y")
    assert (low == layers.i_y_lower.mean(axis=1)).all()
    assert (high == layers.i_y.mean(axis=1)).all()
    assert (low < high).any()


@pytest.mark.parametrize("estimator", ["renyi", "probe"])
def test_what_needs_equally_likely_patterns_says_so_before_anything_runs(tmp_path: Path, estimator: str) -> None:
    table = tmp_path / "x.csv"
    table.write_text("a,y,weight\n0,0,1\n1,1,2\n2,1,1\n")
    why = f"estimator {estimator} needs equally likely patterns, and here p(x) has weights"
    settings = {"rule": f"table:{table}", "epochs": 1, "networks": 1, "hidden": "2"}
    with pytest.raises(InvalidValue, match=f"^{re.escape(why)}$"):
        begin(tmp_path / "a.ibs", "a", Experiment.from_dict({**settings, "estimator": estimator}))
    assert not (tmp_path / "a.ibs").exists()
    Run(begin(tmp_path / "b.ibs", "b", Experiment.from_dict(settings)), threads=1).execute()
    threads = Threads(1)
    with SessionReader(tmp_path / "b.ibs") as reader:
        again = with_settings(reader.summary.experiment, {"estimator": estimator})
        with pytest.raises(InvalidValue, match=f"^{re.escape(why)}$"):
            save_remeasured(reader, tmp_path / "c.ibs", "c", again, threads)
    threads.close()


@pytest.mark.parametrize(("estimator", "below", "reached"), [
    ("exact", (9.9999, NAN, NAN), (10.0, NAN, NAN)),
    ("kde", (10.0, 10 - 1.01 * NEARLY, NAN), (10.0, 10 - 0.99 * NEARLY, NAN)),
    ("gauss", (10 - 1.01 * NEARLY, NAN, NAN), (10 - 0.99 * NEARLY, NAN, NAN)),
    ("renyi", (6 - 1.01 * NEARLY, NAN, 6.0), (6 - 0.99 * NEARLY, NAN, 6.0)),
    ("renyi", (10 - 1.01 * NEARLY, NAN, NAN), (10 - 0.99 * NEARLY, NAN, NAN)),
])  # fmt: skip
def test_each_estimator_has_its_ceiling(estimator: str, below: tuple[float, ...], reached: tuple[float, ...]) -> None:
    for (i_x, lower, most), expected in ((below, False), (reached, True)):
        columns = {"i_x": i_x, "i_y": 0.5, "i_x_lower": lower, "i_x_most": most}
        columns["i_x_error"] = 0.1 if estimator == "gauss" else NAN
        found = layers_at_ceiling(estimator, {name: np.array([value]) for name, value in columns.items()}, 10.0, 0.9)
        assert found.tolist() == [expected]


def test_a_probe_is_at_its_ceiling_where_it_reads_the_whole_label() -> None:
    rest = dict.fromkeys(("i_x", "i_x_lower", "i_x_error", "i_x_most"), np.full(3, NAN))
    i_y = np.array([0.9 - 1.01 * NEARLY, 0.9 - 0.99 * NEARLY, NAN])
    assert layers_at_ceiling("probe", {**rest, "i_y": i_y}, 10.0, 0.9).tolist() == [False, True, False]


def test_sampling_breaks_no_inequality_within_its_errors(tmp_path: Path) -> None:
    """At the ceiling, two layers' numbers differ by chance alone, which is no violation; beyond that it is one."""
    with SessionReader(run(tmp_path / "a.ibs", "gauss", noise=1e-9, networks=3)) as reader:
        one = reader.recorded_ensemble(0)
    assert "at the ceiling" in "\n".join(as_lines(caveats(one, 0)))
    layers = one.layers
    layers.i_x[:] = 5.0
    layers.i_x_error[:] = 0.1
    for more, broken in ((0.59, False), (0.61, True)):
        layers.i_x[:, :, 1] = 5.0 + more
        found = caveats(one, 0).violations
        assert any(violation.quantity == "i_x" for violation in found) == broken
