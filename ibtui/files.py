"""Writing files that a user named: whole or not at all, and refused early where that can never be."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from ibtui_engine.errors import InvalidValue, StorageError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What the system says where the place is right, but cannot take more."""


def require_place(path: Path) -> None:
    """Refuse early what can never become a file.

    Raises:
        InvalidValue: there is a directory of that name, or none that it could be in.
    """
    if os.path.isdir(path):
        raise InvalidValue(f"cannot write {str(path)!r}: it is a directory")
    if not os.path.isdir(path.parent):
        raise InvalidValue(f"cannot write {str(path)!r}: there is no directory {str(path.parent)!r}")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all; a device or a pipe is written to as it is.

    Raises:
        InvalidValue: the place cannot be written.
        StorageError: the disk is full.
    """
    require_place(path)
    name = None
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            path.write_bytes(data)
            return
        target = path.resolve()  # through a link, rather than in its place
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}."[:200])
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except OSError as error:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        kind = StorageError if error.errno in NO_ROOM else InvalidValue
        raise kind(f"cannot write {str(path)!r}: {error.strerror}") from None
