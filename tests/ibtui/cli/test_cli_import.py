"""`ibtui import`: a session that the other commands take, options, one line for what is wrong, nothing half written."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program


def save(path: Path, *, patterns: int = 40, epochs: int = 3, units: int = 5) -> Path:
    random = np.random.default_rng(0)
    arrays = {"labels": np.arange(patterns) % 2}
    for epoch in range(epochs):
        for layer in ("hidden", "out"):
            arrays[f"{epoch}/{layer}"] = random.normal(size=(patterns, units))
    np.savez(path, **arrays)
    return path


def test_an_import_is_a_session_for_the_other_commands(program: Program) -> None:
    save(program.directory / "acts.npz")
    told = program("import", "acts.npz", "--name", "My net", "--data", "coins", "--noise-samples", "30")
    assert told.returncode == 0, told.stderr
    assert told.stderr.splitlines() == [f"saved as {program.sessions / 'acts.ibs'}"]
    assert "My net: finished, epoch 2" in told.stdout
    assert "inside the sample: not recorded; outside: not recorded" in told.stdout
    found = json.loads(program.good("show", "acts", "--json"))
    assert (found["name"], found["experiment"]["data"], found["experiment"]["samples"]) == ("My net", "coins", 30)
    again = (
        "import",
        "acts.npz",
        "--name",
        "My net",
        "--data",
        "coins",
        "--noise-samples",
        "30",
        "--json",
        "-o",
        "again",
    )
    assert found == json.loads(program.good(*again)) | {
        "path": found["path"], "created": found["created"]
    }  # fmt: skip
    rows = program.good("export", "acts", "--what", "information").splitlines()
    assert len(rows) == 1 + 3 * 2
    assert "acts" in program.good("list")


def test_options_choose_layers_estimator_and_activations(program: Program) -> None:
    save(program.directory / "acts.npz")
    program.good(
        "import", "acts.npz", "-o", "it.ibs", "-q", "--layers", "out,hidden", "--estimator", "binning", "--bins", "4",
        "--activation", "out=tanh",
    )  # fmt: skip
    with SessionReader(program.directory / "it.ibs") as reader:
        one = reader.recorded_ensemble(0)
    assert one.layer_names == ("out", "hidden")
    assert one.summary.experiment.to_dict()["bins"] == 4
    assert (one.layers.low[:, 0, 0] == -1).all()
    assert (one.layers.low[:, 0, 1] < -1).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.npz",), "'none.npz' does not exist"),
        (("acts.npz", "-o", "taken.ibs"), "exists already: choose another name, nothing is overwritten"),
        (("acts.npz", "-o", "it.txt/x"), "ends in .ibs"),
        (("acts.npz", "--layers", "nope"), "layers must be of those that network 0 has at epoch 0"),
        (("acts.npz", "--estimator", "guess"), "estimator must be "),
        (("acts.npz", "--noise-scale", "unit"), "give noise, too"),
        (("acts.npz", "--also", "guess"), "estimator must be "),
        (("acts.npz", "--also", "gauss"), "also must have estimators that differ, got gauss"),
        (("acts.npz", "--also", "kde,bins=9"), "bins applies only to binning, adaptive or quantile, not to kde"),
        (("acts.npz", "--also", "kde,size=9"), "also must be ESTIMATOR,SETTING=VALUE with each setting once"),
        (("acts.npz", "--also", "kde,noise=1,noise=2"), "also must be ESTIMATOR,SETTING=VALUE with each setting once"),
        (("acts.npz", "--also", "kde,noise=much"), "noise of also must be a number, got 'kde,noise=much'"),
        (("acts.npz", "--bins", "9"), "bins applies only to binning, adaptive or quantile, not to gauss"),
        (
            ("acts.npz", "--estimator", "exact", "--seed", "1"),
            "seed applies only to gauss, renyi or probe, not to exact",
        ),
        (("acts.npz", "--activation", "hidden=cubic"), "activation must be "),
        (
            ("acts.npz", "--activation", "tanh", "--activation", "out=tanh"),
            "activation must be one KIND, or LAYER",
        ),
        (("acts.npz", "--noise-samples", "1"), "samples must be a whole number from 2"),
        (("taken.ibs",), "is not an .npz archive, or is damaged"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(program: Program, arguments: tuple[str, ...], said: str) -> None:
    save(program.directory / "acts.npz")
    (program.directory / "taken.ibs").write_text("somebody's")
    before = sorted(program.directory.rglob("*"))
    done = program("import", *arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert said in done.stderr
    assert sorted(one for one in program.directory.rglob("*") if one != program.sessions) == [
        one for one in before if one != program.sessions
    ]


def test_further_estimators_have_settings_of_their_own(program: Program) -> None:
    save(program.directory / "acts.npz")
    also = (
        *("--also", "kde,noise=0.1,noise-scale=unit", "--also", "kde", "--also", "binning,bins=4"),
        *("--also", "renyi,kernel-width=2,seed=3", "--also", "gauss,noise-samples=50"),
    )
    program.good("import", "acts.npz", "-o", "it.ibs", "-q", *also)
    program.good("import", "acts.npz", "-o", "four.ibs", "-q", "--estimator", "binning", "--bins", "4")
    with SessionReader(program.directory / "it.ibs", "binning") as reader:
        found, experiment = reader.recorded_ensemble(0), reader.summary.experiment
    with SessionReader(program.directory / "four.ibs") as reader:
        expected = reader.recorded_ensemble(0)
    assert np.array_equal(found.layers.i_x, expected.layers.i_x)
    assert experiment.to_dict()["also"][1:] == [
        {"estimator": "kde", "noise": 0.1, "scale": "unit"},
        {"estimator": "kde", "noise": 0.001, "scale": "absolute"},
        {"estimator": "renyi", "width": 2.0, "seed": 3},
        {"estimator": "gauss", "noise": 0.03, "scale": "layer", "samples": 50, "seed": 0},
    ]


def test_a_full_disk_and_a_signal_leave_nothing(program: Program) -> None:
    source = save(program.directory / "acts.npz", patterns=800, epochs=40, units=40)
    done = program("import", "acts.npz", "-o", "it.ibs", "--estimator", "exact", largest_file=30_000)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert sorted(one for one in program.directory.iterdir() if one.is_file()) == [source]
    # one layer takes minutes: a signal does not wait for it
    process = program.start("import", "acts.npz", "-o", "it.ibs", "--noise-samples", "2000000")
    while not (begun := list(program.directory.glob(".it.ibs.*/it.ibs"))):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert begun
    assert sorted(program.directory.iterdir()) == [source]


def test_a_session_in_the_sessions_directory_gets_a_free_name(program: Program) -> None:
    save(program.directory / "acts.npz")
    for _ in range(2):
        program.good("import", "acts.npz", "-q", "--estimator", "exact")
    assert sorted(one.name for one in program.sessions.iterdir()) == ["acts-2.ibs", "acts.ibs"]
    assert read_summary(program.sessions / "acts-2.ibs").name == "acts-2"
