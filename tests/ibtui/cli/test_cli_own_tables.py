"""Tables of one's own in commands: what was read is said, in JSON too, kept in the session, and settled by options."""

from __future__ import annotations

import itertools
import json
import tomllib

import numpy as np
import pytest

from ibtui_engine.rules.tables.report import TableReport
from ibtui_engine.session.history import SessionReader
from tests.ibtui.cli.conftest import Program

SHORT = ("--hidden", "3", "--networks", "2", "--epochs", "4", "--fraction", "1")


@pytest.fixture
def table(program: Program) -> str:
    rows = [(1000.0 + k, k % 7, 5, k * k % 3 != 1, 0.1 * k) for k in range(30)]
    text = "id;far;near;constant;outcome;price\n"
    text += "".join(f"{k};{a};{b};{c};{'yes' if d else 'no'};{e:.1f}\n" for k, (a, b, c, d, e) in enumerate(rows))
    (program.directory / "mine.csv").write_text(text.replace(".", ","), encoding="utf-16")
    return "table:mine.csv"


def test_a_rule_says_what_was_read(program: Program, table: str) -> None:
    told = " ".join(program.good("rule", table, "--ignore", "price").split())
    for part in (
        "read mine.csv: text, separated by semicolons, decimal commas, UTF-16, header in line 1",
        "30 patterns of 2 inputs: far 1000 to 1029, near 0 to 6",
        "label outcome (classes): no (20), yes (10)",
        "left out: price (as asked for), id (numbers or names the rows), constant (always 5)",
        "scaling: standard, each input has mean 0 and standard deviation 1 (2 of 2 inputs lie far outside [−3, 3])",
        "p(y|x): a sample, every pattern has one label, so that I(X;Y) = H(Y)",
    ):
        assert part in told, told
    found = json.loads(program.good("rule", table, "--ignore", "price", "--json"))
    report = TableReport.from_dict(found["table"])
    assert json.loads(json.dumps(report.to_dict())) == found["table"]
    assert (report.patterns, report.inputs, report.sample) == (found["patterns"], found["inputs"], True)
    far = np.arange(1000.0, 1030.0)
    assert report.scaling.offset[0] == pytest.approx(far.mean())
    assert report.scaling.divisor[0] == pytest.approx(far.std())
    assert "table" not in json.loads(program.good("rule", "symmetric", "--json"))


