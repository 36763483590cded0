"""Files that a process keeps for later ones of the same user: each whole or not at all, and written by this user alone.

What is read back counts only where nobody else can have written it. A file begins with a digest of what it is for and
of what it holds, so that a damaged, truncated or renamed one counts as absent.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_DIGEST_BYTES = 32


def read_own(path: Path) -> bytes:
    """A regular file that only this user can have written.

    Raises:
        OSError: it cannot be read, or is not such a file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a plain file")
        require_own(status)
        return file.read()


def write_own(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, that only this user can read.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.parent / f"{secrets.token_hex(8)}.tmp"
    try:
        file = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
        with open(file, "wb") as out:
            out.write(data)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def make_own(directory: Path) -> bool:
    """Make sure that a directory exists into which only this user can write; whether it is new.

    Raises:
        OSError: it cannot be made, or others can write into it.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700)
    except FileExistsError:
        require_own(os.lstat(directory))
        return False
    return True


def is_own(directory: Path) -> bool:
    """Whether this is a directory, and no link to one, into which only this user can write."""
    try:
        status = os.lstat(directory)
        require_own(status)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode)


def require_own(status: os.stat_result) -> None:
    """Refuse what others can have written.

    Raises:
        OSError: a file or directory belongs to somebody else, or others can write it.
    """
    if not hasattr(os, "geteuid"):  # Windows: access is not told by these bits
        return
    if status.st_uid != os.geteuid():
        raise PermissionError("it belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or stat.S_ISLNK(status.st_mode):
        raise PermissionError("others can write into it")


def sealed(identity: bytes, data: bytes) -> bytes:
    """The data behind a digest of them and of what they are for, which `unsealed` checks."""
    return _digest(identity, data) + data


def unsealed(found: bytes, identity: bytes) -> bytes | None:
    """The data that `sealed` took for exactly this identity; None where they are not whole, or for something else."""
    data = found[_DIGEST_BYTES:]
    return data if data and found[:_DIGEST_BYTES] == _digest(identity, data) else None


def _digest(identity: bytes, data: bytes) -> bytes:
    return hashlib.sha256(len(identity).to_bytes(8, "little") + identity + data).digest()
