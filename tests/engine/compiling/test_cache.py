"""Any failure to load or to keep a kernel means compiling it, and the names of Numba that this rests on are there."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from ibtui_engine.compiled import compiled, is_kept
from ibtui_engine.compiling import cache
from ibtui_engine.compiling.cache import SEEN_IN, KernelCache, keep, private_names_are_there
from ibtui_engine.compiling.store import Store


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of the test's own, empty at first."""
    store = Store(tmp_path, "0" * 20)
    monkeypatch.setattr(cache, "store", lambda: store)
    monkeypatch.setattr("ibtui_engine.compiled.store", lambda: store)
    return store


def add_one(a: Any) -> Any:
    return a + 1


def fresh() -> Any:
    """The kernel as another process has it: nothing compiled yet."""
    return compiled(add_one)


def loaded(kernel: Any) -> int:
    return sum(kernel.stats.cache_hits.values())


def test_numba_has_the_private_names_that_keep_kernels() -> None:
    """Seen in the versions `SEEN_IN`; where this fails with a newer one, kernels are compiled in every process."""
    assert private_names_are_there(numba.njit(add_one)), f"Numba {numba.__version__} is unlike {SEEN_IN}"


@pytest.mark.parametrize("missing", ["CompileResult._reduce", "CompileResult._rebuild"])
def test_without_those_names_kernels_are_compiled(kept: Store, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delattr(f"numba.core.compiler.{missing}")
    kernel = fresh()
    assert kernel(1) == 2
    assert is_kept(kernel)  # there is nothing to wait for
    assert not kept.directory or not kept.directory.exists()


def test_a_kernel_that_was_kept_is_loaded(kept: Store) -> None:
    assert not is_kept(fresh())
    assert fresh()(1) == 2
    assert is_kept(fresh())
    kernel = fresh()
    assert (kernel(2), loaded(kernel)) == (3, 1)
    assert (kernel(2.5), loaded(kernel)) == (3.5, 1)  # other machine code


def garbage(_: bytes) -> bytes:
    return b"garbage"


def another_thing(_: bytes) -> bytes:
    return pickle.dumps([1, 2, 3])


def other_machine_code(data: bytes) -> bytes:
    _, *rest = pickle.loads(data)
    return pickle.dumps([("name", "object", (b"not an object", b"not bitcode")), *rest])


@pytest.mark.parametrize("change", [garbage, another_thing, other_machine_code])
def test_what_cannot_be_loaded_is_compiled(
    kept: Store, monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]
) -> None:
    assert fresh()(1) == 2
    read = kept.read
    monkeypatch.setattr(kept, "read", lambda name, identity: change(read(name, identity) or b""))
    kernel = fresh()
    assert (kernel(1), loaded(kernel)) == (2, 0)


@pytest.mark.parametrize("error", [OSError(28, "full"), pickle.PicklingError(), MemoryError(), RuntimeError()])
def test_what_cannot_be_kept_serves_this_process(
    kept: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_: object) -> bytes:
        raise error

    monkeypatch.setattr("numba.core.serialize.dumps", fail)
    assert fresh()(1) == 2
    assert not is_kept(fresh())


def test_a_disabled_cache_is_left_alone(kept: Store) -> None:
    kernel = fresh()
    kernel._cache.disable()
    assert kernel(1) == 2
    assert not is_kept(kernel)
    kernel.recompile()
    kernel._cache.enable()
    kernel.recompile()
    assert is_kept(kernel)


def test_settings_of_numba_that_change_machine_code_have_their_own(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fresh()(1) == 2
    monkeypatch.setenv("NUMBA_DEBUG_CACHE", "0")
    kernel = fresh()
    assert (kernel(1), loaded(kernel)) == (2, 0)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    kernel = fresh()
    assert (kernel(1), loaded(kernel)) == (2, 1)


def test_a_function_from_another_function_is_told_by_what_it_has_from_there(kept: Store) -> None:
    def adding(number: int) -> Any:
        @compiled
        def add(a: int) -> int:
            return a + number

        return add

    assert [adding(number)(1) for number in (1, 2, 1)] == [2, 3, 2]


def test_a_kernel_that_is_called_with_a_function_is_not_kept(kept: Store) -> None:
    @compiled
    def call(function: Callable[[int], int], a: int) -> int:
        return function(a)

    assert call(numba.njit(add_one), 1) == 2
    assert not is_kept(call)


def test_only_a_dispatcher_with_a_cache_is_changed() -> None:
    dispatcher = numba.njit(add_one)
    keep(dispatcher)
    assert isinstance(dispatcher._cache, KernelCache)
