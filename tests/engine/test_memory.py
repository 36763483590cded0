"""Memory that has run out is known as that, whichever library says it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ibtui_engine.memory import is_out_of_memory


def raised(what: object) -> BaseException:
    with pytest.raises(BaseException) as found:  # noqa: PT011
        what()  # type: ignore[operator]
    return found.value


def library_that_does_not_fit() -> None:
    """As llvmlite and numba tell it: the reason is in the exception before."""
    try:
        raise OSError("libllvmlite.so: failed to map segment from shared object")
    except OSError:
        raise OSError("Could not find/load shared object file") from None


@pytest.mark.parametrize(
    "what",
    [
        lambda: np.empty(2**55),
        lambda: torch.empty(2**55),
        lambda: bytearray(2**60),
        library_that_does_not_fit,
    ],
)
def test_what_libraries_raise_where_memory_has_run_out(what: object) -> None:
    assert is_out_of_memory(raised(what))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("can't start new thread"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 MiB"),
        OSError(12, "Cannot allocate memory"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ],
)
def test_other_words_for_it(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [ValueError("out of memory"), RuntimeError("size mismatch"), OSError(28, "No space left"), None]
)
def test_other_errors_are_not_of_memory(error: Exception | None) -> None:
    assert not is_out_of_memory(error)
