"""`ibtui fit --stream`: the curve first, then the newest request, and nothing that was begun is given up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ibtui.cli.fit_stream import _Fitter
from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.fits import LayerFits
from ibtui_engine.bottleneck.kept import kept_curve
from ibtui_engine.compiling.store import base_directory
from ibtui_engine.rules.catalogue import load_rule
from tests.ibtui.cli.test_cli_remeasure import V1, Stream

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Process, Program

Start = Callable[[Path], Stream]


@pytest.fixture
def fitter(program: Program, tmp_path: Path) -> Iterator[Start]:
    """Starts the command with an empty cache of curves, but the usual one of kernels."""
    started: list[Process] = []
    kernels = base_directory()
    environment = program.environment | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": str(kernels)}

    def start(session: Path) -> Stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "ibtui", "fit", str(session), "--stream"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
            cwd=program.directory,
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


def require_equal(one: LayerFits, other: LayerFits) -> None:
    for field in fields(LayerFits):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def test_the_curve_comes_first_and_the_fits_are_those_of_the_command(made: Program, fitter: Start) -> None:
    asked = fitter(made.path("grid"))
    curve = Curve.from_dict(asked.hear()["curve"])
    shipped = kept_curve(load_rule("symmetric"))
    assert shipped is not None
    np.testing.assert_array_equal(curve.i_y, shipped.i_y)
    document = json.loads(made.good("fit", "grid", "--json"))
    for index, expected in enumerate(document["fits"]):
        asked.ask(id=f"of {index}", ensemble=index, epoch=expected["epoch"])
        answer = asked.hear()
        assert (answer["id"], answer["ensemble"], answer["epoch"]) == (f"of {index}", index, expected["epoch"])
        require_equal(LayerFits.from_dict(answer["fits"]), LayerFits.from_dict(expected))
    asked.ask(id=9)
    assert asked.hear()["epoch"] == made.figures("grid")["ensembles"][0]["snapshots"][-1]
    assert asked.end() == []


@pytest.mark.long
def test_of_requests_that_wait_the_newest_is_answered_and_the_one_at_work_too(made: Program, fitter: Start) -> None:
    asked = fitter(made.path("grid"))
    assert "curve" in asked.hear()
    epochs = made.figures("grid")["ensembles"][0]["snapshots"]
    asked.ask(id=0, epoch=epochs[0])
    assert asked.hear()["id"] == 0
    many = 200
    assert asked.process.stdin is not None
    asked.process.stdin.write("".join(json.dumps({"id": k, "epoch": epochs[k % len(epochs)]}) + "\n"
                                      for k in range(1, many + 1)))  # fmt: skip
    asked.process.stdin.flush()
    said = [answer["id"] for answer in asked.end()]
    assert said[-1] == many
    assert said == sorted(said)
    assert len(said) < many


@pytest.mark.long
def test_what_is_no_request_is_refused_in_a_line_and_ends_nothing(made: Program, fitter: Start) -> None:
    asked = fitter(made.path("grid"))
    assert "curve" in asked.hear()
    for line, said in (
        ("nonsense", "a request is not JSON: "),
        ("[1]", "a request is a JSON object"),
        ('{"id": 4, "ensemble": 9}', "ensemble is 9: this session has 0 to 3"),
        ('{"id": 4, "ensemble": true}', "ensemble must be a whole number from 0"),
        ('{"id": 4, "epoch": 59}', "epoch is 59: measured are 0, 1, "),
        ('{"id": 4, "epoch": "last"}', "epoch is 'last': measured are 0, 1, "),
        ('{"id": 4, "epochs": [1]}', "unknown field 'epochs': choose from id, ensemble, epoch, rule"),
        ('{"id": 4, "rule": 2}', "rule must be a whole number from 1 to 1, got 2"),
        ('{"id": 4, "rule": true}', "rule must be a whole number from 1 to 1"),
    ):
        asked.say(line)
        answer = asked.hear()
        assert answer["id"] == (4 if line.startswith("{") else None)
        assert answer["error"].startswith(said)
        assert "\n" not in answer["error"]
    asked.ask(id=5, epoch=0)
    assert asked.hear()["epoch"] == 0
    assert asked.end() == []


@pytest.mark.long
def test_each_rule_has_its_curve_before_what_is_held_against_it(program: Program, fitter: Start) -> None:
    program.good("run", "--name", "rules", "--rule", "symmetric-soft", "--rule", "symmetric", "--hidden", "3",
              "--networks", "2", "--epochs", "2", "--snapshots", "0", "--quiet")  # fmt: skip
    document = json.loads(program.good("fit", "rules", "--json"))
    assert "curve" not in document  # which one?
    assert [(one["rule"], one["i_xy"]) for one in document["curves"]] == [
        (number, pytest.approx(load_rule(name).i_xy)) for number, name in ((1, "symmetric-soft"), (2, "symmetric"))
    ]
    asked = fitter(program.path("rules"))
    assert asked.hear()["rule"] == 1
    asked.say('{"rule": 1}')  # it is there already
    asked.ask(id=1, ensemble=1)
    curve = asked.hear()
    assert (curve["rule"], curve["curve"]["i_xy"]) == (2, pytest.approx(load_rule("symmetric").i_xy))
    answer = asked.hear()
    require_equal(LayerFits.from_dict(answer["fits"]), LayerFits.from_dict(document["fits"][1]))
    asked.ask(id=2, ensemble=0)
    answer = asked.hear()
    require_equal(LayerFits.from_dict(answer["fits"]), LayerFits.from_dict(document["fits"][0]))
    assert asked.end() == []


@pytest.mark.long
def test_a_session_that_grows_is_followed(program: Program, fitter: Start) -> None:
    program.good("run", "--name", "growing", *program.SHORT)
    asked = fitter(program.path("growing"))
    assert "curve" in asked.hear()
    asked.ask(id=1)
    before = asked.hear()["epoch"]
    program.good("resume", "growing", "--epochs", str(2 * before), "--quiet", "--json")
    asked.ask(id=2)
    assert asked.hear()["epoch"] == 2 * before
    assert asked.end() == []


def test_the_first_answer_is_of_the_epoch_that_is_newest_when_all_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading takes a second, in which a run measures more."""
    growing = SimpleNamespace(snapshots=[10], rule=SimpleNamespace(number=1))
    fitted = []

    def fit(*given: Any) -> Any:
        fitted.append(given[2])
        growing.snapshots.append(growing.snapshots[-1] + 10)
        return SimpleNamespace(to_dict=dict)

    monkeypatch.setattr("ibtui_engine.session.bound.fit_recorded", fit)
    reader: Any = SimpleNamespace(ensemble=lambda index: growing)
    curves: Any = SimpleNamespace(of=lambda rule: None, rule=lambda rule: None)
    asked = _Fitter(reader, curves, threads=1)
    assert [asked._fits(request)["epoch"] for request in ({}, {}, {"epoch": 20})] == [20, 30, 20]
    assert fitted == [10, 20, 30, 20]
    asked.close()
    asked = _Fitter(reader, curves, threads=1)
    assert asked._fits({"epoch": 10})["epoch"] == 10
    asked.close()
    assert fitted[4:] == [10]


