"""Commands that read: the numbers they give are those of the networks, in columns that never change."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

HEADERS = {
    "information": "ensemble,hidden,fraction,seed,epoch,layer,width,i_x,i_y,distinct,i_x_lower,i_y_lower,"
    "saturated,nonlinear,low,high,estimator,bins,noise,measured,optimizer,noise_scale,noise_samples,kernel_width,"
    "held_out_i_x,held_out_i_y,held_out_i_x_lower,held_out_i_y_lower,i_x_error,i_y_error,i_x_most,i_orbit,i_within,"
    "i_x_given_y,layer_name",
    "gradients": "ensemble,hidden,fraction,seed,epoch,layer,width,grad_mean,grad_std,snr,weight_norm,acceptance,"
    "optimizer,frozen_mean,frozen_std,noise_scale,frozen_snr,layer_name",
    "learning": "ensemble,hidden,fraction,seed,epoch,train_loss,test_loss,train_accuracy,test_accuracy,optimizer,"
    "held_out_loss,held_out_accuracy",
}
BINS = 30


def entropy(shares: np.ndarray) -> float:
    return -math.fsum(p * math.log2(p) for p in shares.ravel().tolist() if p > 0)


def informations(activations: np.ndarray, p_y: np.ndarray) -> tuple[float, float, int]:
    """I(X;T) and I(T;Y) in bits and the number of t, from the joint tables, patterns equally likely.

    Independent of the engine: bins by comparing with the edges, tuples counted by Python, sums from p(t, y).
    """
    edges = np.linspace(-1.0, 1.0, BINS + 1)[1:-1]
    bins = np.searchsorted(edges, activations, side="right")
    of_pattern = [tuple(row) for row in bins.tolist()]
    numbers = {t: k for k, t in enumerate(Counter(of_pattern))}
    p_ty = np.zeros((len(numbers), 2))
    for t, p in zip(of_pattern, p_y, strict=True):
        p_ty[numbers[t]] += (1 - p, p)
    p_ty /= len(p_y)
    p_t = p_ty.sum(axis=1)
    return entropy(p_t), entropy(p_t) + entropy(p_ty.sum(axis=0)) - entropy(p_ty), len(numbers)


def layers_of(weights: dict[str, np.ndarray], network: int, patterns: np.ndarray) -> list[np.ndarray]:
    """Each layer's outputs in double precision."""
    count = sum(name.startswith("W") for name in weights)
    outputs = []
    below = patterns.astype(np.float64)
    for layer in range(1, count + 1):
        matrix = weights[f"W{layer}"][network].astype(np.float64)
        z = below @ matrix.T + weights[f"b{layer}"][network].astype(np.float64)
        below = 1 / (1 + np.exp(-z)) if layer == count else np.tanh(z)
        outputs.append(below)
    return outputs


@pytest.fixture
def rule(made: Program, tmp_path: Path) -> dict[str, np.ndarray]:
    file = tmp_path / "rule.npz"
    made.good("rule", "symmetric", "-o", file)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.mark.long
def test_exported_information_is_that_of_the_exported_weights(made: Program, rule: dict[str, np.ndarray]) -> None:
    for name, ensemble, epoch in (("straight", 1, made.FAR), ("straight", 0, 1), ("grid", 0, 60), ("grid", 2, 0)):
        weights = made.weights(name, "--ensemble", str(ensemble), "--epoch", str(epoch))
        rows = made.rows(name, "information", "--ensemble", str(ensemble), "--epoch", str(epoch))
        assert rows, "nothing was compared"
        for row in rows:
            network = weights["seeds"].tolist().index(int(row["seed"]))
            outputs = layers_of(weights, network, rule["patterns"])[int(row["layer"]) - 1]
            i_x, i_y, distinct = informations(outputs, rule["p_y"])
            assert outputs.shape[1] == int(row["width"])
            assert int(row["distinct"]) == distinct
            assert float(row["i_x"]) == pytest.approx(i_x, abs=1e-9)
            assert float(row["i_y"]) == pytest.approx(i_y, abs=1e-9)


