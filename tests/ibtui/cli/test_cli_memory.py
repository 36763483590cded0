"""Commands under a limit of memory: one line, exit status 1."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.tiers import first

pytest.importorskip("resource")

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv.pop(1)) * 10**6,) * 2)
sys.argv[0] = "ibtui"
from ibtui.cli import main
main()
"""
FAILING = """
import sys
from ibtui_engine import runner
def execute(*_):
    raise {error}
runner.Run.execute = execute
sys.argv[0] = "ibtui"
from ibtui.cli import main
main()
"""
RUN = ("run", "--networks", "1", "--epochs", "2", "--quiet", "--out", "it.ibs")


def command(
    environment: Mapping[str, str], directory: Path, code: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        cwd=directory,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("megabytes", [400, 600])
def test_a_limit_that_leaves_too_little_is_told_before_anything_is_written(
    command_environment: Mapping[str, str], tmp_path: Path, megabytes: int
) -> None:
    done = command(command_environment, tmp_path, LIMITED, str(megabytes), *RUN)
    assert done.returncode == 1
    assert done.stderr.startswith("ibtui: the limit of this process's memory (ulimit -v) leaves ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "it.ibs").exists()


@pytest.mark.parametrize(
    "error",
    first(1, ["MemoryError", 'RuntimeError("can\'t start new thread")', "ImportError('x: cannot allocate memory')"]),
)
def test_memory_that_runs_out_is_one_line(command_environment: Mapping[str, str], tmp_path: Path, error: str) -> None:
    done = command(command_environment, tmp_path, FAILING.format(error=error), *RUN)
    assert done.returncode == 1
    assert done.stderr == (
        "ibtui: this machine has too little memory for that: ask for fewer networks or narrower layers\n"
    )


@pytest.mark.long
def test_other_errors_of_a_program_are_not_taken_for_it(command_environment: Mapping[str, str], tmp_path: Path) -> None:
    done = command(command_environment, tmp_path, FAILING.format(error="RuntimeError('a mistake')"), *RUN)
    assert "RuntimeError: a mistake" in done.stderr
