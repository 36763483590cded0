"""`ibtui show`: what a session has measured, in the terminal or for programs."""

from __future__ import annotations

from typing import Annotated

import typer

from ibtui.cli.options import By, Json, Session, SessionsDir
from ibtui.locations import find_session, sessions_directory


def show(
    session: Session,
    epoch: Annotated[
        int | None,
        typer.Option("--epoch", help="Show this measured epoch. [default: the last]", show_default=False),
    ] = None,
    chart: Annotated[bool, typer.Option("--chart/--no-chart", help="Draw the information plane.")] = True,
    kept: Annotated[
        bool, typer.Option("--kept", help="Add what layers keep of the orbit, within orbits, and beyond the label.")
    ] = False,
    by: By = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
) -> None:
    """Show a session: its layers in the information plane and its numbers at one epoch."""
    path = find_session(session, sessions_directory(sessions_dir))
    from ibtui.cli.report import report  # numpy

    report(path, epoch=epoch, json=json, chart=chart, kept=kept, by=by)
