"""Sessions of earlier versions of the format, killed while they are upgraded and gone on with."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from ibtui_engine.session.format import FORMAT_VERSION
from tests.faults.mutations import DATA
from tests.faults.runs import KILL, clear, require_plain, require_whole
from tests.faults.sessions import bits, differing, look
from tests.faults.table import Row
from tests.faults.warm import Faults, Warm


def versions(count: int = 60, seed: int = 1) -> Row:
    """Read, export and go on with a session of every version, and kill what upgrades it at random steps."""
    row = Row(
        "sessions of every earlier version: shown, exported, killed at random steps of the upgrade, gone on with",
        "reading changes nothing, killed it is of the old or the new version and whole, it ends in the same bits",
    )
    chance = random.Random(seed)
    old = 0
    with tempfile.TemporaryDirectory() as room, Warm(Path(room)) as warm:
        for kept in sorted(DATA.glob("version-*.ibs")):
            content, path = kept.read_bytes(), warm.path(kept.stem)
            path.write_bytes(content)
            for command in (["show", path], ["export", path, "--what", "information"], ["list"], ["phases", path]):
                row.tried += 1
                require_plain(row, warm(*command), f"{command[0]} {kept.stem}", statuses=(0,))
                row.require(path.read_bytes() == content, f"{command[0]} {kept.stem}: the file has changed")
            further = str(look(path, "SELECT max(epoch) FROM cohort")[0][0] + 5)
            goes_on = ("resume", path, "--epochs", further, "--json", "--threads", "1")
            assert warm(*goes_on).status == 0
            expected = bits(path)
            for _ in range(count // 3):
                row.tried += 1
                clear(warm)
                path.write_bytes(content)
                steps = chance.randrange(1, 2500)
                when = f"{kept.stem} killed after {steps} steps"
                killed = warm(*goes_on, faults=Faults(die_after_steps=steps))
                require_plain(row, killed, when, statuses=(-KILL,))
                require_whole(row, path, when)
                version = look(path, "PRAGMA user_version")[0][0]
                old += version < FORMAT_VERSION
                done = warm(*goes_on)
                require_plain(row, done, when, statuses=(0,))
                row.require(not (other := differing(path, expected)), f"{when}: other numbers in {other}")
            clear(warm)
    row.figures = f"{old} kills left the old version, the others this one ({FORMAT_VERSION})"
    return row
