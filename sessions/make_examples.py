"""Makes the sessions that ship with ibtui: `python sessions/make_examples.py [--only NAME]`, some minutes for all. With
`--measure-again` nothing is trained: those that keep their weights are measured again, for what newer versions measure.

Each is a preset of `ibtui_engine.presets`, trained to its last epoch with fewer networks and snapshots, so that all of
them together stay small; those without weights cannot be measured again. What says where they were made (host, process)
is taken out. A session is replaced when its run has ended well, and not before.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "engine")]  # the engine of this checkout, installed or not

from ibtui_engine.presets import find_preset  # noqa: E402
from ibtui_engine.progress import Progress  # noqa: E402
from ibtui_engine.remeasure import save_remeasured  # noqa: E402
from ibtui_engine.runner import Run, begin  # noqa: E402
from ibtui_engine.session.history import SessionReader  # noqa: E402
from ibtui_engine.threads import Threads, usable_cores  # noqa: E402

EXAMPLES: dict[str, dict[str, Any]] = {
    "figure-2": {"networks": 50, "snapshots": 30, "weights": False},
    "figure-3": {"networks": 10, "snapshots": 60},
    "figure-4": {"networks": 10, "snapshots": 80, "hidden": ["10-8-6-4-2"]},  # the networks of the other examples
    "figure-5": {"networks": 6, "snapshots": 40, "weights": False},
    "figure-8": {"networks": 10, "snapshots": 60},
}
"""Settings in which each example differs from the preset of that name."""


def make(preset: str, directory: Path = HERE) -> Path:
    """Train one example and put it, whole, into a directory."""
    name = f"example-{preset}"
    experiment = find_preset(preset).experiment.override(EXAMPLES[preset])
    with _replacing(directory / f"{name}.ibs") as path:
        Run(begin(path, name, experiment)).execute(_tell(name))
    return directory / path.name


def measure_again(preset: str, directory: Path = HERE) -> Path:
    """Measure one example of a directory again, from the weights that it keeps, with its own settings."""
    name = f"example-{preset}"
    with (
        _replacing(directory / f"{name}.ibs") as path,
        SessionReader(directory / path.name) as reader,
        closing(Threads(usable_cores())) as threads,
    ):
        save_remeasured(reader, path, name, reader.summary.experiment, threads)
    return directory / path.name


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Where to make a session that replaces another, or is new, once it is whole."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as made:
        path = Path(made) / target.name
        yield path
        forget_where(path)
        path.chmod(0o644)
        os.replace(path, target)


def forget_where(path: Path) -> None:
    """Take out of a finished session what its machine was, and every page of the file that is no longer used."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("DELETE FROM writer")
        connection.execute("VACUUM")


def _tell(name: str) -> Any:
    def watch(progress: Progress) -> None:
        print(f"\r{name}: {progress.status}, {progress.done:4.0%}", end="", file=sys.stderr, flush=True)

    return watch


def main() -> None:
    """Make all of them, or one."""
    parser = argparse.ArgumentParser(description="Make the sessions that ship with ibtui.")
    parser.add_argument("--only", metavar="NAME", choices=EXAMPLES, help=f"make one of: {', '.join(EXAMPLES)}")
    parser.add_argument(
        "--measure-again", action="store_true", help="measure those with weights again, without training"
    )
    asked = parser.parse_args()
    chosen = [asked.only] if asked.only else list(EXAMPLES)
    if asked.measure_again:
        chosen = [preset for preset in chosen if EXAMPLES[preset].get("weights", True)]
    for preset in chosen:
        path = measure_again(preset) if asked.measure_again else make(preset)
        print(f"\r{path.name}: {path.stat().st_size / 1e6:.2f} MB" + " " * 20, file=sys.stderr)


if __name__ == "__main__":
    main()
