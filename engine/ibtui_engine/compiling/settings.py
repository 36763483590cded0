"""Imports Numba with settings from the environment alone; modules that use Numba import this one first.

Numba also takes settings from a file `.numba_config.yaml` in the current directory, when it is imported and again
whenever it compiles: anybody's file there could switch compilation off or break it. It passes over that file where it
finds no parser for it, so it gets none; in a process that imported Numba before the engine, it stays as it is.

It takes colorama, too, where that is installed: as soon as it words an error, also one that it handles itself, colorama
takes hold of the streams, and at exit writes to a terminal. So it finds none.

The private names used here were seen in Numba 0.61 and 0.68; where they are missing, nothing is done.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ibtui_engine.errors import InvalidValue
from ibtui_engine.memory import require_address_space

_REFUSED = re.compile(r"Environment variable '(NUMBA_\w+)'.*associated value '(.*?)' could", re.DOTALL)
"""Settings for which Numba prints a warning with a traceback and then uses another value."""
ADDRESS_SPACE = 700 * 1000**2
"""Bytes that Numba, LLVM and compiling the kernels of a small run take (measured on two cores: 654 MB)."""
_NOT_IN_CODE = {"NUMBA_NUM_THREADS", "NUMBA_DISABLE_JIT"}


def settings() -> dict[str, str]:
    """Numba's settings in the environment that may change what it compiles."""
    return {name: os.environ[name] for name in sorted(os.environ) if _is_setting(name) and name not in _NOT_IN_CODE}


def _is_setting(name: str) -> bool:
    return name.startswith("NUMBA_") and name != "NUMBA_CACHE_DIR"


def _import_numba() -> None:
    """
    Raises:
        InvalidValue: a setting in the environment is not one that Numba takes.
        TooLittleMemory: a limit leaves too little.
    """
    if "numba" in sys.modules:
        return
    require_address_space(ADDRESS_SPACE, "compiling")
    features = os.environ.get("NUMBA_CPU_FEATURES", "")
    if not all(part[:1] in ("+", "-") for part in features.split(",") if features):  # LLVM would end the process
        raise InvalidValue(f"invalid NUMBA_CPU_FEATURES {features!r}: a list such as '+avx2,-fma' is allowed")
    with warnings.catch_warnings(record=True) as caught, _without("yaml", "colorama"):
        warnings.simplefilter("always")
        try:
            import numba
        except ValueError as error:
            given = ", ".join(f"{name}={os.environ[name]!r}" for name in os.environ if _is_setting(name))
            if not given:
                raise
            raise InvalidValue(f"Numba does not take the environment's {given}: {error}") from error
    for warning in caught:
        refused = _REFUSED.search(str(warning.message))
        if refused:
            name, value = refused.groups()
            raise InvalidValue(f"invalid {name} {value!r} in the environment: unset it, or see Numba's documentation")
    if hasattr(numba.core.config, "_config_fname"):
        numba.core.config._config_fname = os.devnull


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Inside, modules count as not installed."""
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(before)


_import_numba()