def test_exported_losses_are_those_of_the_exported_weights(made: Program, rule: dict[str, np.ndarray]) -> None:
    weights = made.weights("grid", "--ensemble", "0")
    for row in made.rows("grid", "learning", "--ensemble", "0", "--epoch", "60"):
        network = weights["seeds"].tolist().index(int(row["seed"]))
        answer = layers_of(weights, network, rule["patterns"])[-1][:, 0]
        inside, labels = weights["samples"][network], weights["labels"][network]
        outside = np.setdiff1d(np.arange(4096), inside)
        likelihood = np.where(labels == 1, answer[inside], 1 - answer[inside])
        assert float(row["train_loss"]) == pytest.approx(-np.log(likelihood).mean(), abs=1e-9)
        assert float(row["train_accuracy"]) == pytest.approx(((answer[inside] > 0.5) == labels).mean(), abs=1e-12)
        p, q = rule["p_y"][outside], answer[outside]
        assert float(row["test_loss"]) == pytest.approx(-(p * np.log(q) + (1 - p) * np.log(1 - q)).mean(), abs=1e-9)
        assert float(row["test_accuracy"]) == pytest.approx(np.where(q > 0.5, p, 1 - p).mean(), abs=1e-12)


@pytest.mark.parametrize("what", HEADERS)
def test_columns_are_exactly_those_that_scripts_rely_on(made: Program, what: str) -> None:
    text = made.good("export", "grid", "--what", what)
    assert text.splitlines()[0] == HEADERS[what]
    assert made.good("export", "grid", "--what", what, "--format", "csv") == text
    assert text.endswith("\n")
    assert "\r" not in text


def test_ensembles_of_a_grid_are_named_by_what_they_differ_in(program: Program) -> None:
    grid = ("--learning-rate", "0.01", "--learning-rate", "0.5", "--activation", "relu", "--activation", "tanh")
    program.good("run", "--name", "rates", "--networks", "1", "--epochs", "2", "--hidden", "3", *grid, "-q")
    named = [f"3 at 0.85, learning rate {rate}, {name}" for rate in ("0.01", "0.5") for name in ("relu", "tanh")]
    shown = program.good("show", "rates")
    assert [name for name in named if f"{name}, 1 network, epoch 2" in shown] == named
    figures = program.figures("rates")["ensembles"]
    pairs = [(0.01, "relu"), (0.01, "tanh"), (0.5, "relu"), (0.5, "tanh")]
    assert [(one["learning_rate"], one["activation"]) for one in figures] == pairs
    for what, header in HEADERS.items():
        assert program.good("export", "rates", "--what", what).splitlines()[0] == f"{header},learning_rate,activation"
        found = {(int(row["ensemble"]), row["learning_rate"], row["activation"]) for row in program.rows("rates", what)}
        assert found == {(k, str(rate), name) for k, (rate, name) in enumerate(pairs)}


@pytest.mark.parametrize("what", HEADERS)
def test_csv_json_and_npz_hold_the_same_numbers(made: Program, what: str, tmp_path: Path) -> None:
    rows = made.rows("grid", what)
    document = json.loads(made.good("export", "grid", "--what", what, "--format", "json"))
    assert document["columns"] == HEADERS[what].split(",")
    assert [list(row) for row in document["rows"]] == [document["columns"]] * len(rows)
    for row, plain in zip(rows, document["rows"], strict=True):
        assert {name: "" if value is None else str(value) for name, value in plain.items()} == row
    file = tmp_path / "numbers.npz"
    made.good("export", "grid", "--what", what, "-o", file)
    with np.load(file, allow_pickle=False) as arrays:
        assert list(arrays) == document["columns"]
        for name in document["columns"]:
            column = [math.nan if row[name] is None else row[name] for row in document["rows"]]
            np.testing.assert_array_equal(arrays[name], np.array(column))


def test_rows_are_those_of_the_grid_its_networks_and_its_epochs(made: Program) -> None:
    rows = made.rows("grid", "information")
    epochs = made.figures("grid")["ensembles"][0]["snapshots"]
    assert (epochs[0], epochs[-1], len(epochs)) == (0, 60, 10)
    expected = [
        (str(ensemble), hidden, fraction, str(seed), str(epoch), str(layer), str(width))
        for ensemble, (hidden, fraction, widths) in enumerate(
            [("4-3", "0.3", (4, 3, 1)), ("4-3", "1.0", (4, 3, 1)), ("none", "0.3", (1,)), ("none", "1.0", (1,))]
        )
        for epoch in epochs
        for seed in range(3)
        for layer, width in enumerate(widths, start=1)
    ]
    assert [tuple(row.values())[:7] for row in rows] == expected
    assert len(made.rows("grid", "learning")) == 4 * 10 * 3


