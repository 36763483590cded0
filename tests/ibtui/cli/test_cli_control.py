"""Runs that are paused, stopped, interrupted, killed and gone on with: to the same bits as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.tiers import first

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Process, Program, Texts


def come_further(program: Program, name: str, process: Process, epochs: int) -> bool:
    """Wait until a run has come that much further; False where it has ended before."""
    goal = max(program.epoch(name), 0) + epochs
    return program.until(lambda: program.epoch(name) >= goal, process)


@pytest.mark.long
def test_stopped_and_gone_on_with_it_ends_in_the_same_bits(program: Program, straight: Texts) -> None:
    stops = []
    process = program.start("run", "--name", "it", *program.LONG)
    for way in ("SIGINT", "stop", "SIGTERM", "SIGHUP"):
        if not come_further(program, "it", process, program.FAR // 6):
            break
        if way == "stop":
            program("stop", "it")
            expected = 0
        else:
            process.send_signal(signal.Signals[way])
            expected = 128 + signal.Signals[way]
        _, said = process.communicate()
        status = program.status("it")
        if status == "finished":  # it was faster
            break
        stops.append(way)
        assert (process.returncode, status) == (expected, "stopped"), said
        assert [file.name for file in program.sessions.iterdir()] == ["it.ibs"], "one plain file"
        assert "ibtui resume it" in said or way == "SIGHUP", "it says how to go on, where somebody is there to read it"
        process = program.start("resume", "it")
    process.communicate()
    assert "SIGINT" in stops, "nothing was interrupted"
    assert program.status("it") == "finished"
    assert program.bits("it") == straight


@pytest.mark.long
def test_killed_at_random_moments_it_ends_in_the_same_bits(program: Program, straight: Texts) -> None:
    moments = random.Random(1)
    killed = 0
    process = program.start("run", "--name", "it", *program.LONG)
    come_further(program, "it", process, 1)
    while killed < 5:
        time.sleep(moments.uniform(0, 0.4))
        committed = program.snapshots("it")
        if process.poll() is not None:
            break
        process.kill()
        process.communicate()
        killed += 1
        (listed,) = json.loads(program.good("list", "--json"))
        assert listed["status"] in ("interrupted", "finished")
        assert committed <= program.snapshots("it")
        program.require_whole("it")
        process = program.start("resume", "it")
        if killed != 2:  # else it is killed while it begins
            come_further(program, "it", process, 1)
    process.communicate()
    assert killed > 1, "hardly anything was killed"
    assert program.status("it") == "finished"
    program.require_whole("it")
    assert program.bits("it") == straight


@pytest.mark.long
def test_killed_as_it_begins_it_leaves_nothing_or_a_session_to_go_on_with(program: Program) -> None:
    moments = random.Random(7)
    for attempt in range(4):
        process = program.start("run", "--name", f"it-{attempt}", "--networks", "2", "--epochs", "3")
        if attempt % 2:
            program.until(lambda: program.sessions.exists() and any(program.sessions.iterdir()), process)
        else:
            time.sleep(moments.uniform(0.3, 1.0))
        process.kill()
        process.communicate()
        none = f"no sessions in {program.sessions}; make one with: ibtui run, or see: ibtui list --examples\n"
        assert program("list").stderr in ("", none)
    for session in json.loads(program.good("list", "--json")):
        assert session["status"] in ("interrupted", "finished")
        if session["status"] == "interrupted":
            program.good("resume", session["name"])
        program.require_whole(session["name"])
        assert program.figures(session["name"])["ensembles"][0]["epochs_done"] == 3


@pytest.mark.long
def test_paused_and_gone_on_with_it_ends_in_the_same_bits(program: Program, straight: Texts) -> None:
    process = program.start("run", "--name", "it", *program.LONG)
    pauses = 0
    while come_further(program, "it", process, program.FAR // 3):
        if program("pause", "it").returncode != 0 or program.status("it") != "paused":
            break
        pauses += 1
        before = program.epoch("it")
        time.sleep(0.3)
        assert program.epoch("it") == before, "it stands still"
        program.require_whole("it")
        said = program("resume", "it").stderr
        assert "running" in said or "finished" in said  # it may have come to its end since
    _, said = process.communicate()
    assert pauses, "nothing was paused"
    assert process.returncode == 0
    assert "paused" in said
    assert program.bits("it") == straight


@pytest.mark.long
def test_a_paused_run_can_be_stopped_and_killed(program: Program) -> None:
    process = program.start("run", "--name", "it", *program.ENDLESS)
    program.until(lambda: program.epoch("it") > 0)
    program.good("pause", "it")
    assert program.figures("it")["status"] == "paused"
    program.good("stop", "it")
    assert process.wait(60) == 0
    assert program.figures("it")["status"] == "stopped"
    process = program.start("resume", "it")
    program.until(lambda: program.status("it") == "running")
    program.good("pause", "it")
    process.kill()
    process.communicate()
    assert json.loads(program.good("list", "--json"))[0]["status"] == "interrupted"
    process = program.start("resume", "it")
    before = program.epoch("it")
    assert program.until(lambda: program.epoch("it") > before, process), "the old request is forgotten"


@pytest.mark.long
def test_two_runs_never_write_one_session(program: Program) -> None:
    process = program.start("run", "--name", "it", *program.ENDLESS)
    program.until(lambda: program.epoch("it") > 0)
    for line in ("", "--epochs 20000000"):
        refused = program("resume", "it", *line.split())
        assert (refused.returncode, refused.stdout) == (2, "")
        assert len(refused.stderr.splitlines()) == 1
        assert f"process {process.pid}" in refused.stderr
    assert program("run", "--name", "it").returncode == 2
    assert come_further(program, "it", process, 100), "it runs on"
    program.good("stop", "it")
    assert process.wait(60) == 0
    assert program.figures("it")["experiment"]["epochs"] == 10_000_000
    both = [program.start("resume", "it") for _ in range(2)]
    program.until(lambda: any(each.poll() is not None for each in both))
    loser, winner = sorted(both, key=lambda each: each.poll() is None)
    assert winner.poll() is None
    _, said = loser.communicate()
    assert (loser.returncode, len(said.splitlines())) == (2, 1)
    assert program.end(winner, signal.SIGINT)[0] == 130


@pytest.mark.long
def test_readers_look_on_while_a_run_writes(program: Program) -> None:
    process = program.start("run", "--name", "it", *program.ENDLESS)
    program.until(lambda: program.epoch("it") > 0)
    shown = program.figures("it")
    assert shown["status"] == "running"
    epochs = shown["ensembles"][0]["snapshots"]
    assert shown["ensembles"][0]["epochs_done"] < shown["ensembles"][0]["epochs_total"]
    rows = program.rows("it", "information", "--epoch", str(epochs[-1]))
    assert len(rows) == 3 * 6
    assert program.weights("it")["W1"].shape == (3, 10, 12)
    assert program.end(process, signal.SIGINT)[0] == 130


@pytest.mark.long
def test_a_finished_session_goes_further_and_gets_more_networks_to_the_same_bits(program: Program) -> None:
    settings = ("--hidden", "4", "--seed", "2", "--optimizer", "momentum", "--batch", "300", "--snapshot-at", "40")
    program.good("run", "--name", "large", "--networks", "4", "--epochs", "90", *settings)
    program.good("run", "--name", "small", "--networks", "1", "--epochs", "40", *settings)
    program.good("resume", "small", "--epochs", "90", "--networks", "3")
    program.good("resume", "small", "--networks", "4")
    assert program.bits("small") == program.bits("large")
    ensemble = program.figures("small")["ensembles"][0]
    assert (ensemble["networks"], ensemble["epochs_done"], ensemble["epochs_total"]) == (4, 90, 90)


@pytest.mark.long
def test_further_and_more_at_once_survive_a_kill(program: Program) -> None:
    settings = ("--hidden", "10-8-6-4-2", "--snapshots", "5")
    program.good("run", "--name", "it", "--networks", "1", "--epochs", "20", *settings)
    process = program.start("resume", "it", "--networks", "3", "--epochs", "10000000")
    program.until(lambda: program.look("it", "SELECT 1 FROM cohort WHERE first = 1 AND epoch > 100"), process)
    process.kill()
    process.communicate()
    program.require_whole("it")
    ensemble = program.figures("it")["ensembles"][0]
    assert (ensemble["networks"], ensemble["epochs_total"]) == (3, 10_000_000)
    assert set(ensemble["snapshots"]) >= {0, 1, 20}
    assert {row["seed"] for row in program.rows("it", "learning", "--epoch", "20")} == {"0", "1", "2"}


@pytest.mark.long
def test_stopping_what_does_not_run_is_refused_and_changes_nothing(program: Program) -> None:
    process = program.start("run", "--name", "it", *program.ENDLESS)
    program.until(lambda: program.epoch("it") > 0)
    process.kill()
    process.communicate()
    for command in ("pause", "stop"):
        done = program(command, "it")
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "interrupted" in done.stderr
    assert program.look("it", "SELECT count(*) FROM control") == [(0,)]


@pytest.mark.long
def test_ctrl_c_twice_ends_at_once_even_in_a_long_epoch(program: Program) -> None:
    process = program.start("run", "--name", "slow", *program.LONG_EPOCH)
    program.deep_in_an_epoch("slow", process.pid)
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    said = b""
    while b"stopping cleanly" not in said:
        assert select.select([process.stderr], [], [], 10)[0], "it has not heard"
        said += os.read(process.stderr.fileno(), 1000)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGINT
    assert program.epoch("slow") == 0, "it did not wait for the epoch"
    assert json.loads(program.good("list", "--json"))[0]["status"] == "interrupted"
    program.require_whole("slow")


LOADING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":  # in a callback, where Python prints exceptions and forgets them
            class Interrupted:
                def __del__(self):
                    os.kill(os.getpid(), signal.SIGINT)
            Interrupted()
sys.meta_path.insert(0, Finder())
sys.argv = ["ibtui", *sys.argv[1:]]
from ibtui.cli import main
main()
"""


