"""Numba's side of the kept kernels: what a compiled function asks before it compiles, and hands over afterwards.

Numba's own cache trusts the bytes it finds, keys them by one file, and falls back to other directories. This one is put
in its place, through names of Numba that are not public; they were seen in the versions `SEEN_IN`. Where a version
lacks one, kernels are compiled in every process.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import ibtui_engine.compiling.settings as settings_of_numba

# isort: split
import llvmlite
import numba
import numpy as np

from ibtui_engine.compiling.store import SUFFIX, Store, base_directory, kernel_key

SEEN_IN = ("0.61", "0.68")
LIBRARIES = f"numba {numba.__version__}, llvmlite {llvmlite.__version__}, numpy {np.__version__}"


@functools.cache
def store() -> Store:
    """The kept kernels of this code with these libraries."""
    return Store(base_directory(), kernel_key(LIBRARIES))


def processor() -> tuple[str, frozenset[str]]:
    """What kernels are compiled for here: the processor's name as LLVM has it, and its features."""
    from numba.core.registry import cpu_target

    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    return name, frozenset(feature for feature in features.split(",") if feature.startswith("+"))


def keep(dispatcher: Any) -> None:
    """Have the machine code of a compiled function kept on disk."""
    if private_names_are_there(dispatcher):
        dispatcher._cache = KernelCache(dispatcher.py_func)


def private_names_are_there(dispatcher: Any) -> bool:
    """Whether this version of Numba has what is used here."""
    try:
        _private()
    except (ImportError, AttributeError):
        return False
    cache = getattr(dispatcher, "_cache", None)
    return hasattr(cache, "load_overload") and hasattr(cache, "save_overload")


class _Private(NamedTuple):
    """Names of Numba that are not public."""

    reduce: Any
    """A compile result's parts, to be pickled."""
    rebuild: Any
    """Loads the machine code among them, and makes the compile result again."""
    dumps: Any
    """Pickles them."""


def _private() -> _Private:
    """
    Raises:
        ImportError, AttributeError: this version of Numba lacks one.
    """
    from numba.core import compiler, serialize

    result: Any = compiler.CompileResult
    return _Private(result._reduce, result._rebuild, serialize.dumps)


class KernelCache:
    """One function's kept machine code, with the methods of Numba's `_Cache`."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self._enabled = True
        self.prefix = f"{function.__module__}.{function.__qualname__}-".replace("<", "").replace(">", "")

    @property
    def cache_path(self) -> str:
        """The directory, for people."""
        return str(store().directory)

    def enable(self) -> None:
        """Load and save from now on."""
        self._enabled = True

    def disable(self) -> None:
        """Neither load nor save from now on."""
        self._enabled = False

    def flush(self) -> None:
        """Does nothing: saving replaces the files."""

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled function for these types; None, which means compiling, where that fails for any reason."""
        target_context.refresh()
        if not self._enabled or (identity := self._identity(signature, target_context.codegen())) is None:
            return None
        try:
            data = store().read(self._name(identity), identity)
            # whole, and written by this user alone: as safe to unpickle as the machine code is to run
            return data and _private().rebuild(target_context, *pickle.loads(data))
        except Exception:
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a function that was just compiled; where that fails for any reason, it serves this process alone."""
        with suppress(Exception):
            keepable = self._enabled and not result.lifted and not result.library.has_dynamic_globals
            if keepable and (identity := self._identity(signature, result.codegen)) is not None:
                store().write(self._name(identity), identity, _private().dumps(_private().reduce(result)))

    def _name(self, identity: bytes) -> str:
        return f"{self.prefix}{hashlib.blake2b(identity, digest_size=10).hexdigest()}{SUFFIX}"

    def _identity(self, signature: Any, codegen: Any) -> bytes | None:
        """All that one piece of machine code depends on; None where no other process could ask for the same."""
        types = str(signature)
        if " at 0x" in types:  # of a function that is an argument
            return None
        return repr(
            (
                store().key,
                self.prefix,
                types,
                codegen.magic_tuple(),  # processor and its features
                settings_of_numba.settings(),
                _digest_of(self._function),
            )
        ).encode()


def _digest_of(function: Callable[..., object]) -> str:
    """The function's own instructions, and what it has from the function around it."""
    digest = hashlib.sha256(function.__code__.co_code)
    if function.__closure__:
        digest.update(_private().dumps(tuple(cell.cell_contents for cell in function.__closure__)))
    return digest.hexdigest()
