"""Telling that memory has run out, whichever way a library says it, or that it is going to."""

from __future__ import annotations

import errno
import re
from contextlib import suppress

from ibtui_engine.errors import TooLittleMemory

_SAID = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory"  # torch on a GPU and on the CPU; the system
    r"|can't start new thread|failed to map segment",  # where a thread's stack, or a library, does not fit
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an exception, or one that led to it, says that memory has run out.

    Python and NumPy raise MemoryError, torch RuntimeError, and libraries that do not fit OSError or ImportError.
    """
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        if isinstance(error, RuntimeError | OSError | ImportError) and _SAID.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def require_address_space(needed: int, what: str) -> None:
    """Refuse to begin where a limit (`ulimit -v`) leaves too few bytes of address space for `what`.

    Compilers, their threads and thread-local data end the process without a word of ours where they get none.

    Raises:
        TooLittleMemory: the limit leaves less.
    """
    with suppress(ImportError):  # not on this platform
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            import psutil

            left = max(limit - psutil.Process().memory_info().vms, 0)
            if left < needed:
                raise TooLittleMemory(
                    f"the limit of this process's memory (ulimit -v) leaves {left / 1e6:.0f} MB, and {what} takes "
                    f"{needed / 1e6:.0f} MB at least: raise it"
                )