def test_a_run_says_it_keeps_it_and_tells_it_in_json(program: Program, table: str) -> None:
    config = program.directory / "kept.toml"
    done = program(
        "run", "--rule", table, "--ignore", "price", "--label", "outcome", "--scale", "unit", "-o", "it.ibs", *SHORT,
        "--save-config", str(config), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "read mine.csv: text, separated by semicolons" in done.stderr
    assert "scaling: unit, inputs lie in [0, 1] (as asked for)" in done.stderr
    document = json.loads(done.stdout)
    assert document["rule"]["table"]["label"] == "outcome"
    assert document["experiment"]["scale"] == "unit"
    kept = tomllib.loads(config.read_text())
    assert {key: kept[key] for key in ("ignore", "label", "scale")} == {
        "ignore": "price", "label": "outcome", "scale": "unit"
    }  # fmt: skip
    with SessionReader(program.directory / "it.ibs") as reader:
        assert reader.table_reports() == (TableReport.from_dict(document["rule"]["table"]),)
        patterns = reader.rule(1).patterns
    assert patterns[:, 0] == pytest.approx(np.arange(30) / 29, abs=1e-6)
    assert patterns[:, 1] == pytest.approx(np.arange(30) % 7 / 6, abs=1e-6)
    program.good("run", "--config", str(config), "-o", "again.ibs")
    with SessionReader(program.directory / "again.ibs") as reader:
        assert (reader.rule(1).patterns == patterns).all()
    again = json.loads(program.good("show", "it.ibs", "--json"))
    assert again["rule"]["table"] == document["rule"]["table"]


@pytest.mark.parametrize("sure", [True, False])
def test_a_table_is_called_a_sample_where_every_pattern_has_one_label(program: Program, sure: bool) -> None:
    text = "x,y\n0.5,0\n1.5,1\n2.5,1\n-1,0\n" + ("" if sure else "0.5,1\n")
    (program.directory / "few.csv").write_text(text)
    told = " ".join(program.good("run", "--rule", "table:few.csv", "-o", "it.ibs", *SHORT).split())
    shown = " ".join(program.good("show", "it.ibs").split())
    note = json.loads(program.good("show", "it.ibs", "--json"))["ensembles"][0]["sample"]
    for printed in (told, shown):
        assert ("note: P(X,Y) is a sample, 4 rows of a table in which every pattern has one label" in printed) == sure
        assert ("over all patterns under the sample's own distribution" in printed) == sure
        assert ("under the true rule" in printed) != sure
    assert (note is not None) == sure
    again = " ".join(program.good("remeasure", "it.ibs", "--bins", "9").split())
    assert ("under the true rule" in again) != sure


def test_a_first_layer_that_begins_saturated_is_pointed_out_with_the_remedy(program: Program, table: str) -> None:
    shares = {}
    for scale in ("none", "auto"):
        name = f"{scale}.ibs"
        program.good("run", "--rule", table, "--ignore", "price", "--scale", scale, "-o", name, *SHORT)
        told = " ".join(program.good("show", name).split())
        shares[scale] = json.loads(program.good("show", name, "--json"))["ensembles"][0]["saturated_at_start"]
        assert ("note: the first layer is saturated from epoch 0: " in told) == (scale == "none")
        assert ("--scale standard" in told) == (scale == "none")
    with SessionReader(program.directory / "none.ibs") as reader:
        recorded = reader.recorded_ensemble(0).layers.saturated[0, :, 0]
    assert shares == {"none": pytest.approx(recorded.mean()), "auto": None}


@pytest.mark.long
def test_an_epoch_of_one_batch_is_pointed_out_where_nobody_asked_for_it(program: Program, table: str) -> None:
    """Of 30 patterns: a batch of as many, one that is smaller by one, and all of them as was asked for."""
    for batch, told in (("30", True), ("29", False), ("full", False)):
        name = f"b{batch}.ibs"
        program.good("run", "--rule", table, "--ignore", "price", "--batch", batch, "-o", name, *SHORT)
        shown = " ".join(program.good("show", name).split())
        assert ("note: an epoch is one batch, of all 30 patterns in the sample" in shown) == told
        assert ("--batch 2" in shown) == told  # at least eight batches of a power of two
        (ensemble,) = json.loads(program.good("show", name, "--json"))["ensembles"]
        assert ensemble["one_batch"] == (30 if told else None)


def test_a_session_without_a_table_has_no_report(program: Program) -> None:
    program.good("run", "--networks", "1", "--epochs", "1", "-o", "it.ibs")
    with SessionReader(program.directory / "it.ibs") as reader:
        assert reader.table_reports() == ()
    assert "table" not in json.loads(program.good("show", "it.ibs", "--json"))["rule"]


def test_options_settle_what_a_table_leaves_open(program: Program, table: str) -> None:
    refused = program("rule", table, "--label", "price", "--ignore", "outcome")
    assert refused.returncode == 2
    assert "has a continuous label, with values such as 0.1: cut it into classes of equal mass" in refused.stderr
    cut = ("--label", "price", "--label-bins", "3", "--ignore", "outcome")
    assert json.loads(program.good("rule", table, *cut, "--json"))["labels"] == 3
    assert json.loads(program.good("curve", table, *cut, "--json"))["i_xy"] == pytest.approx(np.log2(3))
    commands = itertools.cycle((("rule", table), ("curve", table), ("run", "--rule", table)))
    for options, said in (
        (
            ("--label", "colour"),
            "has no column 'colour' for --label: choose 'id', 'far', 'near', 'constant', 'outcome'",
        ),
        (("--ignore", "7"), "has no column '7' for --ignore"),
        (("--label-bins", "1"), "label-bins must be a whole number from 2 to 256, got 1"),
        (("--label-kind", "maybe"), "label-kind must be auto, class or probability, got 'maybe'"),
        (("--scale", "big"), "scale must be auto, none, standard or unit, got 'big'"),
    ):
        done = program(*next(commands), *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert "label applies only to tables" in program("run", "--label", "y").stderr


@pytest.mark.long
def test_the_account_says_where_a_rule_is_a_sample(program: Program, table: str) -> None:
    program.good("run", "--rule", table, "--ignore", "price", "-o", "own.ibs", "--quiet", *SHORT)
    program.good("run", "-o", "built-in.ibs", "--quiet", *SHORT)
    assert "note: session own: P(X,Y) is a sample, 30 rows of a table" in program("account", "own.ibs").stderr
    assert "is a sample" not in program("account", "built-in.ibs").stderr
