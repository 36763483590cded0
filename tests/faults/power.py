"""Power loss: what was written since the last time that SQLite had the disk confirm it is gone, in part or in whole.

The writer is stopped (SIGSTOP) at a random moment and its files are copied. In the copy the log is cut off somewhere,
or its end is zeros or noise, from no earlier on than SQLite has begun to copy it into the database
(`nBackfillAttempted` in the shared memory file: before copying it syncs the log). Pages that it was copying, from
`nBackfill` up to there, may hold anything; where what is left of the log is undamaged so may those of its rest, since
it may have been synced and their copying have begun (https://sqlite.org/walformat.html).
"""

from __future__ import annotations

import random
import shutil
import signal
import struct
import tempfile
import time
from pathlib import Path

from tests.faults.runs import DENSE, Straight, clear, require_same_end, require_whole, straight
from tests.faults.sessions import snapshots
from tests.faults.table import Row
from tests.faults.warm import Warm

HEADER, FRAME = 32, 24
"""Bytes before the first frame of a log, and before the page in each frame."""
BACKFILL, ATTEMPTED = 96, 128
"""Where the shared memory file says how many frames are in the database already, and how many are being copied."""


def power(count: int = 100, seed: int = 1) -> Row:
    """Lose power at random moments, with what was not synced lost in random ways."""
    row = Row(
        "power loss: the log cut off, zeroed or garbled where it was not synced, pages torn while they are copied",
        "it opens, `integrity_check` passes, its snapshots are the first ones of the run, it ends in the same bits",
    )
    chance = random.Random(seed)
    lost = []
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        expected = straight(warm, DENSE)
        while row.tried < count and len(row.failures) < 20:
            copies = _copies(warm, expected, chance, min(count - row.tried, 6))
            for number, (copy, committed) in enumerate(copies):
                row.tried += 1
                when = f"loss {row.tried}"
                damage(copy, chance)
                if require_whole(row, copy, when):
                    now = snapshots(copy)
                    row.require(now == committed[: len(now)], f"{when}: not the first snapshots")
                    lost.append(len(committed) - len(now))
                    require_same_end(row, warm, copy, expected, f"{when} (copy {number})")
            clear(warm)
    row.figures = f"{sum(map(bool, lost))} lost snapshots, at most {max(lost, default=0)} of {len(expected.snapshots)}"
    return row


def _copies(
    warm: Warm, expected: Straight, chance: random.Random, count: int
) -> list[tuple[Path, list[tuple[int, int]]]]:
    """The files of one run at some moments, with the snapshots that were committed then."""
    path = warm.path("it")
    child = warm.start("run", "--name", "it", *DENSE)
    moments = sorted(chance.uniform(0.02, 1.0) * expected.seconds for _ in range(count))
    began = time.monotonic()
    copies = []
    for number, moment in enumerate(moments):
        child.wait(max(moment - (time.monotonic() - began), 0.0))
        if child.status is not None:
            break
        child.signal(signal.SIGSTOP)
        if path.exists():
            copy = path.with_name(f"copy-{number}.ibs")
            for suffix in ("", "-wal", "-shm", "-journal"):
                if Path(f"{path}{suffix}").exists():
                    shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
            whole = copy.with_name("whole.ibs")  # reading may write: another copy is read
            for suffix in ("", "-wal", "-journal"):
                if Path(f"{copy}{suffix}").exists():
                    shutil.copyfile(f"{copy}{suffix}", f"{whole}{suffix}")
            copies.append((copy, snapshots(whole)))
            for file in whole.parent.glob("whole.ibs*"):
                file.unlink()
        child.signal(signal.SIGCONT)
    child.end(signal.SIGKILL)
    return copies


def damage(path: Path, chance: random.Random) -> None:
    """Lose what was not synced. What SQLite keeps in shared memory is gone in any case."""
    log, shared = Path(f"{path}-wal"), Path(f"{path}-shm")
    memory = shared.read_bytes() if shared.exists() else b""
    shared.unlink(missing_ok=True)
    content = bytearray(log.read_bytes()) if log.exists() else bytearray()
    if len(content) <= HEADER:
        return
    size = struct.unpack(">I", content[8:12])[0]
    copied, attempted = _frames(memory, BACKFILL), _frames(memory, ATTEMPTED)
    synced = HEADER + attempted * (size + FRAME) if attempted else 0
    cut = chance.randrange(synced, len(content) + 1)
    match chance.randrange(4):
        case 0:
            del content[cut:]
        case 1:
            content[cut:] = bytes(len(content) - cut)
        case 2:
            content[cut:] = chance.randbytes(len(content) - cut)
        case 3:  # one write is lost, later ones are not
            end = min(cut + 4096, len(content))
            content[cut:end] = bytes(end - cut)
    log.write_bytes(content)
    copying = len(content) if cut == len(content) else synced
    if chance.random() < 0.5:
        _tear_pages(path, content[:copying], size, copied, chance)


def _frames(memory: bytes, offset: int) -> int:
    """A number of frames in the shared memory file; 0 where it isn't there."""
    return int.from_bytes(memory[offset : offset + 4], "little")


def _tear_pages(path: Path, log: bytearray, size: int, copied: int, chance: random.Random) -> None:
    """Noise in pages that the log has newer: they were being copied."""
    database = bytearray(path.read_bytes())
    salt = log[16:24]
    pages: list[int] = []
    for begin in range(HEADER + copied * (size + FRAME), len(log) - size - FRAME + 1, size + FRAME):
        page, commit = struct.unpack(">II", log[begin : begin + 8])
        if log[begin + 8 : begin + 16] != salt:
            break  # of an earlier round of the log
        pages.append(page)
        if not commit:
            continue
        for number in pages:
            if 1 < number <= len(database) // size and chance.random() < 0.5:
                database[(number - 1) * size : number * size] = chance.randbytes(size)
        pages.clear()
    path.write_bytes(database)
