"""`ibtui estimators` tabulates what each estimator says by itself of the outputs that the weights give."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.experiment import Experiment
from ibtui_engine.measures.arrays import measure_outputs
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader
from ibtui_engine.settings import ESTIMATORS
from tests.conftest import Ibtui
from tests.recordings import make_recording


def made(path: Path, **settings: object) -> Path:
    small = {"hidden": ["3-2", "2"], "networks": 2, "epochs": 4, "snapshots": 1, "seed": 3}
    Run(begin(path, path.stem, Experiment.from_dict(small | settings)), threads=1).execute()
    return path


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 256 patterns: the eigenvalues that renyi takes of each layer cost their cube."""
    folder = tmp_path_factory.mktemp("sessions")
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    likely = 0.05 + 0.9 * (bits.sum(axis=1) > 3)
    names = [*(f"x{k}" for k in range(8)), "p_y"]
    rows = [",".join(map(str, (*inputs, p_y))) for inputs, p_y in zip(bits.tolist(), likely.tolist(), strict=True)]
    (folder / "rule.csv").write_text("\n".join([",".join(names), *rows]))
    return made(folder / "a.ibs", rule=str(folder / "rule.csv"))


def alone(path: Path, estimator: str, network: int, **settings: object) -> tuple[np.ndarray, ...]:
    """i_x, i_y, lower bounds and ceilings of one network of the first ensemble at epoch 0, from arrays alone."""
    with SessionReader(path) as reader:
        ensemble = reader.ensemble(0)
        rule, weights = reader.rule(1), reader.weights(ensemble, 0)[network : network + 1]
        matrices = reader.architecture(ensemble).matrices(weights)
    a, outputs = rule.patterns.astype(np.float64), []
    for matrix in matrices:
        z = a @ matrix[0, :, :-1].T.astype(np.float64) + matrix[0, :, -1]
        a = np.tanh(z) if matrix is not matrices[-1] else 1 / (1 + np.exp(-z))
        outputs.append(a)
    kinds = ["tanh", "tanh", "output"]
    drawn = {"seed": 3 + network} if estimator in ("gauss", "renyi", "probe") else {}
    found = measure_outputs(outputs, rule.p_y, estimator, activations=kinds, inputs=rule.patterns, **drawn, **settings)
    information = found.information
    return information.i_x[0], information.i_y[0], information.i_x_lower[0], information.i_x_error[0], found.at_ceiling


def test_each_number_is_that_of_the_estimator_alone(ibtui: Ibtui, session: Path) -> None:
    found = ibtui("estimators", session, "--epoch", "0", "--noise", "0.05", "--noise-samples", "300", "--json", "-q")
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout)
    assert (document["epoch"], document["ensemble"], document["networks"]) == (0, 0, 2)
    assert [one["estimator"] for one in document["estimators"]] == list(ESTIMATORS)
    ceilings = 0
    for one in document["estimators"]:
        name = one["estimator"]
        settings = {"noise": 0.05} if name in ("kde", "gauss") else {}
        settings |= {"samples": 300} if name == "gauss" else {}
        i_x, i_y, lower, errors, ceiling = map(
            np.array, zip(*(alone(session, name, network, **settings) for network in range(2)), strict=True)
        )
        error = np.sqrt((errors**2).sum(axis=0)) / 2
        for k, layer in enumerate(one["layers"]):
            told = [np.nan if layer[key] is None else layer[key] for key in ("i_x_mean", "i_y_mean", "i_x_lower_mean")]
            expected = [values.mean(axis=0)[k] for values in (i_x, i_y, lower)]
            assert told == pytest.approx(expected, abs=1e-6, nan_ok=True), (name, k)
            assert layer["at_ceiling"] == ceiling[:, k].sum(), (name, k)
            ceilings += layer["at_ceiling"]
            assert (layer["i_x_sampling_error"] is not None) == (name == "gauss")
            if name == "gauss":
                assert layer["i_x_sampling_error"] == pytest.approx(error[k])
        assert [layer["name"] for layer in one["layers"]] == ["T1", "T2", "output"]
    assert ceilings


def test_the_table_has_every_estimator_of_every_layer_and_its_ceiling(ibtui: Ibtui, session: Path) -> None:
    found = ibtui("estimators", session, "--epoch", "0", "--estimator", "exact", "--estimator", "kde", "-q")
    assert found.returncode == 0, found.stderr
    rows = [line.split() for line in found.stdout.splitlines()[2:8]]
    assert [row[0] for row in rows[::2]] == ["1", "2", "output"]
    assert [row[1] for row in rows[::2]] + [row[0] for row in rows[1::2]] == ["exact"] * 3 + ["kde"] * 3
    assert rows[0][-1] == "yes"
    assert all("–" in row for row in rows[1::2])
    assert "MC error" not in found.stdout
    assert ibtui("estimators", session, "--ensemble", "1", "--estimator", "exact", "-q").stdout.startswith("2 at 0.85")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--epoch", "3"), "epoch is 3: measured are 0, 1, 4"),
        (("--estimator", "best"), "estimator must be binning, adaptive"),
        (("--bins", "1"), "bins must be a whole number from 2"),
        (("--ensemble", "2"), "ensemble"),
    ],
)
def test_what_is_not_allowed_is_one_line(ibtui: Ibtui, session: Path, arguments: tuple[str, ...], said: str) -> None:
    found = ibtui("estimators", session, *arguments)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert said in found.stderr


