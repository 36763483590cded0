"""`ibtui list`: the sessions there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibtui.annotations import NONE, Annotations
from ibtui.cli.console import complain, output, print_json, tell
from ibtui.cli.options import Json, Quiet, SessionsDir
from ibtui.formatting import age, printable, size
from ibtui.locations import example_files, examples_directory, is_example, session_files, sessions_directory
from ibtui.results import KnownResults, cells, stamp, work_out
from ibtui_engine.clock import now
from ibtui_engine.errors import NoLocksError, SessionError, StorageError
from ibtui_engine.experiment import GRID, hidden_text, plain_value
from ibtui_engine.session.ending import tidy
from ibtui_engine.session.summary import Summary, read_summary

if TYPE_CHECKING:
    from ibtui_engine.session.results import Results

NUMBERS = ("networks", "epochs", "age", "size", "drift ends", "bits lost", "accuracy")
LEAST_NEEDED = ("note", "size", "fraction", "hidden", "networks", "rule", "age")
"""Columns that a narrow terminal does without, the first of them first."""
NAME_WIDTH = 48
"""Columns of the screen that names get before others are left out."""
GAP = 2


def list_sessions(
    sessions_dir: SessionsDir = None,
    examples: Annotated[bool, typer.Option("--examples", help="List the sessions that ship with ibtui.")] = False,
    results: Annotated[
        bool,
        typer.Option(
            "--results",
            help="Add where drift ends, the most bits that a layer lost, and the accuracy outside the sample, of the "
            "ensemble with the largest sample and the most layers.",
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the sessions with their status and how far they have come, newest first.

    A narrow terminal shows fewer columns; a file or a pipe gets them all.
    """
    directory = examples_directory() if examples else sessions_directory(sessions_dir)
    files = example_files() if examples else [file for file in session_files(directory) if not is_example(file)]
    found: list[Summary] = []
    for file in files:
        try:
            found.append(read_summary(file))
            if not found[-1].live:
                tidy(file)
        except NoLocksError:  # the same of all
            raise
        except (SessionError, StorageError) as error:
            complain(str(error))
    found.sort(key=lambda summary: -summary.created)
    worked_out = _results(found) if results else {}
    annotations = Annotations()
    noted = {summary.path: annotations.of(summary) for summary in found}
    if json:
        print_json(
            [
                as_plain(summary)
                | {"note": noted[summary.path].note, "tags": list(noted[summary.path].tags)}
                | _plain_results(summary, worked_out)
                for summary in found
            ]
        )
        return
    if not found:
        tell(f"no sessions in {directory}; make one with: ibtui run, or see: ibtui list --examples", quiet=quiet)
        return
    rows = [_row(summary) | (cells(worked_out[summary.path]) if results else {}) for summary in found]
    if any(one != NONE for one in noted.values()):
        for row, one in zip(rows, noted.values(), strict=True):
            row |= {"tags": printable(", ".join(one.tags)), "note": printable(one.note)}
    console = output()
    headings = shown_columns(rows, console.width) if console.is_terminal else list(rows[0])
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left")
    for row in rows:
        table.add_row(*(row[heading] for heading in headings))
    console.print(table)


def _results(found: Sequence[Summary]) -> dict[Path, Results | None]:
    """The results of sessions; unreadable ones are reported and have none. Loads NumPy where some are new."""
    known = KnownResults()
    worked_out: dict[Path, Results | None] = {}
    for summary in found:
        outcome = known.of(summary)
        if outcome is None or outcome.stamp != stamp(summary):
            outcome = work_out(summary)
            known.keep(summary.path, outcome)
        if outcome.trouble:
            complain(outcome.trouble)
        worked_out[summary.path] = outcome.results
    known.save()
    return worked_out


def _plain_results(summary: Summary, worked_out: Mapping[Path, Results | None]) -> dict[str, object]:
    """A session's results as plain values, None where it has none; nothing where they were not asked for."""
    if summary.path not in worked_out:
        return {}
    results = worked_out[summary.path]
    return {"results": None if results is None else results.to_dict()}


def shown_columns(rows: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """The columns that a terminal of that width has room for, where names are given `NAME_WIDTH` of it."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    widths["name"] = min(widths["name"], NAME_WIDTH)
    for name in LEAST_NEEDED:
        if name not in widths:
            continue
        if sum(widths.values()) + GAP * (len(widths) - 1) <= width:
            break
        del widths[name]
    return list(widths)


def _row(summary: Summary) -> dict[str, str]:
    experiment = summary.experiment
    return {
        "name": printable(summary.path.stem),
        "status": summary.status,
        "rule": printable(", ".join(experiment.rule)),
        "hidden": ", ".join(hidden_text(h) for h in experiment.hidden),
        "fraction": ", ".join(f"{f:g}" for f in experiment.fraction),
        "networks": str(experiment.networks),
        "epochs": f"{summary.epochs_done} of {experiment.epochs}",
        "age": age(now() - summary.created),
        "size": size(summary.size),
    }


def as_plain(summary: Summary) -> dict[str, object]:
    """One line of the list as plain values."""
    return {
        "name": summary.path.stem,
        "path": str(summary.path),
        "status": summary.status,
        "created": summary.created,
        "bytes": summary.size,
        **{name: [plain_value(value) for value in getattr(summary.experiment, name)] for name in GRID},
        "networks": summary.experiment.networks,
        "epochs_done": summary.epochs_done,
        "epochs_total": summary.experiment.epochs,
    }
