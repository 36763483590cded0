"""`python -m tests.benchmarks [PART ...]`: what things cost here, each beside what it is compared to.

It measures, it does not judge.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import platform

import torch

from ibtui_engine.threads import usable_cores
from tests.benchmarks.app import app_answers, starting
from tests.benchmarks.bound import bound_points
from tests.benchmarks.cluster import cluster_runs
from tests.benchmarks.cluster_scale import cluster_scale
from tests.benchmarks.live import watched_runs
from tests.benchmarks.live_bound import live_bound
from tests.benchmarks.measuring import snapshots
from tests.benchmarks.recording import recording
from tests.benchmarks.stochastic import stochastic_steps
from tests.benchmarks.timing import Row
from tests.benchmarks.training import scaling, training_steps
from tests.benchmarks.whole import compiling, session_files, whole_run

PARTS = {
    "training": training_steps,
    "scaling": scaling,
    "stochastic": stochastic_steps,
    "measuring": snapshots,
    "recording": recording,
    "whole": whole_run,
    "files": session_files,
    "bound": bound_points,
    "compiling": compiling,
    "start": starting,
    "app": app_answers,
    "live": watched_runs,
    "live_bound": live_bound,
    "cluster": cluster_runs,
    "cluster_scale": cluster_scale,
}


def main() -> None:
    """Run the benchmarks and print their table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=main.__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all without one")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}: known are {', '.join(PARTS)}")
    machine = (
        f"{platform.machine()}, {usable_cores()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    rows = [row for part in arguments.parts or PARTS for row in PARTS[part]()]
    if arguments.json:
        print(json.dumps({"machine": machine, "rows": [_plain(row) for row in rows]}, indent=2))
        return
    print(machine)
    for row in rows:
        ratio = "" if math.isnan(row.ratio) else f"  {row.ratio:7.3g}x"
        print(f"{row.what:26} {row.how:34} {row.median:9.3g} {row.unit:2}{ratio}")


def _plain(row: Row) -> dict[str, object]:
    """For JSON: a ratio that is none is null."""
    return dataclasses.asdict(row) | {"ratio": None if math.isnan(row.ratio) else row.ratio}


if __name__ == "__main__":
    main()