def test_what_does_not_exist_is_empty(made: Program) -> None:
    gradients = made.rows("grid", "gradients")
    for row in gradients:
        absent = row["epoch"] == "0"
        assert (row["grad_mean"] == "") == absent
        assert (row["snr"] == "") == absent
        assert row["weight_norm"] != ""
    for row in made.rows("grid", "learning"):
        assert (row["test_loss"] == "") == (row["fraction"] == "1.0"), "no pattern is outside the whole"
        assert row["train_loss"] != ""


def test_one_ensemble_and_one_epoch_are_rows_of_the_whole(made: Program) -> None:
    whole = made.rows("grid", "gradients")
    part = made.rows("grid", "gradients", "--ensemble", "1", "--epoch", "60")
    assert part == [row for row in whole if (row["ensemble"], row["epoch"]) == ("1", "60")]
    assert len(part) == 9


def test_weights_have_the_shapes_of_the_networks(made: Program) -> None:
    weights = made.weights("grid", "--ensemble", "1", "--epoch", "0")
    shapes = {name: array.shape for name, array in weights.items()}
    assert shapes == {
        "W1": (3, 4, 12), "b1": (3, 4), "W2": (3, 3, 4), "b2": (3, 3), "W3": (3, 1, 3), "b3": (3, 1),
        "samples": (3, 4096), "labels": (3, 4096), "seeds": (3,), "epoch": (),
    }  # fmt: skip
    assert weights["W1"].dtype == np.float32
    assert (weights["samples"] == np.arange(4096)).all()
    assert set(np.unique(weights["labels"])) == {0, 1}
    small = made.weights("grid", "--ensemble", "2")
    assert small["samples"].shape == (3, round(4096 * 0.3))
    assert int(small["epoch"]) == 60, "the last one"
    assert (np.diff(small["samples"], axis=1) > 0).all(), "ascending, none twice"


def test_a_rule_can_be_exported_and_learned_again(made: Program, program: Program) -> None:
    file = program.directory / "again.npz"
    program.good("rule", "symmetric-soft", "-o", file)
    told = json.loads(program.good("rule", "symmetric-soft", "--json"))
    again = json.loads(program.good("rule", f"table:{file}", "--json"))
    assert (again["i_xy"], again["h_y"], again["patterns"]) == (told["i_xy"], told["h_y"], 4096)
    with np.load(file) as arrays:
        p = arrays["p_y"]
    rest = -(p * np.log2(p, where=p > 0, out=np.zeros_like(p)) + (1 - p) * np.log2(1 - p, where=p < 1, out=0 * p))
    h_y = -(p.mean() * np.log2(p.mean()) + (1 - p.mean()) * np.log2(1 - p.mean()))
    assert told["i_xy"] == pytest.approx(h_y - rest.mean(), abs=1e-9)
    text = program.good("rule", "symmetric-soft")
    assert "I(X;Y)" in text
    assert "bits" in text


def test_rules_and_presets_are_listed_with_what_they_are(made: Program) -> None:
    rules = json.loads(made.good("rule", "--json"))
    assert [rule["name"] for rule in rules] == [
        "symmetric",
        "symmetric-soft",
        "committee",
        "perceptron",
        "digits",
        "mnist:DIR",
        "table:FILE",
    ]
    presets = json.loads(made.good("presets", "--json"))
    for entry in rules + presets:
        assert entry["sentence"]
    listed, told = made.good("presets"), made.good("rule")
    assert all(preset["name"] in listed for preset in presets)
    assert all(rule["name"] in told for rule in rules)
    assert "quick (default)" in listed


def test_show_json_has_what_programs_rely_on(made: Program) -> None:
    shown = made.figures("grid")
    assert shown["name"] == "grid"
    assert shown["status"] == "finished"
    assert shown["experiment"]["hidden"] == ["4-3", "none"]
    assert len(shown["ensembles"]) == 4
    for ensemble in shown["ensembles"]:
        assert {"hidden", "fraction", "networks", "epochs_done", "epochs_total", "snapshots", "layers"} <= set(ensemble)
        assert (ensemble["networks"], ensemble["epochs_done"], ensemble["epochs_total"]) == (3, 60, 60)
        for layer in ensemble["layers"]:
            assert {"layer", "width", "i_x_mean", "i_x_std", "i_y_mean", "i_y_std"} <= set(layer)
    assert [layer["width"] for layer in shown["ensembles"][0]["layers"]] == [4, 3, 1]


