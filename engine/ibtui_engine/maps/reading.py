"""The map of a session: every ensemble with what it came to, or how far it is. Computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ibtui_engine.errors import InvalidValue, SessionError, damaged
from ibtui_engine.maps.cells import Cell, definitions, store, work_out
from ibtui_engine.session.history import SessionReader

if TYPE_CHECKING:
    from ibtui_engine.session.summary import EnsembleSummary, Summary
    from ibtui_engine.session.writer import SessionWriter

KNOWN, EARLIER, RUNNING, WAITING, STOPPED, UNJUDGED, GIVEN_UP = (
    "known", "earlier", "running", "waiting", "stopped", "not judged", "given up"
)  # fmt: skip
"""States of a cell: its results are those of its last snapshot; of an earlier one, or by other definitions; it trains;
it has not begun; its session stopped before it was finished; it is finished and has no results; it has diverged."""
Watch = Callable[[int, int], None]
"""Told after each cell how many are done, of how many."""


@dataclass(frozen=True)
class Place:
    """One ensemble of a map."""

    ensemble: EnsembleSummary
    state: str
    cell: Cell | None = None


@dataclass(frozen=True, eq=False)
class Map:
    """What the ensembles of a session came to."""

    summary: Summary
    places: Mapping[int, Place]
    """By the indices of the ensembles."""

    @property
    def open(self) -> tuple[int, ...]:
        """The measured ensembles that have no results of their last snapshot, and that no run is at work on."""
        waits = (UNJUDGED, EARLIER, STOPPED)
        return tuple(index for index, one in self.places.items() if one.state in waits and one.ensemble.snapshots)


def read_map(reader: SessionReader) -> Map:
    """The map of a session as its results are kept, at one moment.

    Raises:
        SessionError: the session is damaged.
    """
    with reader.moment():
        summary, rows = reader.summary, reader.results()
    cells, made_by = {}, {}
    for index, made, epoch, networks, text in rows:
        try:
            cells[index] = Cell.from_text(index, epoch, networks, text)
        except ValueError as error:
            raise damaged(reader.path, error) from error
        made_by[index] = made
    now = definitions() if cells else ""
    places = {}
    for one in summary.ensembles:
        cell = cells.get(one.index)
        last = one.snapshots[-1] if one.snapshots else None
        current = cell is not None and (cell.epoch, cell.networks, made_by[one.index]) == (last, one.networks, now)
        places[one.index] = Place(one, _state(summary, one, cell, current), cell)
    return Map(summary, places)


def _state(summary: Summary, one: EnsembleSummary, cell: Cell | None, current: bool) -> str:
    if cell is not None and cell.trouble and not (summary.live and one.epochs_done > cell.epoch):
        return GIVEN_UP
    if current:
        return KNOWN
    if cell is not None:
        return EARLIER
    if one.epochs_done >= summary.experiment.epochs:
        return UNJUDGED
    if not summary.live:
        return STOPPED
    return RUNNING if one.epochs_done else WAITING


def complete(found: Map, reader: SessionReader, threads: int | None = None, watch: Watch | None = None) -> Map:
    """The same with results for all measured ensembles that lack them and are not being trained (`Map.open`): worked
    out now, and kept nowhere.

    Raises:
        SessionError: the session can no longer be read.
    """
    from ibtui_engine.account.evidence import Evidence

    places = dict(found.places)
    for done, index in enumerate(found.open, start=1):
        cell = work_out(Evidence(reader.recorded_ensemble(index), threads))
        places[index] = replace(places[index], cell=cell, state=KNOWN)
        if watch is not None:
            watch(done, len(found.open))
    return replace(found, places=places)


def renew(path: Path | str, threads: int | None = None, watch: Watch | None = None) -> int:
    """Work out again what every measured ensemble of a session came to, and keep it there; how many there are.

    All of it is worked out first and then written in one transaction: the session has its old results or the new ones.

    Raises:
        InvalidValue: it is a recording, or nothing has been measured.
        SessionError: it cannot be opened, is damaged, or a run is at work on it.
        StorageError: it cannot be written.
    """
    from ibtui_engine.account.evidence import Evidence
    from ibtui_engine.session.writer import SessionWriter

    cells = []
    with SessionReader(path) as reader:
        summary = reader.summary
        if summary.recorded:
            raise InvalidValue(f"session {summary.name!r} is a recording: its results are kept nowhere")
        if summary.live:
            raise SessionError(f"session {str(path)!r} is in use: its run keeps results itself")
        given_up = {index for index, one in read_map(reader).places.items() if one.state == GIVEN_UP}
        measured = [one.index for one in summary.ensembles if one.snapshots and one.index not in given_up]
        if not measured:
            raise InvalidValue(f"nothing has been measured in session {summary.name!r}")
        for done, index in enumerate(measured, start=1):
            cells.append(work_out(Evidence(reader.recorded_ensemble(index), threads)))
            if watch is not None:
                watch(done, len(measured))

    def write(writer: SessionWriter) -> None:
        for cell in cells:
            store(writer, cell)
        status = "finished" if summary.status == "finished" else "stopped"
        writer.set_status(status, f"results of {len(cells)} ensembles were worked out again")

    SessionWriter.reopen(path, write).close()
    return len(cells)
