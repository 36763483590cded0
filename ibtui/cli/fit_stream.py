"""`ibtui fit SESSION --stream`: the IB curve at once, then beta* on request, for a program that watches a session.

The process lives as long as its stdin. The first line that it writes on stdout is the curve of the session's first
rule, one JSON object:

    {"rule": 1, "curve": {...}}

as `Curve.to_dict` gives it. Where the curve is neither shipped nor kept from an earlier time, it is a coarse one
(`tolerance` is null), certified to the `error` that it states; the full one follows on a line of its own as soon as it
is found, which a thread behind all other work sees to once there is nothing else to do.

Each line on stdin is a request, one JSON object. That for the curve of another rule, which is written once and always,

    {"rule": 2}

and that for beta*, before whose answer the curve is written that it is held against, if it has not been yet:

    {"id": 1, "ensemble": 0, "epoch": 400}

`id` is any number or text and comes back with the answer. `ensemble` is 0 where it is missing, `epoch` the last that
was measured for all networks, also in a session that still grows. The answer is one JSON object on a line of stdout:

    {"id": 1, "ensemble": 0, "epoch": 400, "fits": {...}}

with the fits as `LayerFits.to_dict` gives them, held against the rule's curve written last. What cannot be done is
answered by `{"id": 1, "error": "one sentence"}`. Of several requests that wait only the newest is answered; the one at
work always is. After the end of stdin the newest request is still answered, unless nobody reads the answers any more.
"""

from __future__ import annotations

import os
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ibtui.cli.requests import is_count, listen, name_of, read_request, require_known, write_answer
from ibtui_engine.bottleneck.choice import coarse_curve, rule_curve
from ibtui_engine.bottleneck.curve import Curve
from ibtui_engine.bottleneck.kept import keep_curve, kept_curve
from ibtui_engine.errors import EngineError, InvalidValue

if TYPE_CHECKING:
    from ibtui_engine.rules.rule import Rule
    from ibtui_engine.session.history import SessionReader
    from ibtui_engine.session.summary import EnsembleSummary

FIELDS = ("id", "ensemble", "epoch", "rule")
REFINING_NICENESS = 15
"""How far the search for the full curve stands behind other work, also behind runs that the app starts."""
IDLE_SECONDS = 1.0
"""Without a request for this long, the search for the full curve begins; else behind the first answer."""


def serve(reader: SessionReader, threads: int | None) -> None:
    """Write the curve, then answer requests until stdin ends. Stdout has answers only.

    Raises:
        BrokenPipeError: nobody reads them.
        SessionError: the session cannot be read.
    """
    waiting: queue.SimpleQueue[str | _Refined | None] = queue.SimpleQueue()
    listen(waiting)  # type: ignore[arg-type]
    curves = _Curves(reader)
    curves.of(1)
    fitter = _Fitter(reader, curves, threads)
    refining = False
    try:
        ended = False
        while not ended:
            idle = refining or curves.coarse is None
            try:
                items = [waiting.get(timeout=None if idle else IDLE_SECONDS)]
            except queue.Empty:
                items = []
            with suppress(queue.Empty):
                while True:
                    items.append(waiting.get_nowait())
            ended = None in items
            for item in items:
                if isinstance(item, _Refined):
                    refining = False
                    curves.take(item)
            fitter.answer([item for item in items if isinstance(item, str)])
            coarse = curves.coarse
            if coarse is not None and not refining and not ended:
                refining = True
                threading.Thread(target=_refine, args=(coarse, curves.rule(coarse), waiting), daemon=True).start()
    finally:
        fitter.close()


class _Refined(NamedTuple):
    """The full curve of a rule; None where none can be found."""

    rule: int
    curve: Curve | None


def _refine(number: int, rule: Rule, found: queue.SimpleQueue[str | _Refined | None]) -> None:
    _give_way(threading.get_native_id(), REFINING_NICENESS)
    curve = None
    with suppress(EngineError):  # the coarse curve stays
        curve = rule_curve(rule)
        keep_curve(rule, curve)
    found.put(_Refined(number, curve))


class _Curves:
    """The curves of a session's rules, each written when it is first asked for and when a better one is found."""

    def __init__(self, reader: SessionReader) -> None:
        self._reader = reader
        self._rules: dict[int, Rule] = {}
        self._found: dict[int, Curve] = {}
        self._coarse: list[int] = []
        """Rules whose curve is coarse, those asked for last at the end."""

    def rule(self, number: int) -> Rule:
        """A rule, over the patterns that information is measured over."""
        if number not in self._rules:
            self._rules[number] = self._reader.measured_rule(number)
        return self._rules[number]

    @property
    def coarse(self) -> int | None:
        """The rule asked for last whose curve is coarse."""
        return self._coarse[-1] if self._coarse else None

    def of(self, number: int) -> Curve:
        """The curve of a rule: the one that is known, or a coarse one."""
        if number not in self._found:
            rule = self.rule(number)
            curve = kept_curve(rule)
            if curve is None:
                curve = coarse_curve(rule)
                self._coarse.append(number)
            self._write(number, curve)
        return self._found[number]

    def take(self, refined: _Refined) -> None:
        """Take the full curve in place of a coarse one."""
        self._coarse.remove(refined.rule)
        if refined.curve is not None:
            self._write(refined.rule, refined.curve)

    def _write(self, number: int, curve: Curve) -> None:
        self._found[number] = curve
        write_answer({"rule": number, "curve": curve.to_dict()})


def _give_way(thread: int, niceness: int) -> None:
    """Put a thread behind other work, where threads have a niceness of their own."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, thread, niceness)


class _Fitter:
    """Answers requests with the fits of a session's layers."""

    def __init__(self, reader: SessionReader, curves: _Curves, threads: int | None) -> None:
        from ibtui_engine.threads import Threads, usable_cores

        self._curves = curves
        self._reader = reader
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
                if "rule" in request:
                    self._curves.of(self._known(request["rule"]))
                else:
                    newest = request
            except EngineError as error:
                write_answer({"id": name, "error": str(error)})
        if newest is not None:
            name = newest.get("id")
            try:
                write_answer({"id": name, **self._fits(newest)})
            except EngineError as error:
                write_answer({"id": name, "error": str(error)})

    def _known(self, rule: Any) -> int:
        count = len(self._reader.summary.rules)
        if not is_count(rule) or not 1 <= rule <= count:
            raise InvalidValue(f"rule must be a whole number from 1 to {count}, got {rule!r}")
        return int(rule)

    def _fits(self, request: dict[str, Any]) -> dict[str, Any]:
        from ibtui_engine.session.bound import fit_recorded

        index = request.get("ensemble", 0)
        if not is_count(index):
            raise InvalidValue(f"ensemble must be a whole number from 0, got {index!r}")
        ensemble = self._reader.ensemble(index)
        epoch = _epoch(request.get("epoch"), ensemble)
        curve, rule = self._curves.of(ensemble.rule.number), self._curves.rule(ensemble.rule.number)
        if self._last is None or self._last[:3] != (index, epoch, curve):
            fits = fit_recorded(self._reader, ensemble, epoch, rule, curve, self._pool)
            self._last = index, epoch, curve, fits.to_dict()
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