def test_show_tells_the_epoch_that_is_asked_for(made: Program) -> None:
    epoch = made.figures("grid")["ensembles"][0]["snapshots"][4]
    layers = made.figures("grid", "--epoch", str(epoch))["ensembles"][0]["layers"]
    rows = made.rows("grid", "information", "--ensemble", "0", "--epoch", str(epoch))
    for layer in layers:
        of_layer = [float(row["i_x"]) for row in rows if row["layer"] == str(layer["layer"])]
        assert layer["i_x_mean"] == pytest.approx(np.mean(of_layer), abs=1e-12)
        assert layer["i_x_std"] == pytest.approx(np.std(of_layer, ddof=1), abs=1e-12)
    text = made.good("show", "grid", "--epoch", str(epoch))
    assert f"epoch {epoch}" in text
    assert f"{layers[0]['i_x_mean']:.3f} ± {layers[0]['i_x_std']:.3f}" in text


def test_show_adds_what_is_kept_where_it_is_asked_to(made: Program) -> None:
    plain, told = (made.good("show", "straight", "--no-chart", *more) for more in ((), ("--kept",)))
    assert "I(T;orbit)" not in plain
    assert all(head in told for head in ("I(T;orbit) bits", "I(X;T | orbit) bits", "I(X;T | Y) bits"))
    for layer in made.figures("straight")["ensembles"][0]["layers"]:
        assert all(f"{layer[name]:.3f}" in told for name in ("i_orbit_mean", "i_within_mean", "i_x_given_y_mean"))
    assert "Orbit: the class of equal p(y|x)" in " ".join(told.split())


def test_show_says_where_what_is_kept_is_not_known(made: Program, tmp_path: Path) -> None:
    old = shutil.copy(made.path("straight"), tmp_path)
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE layer SET i_orbit = NULL")  # as of a version that did not record it
    told = " ".join(made.good("show", str(old), "--no-chart", "--kept").split())
    assert "What is kept is told apart where values of t are counted" in told


def test_show_draws_only_where_it_is_asked_to(made: Program) -> None:
    assert made.good("show", "grid").count("Information plane") == 4
    assert "Information plane" not in made.good("show", "grid", "--no-chart")


def test_list_is_a_line_for_each_session_that_grep_finds(made: Program) -> None:
    lines = made.good("list").splitlines()
    assert len(lines) == 3
    assert [line.split()[0] for line in lines] == ["name", "straight", "grid"], "newest first"
    listed = {session["name"]: session for session in json.loads(made.good("list", "--json"))}
    assert listed["grid"]["hidden"] == ["4-3", "none"]
    assert listed["grid"]["status"] == "finished"
    assert listed["straight"]["bytes"] == made.path("straight").stat().st_size


def test_list_of_nothing_is_nothing(program: Program) -> None:
    done = program("list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no sessions" in done.stderr
    assert json.loads(program.good("list", "--json")) == []
    assert program("list", "--quiet").stderr == ""
    assert not program.sessions.exists()


def test_a_session_is_found_by_path_name_and_beginning(made: Program) -> None:
    for text in ("grid", "g", "grid.ibs", made.path("grid"), os.path.relpath(made.path("grid"), made.directory)):
        assert json.loads(made.good("show", text, "--json"))["name"] == "grid"
    elsewhere = ("--sessions-dir", made.directory / "nowhere")
    assert made("show", "grid", *elsewhere).returncode == 2
    assert json.loads(made.good("show", made.path("grid"), "--json", *elsewhere))["name"] == "grid"


def test_what_is_read_is_as_it_was_before(made: Program) -> None:
    def state() -> dict[str, tuple[bytes, int]]:
        return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in made.sessions.iterdir()}

    before = state()
    made.good("list")
    made.good("show", "grid")
    made.weights("grid", "--ensemble", "0")
    assert state() == before


