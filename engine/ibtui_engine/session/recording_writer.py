"""The writer of a recording: networks that a training loop of somebody's own trains, one snapshot of one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from ibtui_engine.clock import now
from ibtui_engine.errors import InvalidValue, damaged
from ibtui_engine.measures.snapshot import LayerInformation, Learning
from ibtui_engine.recorded import RecordedSettings, Recording
from ibtui_engine.rules.rule import Rule
from ibtui_engine.session.claim import show_life
from ibtui_engine.session.codec import cells
from ibtui_engine.session.columns import ESTIMATED
from ibtui_engine.session.limits import LONGEST_TEXT, CohortRow
from ibtui_engine.session.writer import Measured, SessionWriter

NOTE_EVENT = "note"
"""The kind of the event that says what went wrong while somebody's network was measured."""


@dataclass(frozen=True)
class RecordedData:
    """What networks of a recording learn: digests, and what the rule's own numbers do not say."""

    digest: str
    """SHA-256 (hex) of the inputs, if they are known, and of p(y|x)."""
    h_x: float
    """H(X), bits."""


class RecordingWriter(SessionWriter):
    """Writes one recording, in the thread that made it. `begin` makes one; `close` it in any case."""

    @classmethod
    def begin(cls, path: Path, name: str, recording: Recording, rule: Rule, data: RecordedData) -> RecordingWriter:
        """A new recording, or one that is there and gets further networks.

        Raises:
            InvalidValue: the directory cannot be written, or what is there is of other data or measured otherwise.
            SessionError: what is there is no session, or another process writes it.
            StorageError: the disk is full, or the file system has no locks.
        """
        if path.exists():
            writer = cls.reopen(path, lambda found: _require_same(found, recording, data))
        else:
            writer = cls.create(path, name, recording, [rule], known={"digest": data.digest, "h_x": data.h_x})
        assert isinstance(writer, RecordingWriter)
        return writer

    def networks_of(self, ensemble: int) -> dict[int, CohortRow]:
        """The networks of an ensemble by the number that they were given."""
        rows = self._read("SELECT network, seed FROM network WHERE ensemble = ?", ensemble)
        seeds = dict(rows)
        return {seeds[row.first]: row for row in self.cohorts() if row.ensemble == ensemble and row.first in seeds}

    def recorded_ensembles(self, rule: str) -> list[RecordedSettings]:
        """The ensembles that there are.

        Raises:
            SessionError: they are none.
        """
        rows = self._read("SELECT id, recorded FROM ensemble ORDER BY id")
        try:
            return [RecordedSettings.from_text(index, rule, text) for index, text in rows]
        except (ValueError, TypeError, KeyError, RecursionError, InvalidValue) as error:
            raise damaged(self.path, f"a recorded ensemble: {error}") from error

    def add_recorded(self, settings: RecordedSettings, patterns: int) -> None:
        """Record an ensemble."""
        with self._writing():
            self._connection.insert(
                "ensemble",
                {
                    "id": settings.index,
                    "hidden": "",
                    "fraction": 1.0,
                    "inputs": 1,
                    "sample_size": patterns,
                    "trainer": "",
                    "device": "",
                    "recorded": settings.text(),
                },
            )

    def change_recorded(self, settings: RecordedSettings) -> None:
        """Say anew what an ensemble is."""
        with self._writing():
            self._connection.execute("UPDATE ensemble SET recorded = ? WHERE id = ?", (settings.text(), settings.index))

    def add_network(self, ensemble: int, number: int) -> CohortRow:
        """Record a network of an ensemble, under a number of its own."""
        first = len(self._read("SELECT network FROM network WHERE ensemble = ?", ensemble))
        with self._writing():
            cohort = {"ensemble": ensemble, "first": first, "networks": 1, "epoch": 0}
            cursor = self._connection.insert("cohort", cohort)
            row = {"ensemble": ensemble, "network": first, "seed": number, "members": b"", "labels": b""}
            self._connection.insert("network", row)
        assert cursor.lastrowid is not None
        return CohortRow(cursor.lastrowid, **cohort)

    def last_epoch(self, cohort: CohortRow) -> int | None:
        """The last epoch that was measured of a network; None where none was."""
        epoch: int | None = self._read("SELECT max(epoch) FROM snapshot WHERE cohort = ?", cohort.id)[0][0]
        return epoch

    def record_arrays(
        self,
        cohort: CohortRow,
        epoch: int,
        information: LayerInformation,
        learning: Learning,
        norms: Mapping[str, Float64[np.ndarray, "1 layers"]],
        further: Sequence[LayerInformation] = (),
    ) -> None:
        """Record a snapshot of one network. `norms`: `grad_mean`, `grad_std` and `weight_norm`, NaN where unknown;
        `further`: what further estimators say, in their order.
        """
        with self._writing():
            snapshot = self._insert_measured(cohort, epoch, Measured(information, learning, **norms))
            layers = information.i_x.shape[1]
            for place, one in enumerate(further, start=1):
                rows: dict[str, Iterable[object]] = {
                    "snapshot": [snapshot] * layers,
                    "network": [cohort.first] * layers,
                    "layer": range(1, layers + 1),
                    "estimator": [place] * layers,
                }
                found = {column.name: cells(column, getattr(one, column.field)) for column in ESTIMATED}
                self._connection.insert_rows("estimate", rows | found)
            self._connection.execute("UPDATE cohort SET epoch = ? WHERE id = ?", (epoch, cohort.id))
            show_life(self._connection)

    def reach(self, cohort: CohortRow, epoch: int) -> None:
        """Say how far a network is trained, where it is not measured."""
        with self._writing(patient=False):
            self._connection.execute("UPDATE cohort SET epoch = ? WHERE id = ?", (epoch, cohort.id))
            show_life(self._connection)

    def add_note(self, text: str) -> None:
        """Say what went wrong, for whoever reads the session."""
        with self._writing():
            self._connection.insert("event", {"time": now(), "kind": NOTE_EVENT, "text": text[:LONGEST_TEXT]})


def _require_same(found: SessionWriter, recording: Recording, data: RecordedData) -> None:
    """Refuse to go on with a session that is something else."""
    rows = found._read("SELECT kind, experiment FROM session")
    if rows[0][0] != "recording":
        raise InvalidValue(f"{str(found.path)!r} is the session of a run: choose another name for the recording")
    there = Recording.from_dict(json.loads(rows[0][1]))
    if [one.to_dict() for one in there.estimations] != [one.to_dict() for one in recording.estimations]:
        before, now_by = ("; ".join(one.text for one in each.estimations) for each in (there, recording))
        raise InvalidValue(
            f"recording {str(found.path)!r} is measured by {before}, not by {now_by}: choose another name"
        )
    digest = found._read("SELECT digest FROM rule")[0][0]
    if digest != data.digest:
        raise InvalidValue(
            f"recording {str(found.path)!r} is of other inputs or labels: choose another name, or give the same ones"
        )
