"""A disk that is full in the middle of a run: it is said, nothing is torn, and the run goes on where there is room."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tiers import first

if TYPE_CHECKING:
    from tests.ibtui.cli.conftest import Program, Texts

ENOUGH_FOR_SOME = 300_000
"""Bytes: less than a `LONG` session takes (480 kB), more than its beginning."""


@pytest.mark.long
def test_a_run_whose_file_cannot_grow_goes_on_later_to_the_same_bits(
    program: Program, made: Program, straight: Texts
) -> None:
    assert made.path("straight").stat().st_size > 1.3 * ENOUGH_FOR_SOME
    failed = program("run", "--name", "it", *program.LONG, largest_file=ENOUGH_FOR_SOME)
    assert (failed.returncode, failed.stdout) == (1, "")
    said = failed.stderr.splitlines()[-1]
    assert said.startswith("ibtui: session ")
    assert "cannot be written" in said
    assert "Traceback" not in failed.stderr
    program.require_whole("it")
    committed = program.snapshots("it")
    assert 2 < len(committed) < len(made.snapshots("straight"))
    (listed,) = json.loads(program.good("list", "--json"))
    assert listed["status"] in ("interrupted", "stopped")
    assert program.good("export", "it", "--what", "information")
    again = program("resume", "it", largest_file=ENOUGH_FOR_SOME)
    assert again.returncode == 1, "there is no more room than before"
    assert committed <= program.snapshots("it")
    program.good("resume", "it")
    assert committed <= program.snapshots("it")
    program.require_whole("it")
    assert program.bits("it") == straight


@pytest.mark.parametrize("room", first(1, [5_000, 0, 40_000]))
def test_a_run_that_cannot_begin_leaves_nothing_behind(program: Program, room: int) -> None:
    program.sessions.mkdir()
    done = program("run", "--name", "it", *program.SHORT, largest_file=room)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(program.sessions.iterdir()) == []


@pytest.fixture
def small_disk(program: Program) -> Iterator[Path]:
    """A file system of 400 kB for the sessions."""
    program.sessions.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(program.sessions)]
    if subprocess.run(options, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system")
    try:
        yield program.sessions
    finally:
        program.close()
        subprocess.run(["umount", program.sessions], check=True)


@pytest.mark.long
def test_a_run_on_a_full_disk_goes_on_when_there_is_room(program: Program, straight: Texts, small_disk: Path) -> None:
    failed = program("run", "--name", "it", *program.LONG)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "cannot be written" in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr
    committed = program.snapshots("it")
    assert len(committed) > 2
    assert program.figures("it")["status"] in ("interrupted", "stopped"), "it can be read on a full disk"
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    program.require_whole("it")
    program.good("resume", "it")
    assert committed <= program.snapshots("it")
    program.require_whole("it")
    assert program.bits("it") == straight


@pytest.mark.long
def test_a_full_disk_lets_a_run_be_stopped(program: Program, small_disk: Path) -> None:
    process = program.start("run", "--name", "it", *program.ENDLESS)
    program.until(lambda: program.epoch("it") >= 0, process)
    (small_disk / "filling").write_bytes(b"")
    try:
        with (small_disk / "filling").open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
    except OSError:
        pass
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, "its next checkpoint found no room"
    assert "cannot be written" in said
    (small_disk / "filling").unlink()
    program.require_whole("it")
