"""Machine code is kept between processes, and made beside this one where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numba
import pytest

from ibtui_engine.compiled import is_kept
from ibtui_engine.compiling.cache import store
from ibtui_engine.compiling.store import PACKAGE

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


def begin(place: Path, function: str, cache: str | Path, **settings: str) -> subprocess.Popen[str]:
    """The program, not begun where the package is."""
    engine = str(PACKAGE.parent)
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(place), function],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": engine} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def use(place: Path, function: str, cache: str | Path, said: str = "", **settings: str) -> list[str]:
    """What the program prints on stdout; on stderr, exactly that is said."""
    out, err = begin(place, function, cache, **settings).communicate(timeout=120)
    assert err == said
    return out.splitlines()


def kept(cache: Path) -> list[Path]:
    return list(cache.glob("ibtui-*/*"))


@pytest.mark.long
def test_a_kernel_that_is_not_kept_is_compiled_in_another_process(place: Path) -> None:
    assert use(place, "compile_it", place / "cache") == ["False", "True 3 1"]
    assert use(place, "compile_it", place / "cache") == ["True", "True 3 1"]


@pytest.mark.long
def test_should_that_fail_it_is_compiled_in_this_one(place: Path) -> None:
    assert use(place, "nosuch", place / "cache") == ["False", "False 3 0"]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda b: b[:-1] + bytes([b[-1] ^ 4]), marks=pytest.mark.long),
        pytest.param(lambda b: b"", marks=pytest.mark.long),
        pytest.param(lambda b: b[: len(b) // 2], marks=pytest.mark.long),
    ],
)
def test_a_damaged_kernel_is_compiled_and_kept_anew(place: Path, damage: Callable[[bytes], bytes]) -> None:
    use(place, "add", place / "cache")
    (path,) = kept(place / "cache")
    path.write_bytes(damage(path.read_bytes()))
    assert use(place, "nosuch", place / "cache") == ["True", "True 3 0"]
    assert kept(place / "cache") == [path]
    assert use(place, "nosuch", place / "cache") == ["True", "True 3 1"]


@pytest.mark.long
def test_two_processes_compile_and_keep_the_same_kernel_at_once(place: Path) -> None:
    both = [begin(place, "compile_it", place / "cache") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert (out.splitlines()[-1][:6], err) == ("True 3", "")
    assert [path.suffix for path in kept(place / "cache")] == [".kernel"]


@pytest.mark.long
def test_where_no_cache_can_be_a_kernel_is_handed_over_in_a_private_one(place: Path) -> None:
    (place / "tmp").mkdir()
    where = f"{place}/tiny.py/cache/{store().directory.name}"  # type: ignore[union-attr]
    note = f"note: compiled kernels cannot be kept in '{where}' (Not a directory): every command compiles its own, "
    found = use(place, "compile_it", place / "tiny.py" / "cache", note + "which takes seconds\n", TMPDIR=f"{place}/tmp")
    assert found == ["False", "True 3 1"]
    assert os.listdir(place / "tmp") == []
    assert [path for end in ("nb?", "kernel") for path in place.rglob(f"*.{end}")] == []


@pytest.mark.long
def test_kernels_are_compiled_where_numba_is_told_not_to(place: Path) -> None:
    assert use(place, "compile_it", place / "cache", NUMBA_DISABLE_JIT="1") == ["False", "True 3 1"]
    assert use(place, "compile_it", place / "cache") == ["True", "True 3 1"]


def test_where_nothing_can_be_kept_there_is_nothing_to_wait_for() -> None:
    """As `compiled` leaves it where no directory for a cache can be written."""
    assert is_kept(numba.njit()(lambda a: a))
