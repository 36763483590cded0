"""What is wrong is said in one line with exit status 2, and nothing is left behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program

Refused = Callable[..., str]


def tree(directory: Path) -> dict[str, tuple[int, int]]:
    """All that lies in a directory; files with size and time of change."""
    found = {}
    for path in directory.rglob("*"):
        state = path.lstat()
        changed = (0, 0) if path.is_dir() else (state.st_size, state.st_mtime_ns)
        found[str(path.relative_to(directory))] = changed
    return found


@pytest.fixture
def refused(program: Program) -> Refused:
    """Run a command that must be refused; its one line."""

    def run(*arguments: str | Path) -> str:
        before = tree(program.directory)
        done = program(*arguments)
        lines = done.stderr.splitlines()
        assert (done.returncode, done.stdout, len(lines)) == (2, "", 1), done.stderr
        assert lines[0].startswith("ibtui: ")
        assert lines[0].isprintable()
        assert tree(program.directory) == before, "something was left behind"
        return lines[0]

    return run


BAD_COMMANDS = {
    "nosuch": "nosuch",
    "--nosuch": "--nosuch",
    "run --nosuch": "--nosuch",
    "run one two": "two",
    "run --epochs": "--epochs",
    "list extra": "extra",
    "show": "SESSION",
    "export mine": "--what",
    "stop": "SESSION",
    "open": "terminal",
    "config nosuch": "nosuch",
    "run --seed 1 --seed 1": "--seed is given twice",
    "config keys --json --json": "--json is given twice",
}


@pytest.mark.parametrize("line", BAD_COMMANDS)
def test_commands_and_options_that_there_are_not(refused: Refused, line: str) -> None:
    assert BAD_COMMANDS[line] in refused(*line.split())


BAD_SETTINGS = {
    "preset": ("nosuch", "quick"),
    "preset nearly right": ("figure-1", "did you mean"),
    "--rule": ("nosuch", "symmetric"),
    "--theta": ("nan", "theta"),
    "--gamma": ("0", "gamma"),
    "--i-xy": ("1", "i-xy"),
    "--hidden": ("10-x", "10-8-6-4-2"),
    "--hidden ": ("", "10-8-6-4-2"),
    "--hidden  ": ("10-0", "from 1"),
    "--hidden   ": ("99999999999999999999-2", "from 1"),
    "--fraction": ("0", "above 0 and at most 1"),
    "--fraction ": ("1.5", "above 0 and at most 1"),
    "--fraction  ": ("x", "--fraction"),
    "--fraction   ": ("nan", "above 0 and at most 1"),
    "--networks": ("0", "from 1"),
    "--networks ": ("-1", "from 1"),
    "--networks  ": ("2.5", "--networks"),
    "--seed": ("-1", "from 0"),
    "--epochs": ("0", "from 1"),
    "--epochs ": ("1e3", "--epochs"),
    "--batch": ("0", "or full"),
    "--batch ": ("half", "or full"),
    "--learning-rate": ("0", "must be a number from 1.18e-38 to 3.4e+38"),
    "--learning-rate ": ("inf", "must be a number from 1.18e-38 to 3.4e+38"),
    "--optimizer": ("sdg", "sgd, momentum, adam"),
    "--momentum": ("1", "below 1"),
    "--activation": ("gelu", "tanh, relu"),
    "--activation-bits": ("0", "from 1 to 12 or none"),
    "--activation-bits ": ("four", "from 1 to 12 or none"),
    "--init-scale": ("-1", "must be a number from 1.18e-38 to 3.4e+38"),
    "--bins": ("1", "from 2"),
    "--snapshots": ("-1", "from 0"),
    "--snapshot-at": ("0,4001", "the last epoch"),
    "--snapshot-at ": ("1,x", "0,400,9000"),
    "--snapshot-at  ": ("", "0,400,9000"),
    "--trainer": ("keras", "auto, fused or torch"),
    "--device": ("tpu", "auto, cpu"),
    "--threads": ("0", "--threads"),
    "--name": ("a/b", "without /"),
    "--name ": ("..", "a dot"),
    "--name  ": ("a\x1b[31mb", r"\x1b"),
    "--name   ": ("a\nb", r"\n"),
    "--name    ": ("n" * 500, "1 to"),
    "--name     ": ("", "name"),
}


@pytest.mark.parametrize("option", BAD_SETTINGS)
def test_settings_outside_their_range(refused: Refused, option: str) -> None:
    value, told = BAD_SETTINGS[option]
    given = [value] if option.startswith("preset") else [option.strip(), value]
    assert told in refused("run", *given)


def test_settings_that_exclude_one_another(refused: Refused) -> None:
    assert "one of them" in refused("run", "--gamma", "3", "--i-xy", "0.5")
    assert "twice" in refused("run", "--hidden", "3", "--hidden", "3")
    assert "--trainer torch" in refused("run", "--trainer", "fused", "--device", "cuda")
    assert "labels every pattern" in refused("run", "--theta", "1000")
    assert "it has its own labels" in refused("run", "--rule", "table:x.npz", "--gamma", "3")


def test_networks_too_large_for_a_session_or_a_machine(refused: Refused) -> None:
    assert "fewer networks" in refused("run", "--hidden", "20000-10000")
    assert "fewer networks" in refused("run", "--hidden", "65536-65536", "--networks", "100000", "--optimizer", "adam")


@pytest.fixture
def tables(program: Program) -> Path:
    eye, label = np.eye(4), np.array([0.0, 1.0, 0.0, 1.0])
    directory = program.directory
    np.savez(directory / "nan.npz", patterns=np.where(eye, np.nan, 0.0), p_y=label)
    np.savez(directory / "nan-label.npz", patterns=eye, p_y=[0.0, 1.0, 0.0, np.nan])
    np.savez(directory / "no-labels.npz", patterns=eye)
    np.savez(directory / "one-class.npz", patterns=eye, p_y=np.ones(4))
    np.savez(directory / "too-many.npz", patterns=eye, p_y=np.ones(5))
    np.savez(directory / "pickled.npz", patterns=np.array([object()]), p_y=label)
    (directory / "empty.csv").write_text("")
    (directory / "torn.npz").write_bytes((directory / "nan.npz").read_bytes()[:200])
    (directory / "words.csv").write_text("a,b\nzero,1\none,0\n")
    (directory / "folder.csv").mkdir()
    (directory / "notes.xlsx").write_text("0,1\n")
    return directory


@pytest.mark.long
def test_tables_that_are_none(refused: Refused, tables: Path) -> None:
    told = {
        "nan.npz": "value nan", "nan-label.npz": "label nan", "no-labels.npz": "no labels", "too-many.npz": "5 labels",
        "one-class.npz": "both classes", "pickled.npz": "pickled", "empty.csv": "empty", "torn.npz": "damaged",
        "words.csv": "not a number", "folder.csv": "a directory", "notes.xlsx": "cannot read .xlsx: save it as .csv",
        "missing.csv": "does not exist", f"{'t' * 300}.csv": "too long",
    }  # fmt: skip
    for file, sentence in told.items():
        assert sentence in refused("rule", f"table:{file}", "-o", "out.npz")
    for file in ("nan.npz", "one-class.npz", "missing.csv"):
        assert told[file] in refused("run", "--rule", f"table:{file}")
    assert "names no file" in refused("run", "--rule", "table:")


def test_tables_that_cannot_be_read(refused: Refused, tables: Path) -> None:
    file = tables / "secret.csv"
    file.write_text("0,1\n1,0\n")
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("nothing is unreadable to this user")
    assert "Permission denied" in refused("run", "--rule", f"table:{file}")


@pytest.mark.long
def test_directories_of_sessions_that_cannot_be(refused: Refused, program: Program) -> None:
    file = program.directory / "file"
    file.write_text("")
    for directory in (file, file / "below", program.directory / ("d" * 300)):
        assert "cannot write" in refused("run", "--sessions-dir", directory)
    assert "cannot read" in refused("list", "--sessions-dir", file)
    assert refused("show", "x", "--sessions-dir", file / "below")


def mounted(*arguments: str | Path) -> bool:
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True).returncode == 0


@pytest.fixture
def read_only(program: Program, made: Program) -> Iterator[Path]:
    """A directory with a session where nothing can be written."""
    directory = program.directory / "read-only"
    directory.mkdir()
    (directory / "grid.ibs").write_bytes(made.path("grid").read_bytes())
    directory.chmod(0o555)
    if not os.access(directory, os.W_OK):
        yield directory
        directory.chmod(0o755)
        return
    if not mounted("--bind", directory, directory):
        pytest.skip("nothing is read-only to this user, who cannot mount")
    try:
        assert mounted("-o", "remount,ro,bind", directory)
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True)


@pytest.mark.long
def test_a_read_only_directory_can_be_read(refused: Refused, program: Program, read_only: Path) -> None:
    there = ("--sessions-dir", read_only)
    assert "cannot write" in refused("run", *there)
    assert "cannot write" in refused("export", "grid", "--what", "learning", *there, "-o", read_only / "out.csv")
    assert "grid" in program.good("list", *there)
    assert "Information plane" in program.good("show", "grid", *there)
    assert program.good("export", "grid", "--what", "learning", *there)
    done = program("resume", "grid", "--epochs", "70", *there)
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def odd_files(program: Program, made: Program) -> Path:
    """Files that are no sessions, or no longer."""
    directory = program.directory
    whole = made.path("grid").read_bytes()
    (directory / "text.ibs").write_text("not a session\n" * 500)
    (directory / "empty.ibs").write_bytes(b"")
    (directory / "torn.ibs").write_bytes(whole[: len(whole) // 2])
    (directory / "head.ibs").write_bytes(whole[:50])
    (directory / "newer.ibs").write_bytes(whole)
    with closing(sqlite3.connect(directory / "newer.ibs")) as connection:
        connection.execute("PRAGMA user_version = 99")
    (directory / "folder.ibs").mkdir()
    for name, settle in (("other.ibs", "PRAGMA application_id = 7"), ("plain.ibs", "SELECT 1")):
        with closing(sqlite3.connect(directory / name)) as connection:
            connection.execute("CREATE TABLE session (name)")
            connection.execute(settle)
    zeroed = bytearray(whole)
    zeroed[4096 : len(zeroed) // 2] = bytes(len(zeroed) // 2 - 4096)
    (directory / "zeroed.ibs").write_bytes(zeroed)
    return directory


@pytest.mark.long
def test_files_that_are_no_sessions(refused: Refused, odd_files: Path) -> None:
    told = {
        "text": "not an SQLite file", "empty": "not a session", "torn": "damaged", "head": "", "newer": "update ibtui",
        "folder": "not a file", "other": "another program", "plain": "another program", "zeroed": "damaged",
        "missing": "no session file",
    }  # fmt: skip
    for name, sentence in told.items():
        file = odd_files / f"{name}.ibs"
        assert sentence in refused("show", file, "--json")
    for name in ("text", "torn", "newer", "missing"):
        assert told[name] in refused("resume", odd_files / f"{name}.ibs")
        assert told[name] in refused("export", odd_files / f"{name}.ibs", "--what", "information")
    assert "update ibtui" in refused("stop", odd_files / "newer.ibs")
    assert refused("show", odd_files / ("s" * 300) / "x.ibs")


@pytest.mark.long
def test_names_of_sessions_that_say_nothing_or_too_much(refused: Refused, made: Program, program: Program) -> None:
    program.sessions.mkdir()
    assert "it holds none yet" in refused("show", "nosuch")
    for name in ("one", "onto", "two"):
        program.path(name).write_bytes(made.path("grid").read_bytes())
    assert "one, onto" in refused("show", "on")
    assert "one, onto, two" in refused("show", "three")
    assert r"\x1b" in refused("show", "\x1b[31m")
    assert refused("export", "", "--what", "learning")
    assert program.good("show", "t", "--no-chart")


BAD_CONFIGS = {
    "epochs =": "not TOML",
    "\xff": "not TOML",
    "nosuch = 1": "unknown setting 'nosuch'",
    "epochs = '12'": "epochs",
    "epochs = 1.5": "epochs",
    "epochs = true": "epochs",
    "epochs = [1]": "epochs",
    "hidden = 3": "hidden",
    "hidden = []": "hidden",
    "hidden = [[3.5]]": "hidden",
    "fraction = 'x'": "fraction",
    "fraction = []": "fraction",
    "rule = 3": "rule",
    "rule = ['symmetric', 3]": "rule",
    "gamma = []": "gamma",
    "rule = []": "rule",
    "weights = 'yes'": "weights",
    "snapshot_at = ['x']": "snapshot-at",
    "preset = 'nosuch'": "preset",
    "preset = 3": "preset",
    "quick = 1": "quick",
    "name = 3": "name",
    "name = '../x'": "name",
    "threads = 0": "threads",
    "out = true": "out",
    "activation = ['tanh', 3]": "activation",
    "learning-rate = 'fast'": "learning-rate",
    "[run]\nepochs = 3": "run",
    "x = " + "[" * 5000: "not TOML",
}


@pytest.mark.parametrize("text", BAD_CONFIGS, ids=lambda text: text[:30])
@pytest.mark.long
def test_settings_files_that_are_wrong(refused: Refused, program: Program, text: str) -> None:
    file = program.directory / "settings.toml"
    file.write_text(text, encoding="latin-1")
    assert BAD_CONFIGS[text] in refused("run", "--config", file)


@pytest.mark.long
def test_settings_files_that_are_not_there(refused: Refused, program: Program) -> None:
    assert "No such file" in refused("run", "--config", "missing.toml")
    assert "Is a directory" in refused("run", "--config", program.directory)
    assert "too long" in refused("run", "--config", "c" * 300)


@pytest.mark.long
def test_nothing_is_overwritten(refused: Refused, program: Program, made: Program) -> None:
    program.sessions.mkdir()
    program.path("mine").write_bytes(made.path("grid").read_bytes())
    settings = program.directory / "settings.toml"
    settings.write_text("epochs = 3\n")
    dangling = program.directory / "dangling.toml"
    dangling.symlink_to(program.directory / "nowhere")
    assert "exists already" in refused("run", "--name", "mine")
    assert "exists already" in refused("run", "--out", program.path("mine"))
    assert "ends in .ibs" in refused("run", "--out", program.sessions)
    assert "exists already" in refused("run", "--name", "new", "--save-config", settings)
    assert "exists already" in refused("run", "--name", "new", "--save-config", dangling)
    both = program.sessions / "both.ibs"
    assert "ends in .toml" in refused("run", "--out", both, "--save-config", both)


@pytest.mark.long
def test_places_that_cannot_be_written(refused: Refused, program: Program, made: Program) -> None:
    program.sessions.mkdir()
    program.path("mine").write_bytes(made.path("grid").read_bytes())
    nowhere = program.directory / "nowhere" / "file"
    export = ("export", "mine", "--what", "learning", "-o")
    for place in (nowhere, program.sessions, program.directory / ("f" * 300)):
        assert "cannot write" in refused(*export, place)
        assert "cannot write" in refused("run", "--name", "new", "--save-config", place) or place.exists()
    assert "cannot write" in refused("rule", "symmetric", "-o", nowhere.with_suffix(".npz"))
    assert ".npz" in refused("rule", "symmetric", "-o", program.directory / "rule.csv")
    assert "cannot write" in refused("run", "--out", program.path("mine") / "below.ibs")


@pytest.mark.long
def test_exports_of_what_there_is_not(refused: Refused, program: Program, made: Program) -> None:
    program.sessions.mkdir()
    program.path("mine").write_bytes(made.path("grid").read_bytes())
    program.good("run", "--name", "light", "--no-weights", "--networks", "1", "--epochs", "1", "--hidden", "none")
    told = {
        "--what nosuch": "choose from information, gradients, learning, weights",
        "--what information --format xml": "csv, json, npz",
        "--what weights --format csv": "npz",
        "--what weights --format json": "npz",
        "--what weights": "--ensemble",
        "--what weights --ensemble 4": "0 to 3",
        "--what weights --ensemble 0 --epoch 59": "measured are",
        "--what information --epoch 59": "measured are",
        "--what learning --ensemble -1": "0 to 3",
    }
    for line, sentence in told.items():
        assert sentence in refused("export", "mine", *line.split())
    assert "--no-weights" in refused("export", "light", "--what", "weights")
    assert "measured are" in refused("show", "mine", "--epoch", "59")
    assert "measured are" in refused("show", "mine", "--json", "--epoch", "-1")


@pytest.mark.long
def test_a_finished_session_can_only_go_further(refused: Refused, program: Program, made: Program) -> None:
    program.sessions.mkdir()
    program.path("mine").write_bytes(made.path("grid").read_bytes())
    for line in ("", "--epochs 60 --networks 3"):
        assert "finished at epoch 60" in refused("resume", "mine", *line.split())
    for line in ("--epochs 59", "--epochs 0", "--networks 2", "--networks -1", "--threads 0"):
        assert refused("resume", "mine", *line.split())
    assert "no run to pause" in refused("pause", "mine")
    assert "no run to stop" in refused("stop", "mine")
