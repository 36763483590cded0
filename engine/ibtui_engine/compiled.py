"""Compiling with Numba: one decorator, and a cache on disk that cannot go stale.

Numba stamps a cached function with the source of its own file only, not of the functions inlined into it from
others. So the kernels are cached in a directory named after a digest of every engine file that compiles
anything; it lies in the user's cache directory, which also serves where the package itself is read-only.
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from platformdirs import user_cache_path

from ibtui_engine.children import python_command, python_environment

P = ParamSpec("P")
R = TypeVar("R")


@functools.cache
def cache_directory() -> Path:
    """Where compiled kernels of exactly these sources are kept (`NUMBA_CACHE_DIR`, if set, is the base)."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        text = source.read_bytes()
        if b"ibtui_engine.compiled" in text or source == Path(__file__):
            digest.update(text)
    base = os.environ.get("NUMBA_CACHE_DIR") or user_cache_path("ibtui") / "kernels"
    return Path(base) / digest.hexdigest()[:16]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` at its first call, GIL released while it runs, and keep the machine code on disk.

    Multiplications and additions may be contracted into one operation; nothing else about the order of
    floating-point operations is left to the compiler, so that the same machine gives the same bits.
    """
    numba_config: Any = numba.config
    njit: Any = functools.partial(numba.njit, nogil=True, error_model="numpy", fastmath={"contract"})
    before = numba_config.CACHE_DIR
    numba_config.CACHE_DIR = str(cache_directory())
    try:
        dispatcher = njit(cache=True)(function)
    except RuntimeError:  # no directory for a cache can be written: compile anew in every process
        dispatcher = njit()(function)
    finally:
        numba_config.CACHE_DIR = before
    return cast(Callable[P, R], dispatcher)


def is_kept(function: Callable[..., object]) -> bool:
    """Whether machine code of a compiled function is on disk; also where none can be kept there."""
    place = cast(Any, function)._cache.cache_path
    return place is None or any(Path(place).glob(f"*.{function.__name__}-*.nbi"))


@functools.cache
def compile_elsewhere(module: str, function: str) -> Callable[[], None]:
    """Call a function that compiles a kernel, in a process beside this one; what is returned waits for its end.

    Numba compiles one function at a time in a process. So a first run, which needs two kernels, is ready in half the
    time where there are two cores. Should that process fail, this one compiles the kernel itself.
    """
    code = f"from {module} import {function}; {function}()"
    try:
        process = subprocess.Popen(
            python_command("-c", code),
            env=python_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return lambda: None

    def wait() -> None:
        process.wait()

    return wait
