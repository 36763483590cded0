"""`ibtui run mnist --data DIR` and `digits`: what runs, what is said of it, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ibtui_engine.session.history import SessionReader
from tests.ibtui.cli.conftest import Program

SMALL = ("--hidden", "6", "--networks", "1", "--epochs", "2", "--snapshots", "0", "--measured", "40", "--threads", "1")


def idx(numbers: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in numbers.shape)
    return bytes([0, 0, 8, numbers.ndim]) + sizes + numbers.astype(np.uint8).tobytes()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Sixty images of three pixels by three, as MNIST's test images."""
    rng = np.random.default_rng(0)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(rng.integers(0, 256, (60, 3, 3))))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(np.arange(60) % 10))
    return tmp_path


@pytest.mark.long
def test_mnist_runs_from_a_directory_and_says_what_its_patterns_are(program: Program, images: Path) -> None:
    done = program("run", "mnist", "--data", images, "--name", "m", *SMALL)
    assert done.returncode == 0
    assert "the patterns are the test images only; there are no training images in" in done.stderr
    told = " ".join(done.stdout.split())
    assert "H(X) = 5.322 bits, I(X;Y) = " in told
    assert "over 40 patterns chosen at random" in told
    assert "P(X,Y) is a sample, 60 test images, of which 40 are measured, each with its one label" in told

    plain = json.loads(program.good("show", "m", "--json"))
    assert plain["experiment"]["rule"] == f"mnist:{images}"
    assert (plain["rule"]["test"], plain["rule"]["patterns"], plain["rule"]["labels"]) == (60, 60, 10)
    (ensemble,) = plain["ensembles"]
    assert [layer["width"] for layer in ensemble["layers"]] == [6, 10]
    assert ensemble["sample"].startswith("P(X,Y) is a sample, 60 test images")
    rows = list(csv.DictReader(program.good("export", "m", "--what", "information").splitlines()))
    assert {row["measured"] for row in rows} == {"40"}
    assert {row["width"] for row in rows} == {"6", "10"}

    told = " ".join(program.good("fit", "m").split())
    assert "No beta*: beta* is fitted where there are two labels, and here there are 10." in told
    kept = program("run", "--rule", f"mnist:{images}", *SMALL, "--name", "w")
    assert kept.returncode == 0
    fitted = json.loads(program.good("fit", "w", "--json"))
    assert fitted["curve"]["certified"]
    with SessionReader(program.path("w")) as reader:
        measured = reader.measured(1)
    shares = np.bincount(measured % 10) / 40  # each pattern has one label, its number modulo 10
    assert fitted["curve"]["i_xy"] == pytest.approx(-(shares * np.log2(shares)).sum())
    assert fitted["fits"][0]["no_beta"] == "beta* is fitted where there are two labels, and here there are 10"
    again = json.loads(program.good("remeasure", "w", "--estimator", "exact", "--json"))
    assert again["ensembles"][0]["widths"] == [6, 10]


@pytest.mark.long
def test_the_account_takes_a_session_of_mnist_wherever_its_files_were(program: Program, images: Path) -> None:
    program.good("run", "mnist", "--quick", "--data", images, "--name", "m", "--threads", "1")
    done = program("account", "--quick", "--json")
    [told] = [one for one in json.loads(done.stdout) if one["key"] == "large-problem-mnist"]
    assert (told["verdict"], told["ensembles"][0]["session"]) == ("not applicable", "m")
    assert told["reason"] == "needs several batches in an epoch (here: one)"
    assert "mnist" not in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("mnist",), "no train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte,"),
        (("mnist", "--data", "nowhere"), "in 'nowhere': get the files from https://"),
        (("--data", "nowhere"), "data is 'nowhere': the rule symmetric takes none, only mnist does"),
        (("--measured", "10"), "measured is 10: rules of two labels, such as symmetric,"),
        (("--rule", "mnist:"), "rule 'mnist:' names no directory"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line_with_nothing_left(
    program: Program, line: tuple[str, ...], said: str
) -> None:
    done = program("run", *line)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(program.directory.rglob("*.ibs"))


def test_the_fused_trainer_and_damaged_files_are_refused(program: Program, images: Path) -> None:
    done = program("run", "mnist", "--data", images, "--trainer", "fused")
    assert done.returncode == 2
    assert "the fused trainer has one output and learns two labels, and this rule has 10" in done.stderr
    (images / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0")
    done = program("run", "mnist", "--data", images)
    assert done.returncode == 2
    assert "t10k-labels-idx1-ubyte' is cut off" in done.stderr
    assert not list(program.directory.rglob("*.ibs"))


def test_the_curve_of_a_rule_of_images_is_exact(program: Program, images: Path) -> None:
    found = json.loads(program.good("curve", f"mnist:{images}", "--json"))
    assert found["certified"] is True
    assert found["error"] == 0
    assert found["i_xy"] == pytest.approx(np.log2(10))
