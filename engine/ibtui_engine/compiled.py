"""Compiling with Numba: one decorator, and kernels that are kept between processes where nothing can be stale.

Numba inlines functions of other files into a kernel. So kept machine code is keyed by every source of the engine, the
libraries and the processor (`ibtui_engine.compiling`). If anything is wrong with a kept kernel, it is compiled again.
"""

from __future__ import annotations

import functools
import logging
import subprocess
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from ibtui_engine.children import python_command, python_environment
from ibtui_engine.compiling.cache import KernelCache, keep, store
from ibtui_engine.logs import logger

# isort: split
import numba

P = ParamSpec("P")
R = TypeVar("R")
_log = logger(__name__)


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` at its first call, GIL released while it runs, and keep the machine code on disk.

    Multiplications and additions may be contracted into one operation; nothing else about the order of
    floating-point operations is left to the compiler, so that the same machine gives the same bits.

    `NUMBA_DISABLE_JIT` changes nothing: the kernels' vectors exist in compiled code alone.
    """
    numba_config: Any = numba.config
    before = numba_config.DISABLE_JIT
    numba_config.DISABLE_JIT = 0
    try:
        dispatcher = numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)
    finally:
        numba_config.DISABLE_JIT = before
    keep(dispatcher)
    return cast(Callable[P, R], dispatcher)


def is_kept(function: Callable[..., object]) -> bool:
    """Whether machine code of a compiled function is on disk; also where none can be kept there."""
    cache = cast(Any, function)._cache
    return not isinstance(cache, KernelCache) or store().holds(cache.prefix)


@functools.cache
def compile_elsewhere(module: str, function: str) -> Callable[[], None]:
    """Call a function that compiles a kernel, in a process beside this one; what is returned waits for its end.

    Numba compiles one function at a time in a process. So a first run, which needs two kernels, is ready in half the
    time where there are two cores. Should that process fail, this one compiles the kernel itself.
    """
    code = f"from {module} import {function}; {function}()"
    try:
        base = store().base_for_others()
        process = subprocess.Popen(
            python_command("-c", code),
            env=python_environment() | ({"NUMBA_CACHE_DIR": base} if base else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        _log.warning("no process can be started to compile %s.%s: %s", module, function, error.strerror)
        return lambda: None
    _log.info("process %d compiles %s.%s", process.pid, module, function)

    def wait() -> None:
        status = process.wait()
        _log.log(logging.WARNING if status else logging.INFO, "process %d ended with status %d", process.pid, status)

    return wait
