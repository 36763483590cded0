"""What a directory can do for the sessions in it: locks, shared memory, or neither.

While a run writes, SQLite keeps a write-ahead log with an index in shared memory, so that readers never wait. File
systems of clusters (NFS, GPFS, Lustre) have no memory that machines share; there a rollback journal does the same work
with waiting on both sides (https://sqlite.org/wal.html, section 1). Without file locks there can be no session.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: SQLite has locks of its own there
    fcntl = None  # type: ignore[assignment]

NETWORKED = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "virtiofs", "ceph", "lustre", "gpfs", "beegfs"),
        *("orangefs", "pvfs2", "panfs", "glusterfs", "ocfs2", "gfs2", "vboxsf", "vmhgfs"),
    }
)
"""File systems that other machines may have mounted, too, without sharing memory."""
LACKING = frozenset(
    {
        *(sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_SHMSIZE),
        sqlite3.SQLITE_IOERR_SHMLOCK,
    }
)
"""What SQLite says where a file system has no shared memory."""
BUSY = (errno.EACCES, errno.EAGAIN)
"""What a lock says that somebody else holds."""


def locks_work(directory: Path) -> bool:
    """Whether files in a directory can be locked; True where that cannot be found out."""
    if fcntl is None:
        return True
    try:
        file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115
    except OSError:
        return True
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in BUSY
    return True


def file_system(directory: Path) -> str:
    """The type of the file system that a directory is on, as Linux names it; empty elsewhere."""
    try:
        device = os.stat(directory).st_dev
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        fields = line.split()
        if fields[2] == number:
            return fields[fields.index("-") + 1]
    return ""


def why_no_log(directory: Path) -> str:
    """Why sessions in a directory cannot have a write-ahead log; empty where they can."""
    kind = file_system(directory)
    if kind in NETWORKED or kind.startswith("fuse."):
        return f"other machines may share its file system ({kind})"
    try:
        handle, name = tempfile.mkstemp(prefix=".ibtui-probe-", dir=directory)
    except OSError:  # writing there reports the reason
        return ""
    os.close(handle)
    try:
        return _tried(Path(name))
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)


def _tried(file: Path) -> str:
    """What keeps a file of no content from a write-ahead log: SQLite says so at the first transaction, not before."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=0.0, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE probe (x)")  # a full disk fails here: that is for the session itself to say
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            connection.execute("INSERT INTO probe VALUES (1)")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in LACKING or error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN:
                return "its file system has no shared memory"
        else:
            return "" if mode == "wal" else f"SQLite keeps to the journal {mode!r}"
    return ""
