"""`ibtui refine`: more networks for the cells of a map in which a claim is not settled."""

from __future__ import annotations

from typing import Annotated

import typer

from ibtui.cli import completion
from ibtui.cli.console import print_json, tell
from ibtui.cli.options import Json, OwnSession, Quiet, SessionsDir, Threads
from ibtui.locations import find_session, require_own, sessions_directory
from ibtui_engine.errors import InvalidValue


def refine(
    session: OwnSession,
    claim: Annotated[
        str,
        typer.Argument(
            metavar="CLAIM",
            help="Key of a claim, such as two-phases (`ibtui map --show verdict:CLAIM`).",
            autocompletion=completion.claims,
        ),
    ],
    budget: Annotated[
        int, typer.Option("--budget", metavar="NETWORKS", min=1, help="Networks to add, at most, in all cells.")
    ] = 500,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", help="Begin no further round after so long. [default: any time]", show_default=False),
    ] = None,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train more networks where a claim is undecided on a map, or its verdict changes.

    Round by round such cells double their networks, the least settled first, up to eight times as many as the map began
    with. It ends when all are settled, or with the budget.
    """
    if minutes is not None and not minutes >= 0:
        raise InvalidValue(f"minutes must be at least 0, got {minutes}")
    path = require_own(find_session(session, sessions_directory(sessions_dir)))
    from ibtui.cli.heat_maps import draw_maps
    from ibtui.cli.interruption import Interruption
    from ibtui.cli.progress import watcher
    from ibtui.map_charts import Shown, heat_map, rows
    from ibtui_engine import refinement
    from ibtui_engine.maps.axes import slices
    from ibtui_engine.maps.cells import VERDICT
    from ibtui_engine.maps.reading import read_map
    from ibtui_engine.session.history import SessionReader

    allowed = refinement.Budget(budget, None if minutes is None else 60 * minutes)
    with Interruption(quiet) as interruption, watcher(quiet) as watch:
        status = refinement.refine(
            path,
            claim,
            allowed,
            threads=threads,
            watch=watch,
            interrupt=interruption.interrupt,
            tell=lambda line: tell(line, quiet=quiet),
        )
    if status == "stopped":
        tell(f"stopped; go on with: ibtui resume {path.stem}, then refine it again", quiet=quiet)
        raise typer.Exit(interruption.status)
    with SessionReader(path) as reader:
        found = read_map(reader)
    shown = Shown(f"{VERDICT}{claim}")
    if json:
        print_json({"name": found.summary.name, "show": shown.name, "ensembles": rows(found)})
        return
    draw_maps([heat_map(found, one, shown) for one in slices(found.summary.experiment)])
