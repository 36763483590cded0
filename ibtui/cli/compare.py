"""`ibtui compare`: what ensembles came to, and how far each is from a pinned one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli import completion
from ibtui.cli.console import or_none, output, print_json
from ibtui.cli.options import By, Json, SessionsDir
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.session.results import ResultSpreads
    from ibtui_engine.statistics import Difference


def compare(
    sessions: Annotated[
        list[str],
        typer.Argument(
            metavar="SESSION...",
            help="Sessions: files, names, or unique beginnings of names. All their ensembles are compared.",
            show_default=False,
            autocompletion=completion.sessions,
        ),
    ],
    epoch: Annotated[
        int | None,
        typer.Option(
            "--epoch",
            min=0,
            help="Compare at the last snapshot that is not after this epoch. [default: the last]",
            show_default=False,
        ),
    ] = None,
    pinned: Annotated[
        int, typer.Option("--pinned", min=1, help="Number of the ensemble that the others are compared with.")
    ] = 1,
    equal_work: Annotated[
        bool,
        typer.Option(
            "--equal-work",
            help="Compare after as many multiplications, not epochs: those of the ensemble that made the fewest. Of "
            "each other one it is the last snapshot that took no more.",
        ),
    ] = False,
    chart: Annotated[bool, typer.Option("--chart", help="Draw the information planes, too.")] = False,
    by: By = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
) -> None:
    """Compare ensembles: where drift ends, bits lost, accuracy and I(T;Y), with differences and their errors."""
    if equal_work and epoch is not None:
        raise InvalidValue(f"epoch is {epoch}: with --equal-work each ensemble has an epoch of its own; leave one out")
    directory = sessions_directory(sessions_dir)
    paths = [find_session(session, directory) for session in sessions]
    if len(set(paths)) < len(paths):
        raise InvalidValue(f"sessions are {', '.join(sessions)}: each of them can be named once")
    from ibtui_engine.multiplications import epochs_of_equal_work
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.results import result_spreads

    those: list[RecordedEnsemble] = []
    for path in paths:
        with SessionReader(path, by) as reader:
            those += reader.recorded_ensembles()
    if pinned > len(those):
        raise InvalidValue(f"pinned is {pinned}: there are {len(those)} ensembles that have been measured")
    work = [one.multiplications for one in those] if equal_work else None
    if work is None:
        epochs: Sequence[int | None] = [epoch] * len(those)
    else:
        epochs = epochs_of_equal_work([one.epochs[-1] for one in those], work)
    found = [result_spreads(one, at) for one, at in zip(those, epochs, strict=True)]
    if found[pinned - 1] is None:
        raise InvalidValue(
            f"epoch is {epoch}: the pinned ensemble was first measured at epoch {those[pinned - 1].at(0)}"
        )
    if json:
        documents = _plain(those, found, pinned - 1)
        for document, of_epoch in zip(documents, work or (), strict=work is not None):
            document["multiplications_per_epoch"] = of_epoch
        print_json({"pinned": pinned, "ensembles": documents})
        return
    _print(those, found, pinned - 1, work)
    if chart:
        last = [one.at(math.inf if at is None else at) for one, at in zip(those, epochs, strict=True)]
        _draw(those, last, pinned - 1)


def _titles(those: list[RecordedEnsemble]) -> list[str]:
    from ibtui.formatting import printable, titles_of

    return [printable(title) for title in titles_of([(one.summary, one.ensemble) for one in those])]


def _draw(those: list[RecordedEnsemble], epochs: list[int], pinned: int) -> None:
    """The planes of all of them, each up to its epoch."""
    from ibtui.cli.drawing import draw
    from ibtui.ensemble_charts import EnsembleCharts
    from ibtui.overlays import planes_of

    console = output()
    console.print()
    charts = list(zip(_titles(those), map(EnsembleCharts, those), strict=True))
    draw(planes_of(charts, epochs, pinned), console.width)


def _print(
    those: list[RecordedEnsemble], found: list[ResultSpreads | None], pinned: int, work: list[int] | None
) -> None:
    from rich.table import Table

    from ibtui.compared_text import CAVEATS, wide
    from ibtui.formatting import estimate

    names = [f"{number} {title}" for number, title in enumerate(_titles(those), start=1)]
    columns, rows = wide(names, found, pinned)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for k, heading in enumerate(columns):
        table.add_column(heading, justify="left" if k == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = output()
    console.print(table)
    console.print()
    if work is not None:
        each = ", ".join(f"{of_epoch:.3g} of {number}" for number, of_epoch in enumerate(work, start=1))
        console.print(f"Equal work. Multiplications that an epoch takes of a network: {each}.", style="dim")
    basis = "; ".join(sorted({estimate(one.summary.experiment) for one in those}))
    console.print(f"Pinned: {names[pinned]}. {CAVEATS} By {basis}.", style="dim")


def _plain(those: list[RecordedEnsemble], found: list[ResultSpreads | None], pinned: int) -> list[dict[str, Any]]:
    """Each ensemble with its numbers and their differences from the pinned one; None where there is none."""
    from ibtui.cli.phases_document import spread_document
    from ibtui_engine.statistics import log_ratio

    base = found[pinned]
    assert base is not None
    documents = []
    for number, (one, results) in enumerate(zip(those, found, strict=True), start=1):
        document: dict[str, Any] = {
            "number": number,
            "session": one.summary.name,
            "path": str(one.summary.path),
            "ensemble": one.ensemble.index,
            **one.ensemble.settings.to_dict(),
            "epoch": None if results is None else results.epoch,
        }
        if results is not None:
            lost, end = results.most_lost, results.drift_end
            document["drift_ends"] = spread_document(end) | _apart("log_ratio", log_ratio(end, base.drift_end))
            apart = results.differences(base)
            for name, value in results.numbers.items():
                beside = {} if (one_less := apart[name]) is None else _apart("difference", one_less)
                document[name] = None if value is None else spread_document(value) | beside
            if lost:
                document["bits_lost"]["layer"] = lost[0]
        documents.append(document)
    return documents


def _apart(name: str, apart: Difference) -> dict[str, Any]:
    ends = [or_none(apart.low), or_none(apart.high)]
    return {name: or_none(apart.value), f"{name}_error": or_none(apart.error), f"{name}_interval": ends}