@pytest.mark.long
def test_a_curve_that_is_not_known_comes_coarse_then_whole_and_is_kept(program: Program, fitter: Start) -> None:
    program.good("run", "--name", "mine", "--rule", "symmetric-soft", "--gamma", "5", *program.SHORT)
    asked = fitter(program.path("mine"))
    coarse = Curve.from_dict(asked.hear()["curve"])
    assert coarse.coarse
    assert coarse.certified
    asked.ask(id=1, epoch=0)
    first, second = asked.hear(), asked.hear()
    assert first["id"] == 1
    whole = Curve.from_dict(second["curve"])
    assert not whole.coarse
    x = np.linspace(0, whole.entropy, 100)
    assert (coarse.lower(x) <= whole.upper(x) + 1e-10).all()
    assert (whole.lower(x) <= coarse.upper(x) + 1e-10).all()
    fits = LayerFits.from_dict(first["fits"])
    assert np.isnan(fits.ib_x).all(), "a coarse curve has no point of a beta"
    asked.ask(id=2, epoch=0)
    again = LayerFits.from_dict(asked.hear()["fits"])
    require_equal(fits.against(whole), again)
    assert asked.end() == []
    other = fitter(program.path("mine"))
    np.testing.assert_array_equal(Curve.from_dict(other.hear()["curve"]).i_y, whole.i_y)
    assert other.end() == []


@pytest.mark.long
def test_without_weights_there_are_distances_alone(fitter: Start) -> None:
    session = V1 / "version-1-no-weights.ibs"
    asked = fitter(session)
    assert "curve" in asked.hear()
    asked.ask(id=1)
    fits = LayerFits.from_dict(asked.hear()["fits"])
    assert "--no-weights" in fits.no_beta
    assert np.isfinite(fits.distance).all()
    assert asked.end() == []


def test_it_stands_before_runs_that_the_app_starts(made: Program, fitter: Start) -> None:
    from ibtui.runs import NICENESS

    asked = fitter(made.path("grid"))
    assert "curve" in asked.hear()
    assert os.getpriority(os.PRIO_PROCESS, asked.process.pid) == os.getpriority(os.PRIO_PROCESS, 0) < NICENESS


@pytest.mark.long
def test_nobody_reading_the_answers_ends_it(made: Program, fitter: Start) -> None:
    asked = fitter(made.path("grid"))
    assert "curve" in asked.hear()
    assert asked.process.stdout is not None
    asked.process.stdout.close()
    with suppress(BrokenPipeError):
        asked.ask(id=1, epoch=0)
    assert asked.process.wait(timeout=60) == 0
    assert asked.process.stderr is not None
    assert asked.process.stderr.read() == ""


def test_a_session_that_is_none_is_refused_in_a_line(fitter: Start, tmp_path: Path) -> None:
    (tmp_path / "none.ibs").write_text("no session")
    asked = fitter(tmp_path / "none.ibs")
    assert asked.process.wait(timeout=60) == 2
    said: Any = asked.process.stderr.read() if asked.process.stderr else ""
    assert len(said.splitlines()) == 1
    assert "none.ibs" in said
