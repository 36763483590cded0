"""`python -m tests.benchmarks`: what things cost here, each beside what it is compared to.

It measures, it does not judge.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform

import torch

from engine.threads import usable_cores
from tests.benchmarks.measuring import snapshots
from tests.benchmarks.training import training_steps


def main() -> None:
    """Run all benchmarks and print their table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=main.__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = parser.parse_args().json
    machine = (
        f"{platform.machine()}, {usable_cores()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    rows = [*training_steps(), *snapshots()]
    if as_json:
        print(json.dumps({"machine": machine, "rows": [dataclasses.asdict(row) for row in rows]}, indent=2))
        return
    print(machine)
    for row in rows:
        print(f"{row.what:24} {row.how:32} {row.median:9.3g} {row.unit}  {row.ratio:7.3g}x")


if __name__ == "__main__":
    main()
