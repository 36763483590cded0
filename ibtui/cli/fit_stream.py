"""`ibtui fit SESSION --stream`: the IB curve at once, then beta* on request, for a program that watches a session.

The process lives as long as its stdin. The first line that it writes on stdout is the session's curve, one JSON object:

    {"curve": {...}}

as `Curve.to_dict` gives it. Where the curve is neither shipped nor kept from an earlier time, it is a coarse one
(`tolerance` is null), certified to the `error` that it states; the full one follows on a line of its own as soon as it
is found, which a thread behind all other work sees to once there is nothing else to do.

Each line on stdin is a request, one JSON object:

    {"id": 1, "ensemble": 0, "epoch": 400}

`id` is any number or text and comes back with the answer. `ensemble` is 0 where it is missing, `epoch` the last that
was measured for all networks, also in a session that still grows. The answer is one JSON object on a line of stdout:

    {"id": 1, "ensemble": 0, "epoch": 400, "fits": {...}}

with the fits as `LayerFits.to_dict` gives them, held against the curve written last. What cannot be done is answered
by `{"id": 1, "error": "one sentence"}`. Of several requests that wait only the newest is answered; the one at work
always is. After the end of stdin the newest request is still answered, unless nobody reads the answers any more.
"""

from __future__ import annotations

import os
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ibtui.cli.requests import is_count, listen, name_of, read_request, require_known, write_answer
from ibtui_engine.bottleneck.choice import coarse_curve, rule_curve
from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.kept import keep_curve, kept_curve
from ibtui_engine.errors import EngineError, InvalidValue

if TYPE_CHECKING:
    from ibtui_engine.rules.rule import Rule
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import EnsembleSummary

FIELDS = ("id", "ensemble", "epoch")
REFINING_NICENESS = 15
"""How far the search for the full curve stands behind other work, also behind runs that the app starts."""
IDLE_SECONDS = 1.0
"""Without a request for this long, the search for the full curve begins."""


def serve(reader: SessionReader, threads: int | None) -> None:
    """Write the curve, then answer requests until stdin ends. Stdout has answers only.

    Raises:
        BrokenPipeError: nobody reads them.
        SessionError: the session cannot be read.
    """
    waiting: queue.SimpleQueue[str | Curve | None] = queue.SimpleQueue()
    listen(waiting)  # type: ignore[arg-type]
    rule = reader.measured_rule()
    curve = kept_curve(rule)
    coarse = curve is None
    curve = curve or coarse_curve(rule)
    write_answer({"curve": curve.to_dict()})
    fitter = _Fitter(reader, rule, curve, threads)
    try:
        ended = False
        while not ended:
            try:
                items = [waiting.get(timeout=IDLE_SECONDS if coarse else None)]
            except queue.Empty:
                items = []
            with suppress(queue.Empty):
                while True:
                    items.append(waiting.get_nowait())
            ended = None in items
            for item in items:
                if isinstance(item, Curve):
                    fitter.curve = item
                    write_answer({"curve": item.to_dict()})
            fitter.answer([item for item in items if isinstance(item, str)])
            if coarse and not ended:
                coarse = False
                threading.Thread(target=_refine, args=(rule, waiting), daemon=True).start()
    finally:
        fitter.close()


def _refine(rule: Rule, found: queue.SimpleQueue[str | Curve | None]) -> None:
    _give_way(threading.get_native_id(), REFINING_NICENESS)
    with suppress(EngineError):  # the coarse curve stays
        curve = rule_curve(rule)
        keep_curve(rule, curve)
        found.put(curve)


def _give_way(thread: int, niceness: int) -> None:
    """Put a thread behind other work, where threads have a niceness of their own."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, thread, niceness)


class _Fitter:
    """Answers requests with the fits of a session's layers."""

    def __init__(self, reader: SessionReader, rule: Rule, curve: Curve, threads: int | None) -> None:
        from ibtui_engine.threads import Threads, usable_cores

        self.curve = curve
        self._reader = reader
        self._rule = rule
        self._pool = Threads(threads or usable_cores())
        self._last: tuple[int, int, Curve, dict[str, Any]] | None = None
        """The answer given last: its ensemble, epoch, curve and fits. Whoever follows a run may ask before there is
        more."""
        self._loaded = False
        """Whether what a fit needs has been loaded, which takes as long as ten fits."""

    def close(self) -> None:
        """End its threads."""
        self._pool.close()

    def answer(self, lines: list[str]) -> None:
        """Answer the newest of these requests, and refuse those that are none."""
        newest: dict[str, Any] | None = None
        for line in lines:
            if not line.strip():
                continue
            name = None
            try:
                request = read_request(line)
                name = name_of(request)
                require_known(request, FIELDS)
                newest = request
            except EngineError as error:
                write_answer({"id": name, "error": str(error)})
        if newest is not None:
            name = newest.get("id")
            try:
                write_answer({"id": name, **self._fits(newest)})
            except EngineError as error:
                write_answer({"id": name, "error": str(error)})

    def _fits(self, request: dict[str, Any]) -> dict[str, Any]:
        from ibtui_engine.session.bound import fit_recorded

        index = request.get("ensemble", 0)
        if not is_count(index):
            raise InvalidValue(f"ensemble must be a whole number from 0, got {index!r}")
        ensemble = self._reader.ensemble(index)
        epoch = _epoch(request.get("epoch"), ensemble)
        if self._last is None or self._last[:3] != (index, epoch, self.curve):
            fits = fit_recorded(self._reader, ensemble, epoch, self._rule, self.curve, self._pool)
            self._last = index, epoch, self.curve, fits.to_dict()
        if not self._loaded:
            self._loaded = True
            return self._fits(request)  # a newer epoch may have been measured while it was loading
        return {"ensemble": index, "epoch": epoch, "fits": self._last[3]}


def _epoch(wanted: Any, ensemble: EnsembleSummary) -> int:
    from ibtui_engine.session.summary import describe_epochs

    if not ensemble.snapshots:
        raise InvalidValue("nothing has been measured yet")
    if wanted is None:
        return ensemble.snapshots[-1]
    if not is_count(wanted) or wanted not in ensemble.snapshots:
        raise InvalidValue(f"epoch is {wanted!r}: {describe_epochs(ensemble.snapshots)}")
    return int(wanted)
