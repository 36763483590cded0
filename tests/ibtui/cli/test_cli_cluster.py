"""`--cluster` of `ibtui run` and `resume`, with the real command."""

from __future__ import annotations

import signal
import time

import pytest

from ibtui_engine.session.summary import read_summary
from tests.faults.sessions import bits, complaint
from tests.ibtui.cli.conftest import Program


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cluster", "local:0"), "cluster must be local:1 to local:1024, got 'local:0'"),
        (("--trust-network",), "--trust-network applies only with --cluster"),
        (("--cluster", "tcp://10.0.0.1:8786"), "cluster tcp://10.0.0.1:8786 is neither encrypted nor on this machine"),
    ],
)
def test_a_wrong_cluster_is_one_line_and_leaves_nothing(program: Program, words: tuple[str, ...], said: str) -> None:
    for command in (("run", "quick", "--name", "it"), ("resume", "it")):
        if command[0] == "resume":
            program.good("run", "quick", *Program.SHORT, "--name", "it", "--quiet")
        ended = program(*command, *words)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith(f"ibtui: {said}")
        assert ended.stderr.count("\n") == 1
        if command[0] == "run":
            assert not program.sessions.exists() or not list(program.sessions.iterdir())


@pytest.mark.long
def test_a_run_on_local_workers_has_the_same_numbers(program: Program) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    for name, how in (("alone", ()), ("there", ("--cluster", "local:2"))):
        program.good("run", "figure-3", "--quick", "--name", name, "--quiet", "--json", *how)
    assert bits(program.sessions / "there.ibs") == bits(program.sessions / "alone.ibs")


@pytest.mark.long
def test_ctrl_c_reaches_local_workers_and_the_run_goes_on(program: Program) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    there = ("--cluster", "local:2", "--quiet", "--json")
    path = program.sessions / "it.ibs"
    process = program.start("run", *Program.LONG, "--name", "it", *there)
    while not path.exists() or read_summary(path).epochs_done < 1:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert complaint(path) == ""
    assert read_summary(path).status == "stopped"
    program.good("resume", "it", *there)
    assert read_summary(path).status == "finished"
