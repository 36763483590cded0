"""`ibtui curve` and `ibtui fit`: the numbers of the engine, in words, tables and files."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.fits import LayerFits
from ibtui_engine.bottleneck.partitions import hard_frontier
from ibtui_engine.rules.catalogue import load_rule

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

QUICK = ("--error", "1e-4")


@pytest.mark.long
def test_the_points_are_the_same_in_every_form(program: Program) -> None:
    text = program.good("curve", "symmetric-soft", *QUICK, "--json", "-o", "c.csv")
    found = Curve.from_dict(json.loads(text))
    program.good("curve", "symmetric-soft", *QUICK, "-o", "c.npz", "--quiet")
    rows = list(csv.DictReader((program.directory / "c.csv").read_text().splitlines()))
    assert list(rows[0]) == ["beta", "i_x", "i_y", "gap", "support"]
    with np.load(program.directory / "c.npz", allow_pickle=False) as arrays:
        assert list(arrays) == list(rows[0])
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], [float(row[name]) for row in rows])
            np.testing.assert_array_equal(arrays[name], getattr(found, name))
    assert found.certified
    assert found.gap.max() <= 1e-9
    assert found.i_xy == pytest.approx(0.89948, abs=1e-5)


def test_a_curve_is_drawn_and_explained(program: Program) -> None:
    told = program.good("curve", "symmetric", *QUICK)
    assert "IB curve: symmetric" in told
    words = " ".join(told.split())
    for said in ("I(X;Y) = 0.990084 bits", "at most 0.0001 bits", "Critical beta at the origin: 1.004698", "a corner"):
        assert said in words
    assert "\x1b" not in told


def test_hard_partitions_are_those_of_the_engine_and_told_in_words(program: Program) -> None:
    frontier = hard_frontier(load_rule("symmetric"))
    line = ("curve", "symmetric", *QUICK)
    assert json.loads(program.good(*line, "--json"))["partitions"] is None
    assert json.loads(program.good(*line, "--partitions", "--json"))["partitions"] == frontier.to_dict()
    told = " ".join(program.good(*line, "--partitions").split())
    assert "hard partitions" in told
    assert f"best for some beta: {len(frontier.cells) - 1} beside the trivial one" in told
    assert "(0.99916, 0.98578) with 2 cells" in told


@pytest.mark.long
def test_settings_of_the_rule_count(program: Program) -> None:
    softer = json.loads(program.good("curve", "symmetric", "--i-xy", "0.5", *QUICK, "--json"))
    assert softer["i_xy"] == pytest.approx(0.5, abs=1e-6)
    assert softer["critical"] > 1.5


@pytest.mark.long
def test_samples_have_a_bound_of_their_own_below_the_curve(program: Program) -> None:
    line = ("curve", "symmetric-soft", *QUICK, "--fraction", "0.05", "--fraction", "0.8", "--samples", "3")
    document = json.loads(program.good(*line, "--json"))
    curve = Curve.from_dict(document)
    assert [one["fraction"] for one in document["sampled"]] == [0.05, 0.8]
    for one in document["sampled"]:
        assert (np.array(one["i_y"]) <= curve.upper(np.array(one["i_x"])) + 1e-9).all()
    small, large = (max(one["i_y"]) for one in document["sampled"])
    assert small < large
    told = " ".join(program.good(*line).split())
    assert "With 0.05 of the patterns" in told
    assert "mean over 3 samples" in told


@pytest.mark.long
def test_hard_labels_are_a_straight_piece(program: Program) -> None:
    (program.directory / "hard.csv").write_text("x,y\n0,0\n1,0\n2,1\n3,1\n")
    told = " ".join(program.good("curve", "table:hard.csv").split())
    assert "The curve is I(T;Y) = min(I(X;T), H(Y)), exactly; beta 1 holds all of its rise, up to H(Y) = 1 bits" in told


@pytest.mark.long
def test_more_than_two_labels_are_annealed_and_not_certified(program: Program) -> None:
    (program.directory / "three.csv").write_text("x,y\n0,0\n1,1\n2,2\n3,2\n3,1\n")
    told = " ".join(program.good("curve", "table:three.csv").split())
    assert "Not certified" in told
    found = json.loads(program.good("curve", "three.csv", "--json", "-o", "three-curve.csv"))
    assert (found["certified"], found["error"], found["critical"]) == (False, None, None)
    assert set(found["gap"]) == {None}
    rows = list(csv.DictReader((program.directory / "three-curve.csv").read_text().splitlines()))
    assert {row["gap"] for row in rows} == {""}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("curve nosuch", "nosuch"),
        ("curve symmetric --error 0", "1e-08 to 0.1"),
        ("curve symmetric --error nan", "1e-08 to 0.1"),
        ("curve symmetric -o c.txt", ".csv or .npz"),
        ("curve symmetric -o nowhere/c.csv", "nowhere"),
        ("curve symmetric --gamma -1", "gamma"),
        ("curve symmetric --fraction 1.5", "at most 1"),
        ("curve table:none.npz", "does not exist"),
        ("curve table:bad.csv", "has a continuous label"),
        ("fit nosuch", "nosuch"),
    ],
)
@pytest.mark.long
def test_bad_input_is_one_line(program: Program, line: str, said: str) -> None:
    (program.directory / "bad.csv").write_text("x,y\n0,0\n1,1\n2,7\n3,-2.5\n")
    done = program(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr


@pytest.mark.long
def test_fits_are_told_of_every_ensemble_and_layer(made: Program) -> None:
    document = json.loads(made.good("fit", "grid", *QUICK, "--json"))
    curve = Curve.from_dict(document["curve"])
    fits = [LayerFits.from_dict(one) for one in document["fits"]]
    assert [(one.hidden, one.fraction, one.beta.shape) for one in fits] == [
        ("4-3", 0.3, (3, 3)), ("4-3", 1.0, (3, 3)), ("none", 0.3, (3, 1)), ("none", 1.0, (3, 1))
    ]  # fmt: skip
    for index, one in enumerate(fits):
        rows = made.rows("grid", "information", "--ensemble", str(index), "--epoch", "60")
        shown = np.array([[float(row["i_x"]), float(row["i_y"])] for row in rows]).reshape(*one.beta.shape, 2)
        np.testing.assert_allclose(one.i_x, shown[..., 0], atol=1e-9)
        np.testing.assert_allclose(one.i_y, shown[..., 1], atol=1e-9)
        assert (one.i_y <= curve.upper(one.i_x) + 1e-11).all()
    layer = document["fits"][0]["layers"][2]
    assert layer["distance_mean"] == pytest.approx(float(fits[0].distance[:, 2].mean()))
    assert layer["distance_error"] == pytest.approx(float(fits[0].distance[:, 2].std(ddof=1)) / math.sqrt(3))


@pytest.mark.long
def test_fits_are_drawn_and_explained(made: Program) -> None:
    told = made.good("fit", "grid", "--epoch", "0", *QUICK)
    assert told.count("Layers and the IB curve") == 4
    assert told.count("beta*") >= 4
    assert "30 bins" in told
    assert "output" in told
    assert "\x1b" not in told


@pytest.mark.long
def test_an_epoch_that_was_not_measured_and_weights_that_were_not_kept(made: Program, program: Program) -> None:
    done = made("fit", "grid", "--epoch", "59")
    assert (done.returncode, done.stdout) == (2, "")
    assert "epoch is 59: measured are" in done.stderr
    program.good("run", "--name", "bare", "--no-weights", "--hidden", "2", "--quiet", *program.SHORT)
    told = program.good("fit", "bare")
    assert "below" in told
    why = (
        "No beta*: beta* needs the weights of the networks; the session keeps no weights: it was run with --no-weights."
    )
    assert why in " ".join(told.split())
    done = program("figure", "6", "--session", "bare")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "has no beta*" in done.stderr
    assert Path(program.sessions / "bare.ibs").exists()


@pytest.mark.long
def test_every_epoch_is_fitted_in_one_go(made: Program) -> None:
    document = json.loads(made.good("fit", "grid", *QUICK, "--every", "--json"))
    last = json.loads(made.good("fit", "grid", *QUICK, "--json"))
    fits = [LayerFits.from_dict(one) for one in document["fits"]]
    epochs = sorted({one.epoch for one in fits})
    assert len(epochs) > 3
    assert len(fits) == 4 * len(epochs)
    assert [one for one in document["fits"] if one["epoch"] == epochs[-1]] == last["fits"]
    for line, said in (("--every", "add --json|give --json"), ("--every --json --epoch 0", "epoch is 0: with --every")):
        done = made("fit", "grid", *line.split())
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
        assert any(text in done.stderr for text in said.split("|"))
