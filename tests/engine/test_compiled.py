"""Machine code is kept between processes, and made beside this one where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from ibtui_engine.compiled import is_kept

KERNEL = """
from ibtui_engine.compiled import compiled

@compiled
def add(a, b):
    return a + b

def compile_it():
    add(1, 2)
"""
USE = """
import sys
sys.path.insert(0, sys.argv[1])
import tiny
from ibtui_engine.compiled import compile_elsewhere, is_kept
print(is_kept(tiny.add))
compile_elsewhere("tiny", sys.argv[2])()
print(is_kept(tiny.add), tiny.add(1, 2), sum(tiny.add.stats.cache_hits.values()))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the kernel is."""
    (tmp_path / "tiny.py").write_text(KERNEL)
    return tmp_path


def use(place: Path, function: str, cache: str | Path) -> list[str]:
    """What the program prints, begun where the package is."""
    done = subprocess.run(
        [sys.executable, "-c", USE, str(place), function],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(Path(__file__).parents[2] / "engine")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_kernel_that_is_not_kept_is_compiled_in_another_process(place: Path) -> None:
    assert use(place, "compile_it", place / "cache") == ["False", "True 3 1"]
    assert use(place, "compile_it", place / "cache") == ["True", "True 3 1"]


def test_should_that_fail_it_is_compiled_in_this_one(place: Path) -> None:
    assert use(place, "nosuch", place / "cache") == ["False", "False 3 0"]


def test_where_nothing_can_be_kept_there_is_nothing_to_wait_for() -> None:
    """As `compiled` leaves it where no directory for a cache can be written."""
    assert is_kept(numba.njit()(lambda a: a))
