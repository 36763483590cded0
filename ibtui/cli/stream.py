"""`ibtui remeasure SESSION --stream`: measuring again on request, for a program that watches a session.

The process lives as long as its stdin. Each line on stdin is a request, one JSON object:

    {"id": 1, "ensemble": 0, "epochs": [400, 0, 1], "bins": 60, "estimator": "binning", "noise": null}

`id` is any number or text and comes back with every answer. `ensemble` is 0 where it is missing, `epochs` all that were
measured for all networks. `estimator`, `bins`, `noise`, `noise_scale`, `noise_samples` and `kernel_width` are the
session's where they are missing or null, and are not looked at by an estimator that has no use for them. Each answer is
one JSON object on a line of stdout, written as soon as that epoch is measured, in the order of the request:

    {"id": 1, "ensemble": 0, "epoch": 400, "estimator": "binning", "bins": 60, "noise": null,
     "i_x": [[...]], "i_y": [[...]], "i_x_lower": null, "i_y_lower": null, "distinct_t": [[...]],
     "low": [[...]], "high": [[...]], ...}

with one list a network in it, one number a layer, for each column of the session that depends on the estimator
(`engine/README.md`): null where the estimator has no such number, as only `kde` has lower bounds. Settings are null
where the estimator has none.

A newer request ends the older one: after the epoch at work, or with `kde`, which takes seconds, after some of its
networks. No answer to the older one follows an answer to the newer one. What cannot be done is answered by
`{"id": 1, "error": "one sentence"}`; a request that is refused ends no other. After the end of stdin the last request
is still answered in full, unless nobody reads the answers any more.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ibtui.cli.console import plain_rows
from ibtui.cli.requests import is_count, listen, name_of, read_request, require_known, write_answer
from ibtui_engine.errors import EngineError, InvalidValue
from ibtui_engine.settings import USED_BY

if TYPE_CHECKING:
    from ibtui_engine.experiment import Experiment
    from ibtui_engine.measures.snapshot import LayerInformation
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.threads import Threads

FIELDS = ("id", "ensemble", "epochs", "estimator", *USED_BY)

Answers = Iterator[dict[str, Any]]


def serve(reader: SessionReader, pool: Threads) -> None:
    """Answer requests until stdin ends. Stdout has answers only.

    Raises:
        BrokenPipeError: nobody reads them.
    """
    requests = _Requests(reader, pool)
    while (request := requests.wait()) is not None:
        name, answers = request
        try:
            for answer in answers:
                write_answer(answer)
                if requests.newer():
                    break
        except EngineError as error:
            write_answer({"id": name, "error": str(error)})


class _Requests:
    """Requests as they come in. Those that must be refused are, as soon as they are looked at."""

    def __init__(self, reader: SessionReader, pool: Threads) -> None:
        self._reader = reader
        self._pool = pool
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._next: tuple[Any, Answers] | None = None
        self._ended = False
        listen(self._lines)

    def wait(self) -> tuple[Any, Answers] | None:
        """The newest request's id and answers; None when stdin has ended."""
        while self._next is None and not self._ended:
            self._take(self._lines.get())
        found, self._next = self._next, None
        return found

    def newer(self) -> bool:
        """Whether another request has come in."""
        while not self._lines.empty():
            self._take(self._lines.get())
        return self._next is not None

    def _take(self, line: str | None) -> None:
        if line is None:
            self._ended = True
            return
        if not line.strip():
            return
        name = None
        try:
            request = read_request(line)
            name = name_of(request)
            self._next = name, _answers(self._reader, self._pool, name, request, self.newer)
        except EngineError as error:
            write_answer({"id": name, "error": str(error)})


def _answers(
    reader: SessionReader, pool: Threads, name: Any, request: dict[str, Any], newer: Callable[[], bool]
) -> Answers:
    """Refuse what is wrong in a request at once, and answer one epoch at a time. Raises EngineError."""
    from ibtui_engine.remeasure import SETTINGS, measured_otherwise, remeasure
    from ibtui_engine.session.summary import describe_epochs

    require_known(request, FIELDS)
    index = request.get("ensemble", 0)
    if not is_count(index):
        raise InvalidValue(f"ensemble must be a whole number from 0, got {index!r}")
    ensemble = reader.ensemble(index)
    epochs = request.get("epochs")
    if epochs is None:
        epochs = list(ensemble.snapshots)
    if not isinstance(epochs, list):
        raise InvalidValue(f"epochs must be a list of measured epochs, got {epochs!r}")
    measured = set(ensemble.snapshots)
    for epoch in epochs:
        if not is_count(epoch) or epoch not in measured:
            raise InvalidValue(f"epoch is {epoch!r}: {describe_epochs(ensemble.snapshots)}")
    settings = {key: request[key] for key in SETTINGS if request.get(key) is not None}
    experiment = measured_otherwise(reader.summary.experiment, settings)

    def answers() -> Answers:
        for epoch, found in remeasure(reader, ensemble, epochs, experiment, pool, newer):
            yield {"id": name, "ensemble": index, "epoch": epoch, **_plain(experiment, found)}

    return answers()


def _plain(experiment: Experiment, found: LayerInformation) -> dict[str, Any]:
    """What the numbers rest on, and every column that depends on it; null for a column without a single number."""
    from ibtui.cli.export import basis
    from ibtui_engine.session.columns import LAYER

    columns = {column.name: plain_rows(getattr(found, column.field)) for column in LAYER if column.estimated}
    empty = {name for name, rows in columns.items() if all(number is None for row in rows for number in row)}
    return basis(experiment) | {name: None if name in empty else rows for name, rows in columns.items()}