def test_an_output_file_is_replaced_whole_and_kept_where_that_fails(made: Program, program: Program) -> None:
    out = program.directory / "out.csv"
    out.write_text("before")
    os.link(out, program.directory / "watched")
    failed = made("export", "straight", "--what", "information", "-o", out, largest_file=4096)
    assert failed.returncode == 1
    assert failed.stderr.startswith("ibtui: cannot write ")
    assert out.read_text() == "before"
    assert sorted(file.name for file in program.directory.iterdir()) == ["out.csv", "watched"], "nothing is left"
    made.good("export", "straight", "--what", "information", "-o", out)
    assert out.read_text() == made.good("export", "straight", "--what", "information")
    assert (program.directory / "watched").read_text() == "before", "a new file took its place"
    assert sorted(file.name for file in program.directory.iterdir()) == ["out.csv", "watched"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~mask


@pytest.mark.long
def test_a_rule_file_is_replaced_whole_and_kept_where_that_fails(program: Program) -> None:
    out = program.directory / "rule.npz"
    out.write_text("before")
    failed = program("rule", "symmetric", "-o", out, largest_file=1000)
    assert failed.returncode == 1
    assert failed.stderr.startswith("ibtui: cannot write ")
    assert out.read_text() == "before"
    assert [file.name for file in program.directory.iterdir()] == ["rule.npz"]


@pytest.mark.long
def test_output_through_a_link_and_into_a_pipe(made: Program, program: Program) -> None:
    target, link = program.directory / "target.csv", program.directory / "link.csv"
    target.write_text("")
    link.symlink_to(target)
    made.good("export", "grid", "--what", "learning", "-o", link)
    text = made.good("export", "grid", "--what", "learning")
    assert link.is_symlink()
    assert target.read_text() == text
    pipe = program.directory / "pipe"
    os.mkfifo(pipe)
    writing = made.start("export", "grid", "--what", "learning", "-o", pipe)
    assert pipe.read_text() == text
    writing.communicate(timeout=60)
    assert writing.returncode == 0
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.long
def test_weights_are_the_same_in_a_file_and_on_stdout(made: Program, tmp_path: Path) -> None:
    file = tmp_path / "weights.npz"
    done = made("export", "straight", "--what", "weights", "--ensemble", "0", "-o", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert str(file) in done.stderr
    piped = made.weights("straight", "--ensemble", "0")
    with np.load(file, allow_pickle=False) as arrays:
        assert list(arrays) == list(piped)
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], piped[name])


@pytest.mark.parametrize("command", [["list"], ["show", "grid"], ["presets"], ["rule", "committee"], ["run", "--help"]])
@pytest.mark.long
def test_no_escape_sequences_where_no_terminal_is(made: Program, command: list[str]) -> None:
    done = made(*command)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.long
def test_output_in_an_encoding_that_lacks_characters(made: Program) -> None:
    for command in (["show", "grid"], ["presets"], ["rule"]):
        done = made(*command, environment={"PYTHONIOENCODING": "ascii"})
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.isascii()


HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]bold[/red][/]\r\n\t\x9b31m\u202egnp.exe\u200f 漢字 \x00"


@pytest.fixture
def hostile(made: Program, program: Program) -> Callable[..., None]:
    """A copy of a session in which something was changed behind the program's back."""

    def change(name: str, *statements: str, values: tuple[object, ...] = ()) -> None:
        program.sessions.mkdir(exist_ok=True)
        path = program.path(name)
        path.write_bytes(made.path("grid").read_bytes())
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement, values[: statement.count("?")])

    return change


@pytest.mark.long
def test_hostile_text_in_a_session_reaches_no_terminal(
    program: Program, hostile: Callable[..., None], unprintable: Callable[[str], list[str]], made: Program
) -> None:
    (text,) = made.look("grid", "SELECT experiment FROM session")[0]
    experiment = json.dumps(json.loads(text) | {"rule": f"table:{HOSTILE}"})
    hostile("experiment", "UPDATE session SET experiment = ?", values=(experiment,))
    hostile(
        "texts",
        "UPDATE session SET name = ?",
        "UPDATE rule SET name = ?",
        "UPDATE rule SET parameters = json_object(?, 1.0)",
        "UPDATE ensemble SET device = ?",
        "UPDATE writer SET host = ?",
        values=(HOSTILE,),
    )
    for name in ("experiment", "texts"):
        export = ["export", name, "--what", "learning", "--format", "json"]
        for command in (["show", name], ["show", name, "--json"], export, ["resume", name]):
            done = program(*command)
            assert done.returncode == (2 if command[0] == "resume" else 0), done.stderr
            assert unprintable(done.stdout + done.stderr) == []
    shown = program.figures("texts")
    assert (shown["name"], shown["ensembles"][0]["device"]) == (HOSTILE, HOSTILE)
    assert "[red]bold[/red][/]" in program.good("show", "texts"), "markup is text"
    for command in (["list"], ["list", "--json"]):
        done = program(*command)
        assert done.returncode == 0
        assert unprintable(done.stdout + done.stderr) == []
        assert "experiment" in done.stdout
        assert "texts" in done.stdout


