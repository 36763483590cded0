"""`python -m tests.faults [NAME ...]`: what happens to runs and sessions in the worst cases, in a table."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import sys
import time
from collections.abc import Callable

from tests.conftest import heed_signals
from tests.faults.cluster import cluster
from tests.faults.company import clock, readers, writers
from tests.faults.disk import disk
from tests.faults.kernels import kernels
from tests.faults.kills import kills
from tests.faults.mounts import mounts
from tests.faults.mutations import mutations
from tests.faults.options import options
from tests.faults.others import claims, endings, locked
from tests.faults.outputs import outputs
from tests.faults.partition import partition
from tests.faults.places import places
from tests.faults.power import power
from tests.faults.signals import signals
from tests.faults.soak import soak
from tests.faults.strangers import strangers
from tests.faults.surroundings import surroundings
from tests.faults.table import Row, as_text, machine, write_readme
from tests.faults.tables import tables
from tests.faults.versions import versions

FAULTS: dict[str, Callable[..., Row]] = {
    "kills": kills,
    "signals": signals,
    "kernels": kernels,
    "power": power,
    "disk": disk,
    "places": places,
    "outputs": outputs,
    "strangers": strangers,
    "surroundings": surroundings,
    "options": options,
    "clock": clock,
    "writers": writers,
    "readers": readers,
    "locked": locked,
    "endings": endings,
    "claims": claims,
    "mounts": mounts,
    "versions": versions,
    "soak": soak,
    "mutations": mutations,
    "tables": tables,
    "cluster": cluster,
    "partition": partition,
}


def main() -> None:
    """Let faults befall runs and sessions, and tell what held."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=main.__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"any of {', '.join(FAULTS)}; all but soak without one"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--write", action="store_true", help="put the table into tests/README.md")
    parser.add_argument("--seed", type=int, help="of what is random (those of the table are the defaults)")
    parser.add_argument("--count", type=int, help="how many of each, instead of the usual number")
    parser.add_argument("--only", type=int, help="one number alone, of mutations and tables: to see one again")
    parser.add_argument("--minutes", type=float, help="how long the soak is")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in FAULTS]
    if unknown:
        parser.error(f"unknown name {unknown[0]!r}: known are {', '.join(FAULTS)}")
    heed_signals()
    rows = []
    for name in arguments.names or [name for name in FAULTS if name != "soak"]:
        fault = FAULTS[name]
        known = inspect.signature(fault).parameters
        given = {key: value for key, value in vars(arguments).items() if key in known and value is not None}
        began = time.monotonic()
        row = fault(**given)
        row.name, row.seconds = name, time.monotonic() - began
        rows.append(row)
        if not arguments.json:
            print(as_text(row), flush=True)
        if arguments.write:
            write_readme([row])
    if arguments.json:
        print(json.dumps({"machine": machine(), "rows": [dataclasses.asdict(row) for row in rows]}, indent=2))
    sys.exit(any(row.failures for row in rows))


if __name__ == "__main__":
    main()
