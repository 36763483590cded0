"""`ibtui list`: the sessions there are."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from ibtui.cli.console import complain, output, print_json, tell
from ibtui.cli.options import Json, Quiet, SessionsDir
from ibtui.locations import example_files, examples_directory, is_example, session_files, sessions_directory
from ibtui.wording import age, printable, size
from ibtui_engine.errors import SessionError
from ibtui_engine.experiment import hidden_text
from ibtui_engine.session.summary import Summary, read_summary

UNFOLDED = 10_000
"""Columns that no list fills: a name folded over two lines is not found by grep."""


def list_sessions(
    sessions_dir: SessionsDir = None,
    examples: Annotated[bool, typer.Option("--examples", help="List the sessions that ship with ibtui.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the sessions with their status and how far they have come, newest first."""
    directory = examples_directory() if examples else sessions_directory(sessions_dir)
    files = example_files() if examples else [file for file in session_files(directory) if not is_example(file)]
    found: list[Summary] = []
    for file in files:
        try:
            found.append(read_summary(file))
        except SessionError as error:
            complain(str(error))
    found.sort(key=lambda summary: -summary.created)
    if json:
        print_json([as_plain(summary) for summary in found])
        return
    if not found:
        tell(f"no sessions in {directory}; make one with: ibtui run, or see: ibtui list --examples", quiet=quiet)
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("name", "status", "rule", "hidden", "fraction"):
        table.add_column(heading, no_wrap=heading in ("status",), overflow="fold")
    for heading in ("networks", "epochs", "age", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    for summary in found:
        experiment = summary.experiment
        table.add_row(
            printable(summary.path.stem),
            summary.status,
            printable(experiment.rule),
            ", ".join(hidden_text(h) for h in experiment.hidden),
            ", ".join(f"{f:g}" for f in experiment.fraction),
            str(experiment.networks),
            f"{summary.epochs_done} of {experiment.epochs}",
            age(time.time() - summary.created),
            size(summary.size),
        )
    output(width_of_files=UNFOLDED).print(table)


def as_plain(summary: Summary) -> dict[str, object]:
    """One line of the list as plain values."""
    return {
        "name": summary.path.stem,
        "path": str(summary.path),
        "status": summary.status,
        "created": summary.created,
        "bytes": summary.size,
        "rule": summary.experiment.rule,
        "hidden": [hidden_text(h) for h in summary.experiment.hidden],
        "fraction": list(summary.experiment.fraction),
        "optimizer": list(summary.experiment.optimizer),
        "networks": summary.experiment.networks,
        "epochs_done": summary.epochs_done,
        "epochs_total": summary.experiment.epochs,
    }