def test_of_a_recording_all_that_is_recorded_is_told(ibtui: Ibtui, tmp_path: Path) -> None:
    also = ("binning", {"estimator": "kde", "noise": 0.1}, "kde")
    path = make_recording(tmp_path / "own.ibs", also=also)
    names = ["gauss", "binning", "kde", "kde-2"]
    document = json.loads(ibtui("estimators", path, "--json", "--epoch", "4").stdout)
    assert [one["name"] for one in document["estimators"]] == names
    assert [one["noise"] for one in document["estimators"]] == [0.03, None, 0.1, 0.001]
    for one in document["estimators"]:
        with SessionReader(path, one["name"]) as reader:
            expected = reader.recorded_ensemble(0).layer_figures(4)
        assert [layer["i_x_mean"] for layer in one["layers"]] == [layer.i_x.mean for layer in expected]
    some = ibtui("estimators", path, "--estimator", "kde-2", "--estimator", "gauss", "-q").stdout
    table = [line.split() for line in some.partition("\n\n")[0].splitlines()]
    assert [name for name in names if any(name in line for line in table)] == ["gauss", "kde-2"]
    assert "kde, noise 0.001" in some
    only = json.loads(ibtui("estimators", make_recording(tmp_path / "a.ibs"), "--json").stdout)
    assert [one["name"] for one in only["estimators"]] == ["gauss"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--estimator", "renyi"),
            "must be gauss or binning, as the recording 'own' is measured, got 'renyi'",
        ),
        (("--noise", "0.1"), "--noise is for sessions that keep weights: the recording 'own' has numbers of gauss or"),
        (("--epoch", "3"), "epoch is 3: measured are 0, 1, 4"),
    ],
)
def test_what_a_recording_has_not_is_one_line(
    ibtui: Ibtui, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    found = ibtui("estimators", make_recording(tmp_path / "own.ibs", also=["binning"]), *arguments)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert said in found.stderr


@pytest.mark.long
def test_commands_show_the_numbers_of_the_estimator_that_is_chosen(ibtui: Ibtui, tmp_path: Path) -> None:
    path = make_recording(tmp_path / "own.ibs", also=["binning"])
    (tmp_path / "alone").mkdir()
    alone = make_recording(tmp_path / "alone" / "own.ibs", estimator="binning")
    for what, *more in (("show", "--no-chart"), ("phases", "--no-chart"), ("fit",), ("compare",)):
        found, expected = ibtui(what, path, *more, "--by", "binning"), ibtui(what, alone, *more)
        assert found.returncode == expected.returncode == 0, found.stderr
        without = " ".join(found.stdout.split()).replace("Also recorded: gauss (--by). ", "")
        assert without == " ".join(expected.stdout.split()), what
        assert ibtui(what, path, *more).stdout != found.stdout
    chosen = (path, ("--by", "binning")), (alone, ())
    first, second = (ibtui("export", one, "--what", "information", *by).stdout for one, by in chosen)
    assert first == second
    figures = []
    for one, by in (*chosen, (path, ())):
        assert ibtui("figure", "3", "--session", one, "--data", tmp_path / "x.csv", "-q", *by).returncode == 0
        figures.append((tmp_path / "x.csv").read_text())
    assert figures[0] == figures[1] != figures[2]
    assert "Also recorded: binning (--by)." in " ".join(ibtui("show", path, "--no-chart").stdout.split())
    refused = ibtui("show", path, "--by", "kde")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert "by must be gauss or binning, as this recording is measured, got 'kde'" in refused.stderr


def test_without_weights_nothing_is_measured(ibtui: Ibtui, tmp_path: Path) -> None:
    bare = ibtui("estimators", made(tmp_path / "bare.ibs", weights=False))
    assert (bare.returncode, bare.stderr.count("\n")) == (2, 1)
    assert "it was run with --no-weights" in bare.stderr


def test_estimators_that_need_equal_weights_are_left_out_where_there_are_others(ibtui: Ibtui, tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("a,y,weight\n0,0,1\n1,1,2\n2,1,1\n")
    path = made(tmp_path / "a.ibs", rule=f"table:{table}", hidden="2")
    found = ibtui("estimators", path, "-q")
    assert found.returncode == 0, found.stderr
    left_out = [line for line in found.stdout.splitlines() if line.startswith("note: ")]
    assert [line.split()[1] for line in left_out] == ["renyi", "probe"]
    assert all("equally likely patterns" in line for line in left_out)
    told = {
        one["estimator"]: one["why_not"] for one in json.loads(ibtui("estimators", path, "--json").stdout)["estimators"]
    }
    assert [name for name, why in told.items() if why] == ["renyi", "probe"]


def test_a_session_of_which_nothing_is_measured_is_one_line(ibtui: Ibtui, tmp_path: Path) -> None:
    begin(tmp_path / "empty.ibs", "empty", Experiment(networks=1, epochs=1)).close()
    told = ibtui("estimators", tmp_path / "empty.ibs")
    assert (told.returncode, told.stdout) == (2, "")
    assert len(told.stderr.splitlines()) == 1
    assert "None" not in told.stderr
