"""Commands in a directory full of what they might read or run: settings of matplotlib, and programs of many names."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.faults.table import Row
from tests.faults.warm import environment_in

PROGRAMS = ("ffmpeg", "fc-list", "latex", "dvipng", "gs", "inkscape", "convert", "magick", "gcc", "cc", "ld",
            "ldconfig", "uname", "git", "objdump", "nvidia-smi", "sh", "python", "python3", "c++", "clang")  # fmt: skip
SETTINGS = """
animation.ffmpeg_path: {room}/ffmpeg
animation.codec: nosuch
animation.ffmpeg_args: -nosuch
backend: module://planted
savefig.bbox: tight
savefig.dpi: 31
figure.dpi: 33
text.usetex: True
font.family: monospace
mathtext.fontset: cm
axes.facecolor: red
lines.linewidth: 9
svg.fonttype: none
path.sketch: 1, 100, 2
axes.formatter.use_locale: True
"""
LINES = (
    ("figure", "4", "--session", "it.ibs", "-o", "out.png"),
    ("figure", "4", "--session", "it.ibs", "-o", "out.svg"),
    ("figure", "4", "--session", "it.ibs", "-o", "out.pdf", "--data", "out.csv"),
    ("animate", "it.ibs", "--ensemble", "0", "-o", "out.mp4"),
    ("animate", "it.ibs", "--ensemble", "0", "-o", "out.gif"),
    ("export", "it.ibs", "--what", "information", "-o", "out.json"),
    ("show", "it.ibs"),
    ("phases", "it.ibs"),
    ("fit", "it.ibs"),
    ("curve", "symmetric-soft", "--error", "0.01", "-o", "out.npz"),
    ("rule", "symmetric", "--json"),
    ("remeasure", "it.ibs", "--bins", "9", "--json"),
    ("config", "path"),
)
"""Commands that give the same bytes anywhere; `it.ibs` is a session."""


def plant(room: Path) -> Mapping[str, str]:
    """Fill a directory with traps; the environment of somebody who has more of them."""
    mark = room / "executed"
    for name in PROGRAMS:
        program = room / name
        program.write_text(f'#!/bin/sh\n/bin/echo "$0 $*" >> {mark}\nexit 1\n')
        program.chmod(0o755)
    (room / "planted.py").write_text(f"open({str(mark)!r}, 'a').write('planted')\n")
    own = room / "own"
    (own / "stylelib").mkdir(parents=True)
    for place in (room, own):
        (place / "matplotlibrc").write_text(SETTINGS.format(room=room))
    (own / "stylelib" / "bad.mplstyle").write_bytes(b"\xff: 1\n")
    return {
        "PATH": os.pathsep.join([".", "", "own/..", os.environ["PATH"]]),
        "MPLCONFIGDIR": str(own),
        "MATPLOTLIBRC": str(room / "matplotlibrc"),
        "MPLBACKEND": "module://planted",
    }


def run(room: Path, line: tuple[str, ...], more: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """A command in a directory."""
    command = [sys.executable, "-P", "-m", "ibtui", *line]
    environment = {**environment_in(room), **more}
    return subprocess.run(command, cwd=room, env=environment, capture_output=True, stdin=subprocess.DEVNULL)


def made(room: Path, done: subprocess.CompletedProcess[bytes]) -> dict[str, bytes]:
    """What a command has put out: the files `out.*`, which are taken away, and its standard output, in which the
    directory's name does not count.
    """
    found = {"stdout": done.stdout.replace(os.fsencode(room), b".")}
    for file in room.glob("out.*"):
        found[file.name] = file.read_bytes()
        file.unlink()
    return found


def differences(session: bytes, lines: tuple[tuple[str, ...], ...]) -> list[str]:
    """What is wrong with these commands among traps: other bytes than elsewhere, or something of it was executed."""
    wrong = []
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
        plain, room = Path(here), Path(there)
        more = plant(room)
        for place in (plain, room):
            (place / "it.ibs").write_bytes(session)
        for line in lines:
            expected, found = run(plain, line, {}), run(room, line, more)
            when = " ".join(line)
            if expected.returncode != 0 or found.returncode != 0:
                said = expected.stderr[-300:] + found.stderr[-300:]
                wrong.append(f"{when}: status {expected.returncode}, {found.returncode}: {said.decode()}")
            elsewhere, among = made(plain, expected), made(room, found)
            told = [name for name in elsewhere | among if elsewhere.get(name) != among.get(name)]
            wrong += [f"{when}: {name} differs" for name in told]
            mark = room / "executed"
            if mark.exists():
                wrong.append(f"{when}: executed: {mark.read_text()[:300]}")
                mark.unlink()
    return wrong


def surroundings(count: int = len(LINES)) -> Row:
    """Run commands among traps and elsewhere, and compare what they give."""
    row = Row(
        "commands in a directory with programs of the names that libraries call, a matplotlibrc, and `.` on PATH, of a "
        "user who has settings for matplotlib",
        "nothing of it is read or executed; figures, films, exports and tables are the bytes made elsewhere",
    )
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.runner import Run, begin

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "it.ibs"
        small = Experiment(hidden=((3, 2),), networks=2, epochs=60, snapshots=6, fraction=(0.2, 0.85))
        Run(begin(path, "it", small), threads=1).execute()
        lines = LINES[:count]
        row.failures += differences(path.read_bytes(), lines)
    row.tried = len(lines)
    row.figures = f"{len(PROGRAMS)} programs and two settings files planted"
    return row