@pytest.mark.long
def test_hostile_file_names_reach_no_terminal(
    program: Program, made: Program, unprintable: Callable[[str], list[str]]
) -> None:
    program.sessions.mkdir()
    for name in (b"\x1b[31mred\n", "漢字\u202e".encode(), b"\xff\xfe", b"[red]"):
        path = os.fsencode(program.sessions) + b"/" + name + b".ibs"
        Path(os.fsdecode(path)).write_bytes(made.path("grid").read_bytes())
    for command in (["list"], ["list", "--json"], ["show", "x"], ["show", "\x1b"], ["show", "[red]"]):
        done = program(*command)
        assert done.returncode == (2 if command == ["show", "x"] else 0), done.stderr
        assert unprintable(done.stdout + done.stderr) == []
    assert len(json.loads(program.good("list", "--json"))) == 4
    assert len(program.good("list").splitlines()) == 5


DAMAGE = {
    "name": "UPDATE session SET name = CAST(x'ff1b5b' AS TEXT)",
    "created": "UPDATE session SET created = 'now'",
    "endless": "UPDATE session SET created = 9e999",
    "experiment": "UPDATE session SET experiment = '[]'",
    "nested": "UPDATE session SET experiment = printf('%.*c', 100000, '[')",
    "digits": "UPDATE session SET experiment = '{\"epochs\": ' || printf('%.*c', 5000, '9') || '}'",
    "fraction": "UPDATE ensemble SET fraction = 'x'",
    "hidden": "UPDATE ensemble SET hidden = '4-\x1b'",
    "networks": "UPDATE cohort SET networks = 100000000",
    "epoch": "UPDATE cohort SET epoch = 'x'",
    "snapshot": "UPDATE snapshot SET epoch = 'x' WHERE epoch = 60",
    "rule": "UPDATE rule SET h_x = 'x'",
    "parameters": "UPDATE rule SET parameters = '{\"gamma\": NaN}'",
    "empty": "DELETE FROM session",
    "layer": "UPDATE layer SET i_x = 'x'",
    "table": "DROP TABLE layer",
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.long
def test_damage_is_said_in_one_line(program: Program, hostile: Callable[..., None], kind: str) -> None:
    hostile("bad", DAMAGE[kind])
    done = program("show", "bad")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "is damaged" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.long
def test_no_half_of_an_export_is_written(program: Program, hostile: Callable[..., None]) -> None:
    hostile("bad", "UPDATE layer SET i_x = 'x' WHERE snapshot = (SELECT max(id) FROM snapshot)")
    done = program("export", "bad", "--what", "information")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.long
def test_no_half_of_a_session_is_shown(program: Program, hostile: Callable[..., None]) -> None:
    hostile("bad", "UPDATE learning SET train_loss = 'x' WHERE snapshot = (SELECT max(id) FROM snapshot)")
    done = program("show", "bad")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.long
def test_a_damaged_writer_is_said_in_one_line(program: Program, hostile: Callable[..., None]) -> None:
    hostile("bad", "INSERT OR REPLACE INTO writer VALUES (1, 'x', 'y', 'z', 'u', 'v', 'w', 'a', 'b', 'c')")
    done = program("show", "bad")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("i_x = 9e999", "the i_x inf; allowed is -1 to 64"),
        ("i_x = 1e308", "the i_x 1e+308; allowed is -1 to 64"),
        ("grad_mean = -1", "the grad_mean -1; allowed is 0 to 1e+100"),
        ("distinct_t = 1e101", "the distinct_t 1e+101; allowed is 0 to 1e+100"),
    ],
)
def test_numbers_that_no_run_measures_are_said_to_be_damage(
    program: Program, hostile: Callable[..., None], change: str, said: str
) -> None:
    hostile("bad", f"UPDATE layer SET {change}")
    for command in (("show", "bad", "--json"), ("export", "bad", "--what", "information")):
        done = program(*command)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
        assert said in done.stderr


@pytest.mark.long
def test_a_damaged_session_does_not_hide_the_others(program: Program, hostile: Callable[..., None]) -> None:
    hostile("good", "SELECT 1")
    hostile("bad", DAMAGE["nested"])
    (program.sessions / "text.ibs").write_text("hello")
    (program.sessions / "notes.txt").write_text("hello")
    (program.sessions / "folder.ibs").mkdir()
    done = program("list", "--json")
    assert [session["name"] for session in json.loads(done.stdout)] == ["good"]
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 2
