"""A quick part of the faults; `python -m tests.faults` is all of them, and tests/README.md says what it found last.

Kills, signals, full disks and two runs at one session have tests of their own among those of the commands.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.kernels import kernels
from tests.faults.mounts import mounts
from tests.faults.mutations import mutations
from tests.faults.options import options
from tests.faults.others import claims, endings, locked
from tests.faults.power import power
from tests.faults.strangers import unsafe
from tests.faults.table import Row, as_text
from tests.faults.tables import tables
from tests.faults.warm import ROOT

linux = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory and processes are told by /proc")


def require_held(row: Row, tried: int) -> None:
    assert row.failures == [], as_text(row)
    assert row.tried >= tried


@linux
@pytest.mark.long
def test_mutated_sessions_are_read_or_refused() -> None:
    require_held(mutations(count=24, seed=7), 24)


@linux
@pytest.mark.long
def test_mutated_tables_are_read_or_refused() -> None:
    require_held(tables(count=5_000, seed=7), 5_000)


@linux
def test_some_mutated_tables_are_read_or_refused() -> None:
    require_held(tables(count=200, seed=8), 200)


@linux
@pytest.mark.soak
def test_a_session_that_another_program_locks_goes_on() -> None:
    require_held(locked(count=1, seconds=12.0), 2)


@linux
@pytest.mark.soak
def test_a_session_that_ends_while_it_is_read_is_one_plain_file() -> None:
    require_held(endings(count=1), 1)


@linux
@pytest.mark.soak
def test_a_session_has_one_writer_whoever_cannot_see_it() -> None:
    require_held(claims(count=1), 1)


@linux
@pytest.mark.soak
def test_sessions_where_shared_memory_or_locks_do_not_work() -> None:
    require_held(mounts(count=1), 1)


@linux
@pytest.mark.soak
def test_power_loss_loses_the_last_snapshots_at_most() -> None:
    require_held(power(count=3), 3)


@pytest.mark.soak
def test_damaged_kernels_are_compiled_again() -> None:
    require_held(kernels(count=2, cheap=True), 3)


def test_options_and_settings_are_run_or_refused_in_one_line() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        require_held(options(count=60), 50)


@pytest.mark.parametrize("room", ["engine", "ibtui"])
def test_nothing_that_is_read_is_evaluated_or_unpickled(room: str) -> None:
    files = list((ROOT / room).rglob("*.py"))
    assert len(files) > 40
    assert [found for file in files for found in unsafe(file)] == []


def test_what_would_run_what_it_reads_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.faults.strangers.ROOT", tmp_path)
    file = tmp_path / "bad.py"
    for line in (
        "import pickle",
        "eval(x)",
        "os.system(x)",
        "f(x, shell=True)",
        "np.load(x)",
        "np.load(x, allow_pickle=y)",
    ):
        file.write_text(line)
        assert len(unsafe(file)) == 1, line


def test_rows_take_their_places_in_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\n{table.END}\nafter\n")
    monkeypatch.setattr(table, "README", readme)
    first, second = Row("a", "b", 3, name="one"), Row("c", "d", 4, ["bad"], name="two")
    table.write_readme([first, second])
    table.write_readme([Row("a", "b", 5, figures="f", name="one")])
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert [line for line in text.splitlines() if line.startswith("| `")] == [
        "| `one` | a | b | 5 | held | f |",
        "| `two` | c | d | 4 | **failed 1** |  |",
    ]