@pytest.mark.long
def test_ctrl_c_while_the_program_loads_ends_it_without_a_word(program: Program, made: Program) -> None:
    for arguments in (["run", "--name", "it", *program.SHORT], ["show", str(made.path("grid"))]):
        command = program.command()
        program.command = lambda *_, a=arguments, c=command: [c[0], "-c", LOADING, *a]  # type: ignore[method-assign]
        process = program.start()
        out, err = process.communicate()
        assert (process.returncode, out, err) == (-signal.SIGINT, "", "")
    assert not program.sessions.exists()


@pytest.mark.long
def test_a_signal_that_was_to_be_ignored_is_ignored(program: Program) -> None:
    command = program.command("run", "--name", "it", *program.SHORT)
    command[2] = command[2].replace("SIG_DFL", "SIG_IGN")
    program.command = lambda *_, **__: command  # type: ignore[method-assign]
    process = program.start()
    program.until(lambda: program.epoch("it") >= 0, process)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 0
    with closing(sqlite3.connect(program.path("it"))) as connection:
        assert connection.execute("SELECT status FROM session").fetchall() == [("finished",)]


DEAF = """
import sys, threading, time
from ibtui_engine.threads import Threads
def share_out(self, networks, work, *, each=8):
    print("busy", file=sys.stderr, flush=True)
    list(self._pool.map(time.sleep, [3600]))
Threads.share_out = share_out
from ibtui.cli import main
main()
"""
"""The command, whose first work that is shared out among threads takes an hour."""


