"""Files that keep machine code between processes, each whole or not at all, and written by this user alone.

Machine code is executed, so a file is read only where nobody else can have written it. It begins with a digest of what
it is for and of what it holds: a damaged, truncated or renamed file counts as absent.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from ibtui_engine.logs import NOTES
from ibtui_engine.own_files import is_own, make_own, read_own, require_own, sealed, unsealed, write_own

PACKAGE = Path(__file__).parents[1]
KEPT = 10
"""Directories of other keys that stay, those used last; one takes about 15 MB."""
SUFFIX = ".kernel"
_DIRECTORY = re.compile(r"ibtui-[0-9a-f]{20}")
_PRIVATE = "ibtui-kernels-"


def source_digest(package: Path = PACKAGE) -> str:
    """What tells one version of the engine's code from another.

    For an installed copy it covers the installer's record, which lists the digest of every file; for a checkout
    (an editable installation is one) every source, whatever it mentions.
    """
    for record in _records(package.parent):
        return hashlib.sha256(record).hexdigest()
    return digest_of_sources(package)


def digest_of_sources(package: Path = PACKAGE) -> str:
    """What tells one version of the engine's code from another, wherever and however it is installed."""
    digest = hashlib.sha256()
    root = len(str(package))
    for path in sorted(_sources(str(package))):
        with open(path, "rb", buffering=0) as file:
            text = file.read()
        digest.update(f"{path[root:]} {len(text)}\n".encode(errors="surrogateescape"))
        digest.update(text)
    return digest.hexdigest()


def _records(directory: Path) -> Iterator[bytes]:
    """What installers wrote about copies of ibtui that lie in this directory."""
    for name in sorted(os.listdir(directory)):
        if name.startswith("ibtui-") and name.endswith(".dist-info"):
            with suppress(OSError):
                yield (directory / name / "RECORD").read_bytes()


def _sources(directory: str) -> Iterator[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _sources(entry.path)


def kernel_key(libraries: str) -> str:
    """Names exactly these sources with exactly these libraries and this Python; costs some milliseconds at most."""
    parts = (source_digest(), libraries, sys.implementation.cache_tag, sys.version, sys.platform, platform.machine())
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=10).hexdigest()


def base_directory() -> Path | None:
    """The directory around those of all keys; None where this user has no home to have it in.

    `NUMBA_CACHE_DIR` sets it.
    """
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.path.abspath(given))
    usual = user_cache_path("ibtui") / "kernels"
    return usual if usual.is_absolute() else None


class Store:
    """Kernels by name, in the directory of this code or, where that cannot be written, in one of this process."""

    def __init__(self, base: Path | None, key: str) -> None:
        self.key = key
        self.directory = base / f"ibtui-{key}" if base else None
        self._sources = source_digest()
        self._private: _Private | None = None
        self._noted = False
        self._used: set[Path] = set()

    def read(self, name: str, identity: bytes) -> bytes | None:
        """What was written under that name for exactly that identity; None where nothing whole and safe is there."""
        for place in self._places():
            try:
                require_own(os.lstat(place))
                found = unsealed(read_own(place / name), identity)
            except OSError:
                continue
            if found is not None:
                self._mark_used(place)
                return found
        return None

    def _mark_used(self, place: Path) -> None:
        """Have `drop_old` see that this directory is in use."""
        if place not in self._used:
            self._used.add(place)
            with suppress(OSError):
                os.utime(place)

    def write(self, name: str, identity: bytes, data: bytes) -> None:
        """Keep data under a name. Where that fails, this process is slower and says so once; nothing else changes."""
        if source_digest() != self._sources:  # edited since: the code compiled may be of either version
            return
        try:
            _write_into(self._own_directory(), name, sealed(identity, data))
        except OSError as error:
            self._note(error)
            with suppress(OSError):
                _write_into(self.private().directory, name, sealed(identity, data))

    def holds(self, prefix: str) -> bool:
        """Whether a file's name begins so."""
        for place in self._places():
            with suppress(OSError), os.scandir(place) as entries:
                if any(entry.name.startswith(prefix) and entry.name.endswith(SUFFIX) for entry in entries):
                    return True
        return False

    def base_for_others(self) -> str | None:
        """The base of a directory into which a process beside this one can write for this one.

        None where the usual one will do.

        Raises:
            OSError: there is none.
        """
        try:
            _make(directory := self._own_directory())
            tempfile.TemporaryFile(dir=directory).close()
        except OSError as error:
            self._note(error)
            return str(self.private().directory.parent)
        return None

    def private(self) -> _Private:
        """A directory of this process alone, removed at its end."""
        if self._private is None or self._private.owner != os.getpid():
            self._private = _Private(f"ibtui-{self.key}")
        return self._private

    def _places(self) -> list[Path]:
        """Where to look, in this order."""
        return [place for place in (self.directory, self._private and self._private.directory) if place]

    def _own_directory(self) -> Path:
        if self.directory is None:
            raise OSError("no home directory")
        return self.directory

    def _note(self, error: OSError) -> None:
        if not self._noted:
            self._noted = True
            NOTES.warning(
                "note: compiled kernels cannot be kept%s (%s): every command compiles its own, which takes seconds",
                f" in '{self.directory}'" if self.directory else "",
                error.strerror or error,
            )


class _Private:
    """A temporary directory for the kernels of this process."""

    def __init__(self, name: str) -> None:
        _remove_left_behind(Path(tempfile.gettempdir()))
        self.owner = os.getpid()
        base = Path(tempfile.mkdtemp(prefix=f"{_PRIVATE}{self.owner}-"))
        self.directory = base / name
        atexit.register(self._remove)

    def _remove(self) -> None:
        if os.getpid() == self.owner:  # not at the end of a process that was forked from it
            shutil.rmtree(self.directory.parent, ignore_errors=True)


def _remove_left_behind(temporary: Path) -> None:
    """Remove private directories of processes that were killed."""
    import psutil

    with suppress(OSError):
        for path in temporary.glob(f"{_PRIVATE}*-*"):
            number = path.name.removeprefix(_PRIVATE).split("-")[0]
            if number.isdecimal() and not psutil.pid_exists(int(number)) and is_own(path):
                shutil.rmtree(path, ignore_errors=True)


def _write_into(directory: Path, name: str, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        OSError: it cannot be written, or others can write into the directory.
    """
    _make(directory)
    write_own(directory / name, data)


def _make(directory: Path) -> None:
    """Make sure that the directory is there and only this user can write into it."""
    if make_own(directory):
        drop_old(directory)


def drop_old(directory: Path, kept: int = KEPT) -> None:
    """Remove directories of other keys beside this one, but for those used last. Never fails."""
    found = []
    with suppress(OSError):
        for path in directory.parent.iterdir():
            if path.name != directory.name and _DIRECTORY.fullmatch(path.name) and is_own(path):
                with suppress(OSError):
                    found.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(found, reverse=True)[kept:]:
        shutil.rmtree(path, ignore_errors=True)
