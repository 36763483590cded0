"""`ibtui estimators`: what every estimator says of the layers of one snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli import completion
from ibtui.cli.counting import counting
from ibtui.cli.options import Json, Quiet, Session, SessionsDir, Threads, with_estimators
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue, either
from ibtui_engine.recorded import Recording
from ibtui_engine.setting import written
from ibtui_engine.settings import ESTIMATORS, SETTINGS

if TYPE_CHECKING:
    from ibtui.cli.estimators_report import Found
    from ibtui_engine.session.ensemble import RecordedEnsemble
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.threads import Threads as Pool


@with_estimators(chosen=False)
def estimators(
    session: Session,
    epoch: Annotated[
        int | None, typer.Option("--epoch", help="A measured epoch. [default: the last]", show_default=False)
    ] = None,
    ensemble: Annotated[int, typer.Option("--ensemble", help="The ensemble, counted from 0.", show_default=False)] = 0,
    estimator: Annotated[
        list[str] | None,
        typer.Option(
            "--estimator",
            metavar="NAME",
            help=f"Only this one; repeat it for more: {', '.join(ESTIMATORS)}. [default: all]",
            show_default=False,
            autocompletion=completion.known(*ESTIMATORS),
        ),
    ] = None,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
    **chosen: Any,
) -> None:
    """Compare what all estimators of information say of one epoch, layer by layer.

    From the saved weights, with bounds, errors, and where an estimator is at its ceiling. Estimators that use a setting
    get the one that is given, as --noise for kde and gauss; a second or more for each network. Of a recording, all that
    it was measured by.
    """
    source = find_session(session, sessions_directory(sessions_dir))
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.threads import Threads, usable_cores

    with SessionReader(source) as reader, reader.moment():
        recorded = reader.summary.recorded
        names = _recorded_names(reader, estimator, chosen) if recorded else _names(reader, estimator)
        one = reader.recorded_ensemble(ensemble)
        at = _measured_epoch(one, epoch)
        if recorded:
            found = _as_recorded(source, one, names)
        else:
            pool = Threads(threads or usable_cores())
            try:
                with counting("measuring", quiet) as watch:
                    found = _measured(reader, one, at, names, chosen, pool, watch)
            finally:
                pool.close()
    from ibtui.cli.estimators_report import report

    report(one, at, found, json=json)


def _names(reader: SessionReader, wanted: list[str] | None) -> tuple[str, ...]:
    """The estimators to measure a run by."""
    names = tuple(dict.fromkeys(wanted or ESTIMATORS))
    for name in names:
        SETTINGS["estimator"].require("estimator", name)
    if why := reader.summary.why_not("remeasure"):
        raise InvalidValue(f"session {reader.summary.name!r} cannot be measured again: {why}")
    return names


def _recorded_names(reader: SessionReader, wanted: list[str] | None, chosen: dict[str, Any]) -> tuple[str, ...]:
    """The estimators of a recording, all or those that are wanted: it has their numbers, and keeps no weights."""
    summary = reader.summary
    assert isinstance(summary.experiment, Recording)
    there = summary.experiment.estimator_names
    if given := [name for name, value in chosen.items() if value is not None]:
        raise InvalidValue(
            f"--{written(given[0])} is for sessions that keep weights: the recording {summary.name!r} has numbers of "
            f"{either(there)} as it was measured"
        )
    for name in wanted or ():
        if name not in there:
            raise InvalidValue(
                f"estimator must be {either(there)}, as the recording {summary.name!r} is measured, got {name!r}: "
                "others are added where it is recorded (also=, --also)"
            )
    return tuple(dict.fromkeys(wanted or there))


def _as_recorded(source: Path, one: RecordedEnsemble, names: tuple[str, ...]) -> Found:
    from ibtui_engine.session.history import SessionReader

    found: Found = {}
    for name in names:
        with SessionReader(source, name) as reader:
            found[name] = reader.recorded_ensemble(one.ensemble.index)
    return found


def _measured_epoch(one: RecordedEnsemble, epoch: int | None) -> int:
    from ibtui_engine.session.summary import describe_epochs

    measured = one.ensemble.snapshots
    if epoch is None and not measured:
        raise InvalidValue(describe_epochs(measured))
    at = measured[-1] if epoch is None else epoch
    one.ensemble.require_measured(at)
    return at


def _measured(
    reader: SessionReader,
    one: RecordedEnsemble,
    epoch: int,
    names: tuple[str, ...],
    chosen: dict[str, Any],
    pool: Pool,
    watch: Any,
) -> Found:
    from ibtui_engine.remeasure import by_every_estimator

    found: Found = {}
    for name, measured in by_every_estimator(reader, one, epoch, names, chosen, pool):
        found[name] = measured
        watch(len(found), len(names))
    return found
