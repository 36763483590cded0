"""`ibtui map` and `ibtui refine`: the numbers of the session, as a drawing, a table and a document; and refusals."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ibtui.cli.run import without_weights
from ibtui_engine.experiment import Experiment
from ibtui_engine.maps import reading
from ibtui_engine.maps.reading import Map, read_map
from ibtui_engine.runner import Run, begin
from ibtui_engine.session.history import SessionReader

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

EXAMPLES = Path(__file__).parents[3] / "sessions"
GRID = Experiment(
    hidden=((3,),), learning_rate=(0.02, 0.1), batch=(256, 512), activation=("tanh", "relu"), networks=2, epochs=6,
    snapshots=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A finished map of eight ensembles, which differ in three settings."""
    path = tmp_path_factory.mktemp("map") / "grid.ibs"
    Run(begin(path, "grid", GRID), threads=1).execute()
    return path.read_bytes()


@pytest.fixture
def mapped(program: Program, grid: bytes) -> Callable[[], Map]:
    program.sessions.mkdir(exist_ok=True)
    (program.sessions / "m.ibs").write_bytes(grid)

    def read() -> Map:
        with SessionReader(program.sessions / "m.ibs") as reader:
            return read_map(reader)

    return read


def test_a_map_is_drawn_for_each_value_of_what_is_no_axis(program: Program, mapped: Callable[[], Map]) -> None:
    text = program.good("map", "m", "--x", "learning-rate", "--y", "batch", "--show", "output")
    assert text.count("I(T;Y) of the output (bits), activation tanh: grid") == 1
    assert text.count("I(T;Y) of the output (bits), activation relu: grid") == 1
    found = mapped()
    for place in found.places.values():
        assert place.cell is not None
        number = place.cell.numbers["output"]
        assert any(one in text for one in (number.number.text.strip().removesuffix(" bits"), f"{number.value:.2f}"))
    one = program.good("map", "m", "--x", "learning-rate", "--y", "batch", "--at", "activation=relu")
    assert "activation relu" in one
    assert "activation tanh" not in one


def test_a_map_of_verdicts_names_them(program: Program, mapped: Callable[[], Map]) -> None:
    text = program.good("map", "m", "--show", "verdict:dpi")
    counts = {one.cell.verdicts["dpi"].verdict for one in mapped().places.values() if one.cell is not None}
    assert counts
    assert all(one in text for one in counts)


def test_table_and_document_have_all_numbers(program: Program, mapped: Callable[[], Map]) -> None:
    document = json.loads(program.good("map", "m", "--json"))
    program.good("map", "m", "-o", "m.csv")
    lines = list(csv.DictReader(io.StringIO((program.directory / "m.csv").read_text())))
    for one, line, (index, place) in zip(document["ensembles"], lines, mapped().places.items(), strict=True):
        assert place.cell is not None
        assert (one["ensemble"], int(line["ensemble"])) == (index, index)
        assert (one["activation"], line["activation"]) == (place.ensemble.settings.activation,) * 2
        assert one["numbers"].keys() == place.cell.numbers.keys()
        for key, number in place.cell.numbers.items():
            assert one["numbers"][key]["value"] == number.value
            assert line[key] == ("" if number.value is None else repr(number.value))
        assert {key: verdict["verdict"] for key, verdict in one["verdicts"].items()} == {
            key: verdict.verdict for key, verdict in place.cell.verdicts.items()
        }