@pytest.mark.parametrize("number", first(1, [signal.SIGTERM, signal.SIGHUP]))
def test_a_request_to_terminate_is_heeded_in_the_middle_of_work_that_takes_long(
    program: Program, number: signal.Signals
) -> None:
    """As of 100 000 networks; what had been recorded is kept."""
    command = [sys.executable, "-c", DEAF, "run", "--name", "it", "--networks", "2", "--epochs", "5", "--hidden", "3"]
    with subprocess.Popen(
        command, env=program.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "busy" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert program.status("it") == "stopped"
    assert "Traceback" not in said
    assert [file.name for file in program.sessions.iterdir()] == ["it.ibs"]
    program.require_whole("it")


SLOW_TO_BEGIN = """
import sys, time
import ibtui_engine.runner as runner
def draw_samples(*_):
    print("busy", file=sys.stderr, flush=True)
    time.sleep(3600)
runner.draw_samples = draw_samples
from ibtui.cli import main
main()
"""
"""The command, which takes an hour to draw the samples of a new session."""


@pytest.mark.parametrize("number", first(1, [signal.SIGTERM, signal.SIGHUP]))
def test_a_session_that_is_being_made_goes_with_the_request_to_terminate(
    program: Program, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", SLOW_TO_BEGIN, "run", "--name", "it", "--networks", "2", "--epochs", "5"]
    with subprocess.Popen(
        command, env=program.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "busy" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert "Traceback" not in said
    assert list(program.sessions.iterdir()) == []
