"""`ibtui run`: what is trained is saved, and the same seed gives the same bits."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program


def of_seed(program: Program, name: str, seed: int) -> dict[str, object]:
    """All that a session says of one network."""
    found: dict[str, object] = {
        what: [
            {column: value for column, value in row.items() if column != "seed"}
            for row in program.rows(name, what)
            if row["seed"] == str(seed)
        ]
        for what in ("information", "gradients", "learning")
    }
    weights = program.weights(name)
    number = weights["seeds"].tolist().index(seed)
    arrays = (array for array in weights if array not in ("seeds", "epoch"))
    return found | {array: weights[array][number].tobytes() for array in arrays}


@pytest.mark.long
def test_a_network_is_the_same_alone_and_among_ten(program: Program) -> None:
    settings = ("--epochs", "150", "--snapshots", "12")
    program.good("run", "--name", "ten", "--networks", "10", "--seed", "0", *settings)
    program.good("run", "--name", "one", "--networks", "1", "--seed", "3", *settings)
    alone, among = of_seed(program, "one", 3), of_seed(program, "ten", 3)
    assert len(alone["information"]) == 14 * 6  # type: ignore[arg-type]
    assert alone == among
    assert of_seed(program, "ten", 4) != among


@pytest.mark.long
def test_threads_change_no_bit(program: Program) -> None:
    for threads in ("1", "2"):
        program.good("run", "--name", f"threads-{threads}", "--threads", threads, *program.SHORT)
    assert program.bits("threads-1") == program.bits("threads-2")


@pytest.mark.long
def test_the_torch_trainer_goes_on_to_the_same_bits(program: Program) -> None:
    settings = ("--trainer", "torch", "--networks", "2", "--hidden", "5-3", "--snapshot-at", "8,16", "-q")
    program.good("run", "--name", "straight", "--epochs", "16", *settings)
    program.good("run", "--name", "further", "--epochs", "8", *(s.replace("8,16", "8") for s in settings))
    program.good("resume", "further", "--epochs", "16")
    assert program.rows("further", "gradients") == program.rows("straight", "gradients")
    np.testing.assert_array_equal(program.weights("further")["W1"], program.weights("straight")["W1"])
    assert program.figures("further")["ensembles"][0]["trainer"] == "torch"


def test_what_ran_is_listed_shown_and_saved_as_one_plain_file(program: Program) -> None:
    done = program("run", "--name", "mine", *program.SHORT)
    assert done.returncode == 0
    assert "Information plane" in done.stdout
    assert f"saved as {program.path('mine')}" in done.stderr
    assert [file.name for file in program.sessions.iterdir()] == ["mine.ibs"]
    program.require_whole("mine")
    (listed,) = json.loads(program.good("list", "--json"))
    assert (listed["name"], listed["status"], listed["epochs_done"]) == ("mine", "finished", 60)
    shown = program.figures("mine")
    assert (shown["name"], shown["status"]) == ("mine", "finished")
    assert shown["experiment"]["networks"] == 3


def test_settings_of_the_command_line_are_what_runs(program: Program) -> None:
    program.good(
        "run", "--rule", "committee", "--theta", "auto", "--i-xy", "0.5", "--hidden", "5-4", "--hidden", "none",
        "--fraction", "0.25", "--fraction", "0.5", "--networks", "2", "--seed", "7", "--epochs", "4", "--batch", "full",
        "--learning-rate", "0.5", "--optimizer", "momentum", "--momentum", "0.5", "--activation", "softsign",
        "--weight-decay", "0.01", "--dropout", "0.25", "--sampling", "replacement",
        "--init-scale", "0.5", "--labels", "random", "--estimator", "adaptive", "--bins", "7", "--noise", "0.5",
        "--snapshots", "1", "--snapshot-at", "2,3", "--no-weights",
        "--trainer", "fused", "--device", "cpu", "--threads", "1", "--name", "all",
    )  # fmt: skip
    shown = program.figures("all")
    assert shown["experiment"] == {
        "rule": "committee", "theta": "auto", "i_xy": 0.5, "hidden": ["5-4", "none"], "fraction": [0.25, 0.5],
        "networks": 2, "seed": 7, "epochs": 4, "batch": "full", "learning_rate": 0.5, "optimizer": "momentum",
        "momentum": 0.5, "activation": "softsign", "init_scale": 0.5, "labels": "random",
        "estimator": "adaptive", "bins": 7, "noise": 0.5, "snapshots": 1, "snapshot_at": [2, 3],
        "weights": False, "trainer": "fused", "device": "cpu",
        "activation_bits": "none", "units": "deterministic", "ib_beta": "none", "ib_method": "gradient",
        "weight_decay": 0.01, "dropout": 0.25, "sampling": "replacement",
    }  # fmt: skip
    grid = [(ensemble["hidden"], ensemble["fraction"]) for ensemble in shown["ensembles"]]
    assert grid == [("5-4", 0.25), ("5-4", 0.5), ("none", 0.25), ("none", 0.5)]
    assert {tuple(ensemble["snapshots"]) for ensemble in shown["ensembles"]} == {(0, 1, 2, 3, 4)}
    assert abs(shown["rule"]["i_xy"] - 0.5) < 1e-6
    assert {row["seed"] for row in program.rows("all", "learning")} == {"7", "8"}


@pytest.mark.long
def test_options_win_over_the_preset_and_over_the_settings_file(program: Program) -> None:
    file = program.directory / "mine.toml"
    file.write_text('preset = "adam"\nnetworks = 2\nepochs = 6\nlearning-rate = 0.25\nsnapshots = 2\nname = "filed"\n')
    program.good("run", "--config", file, "--learning-rate", "0.125")
    experiment = program.figures("filed")["experiment"]
    assert experiment["optimizer"] == "adam", "the file's preset"
    assert (experiment["networks"], experiment["epochs"], experiment["snapshots"]) == (2, 6, 2), "the file"
    assert experiment["learning_rate"] == 0.125, "the option"
    program.good("run", "relu", "--config", file, "--name", "optioned")
    experiment = program.figures("optioned")["experiment"]
    assert (experiment["activation"], experiment["optimizer"]) == ("relu", "sgd"), "the option's preset"
    assert (experiment["networks"], experiment["learning_rate"]) == (2, 0.25), "the file's settings"


@pytest.mark.long
def test_a_quick_version_says_what_it_has_less_of_and_options_win_over_it(program: Program) -> None:
    file = program.directory / "quick.toml"
    file.write_text('preset = "figure-2"\nquick = true\nepochs = 12\n')
    done = program("run", "--config", file, "--networks", "1", "--name", "little", "--save-config", "saved.toml")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("quick")] == [], "both counts are given"
    experiment = program.figures("little")["experiment"]
    assert (experiment["networks"], experiment["epochs"], experiment["snapshot_at"]) == (1, 12, [])
    assert "quick" not in (program.directory / "saved.toml").read_text()
    done = program("run", "--quick", "--epochs", "9", "--name", "default")
    assert "quick: 4 networks instead of 40" in done.stderr.splitlines()


@pytest.mark.long
def test_a_setting_of_either_kind_takes_the_place_of_the_other_in_a_file(program: Program) -> None:
    file = program.directory / "soft.toml"
    file.write_text("gamma = 3.0\nnetworks = 1\nepochs = 1\n")
    assert program("run", "--config", file, "--i-xy", "0.4", "--name", "both").returncode == 2
    program.good("run", "--config", file, "--gamma", "4", "--name", "one")
    assert program.figures("one")["experiment"]["gamma"] == 4.0


@pytest.mark.long
def test_saved_settings_run_the_same_experiment_again(program: Program) -> None:
    saved = program.directory / "saved.toml"
    odd = ("--hidden", "4-3", "--hidden", "none", "--fraction", "0.5", "--theta", "2.2", "--gamma", "20")
    program.good("run", "--name", "first", "--save-config", saved, *odd, "--snapshot-at", "3,5", *program.SHORT)
    settings = tomllib.loads(saved.read_text())
    assert settings["hidden"] == ["4-3", "none"]
    program.good("run", "--config", saved, "--name", "second")
    assert program.figures("second")["experiment"] == program.figures("first")["experiment"]
    assert program.bits("second") == program.bits("first")
    again = program.directory / "again.toml"
    program.good("run", "--config", saved, "--name", "third", "--save-config", again, "--epochs", "5")
    assert tomllib.loads(again.read_text()) == settings | {"name": "third", "epochs": 5}


@pytest.mark.long
def test_a_table_is_learned_and_the_session_needs_it_no_more(program: Program) -> None:
    table = program.directory / "xor.csv"
    table.write_text("a,b,label\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    program.good("run", "--rule", "table:xor.csv", "--fraction", "1", "--name", "xor", *program.SHORT)
    table.unlink()
    shown = program.figures("xor")
    assert (shown["rule"]["h_x"], shown["rule"]["i_xy"]) == (2.0, 1.0)
    program.good("resume", "xor", "--epochs", "80")
    assert program.figures("xor")["ensembles"][0]["epochs_done"] == 80


@pytest.mark.long
def test_json_is_one_document_whatever_is_said_meanwhile(program: Program) -> None:
    done = program("run", "--json", "--name", "told", *program.SHORT)
    assert json.loads(done.stdout)["status"] == "finished"
    assert "100%" in done.stderr
    assert json.loads(done.stdout) == program.figures("told")


@pytest.mark.long
def test_quiet_says_nothing_on_stderr(program: Program) -> None:
    done = program("run", "--quiet", "--name", "still", *program.SHORT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Information plane" in done.stdout


@pytest.mark.long
def test_unnamed_runs_get_names_of_their_own_also_at_once(program: Program) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: program("run", "--networks", "1", "--epochs", "1", "-q"), range(3)))
    assert [each.returncode for each in done] == [0, 0, 0], [each.stderr for each in done]
    assert len(list(program.sessions.iterdir())) == 3


@pytest.mark.long
def test_out_names_the_file_and_its_directories_are_made(program: Program) -> None:
    out = program.directory / "deep" / "down" / "it.ibs"
    program.good("run", "--out", out, *program.SHORT)
    assert json.loads(program.good("show", out, "--json"))["name"] == "it"
    assert not program.sessions.exists()


@pytest.mark.long
def test_a_very_long_name_of_a_table_is_no_obstacle(program: Program) -> None:
    table = program.directory / f"{'t' * 240}.npz"
    np.savez(table, patterns=np.eye(4), p_y=[0.0, 1.0, 0.0, 1.0])
    program.good("run", "--rule", f"table:{table.name}", "--networks", "1", "--epochs", "1")
    (session,) = program.sessions.iterdir()
    assert session.name.startswith("ttt")


@pytest.mark.long
def test_messages_that_cannot_be_written_end_no_run(program: Program, full: int) -> None:
    done = program("run", "--name", "mute", *program.SHORT, stderr=full)
    assert done.returncode == 0
    assert program.figures("mute")["status"] == "finished"


@pytest.mark.long
def test_a_reader_that_has_heard_enough_is_no_failure(made: Program) -> None:
    shell = shutil.which("bash")
    assert shell is not None
    script = 'python=$1; shift; "$python" -m ibtui "$@" | head -c 10 >/dev/null; echo "${PIPESTATUS[0]}"'
    for arguments in (["show", "grid"], ["export", "straight", "--what", "information", "--format", "json"]):
        program, *_ = made.command()
        done = subprocess.run(
            [shell, "-c", script, "bash", program, *arguments],
            capture_output=True,
            text=True,
            env=made.environment,
            cwd=made.directory,
            timeout=60,
        )
        assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.long
def test_output_that_cannot_be_written_is_said_in_one_line(made: Program, full: int) -> None:
    for arguments in (["list"], ["show", "grid"], ["export", "grid", "--what", "weights", "--ensemble", "0"]):
        done = made(*arguments, stdout=full)
        assert done.returncode == 1
        assert done.stderr == "ibtui: cannot write the output: No space left on device\n"


@pytest.mark.long
def test_every_snapshot_asked_for_is_there_with_all_its_rows(program: Program) -> None:
    program.good(
        "run", "--name", "some", "--networks", "2", "--epochs", "20", "--snapshot-at", "0,7,13", "--hidden", "3"
    )
    counts = program.look(
        "some",
        "SELECT s.epoch, (SELECT count(*) FROM layer WHERE snapshot = s.id),"
        " (SELECT count(*) FROM learning WHERE snapshot = s.id) FROM snapshot s ORDER BY s.epoch",
    )
    assert counts == [(epoch, 4, 2) for epoch in (0, 7, 13, 20)]