def test_results_are_renewed_and_what_is_missing_is_worked_out(program: Program, mapped: Callable[[], Map]) -> None:
    before = mapped()
    with closing(sqlite3.connect(program.sessions / "m.ibs")) as connection:
        connection.execute("DELETE FROM result WHERE ensemble < 3")
        connection.commit()
    assert sum(one.state == reading.UNJUDGED for one in mapped().places.values()) == 3
    whole = json.loads(program.good("map", "m", "--json"))["ensembles"]
    assert all(one["numbers"] for one in whole)
    assert sum(one.state == reading.UNJUDGED for one in mapped().places.values()) == 3
    done = program("map", "m", "--renew")
    assert "worked out the results of 8 ensembles again" in done.stderr
    assert {k: one.cell for k, one in mapped().places.items()} == {k: one.cell for k, one in before.places.items()}


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--x", "seed"), "axis must be batch, learning-rate or activation, got 'seed'"),
        (("--show", "loss"), "show must be one of drift-end, "),
        (("--at", "relu"), "at must be SETTING=VALUE, such as activation=relu, got 'relu'"),
        (("--at", "activation=gelu"), "activation must be tanh or relu, got 'gelu'"),
        (("--at", "activation=relu", "--at", "activation=tanh"), "at activation is given twice: 'relu' and 'tanh'"),
        (("-o", "m.txt"), "m.txt"),
    ],
)
def test_refusals_are_one_line(program: Program, arguments: tuple[str, ...], said: str) -> None:
    done = program("map", "m", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_no_grid_has_no_map(program: Program) -> None:
    done = program("map", EXAMPLES / "example-figure-2.ibs")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a map needs a setting with several values" in done.stderr


def test_ensembles_that_differ_in_one_setting_are_a_row(program: Program) -> None:
    text = program.good("map", EXAMPLES / "example-figure-3.ibs", "--show", "accuracy", "-q")
    assert "Accuracy: example-figure-3" in text
    assert "Sample fraction" in text


@pytest.mark.usefixtures("mapped")
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture_is_of_one_map(program: Program, suffix: str) -> None:
    done = program("map", "m", "-o", f"m.{suffix}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there are 2 maps, and a picture has one: choose it, such as --at activation=tanh" in done.stderr
    program.good("map", "m", "--at", "activation=tanh", "-o", f"m.{suffix}")
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert (program.directory / f"m.{suffix}").read_bytes().startswith(begins)


@pytest.mark.usefixtures("mapped")
def test_refining_adds_networks_where_a_claim_is_open(program: Program, mapped: Callable[[], Map]) -> None:
    done = program("refine", "m", "endpoints", "--budget", "3")
    assert done.returncode == 0, done.stderr
    assert "refined endpoints: " in done.stderr
    added = sum(one.ensemble.networks - 2 for one in mapped().places.values())
    assert f"refined endpoints: {added} networks added" in done.stderr
    assert added <= 3
    for arguments, said in (
        (("m", "depth"), "refine must be one of dpi, "),
        (("m", "dpi", "--minutes", "-1"), "minutes must be at least 0, got -1.0"),
    ):
        refused = program("refine", *arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert said in refused.stderr


def test_a_large_grid_is_told_before_and_drawn_after(program: Program) -> None:
    rates = [word for k in range(1, 11) for word in ("--learning-rate", str(0.01 * k))]
    small = ("--hidden", "3", "--networks", "2", "--epochs", "3", "--batch", "256", "--batch", "full")
    done = program("run", *rates, *small, "--name", "large")
    assert done.returncode == 0, done.stderr
    assert "a grid of 20 ensembles keeps no weights, unless you give --weights" in done.stderr
    assert "20 ensembles, one after the other: about " in done.stderr
    assert "`ibtui map large` shows those that are finished" in done.stderr
    assert "Loss of I(X;T) (bits): large" in done.stdout
    assert "Information plane" not in done.stdout


@pytest.mark.parametrize(("count", "lean"), [(19, False), (20, True)])
def test_a_large_grid_keeps_weights_where_somebody_asks(count: int, lean: bool) -> None:
    experiment = Experiment(learning_rate=tuple(0.01 * k for k in range(1, count + 1)))
    found, said = without_weights(experiment, {})
    assert (found.weights, bool(said)) == (not lean, lean)
    assert without_weights(experiment, {"weights": True}) == (experiment, "")
    without = experiment.override({"weights": False})
    assert without_weights(without, {}) == (without, "")
