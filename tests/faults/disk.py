"""A disk that is full at every write: files that cannot grow beyond a size, and file systems without room."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.faults.runs import QUICK, clear, require_plain, require_same_end, require_whole, straight
from tests.faults.table import Row
from tests.faults.warm import Faults, Warm

SETTINGS = (*QUICK, "--networks", "6", "--snapshots", "60")
"""Three quarters of the session come after its beginning."""
LEAST = 2000
"""Bytes: what is said on stderr must fit into its file."""


def disk(count: int = 120) -> Row:
    """Let the disk be full at every size that a session has on its way."""
    row = Row(
        "a full disk at every write: no file grows beyond n bytes, or a file system of n bytes",
        "one line, exit status 1, nothing or a whole session is left, with room it ends in the same bits",
    )
    begun = 0
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        expected = straight(warm, SETTINGS)
        path = warm.path("it")
        sizes = [round(LEAST + 1.05 * expected.size * k / count) for k in range(count)]
        for size in sizes:
            row.tried += 1
            when = f"{size} bytes"
            failed = warm("run", "--name", "it", *SETTINGS, faults=Faults(largest_file=size))
            require_plain(row, failed, when, statuses=(0, 1))
            row.require(failed.status == 0 or "cannot be written" in failed.err, f"{when}: {failed.err[-300:]}")
            if path.exists():
                begun += 1
                require_whole(row, path, when)
                require_same_end(row, warm, path, expected, when)
            else:
                left = [file.name for file in warm.sessions.iterdir()]
                row.require(not left, f"{when}: {', '.join(left)} is left")
            clear(warm)
        mounted = _small_disks(row, warm, max(count // 6, 2))
    row.figures = f"{begun} had begun; {mounted} on file systems of their own"
    return row


def _small_disks(row: Row, warm: Warm, count: int) -> int:
    """The same where everything shares the room: the file, its log, its shared memory. Only root can mount."""
    expected = straight(warm, SETTINGS)
    path = warm.path("it")
    for number in range(count):
        size = 48 + round(640 * number / count)
        options = ["-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(warm.sessions)]
        if subprocess.run(["mount", *options], capture_output=True).returncode != 0:
            return number
        try:
            row.tried += 1
            when = f"a disk of {size} kB"
            failed = warm("run", "--name", "it", *SETTINGS)
            require_plain(row, failed, when, statuses=(0, 1))
            subprocess.run(["mount", "-o", "remount,size=8m", str(warm.sessions)], check=True)
            if path.exists():
                require_whole(row, path, when)
                require_same_end(row, warm, path, expected, when)
        finally:
            subprocess.run(["umount", str(warm.sessions)], check=True)
    return count
