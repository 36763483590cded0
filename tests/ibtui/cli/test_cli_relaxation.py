"""`ibtui relaxation` and `ibtui noise`, and how ensembles are named where a session has several optimisers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ibtui.cli.conftest import Program

SETTINGS = ("--hidden", "none", "--rule", "perceptron", "--fraction", "0.1", "--networks", "3", "--batch", "100",
            "--quiet", "--threads", "1")  # fmt: skip


@pytest.fixture(scope="module")
def both(made: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A session of SGD beside its relaxation, and one of SGD alone without weights."""
    program = made.elsewhere(tmp_path_factory.mktemp("both"))
    relaxing = ("--optimizer", "sgd", "--optimizer", "metropolis", "--relax-from", "20", "--epochs", "120")
    program.good("run", "--name", "both", *SETTINGS, *relaxing, "--snapshots", "12")
    program.good("run", "--name", "bare", *SETTINGS, "--epochs", "5", "--no-weights")
    return program


def test_every_label_names_the_optimiser_where_there_are_several(both: Program) -> None:
    shown = both.good("show", "both", "--no-chart")
    assert "none at 0.1, sgd, 3 networks" in shown
    assert "none at 0.1, metropolis, 3 networks" in shown
    assert "none at 0.1, metropolis, 3 networks, up to epoch 120" in both.good("phases", "both", "--no-chart")
    assert "none at 0.1, metropolis, epoch 120" in both.good("remeasure", "both", "--epoch", "120", "--bins", "7")
    assert "none at 0.1, 3 networks" in both.good("show", "bare", "--no-chart")
    for command in ("show", "phases"):
        document = json.loads(both.good(command, "both", "--json"))
        assert [each["optimizer"] for each in document["ensembles"]] == ["sgd", "metropolis"]


def test_exports_name_the_optimiser_and_the_acceptance_of_moves(both: Program) -> None:
    rows = both.rows("both", "gradients")
    assert {row["optimizer"] for row in rows} == {"sgd", "metropolis"}
    for row in rows:
        relaxed = row["optimizer"] == "metropolis" and int(row["epoch"]) > 20
        assert (row["acceptance"] != "") == relaxed
        assert (row["grad_mean"] == "") == (relaxed or row["epoch"] == "0")
        assert not relaxed or 0 < float(row["acceptance"]) <= 1
    assert {row["optimizer"] for row in both.rows("both", "learning")} == {"sgd", "metropolis"}
    assert [row["optimizer"] for row in both.rows("bare", "information", "--epoch", "5")] == ["sgd"] * 3


def test_the_relaxation_is_told_beside_sgd_from_the_recorded_numbers(both: Program) -> None:
    document = json.loads(both.good("relaxation", "both", "--json"))
    (ensemble,) = document["ensembles"]
    assert (document["relax_from"], ensemble["epoch"], ensemble["gradient_evaluations"]) == (20, 120, 100)
    rows = both.rows("both", "information")
    values = {(row["optimizer"], row["epoch"], row["seed"]): float(row["i_x"]) for row in rows}
    moved = {name: [values[name, "120", s] - values[name, "20", s] for s in "012"] for name in ("sgd", "metropolis")}
    (layer,) = ensemble["layers"]
    assert layer["i_x"]["relaxed"]["mean"] == pytest.approx(np.mean(moved["metropolis"]))
    assert layer["i_x"]["sgd"]["mean"] == pytest.approx(np.mean(moved["sgd"]))
    apart = np.subtract(moved["metropolis"], moved["sgd"])
    assert layer["i_x"]["difference"]["error"] == pytest.approx(apart.std(ddof=1) / np.sqrt(3))
    assert ensemble["train_loss"]["relaxed"]["mean"] <= 1e-6
    assert document["relax_prior"] == "flat"
    text = both.good("relaxation", "both")
    assert "relaxation from epoch 20, prior flat" in text
    assert "change from epoch 20 to 120, 100 gradient evaluations" in text
    assert "loss of the sample" in text


def test_noise_is_told_for_every_ensemble_with_the_closed_form_of_a_perceptron(both: Program) -> None:
    document = json.loads(both.good("noise", "both", "--sigma", "1,0", "--draws", "2", "--json"))
    assert [each["optimizer"] for each in document["ensembles"]] == ["sgd", "metropolis"]
    for each in document["ensembles"]:
        assert each["sigma"] == [0.0, 1.0]
        assert each["closed"]["mean"][0] == pytest.approx(each["drawn"]["mean"][0], abs=1e-6)
        assert each["every"]["mean"] == pytest.approx(each["drawn"]["mean"], abs=0.03)
        assert each["outside"]["mean"][0] < each["outside"]["mean"][1]
    text = both.good("noise", "both", "--epoch", "20", "--draws", "1")
    assert "error of none at 0.1, metropolis, 3 networks, epoch 20" in text
    assert "closed form" in text


def test_a_network_that_is_no_perceptron_has_no_closed_form(made: Program) -> None:
    document = json.loads(made.good("noise", "grid", "--draws", "1", "--sigma", "0,1", "--json"))
    for each in document["ensembles"]:
        assert each["closed"] is None
        assert (each["outside"]["mean"][0] is None) == (each["fraction"] == 1)
    assert "closed form" not in made.good("noise", "grid", "--draws", "1", "--sigma", "0,1")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("relaxation", "bare"), "session 'bare' has no ensemble of the optimiser metropolis: "),
        (("noise", "bare"), "keeps no weights: it was run with --no-weights"),
        (("noise", "both", "--epoch", "21"), "epoch is 21: measured are "),
        (("noise", "both", "--sigma", "1,x"), "sigma must be numbers of at least 0"),
        (("noise", "both", "--sigma=-1"), "sigma must be numbers of at least 0"),
        (("noise", "both", "--draws", "0"), "draws must be a whole number from 1 to 10000"),
        (("run", "--relax-from", "5"), "--relax-from applies only to --optimizer metropolis"),
        (("run", "--optimizer", "metropolis", "--trainer", "torch"), "the torch trainer has no metropolis"),
        (("run", "--optimizer", "metropolis", "--epochs", "100"), "relax-from must be a whole number from "),
        (("run", "--optimizer", "sgd", "--optimizer", "sgd"), "optimizer names the same value twice: sgd, sgd"),
        (("run", "--rule", "perceptron", "--gamma", "3"), "theta, gamma and i-xy do not apply to 'perceptron'"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    both: Program, arguments: tuple[str | Path, ...], told: str
) -> None:
    before = sorted(both.sessions.iterdir())
    done = both(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(both.sessions.iterdir()) == before
