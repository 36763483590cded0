"""`ibtui estimators`: what every estimator says of the layers of one snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ibtui.cli.counting import counting
from ibtui.cli.options import Json, Quiet, Session, SessionsDir, Threads, with_estimators
from ibtui.formatting import estimate
from ibtui.locations import find_session, sessions_directory
from ibtui_engine.errors import InvalidValue
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
        ),
    ] = None,
    threads: Threads = None,
    sessions_dir: SessionsDir = None,
    json: Json = False,
    quiet: Quiet = False,
    **chosen: Any,
) -> None:
    """Tabulate what every estimator says of one snapshot, layer by layer, from the saved weights.

    With bounds, errors, and where an estimator is at its ceiling. Estimators that use a setting get the one that is
    given, as --noise for kde and gauss; a second or more for each network.
    """
    names = tuple(dict.fromkeys(estimator or ESTIMATORS))
    for name in names:
        SETTINGS["estimator"].require("estimator", name)
    source = find_session(session, sessions_directory(sessions_dir))
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.threads import Threads, usable_cores

    with SessionReader(source) as reader, reader.moment():
        _require_weights(reader)
        one = reader.recorded_ensemble(ensemble)
        at = _measured_epoch(one, epoch)
        pool = Threads(threads or usable_cores())
        try:
            with counting("measuring", quiet) as watch:
                found = _measured(reader, one, at, names, chosen, pool, watch)
        finally:
            pool.close()
    from ibtui.cli.estimators_report import report

    report(one, at, found, json=json)


def _require_weights(reader: SessionReader) -> None:
    """Refuse a session without weights; say what is possible with a recording."""
    summary = reader.summary
    if summary.recorded:
        raise InvalidValue(
            f"session {summary.name!r} is a recording, which keeps no weights to measure again: `ibtui show` has its "
            f"numbers by {estimate(summary.experiment)}, and ibtui.measure_outputs measures arrays by any estimator"
        )
    if why := summary.why_not("remeasure"):
        raise InvalidValue(f"session {summary.name!r} cannot be measured again: {why}")


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
