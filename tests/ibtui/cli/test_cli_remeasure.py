"""Measuring again with the real command: saved, printed, on request, and refused."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ibtui_engine.session.format import FORMAT_VERSION

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Process, Program

V1 = Path(__file__).parents[2] / "engine" / "session" / "data"


def everything(made: Program, *arguments: str) -> dict[str, Any]:
    """`remeasure grid --json`, without and with arguments."""
    return json.loads(made.good("remeasure", "grid", "--json", *arguments))


def one_line(text: str) -> str:
    """Without the folds of a narrow terminal."""
    return " ".join(text.split())


@pytest.mark.long
def test_a_new_session_is_saved_under_a_name_that_says_what_has_changed(made: Program, program: Program) -> None:
    source = made.path("grid")
    before = source.read_bytes()
    done = program("remeasure", source, "--bins", "60")
    assert done.returncode == 0, done.stderr
    assert f"saved as {program.path('grid-60-bins')}" in done.stderr
    assert "60 bins of [−1, 1]" in one_line(done.stdout)
    assert program.good("show", "grid-60-bins") == done.stdout
    program.good("remeasure", source, "--bins", "60", "--quiet")
    there = program.directory / "there.ibs"
    document = json.loads(
        program.good("remeasure", "grid-60-bins-2", "--estimator", "quantile", "--bins", "7", "-o", there, "--json")
    )
    assert (document["experiment"]["estimator"], document["experiment"]["bins"]) == ("quantile", 7)
    names = sorted(path.name for path in program.sessions.iterdir())
    assert names == ["grid-60-bins-2.ibs", "grid-60-bins.ibs"]
    assert source.read_bytes() == before
    rows = program.rows("grid-60-bins", "information")
    assert {(row["estimator"], row["bins"], row["noise"]) for row in rows} == {("binning", "60", "")}


def test_the_same_settings_print_what_was_recorded(made: Program) -> None:
    for ensemble, mine in zip(made.figures("grid")["ensembles"], everything(made)["ensembles"], strict=True):
        assert mine["epochs"] == ensemble["snapshots"]
        for layer, recorded in enumerate(ensemble["layers"]):
            for name in ("i_x_mean", "i_x_std", "i_y_mean", "i_y_std", "distinct_mean", "saturated_mean"):
                assert mine[name][-1][layer] == pytest.approx(recorded[name], rel=1e-12, abs=1e-14)


@pytest.mark.long
def test_printing_writes_nothing(made: Program, program: Program) -> None:
    source = made.path("grid")
    told = program.good("remeasure", source, "--estimator", "adaptive", "--bins", "9", "--epoch", "60")
    assert "adaptive binning, 9 bins of the range that occurs in each layer" in one_line(told)
    assert told.count("epoch 60") == 4
    kde = ("--estimator", "kde", "--noise", "0.5")
    plain = json.loads(program.good("remeasure", source, *kde, "--epoch", "0", "--json"))
    assert (plain["estimator"], plain["bins"], plain["noise"]) == ("kde", None, 0.5)
    for ensemble in plain["ensembles"]:
        assert ensemble["epochs"] == [0]
        assert np.all(np.array(ensemble["i_x_lower_mean"]) <= np.array(ensemble["i_x_mean"]))
    assert not program.sessions.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing would change: give --bins, --estimator, --noise or another setting"),
        (("--bins", "1"), "bins must be a whole number from 2"),
        (("--estimator", "magic"), "estimator must be binning, adaptive, quantile, kde, exact, gauss, renyi or probe"),
        (("--estimator", "kde", "--noise", "-1"), "noise must be a variance from 1e-30 to 1e+30"),
        (("--noise", "1"), "noise is 1: the estimator binning adds no noise; add --estimator kde"),
        (("--estimator", "exact", "--bins", "60"), "bins is 60: the estimator exact has no bins; add --estimator"),
        (("--bins", "60", "--epoch", "59"), "epoch is 59: measured are 0, 1, "),
        (("--bins", "60", "--epoch", "59", "-o", "new"), "epoch is 59: measured are 0, 1, "),
        (("--bins", "60", "-o", "grid.ibs/new.ibs"), "cannot write the session"),
        (("--bins", "60", "-o", ".hidden"), "name must be 1 to"),
        (("--bins", "60", "-o", "taken"), "exists already: choose another name, nothing is overwritten"),
    ],
)  # fmt: skip
@pytest.mark.long
def test_what_cannot_be_is_refused_in_one_line(
    made: Program, program: Program, arguments: tuple[str, ...], said: str
) -> None:
    program.sessions.mkdir()
    program.path("taken").write_text("mine")
    (program.directory / "grid.ibs").write_text("no directory")
    done = program("remeasure", made.path("grid"), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in program.sessions.iterdir()] == ["taken.ibs"]
    assert program.path("taken").read_text() == "mine"


@pytest.mark.long
def test_a_session_without_weights_is_refused_in_one_line(program: Program) -> None:
    source = V1 / "version-1-no-weights.ibs"
    for arguments in (("remeasure", source, "--bins", "9"), ("remeasure", source, "--json"), ("sweep-bins", source)):
        done = program(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "keeps no weights: it was run with --no-weights" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not program.sessions.exists() or list(program.sessions.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.long
def test_a_signal_leaves_nothing_half_made(made: Program, program: Program, number: int) -> None:
    process = program.start("remeasure", made.path("straight"), "--estimator", "kde")
    assert program.until(lambda: program.sessions.exists() and any(program.sessions.iterdir()), process)
    status, said = program.end(process, number)
    assert status != 0
    assert "Traceback" not in said
    assert list(program.sessions.iterdir()) == []


class Stream:
    """`ibtui remeasure --stream` and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, **request: Any) -> None:
        self.say(json.dumps(request))

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self) -> list[dict[str, Any]]:
        """End of stdin: what is still said, and that the process ends well."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        rest = [json.loads(line) for line in self.process.stdout]
        assert self.process.wait(timeout=60) == 0
        return rest


@pytest.fixture
def stream(made: Program) -> Iterator[Callable[[str], Stream]]:
    started: list[Process] = []

    def start(name: str) -> Stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "ibtui", "remeasure", str(made.path(name)), "--stream"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=made.environment,
            cwd=made.directory,
        )
        started.append(process)
        return Stream(process)

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


@pytest.mark.long
def test_requests_are_answered_epoch_by_epoch_in_the_order_asked_for(
    made: Program, stream: Callable[[str], Stream]
) -> None:
    asked = stream("grid")
    measured = made.figures("grid")["ensembles"][1]["snapshots"]
    order = [measured[-1], *measured[:3]]
    asked.ask(id=1, ensemble=1, epochs=order, bins=60, estimator="binning", noise=None)
    answers = [asked.hear() for _ in order]
    assert [answer["epoch"] for answer in answers] == order
    assert {(answer["id"], answer["ensemble"], answer["bins"]) for answer in answers} == {(1, 1, 60)}
    expected = everything(made, "--bins", "60")["ensembles"][1]
    for answer in answers:
        row = expected["epochs"].index(answer["epoch"])
        assert np.shape(answer["i_x"]) == np.shape(answer["distinct_t"]) == (3, 3)
        for name, other in (("i_x", "i_x_mean"), ("i_y", "i_y_mean"), ("distinct_t", "distinct_mean")):
            assert np.mean(answer[name], axis=0) == pytest.approx(expected[other][row], rel=1e-12)
        assert (answer["i_x_lower"], answer["i_y_lower"], answer["noise"]) == (None, None, None)
        assert np.min(answer["low"], axis=0).tolist() == expected["low"][row]
        assert np.max(answer["high"], axis=0).tolist() == expected["high"][row]
    asked.ask(id="second", epochs=[0], bins=60, estimator="kde", noise=0.25)
    answer = asked.hear()
    assert (answer["id"], answer["ensemble"], answer["bins"], answer["noise"]) == ("second", 0, None, 0.25)
    assert np.all(np.array(answer["i_x_lower"]) <= np.array(answer["i_x"]))
    asked.ask(id=3)
    assert [asked.hear()["epoch"] for _ in measured] == measured
    assert asked.end() == []


@pytest.mark.long
def test_a_newer_request_ends_the_older_one_between_epochs(made: Program, stream: Callable[[str], Stream]) -> None:
    asked = stream("grid")
    epochs = made.figures("grid")["ensembles"][0]["snapshots"]
    asked.ask(id=1, ensemble=0, epochs=epochs * 50, estimator="kde")
    assert asked.hear()["id"] == 1
    asked.say("this is no request")
    asked.ask(id=2, ensemble=0, epochs=epochs)
    heard = asked.end()
    said = [answer["id"] for answer in heard if "error" not in answer]
    assert said.count(2) == len(epochs)
    assert said == sorted(said)  # none of the first after one of the second
    assert said.count(1) < 25 * len(epochs)
    assert next(answer for answer in heard if "error" in answer)["id"] is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "a request is not JSON: "),
        ("[1]", "a request is a JSON object"),
        ("[" * 100_000, "a request is not JSON: "),
        ('{"id": 4, "ensemble": 9}', "ensemble is 9: this session has 0 to 3"),
        ('{"id": 4, "ensemble": -1}', "ensemble must be a whole number from 0"),
        ('{"id": 4, "ensemble": "a"}', "ensemble must be a whole number from 0"),
        ('{"id": 4, "epochs": [0, 59]}', "epoch is 59: measured are 0, 1, "),
        ('{"id": 4, "epochs": [true]}', "epoch is True: measured are 0, 1, "),
        ('{"id": 4, "epochs": 0}', "epochs must be a list of measured epochs"),
        ('{"id": 4, "bins": 1}', "bins must be a whole number from 2"),
        ('{"id": 4, "bins": "many"}', "bins must be a whole number from 2"),
        ('{"id": 4, "estimator": "magic"}', "estimator must be binning,"),
        ('{"id": 4, "estimator": [1]}', "estimator must be binning,"),
        ('{"id": 4, "estimator": "kde", "noise": NaN}', "noise must be a variance"),
        ('{"id": 4, "colour": "red"}', "unknown field 'colour': choose from id, ensemble"),
        ('{"id": [4]}', "id must be a number or a text"),
        ('{"id": NaN}', "id must be a number or a text"),
    ],
)  # fmt: skip
@pytest.mark.long
def test_a_bad_request_is_answered_by_an_error(requests: dict[str, dict[str, Any]], line: str, said: str) -> None:
    answer = requests[line]
    assert set(answer) == {"id", "error"}
    assert answer["id"] == (4 if line.startswith('{"id": 4') else None)
    assert answer["error"].startswith(said)
    assert "\n" not in answer["error"]


@pytest.fixture(scope="module")
def requests(made: Program, request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """All bad requests to one process, which lives on: each with its answer."""
    marks = test_a_bad_request_is_answered_by_an_error.pytestmark  # type: ignore[attr-defined]
    lines = [line for line, _ in next(mark for mark in marks if mark.name == "parametrize").args[1]]
    process = subprocess.run(
        [sys.executable, "-m", "ibtui", "remeasure", "grid", "--stream"],
        input="\n".join([*lines, "", '{"id": 5, "epochs": [0]}']).encode() + b"\n\xff\xfe\n",
        capture_output=True,
        env=made.environment,
        cwd=made.directory,
        timeout=60,
    )
    assert (process.returncode, process.stderr) == (0, b"")
    answers = [json.loads(line) for line in process.stdout.splitlines()]
    good = [answer for answer in answers if "error" not in answer]
    assert [(answer["id"], answer["epoch"]) for answer in good] == [(5, 0)]
    bad = [answer for answer in answers if "error" in answer]
    assert len(bad) == len(lines) + 1  # and the bytes that are no text
    return dict(zip(lines, bad, strict=False))


@pytest.mark.long
def test_a_session_without_weights_answers_with_an_error_and_lives_on(program: Program) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "ibtui", "remeasure", str(V1 / "version-1-no-weights.ibs"), "--stream"],
        input='{"id": 1}\n',
        capture_output=True,
        text=True,
        env=program.environment,
        timeout=60,
    )
    assert process.returncode == 0
    (answer,) = map(json.loads, process.stdout.splitlines())
    assert answer["error"].endswith("keeps no weights: it was run with --no-weights")


@pytest.mark.long
def test_nobody_reading_the_answers_ends_the_stream(made: Program, stream: Callable[[str], Stream]) -> None:
    asked = stream("grid")
    asked.ask(id=1, epochs=[0] * 100_000)
    assert asked.hear()["id"] == 1
    assert asked.process.stdout is not None
    asked.process.stdout.close()
    assert asked.process.wait(timeout=60) == 0
    assert asked.process.stderr is not None
    assert asked.process.stderr.read() == ""


@pytest.mark.long
def test_a_sweep_is_that_of_measuring_with_each_number_of_bins(made: Program) -> None:
    swept = json.loads(made.good("sweep-bins", "grid", "--bins", "60,5,200", "--ensemble", "1", "--json"))
    assert swept["bins"] == [5, 60, 200]
    ensemble = everything(made, "--bins", "60")["ensembles"][1]
    assert swept["epochs"] == ensemble["epochs"]
    means = np.array(ensemble["i_x_mean"])
    assert swept["compression"][1] == pytest.approx((means.max(axis=0) - means[-1]).tolist(), abs=1e-12)
    drawn = made.good("sweep-bins", "grid", "--bins", "30,5,200", "--ensemble", "1", "--estimator", "quantile")
    told = one_line(drawn)
    assert "Compression against bins: grid: 4-3 at 1, 3 networks" in told
    assert "quantile binning, bins of equal mass for each neuron" in told
    count = len(swept["epochs"])
    assert f"at {count} of {count} snapshots, epochs 0 to 60" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--bins", "5,x"), "bins must be whole numbers such as 10,30,100"),
        (("--bins", "1"), "bins must be a whole number from 2"),
        (("--ensemble", "4"), "ensemble is 4: this session has 0 to 3"),
        (("--estimator", "exact"), "--estimator exact has no bins: choose from binning, adaptive, quantile"),
        (("--estimator", "magic"), "estimator must be binning,"),
    ],
)
@pytest.mark.long
def test_a_sweep_that_cannot_be_is_refused_in_one_line(made: Program, arguments: tuple[str, ...], said: str) -> None:
    done = made("sweep-bins", "grid", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("kept", ["version-1", "version-1-no-weights"])
@pytest.mark.long
def test_sessions_of_the_first_version_are_shown_exported_and_gone_on_with(program: Program, kept: str) -> None:
    program.sessions.mkdir()
    shutil.copy(V1 / f"{kept}.ibs", program.path("old"))
    shown = program.figures("old")
    assert shown["ensembles"][0]["layers"][0]["saturated_mean"] is None
    assert "–" in program.good("show", "old", "--no-chart")
    before = program.rows("old", "information")
    assert {(row["saturated"], row["i_x_lower"], row["estimator"]) for row in before} == {("", "", "binning")}
    last = shown["ensembles"][0]["epochs_total"]
    assert program.look("old", "PRAGMA user_version") == [(1,)]
    program.good("resume", "old", "--epochs", str(last + 5))
    after = program.rows("old", "information")
    assert after[: len(before)] == before or {tuple(row.items()) for row in before} < {
        tuple(row.items()) for row in after
    }
    assert all(row["saturated"] for row in after if int(row["epoch"]) > last)
    assert program.look("old", "PRAGMA user_version") == [(FORMAT_VERSION,)]


@pytest.mark.long
def test_runs_measure_with_the_estimator_and_the_labels_asked_for(program: Program) -> None:
    common = ("--networks", "2", "--epochs", "20", "--snapshots", "2", "--hidden", "2", "--fraction", "0.1")
    program.good("run", *common, "--name", "true", "--estimator", "quantile", "--bins", "8")
    program.good("run", *common, "--name", "coin", "--labels", "random", "--estimator", "kde", "--noise", "0.1")
    true, coin = program.rows("true", "information"), program.rows("coin", "information")
    assert {(row["estimator"], row["bins"], row["noise"]) for row in true} == {("quantile", "8", "")}
    assert {(row["estimator"], row["bins"], row["noise"]) for row in coin} == {("kde", "", "0.1")}
    assert "kde, pairwise bounds with Gaussian noise of variance 0.1" in one_line(program.good("show", "coin"))
    labels = [program.weights(name)["labels"] for name in ("true", "coin")]
    samples = [program.weights(name)["samples"] for name in ("true", "coin")]
    assert np.array_equal(*samples)
    assert 0.35 < (labels[0] == labels[1]).mean() < 0.65
    file = program.directory / "information.npz"
    program.good("export", "coin", "--what", "information", "-o", file)
    with np.load(file, allow_pickle=False) as arrays:
        assert arrays["i_x_lower"].dtype == np.float64
        assert np.isnan(arrays["bins"]).all()
        assert set(arrays["estimator"].tolist()) == {"kde"}


@pytest.mark.long
def test_what_to_mind_is_noted(program: Program) -> None:
    program.good("run", "--networks", "6", "--epochs", "1", "--snapshots", "0", "--hidden", "6-4-4-3-2", "--bins",
                 "3", "--init-scale", "3", "--name", "coarse")  # fmt: skip
    told = " ".join(program.good("show", "coarse").split())
    figures = program.figures("coarse")["ensembles"][0]
    assert figures["violations"]
    assert figures["snapshots_with_violations"] == 2
    for violation in figures["violations"]:
        assert violation["largest"] > 0
        assert f"in {violation['networks']} of 6 networks, by up to {violation['largest']:.2g} bits" in told
    assert "note: against the data processing inequality: " in told
    assert "binned layers are no chain" in told
    fine = json.loads(program.good("remeasure", "coarse", "--bins", "1000", "-o", "fine", "--json"))["ensembles"][0]
    assert fine["ceilings"][0] == {"layer": 1, "networks": 6, "of": 6}
    assert "note: at the ceiling: T1" in program.good("show", "fine")
