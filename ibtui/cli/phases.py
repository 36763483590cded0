"""`ibtui phases`: where drift ends and diffusion begins, and what both are made of."""

from __future__ import annotations

from typing import Annotated

import typer

from ibtui.cli.options import By, Json, Session, SessionsDir
from ibtui.locations import find_session, sessions_directory


def phases(
    session: Session,
    ensemble: Annotated[
        int | None,
        typer.Option("--ensemble", help="Only this ensemble, counted from 0. [default: all]", show_default=False),
    ] = None,
    chart: Annotated[bool, typer.Option("--chart/--no-chart", help="Draw the SNR with the transitions.")] = True,
    by: By = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
) -> None:
    """Tell a session's two phases: where drift ends, where I(X;T) turns, and how weights and information move after."""
    path = find_session(session, sessions_directory(sessions_dir))
    from ibtui.cli.phases_report import phases_report  # numpy

    phases_report(path, ensemble=ensemble, json=json, chart=chart, by=by)
