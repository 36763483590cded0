"""The lock that whoever writes a session keeps on a file beside it, `NAME.ibs-lock`.

The system lets go of it when the process ends, however that happens. It is seen from other containers, through
`hidepid`, and under any host name. It is a file of its own because closing a session file would release the locks that
SQLite has on it in the same process. Where a file system has no such locks there is none: other witnesses decide then
(`ibtui_engine.session.liveness`).
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from ibtui_engine.session.connection import beside, file_identity
from ibtui_engine.session.places import BUSY

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SUFFIX = "-lock"
PATIENCE = 1.0
"""Seconds to wait for a writer that is just closing the session, and for those who look whether there is one."""


class HeldError(Exception):
    """Somebody else has the lock; the text is what is known of who."""


class WriterLock:
    """The lock of one claim. Made with `take`; `release` it in any case."""

    def __init__(self, path: Path, handle: int | None) -> None:
        self._path = path
        self._handle = handle

    @classmethod
    def take(cls, session: Path, token: str, who: str) -> WriterLock:
        """Lock a session for writing, as the claim `token`. Without effect where the file system has no such locks.

        Raises:
            HeldError: somebody else has it, also after `PATIENCE`.
        """
        path = beside(session, SUFFIX)
        end = time.monotonic() + PATIENCE
        while True:
            handle = _open(path, os.O_RDWR | os.O_CREAT)
            if handle is None:
                return cls(path, None)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                text = _read(handle)
                os.close(handle)
                if error.errno not in BUSY:
                    with suppress(OSError):
                        path.unlink()
                    return cls(path, None)
                if time.monotonic() > end:
                    raise HeldError(text.partition(" ")[2]) from None
                time.sleep(0.02)
                continue
            if _is_at(path, handle):
                with suppress(OSError):  # a full disk: the lock itself needs no room
                    os.ftruncate(handle, 0)
                    os.pwrite(handle, f"{token} {who}".encode(), 0)
                return cls(path, handle)
            os.close(handle)  # its last holder has just removed it

    def release(self) -> None:
        """Let go of it, and remove the file."""
        if self._handle is None:
            return
        with suppress(OSError):
            if _is_at(self._path, self._handle):
                self._path.unlink()
        os.close(self._handle)
        self._handle = None


def holder(session: Path) -> str | None:
    """The token of the claim whose process has the session locked now; None where nobody has."""
    handle = _open(beside(session, SUFFIX), os.O_RDONLY)
    if handle is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return _read(handle).partition(" ")[0] if error.errno in BUSY else None
    finally:
        os.close(handle)  # and let go of the lock, where it was to be had
    return None


def _open(path: Path, flags: int) -> int | None:
    if fcntl is None:
        return None
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, 0o666)
    except OSError:
        return None


def _read(handle: int) -> str:
    with suppress(OSError):
        return os.pread(handle, 400, 0).decode(errors="replace")
    return ""


def _is_at(path: Path, handle: int) -> bool:
    state = os.fstat(handle)
    return file_identity(path) == (state.st_dev, state.st_ino)
