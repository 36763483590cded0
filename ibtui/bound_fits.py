"""The IB curves of the shown session and the beta* of its layers, while somebody looks at it.

A curve that is known, because it ships or was kept, is read in a thread. All else comes from one process beside the
app (`ibtui fit --stream`), which begins when it is first needed and ends with the screen. One request at a time is on
its way to it; when the answer is there, the epoch that is wanted by then is asked for. So no fit that was begun is
given up, and whoever moves on to another epoch waits for one fit at most. Nothing here loads a compiler.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ibtui.commands import END_SECONDS, Companion, telling
from ibtui.last_words import last_line
from ibtui_engine.errors import EngineError

if TYPE_CHECKING:
    from ibtui_engine.bottleneck.curve import Curve
    from ibtui_engine.bottleneck.fits import LayerFits
    from ibtui_engine.bottleneck.partitions import Frontier

REST_SECONDS = 0.6
"""From one request to the next while a run is at work, which needs the cores more; twice what the last one took, where
that is more."""
SHOWN_SECONDS = 2.0
"""For how long after it was last wanted the newest epoch of a run is asked for again as soon as it may be."""
MOST_CLASSES = 128
"""Classes of p(y|x) up to which the frontier of hard partitions is found here: in a few hundredths of a second."""
MOST_KEPT = 300
"""Fits that stay in memory; those of 50 networks are 30 kB."""


class BoundFits:
    """What is known of a session's bound; `want` has more of it found."""

    def __init__(
        self,
        path: Path,
        changed: Callable[[], None],
        refused: Callable[[str], None],
        rule_of: Callable[[int], int] = lambda ensemble: 1,
    ) -> None:
        """`changed`: called when more is known; `refused`: with what cannot be had, and why. Both in the event loop.
        `rule_of`: the number of the rule that an ensemble learns, whose curve bounds it.
        """
        self._path = path
        self._rule_of = rule_of
        self._changed = changed
        self._refused = refused
        self._curves: dict[int, Curve] = {}
        """By rule, as soon as they are known; a coarse one may be followed by the full one."""
        self._hard: dict[int, Frontier] = {}
        """Frontiers of hard partitions by rule, of those with few classes."""
        self._fits: OrderedDict[tuple[int, int], LayerFits] = OrderedDict()
        """By ensemble and epoch."""
        self._shown: dict[int, int] = {}
        """The epoch of the fits that `latest` has of each ensemble."""
        self._wanted: tuple[int, int] | None = None
        self._asked: tuple[int, int] | None = None
        """The request that is on its way."""
        self._impossible: set[tuple[int, int]] = set()
        self._asked_at = self._wanted_at = self._took = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._sparing = self._newest = False
        self._looking: set[int] = set()
        """Rules whose curve has been wanted."""
        self._unknown: set[int] = set()
        """Those whose curve was looked for among the known ones, and is none of them."""
        self._refusal = ""
        """Why there is no curve, where nobody has wanted one yet."""
        self._process: Companion[Callable[[], None]] | None = None
        self._threads: dict[int, threading.Thread] = {}
        """Read curves that are known, by rule."""
        self._closed = False

    # what is known

    def curve_of(self, ensemble: int) -> Curve | None:
        """The curve that bounds an ensemble's layers; None until it is known."""
        return self._curves.get(self._rule_of(ensemble))

    def hard_of(self, ensemble: int) -> Frontier | None:
        """The frontier of hard partitions for an ensemble's layers; None until it is known, and where it takes long."""
        return self._hard.get(self._rule_of(ensemble))

    def of(self, ensemble: int, epoch: int) -> LayerFits | None:
        """The fits of an ensemble at an epoch."""
        return self._fits.get((ensemble, epoch))

    def latest(self, ensemble: int) -> LayerFits | None:
        """The fits of an ensemble that were wanted and found last, of whatever epoch."""
        epoch = self._shown.get(ensemble)
        return None if epoch is None else self._fits.get((ensemble, epoch))

    def shown(self, ensemble: int, epoch: int) -> LayerFits | None:
        """The fits to be shown at an epoch: its own, or until they are there the last ones; None where it has none."""
        if (ensemble, epoch) in self._impossible or (self._closed and self.of(ensemble, epoch) is None):
            return None
        return self.of(ensemble, epoch) or self.latest(ensemble)

    def finding(self, ensemble: int) -> int | None:
        """The epoch at which an ensemble's beta* is being found."""
        for one in (self._wanted, self._asked):
            if one is not None and one[0] == ensemble:
                return one[1]
        return None

    def said(self, ensemble: int, fits: LayerFits | None) -> str:
        """Of what epoch the shown fits are, what is being found, and how good the curve is, in a line."""
        finding = self.finding(ensemble)
        parts = []
        if fits is not None:
            parts.append(f"{'distances' if fits.no_beta else 'beta*'} at epoch {fits.epoch}")
        if finding is not None and (fits is None or finding != fits.epoch):
            parts.append(f"finding {'that' if fits is not None else 'beta*'} at epoch {finding} …")
        curve = self.curve_of(ensemble)
        if curve is not None and curve.coarse:
            quality = f"within {curve.error:.1g} bits" if curve.certified else "a first look"
            parts.append(f"the curve is {quality} until a better one is found")
        return ", ".join(parts)

    @property
    def ended(self) -> bool:
        """Whether no more can be found."""
        return self._closed

    @property
    def settled(self) -> bool:
        """Whether nothing more comes in by itself: all that was wanted is there, or cannot be had."""
        if self._closed or not self._looking:
            return True
        found = all(rule in self._curves and not self._curves[rule].coarse for rule in self._looking)
        return found and self._wanted is None and self._asked is None

    # what is wanted

    def prepare(self, ensemble: int) -> None:
        """Read an ensemble's curve if it is known, so that it is there when it is wanted. No process begins."""
        rule = self._rule_of(ensemble)
        if rule not in self._threads and not self._closed:
            reading = threading.Thread(target=self._look_up, args=(rule, telling()), name="curve", daemon=True)
            self._threads[rule] = reading
            reading.start()

    def want_curve(self, ensemble: int) -> None:
        """Have an ensemble's curve found, unless it is known or on its way."""
        rule = self._rule_of(ensemble)
        if rule in self._looking or self._closed:
            return
        self._looking.add(rule)
        if self._refusal:
            self._take_refusal(self._refusal)
        elif rule in self._unknown:
            self._find(rule)
        else:
            self.prepare(ensemble)

    def want(self, ensemble: int, epoch: int, *, sparing: bool = False, newest: bool = False) -> None:
        """Have the fits of an ensemble at a measured epoch found, unless they are known, and the curve.

        `sparing`: leave the cores to others for most of the time. `newest`: this epoch is the last one known here; if
        another has been measured by the time of the fit, it is that.
        """
        self.want_curve(ensemble)
        key = ensemble, epoch
        self._sparing, self._newest, self._wanted_at = sparing, newest, time.monotonic()
        if key in self._fits:
            self._fits.move_to_end(key)
            self._shown[ensemble] = epoch
        self._wanted = None if key in self._fits or key in self._impossible or key == self._asked else key
        self._ask()

    def _ask(self) -> None:
        """Send what is wanted, unless an answer is still to come, or it is too soon."""
        if self._wanted is None or self._asked is not None or self._closed or self._later is not None:
            return
        rest = self._asked_at + max(REST_SECONDS, 2 * self._took) - time.monotonic()
        if (self._sparing or self._newest) and rest > 0:
            self._later = asyncio.get_running_loop().call_later(rest, self._ask_later)
            return
        process = self._running()
        if process is None:
            return
        self._asked, self._wanted, self._asked_at = self._wanted, None, time.monotonic()
        ensemble, epoch = self._asked
        process.say({"id": 0, "ensemble": ensemble} | ({} if self._newest else {"epoch": epoch}))

    def _ask_later(self) -> None:
        self._later = None
        self._ask()

    def _find(self, rule: int) -> None:
        """Have the process find a curve, which is a coarse one at first."""
        process = self._running()
        if process is not None:
            process.say({"rule": rule})

    # the process, and the threads

    def _running(self) -> Companion[Callable[[], None]] | None:
        """The process, which is started if need be; None where it cannot be, or has ended."""
        if self._process is None and not self._closed:
            arguments = "-m", "ibtui", "fit", str(self._path.absolute()), "--stream"
            try:
                self._process = Companion(*arguments, read=self._read, heard=lambda take: take(), ended=self._take_end)
            except OSError as error:
                self._closed = True
                self._refused(f"beta* cannot be found: {error.strerror}")
        return self._process

    def _read(self, line: bytes) -> Callable[[], None]:
        """What is to be done with a line of the process; called in its thread."""
        from ibtui_engine.bottleneck.curve import Curve
        from ibtui_engine.bottleneck.fits import LayerFits

        try:
            answer = json.loads(line)
            if "curve" in answer:
                return partial(self._take_curve, int(answer["rule"]), Curve.from_dict(answer["curve"]))
            if "error" in answer:
                return partial(self._take_error, str(answer["error"]))
            return partial(self._take_fits, answer["ensemble"], answer["epoch"], LayerFits.from_dict(answer["fits"]))
        except (EngineError, ValueError, KeyError, TypeError) as error:
            return partial(self._take_error, f"an answer cannot be read: {error}")

    def _look_up(self, rule: int, tell: Callable[..., None]) -> None:
        """Read a curve, if it is known, and find the frontier of hard partitions, where that takes a moment only."""
        from ibtui_engine.bottleneck.kept import kept_curve
        from ibtui_engine.bottleneck.partitions import hard_frontier
        from ibtui_engine.session.history import SessionReader

        try:
            with SessionReader(self._path) as reader:
                found = reader.measured_rule(rule)
                curve = kept_curve(found)
        except EngineError as error:
            tell(self._take_refusal, str(error))
            return
        hard = hard_frontier(found) if found.labels == 2 and found.classes <= MOST_CLASSES else None
        tell(self._take_looked_up, rule, curve, hard)

    # what comes in

    def _take_looked_up(self, rule: int, curve: Curve | None, hard: Frontier | None) -> None:
        if self._closed:
            return
        if hard is not None:
            self._hard[rule] = hard
        if curve is not None:
            self._take_curve(rule, curve)
            return
        self._unknown.add(rule)
        if rule in self._looking and rule not in self._curves:
            self._find(rule)

    def _take_curve(self, rule: int, curve: Curve) -> None:
        known = self._curves.get(rule)
        if self._closed or (known is not None and not known.coarse):
            return
        self._curves[rule] = curve
        for key, fits in self._fits.items():
            if self._rule_of(key[0]) == rule:
                self._fits[key] = fits.against(curve)
        self._changed()

    def _take_fits(self, ensemble: int, epoch: int, fits: LayerFits) -> None:
        if self._closed:
            return
        now = time.monotonic()
        more = (ensemble, epoch) not in self._fits or self._shown.get(ensemble) != epoch
        curve = self.curve_of(ensemble)
        self._fits[ensemble, epoch] = fits if curve is None or curve.coarse else fits.against(curve)
        self._shown[ensemble] = epoch
        while len(self._fits) > MOST_KEPT:
            self._fits.popitem(last=False)
        self._asked = None
        if more and len(self._fits) > 1:  # before the first one the process had to begin
            self._took = now - self._asked_at
        if self._wanted is None and self._newest and now - self._wanted_at < SHOWN_SECONDS:
            self._wanted = ensemble, epoch  # or what is newer by the time of the fit
        self._ask()
        if more:
            self._changed()

    def _take_error(self, said: str) -> None:
        if self._closed:
            return
        if self._asked is not None:
            self._impossible.add(self._asked)
            self._asked = None
        self._refused(said)
        self._ask()
        self._changed()

    def _take_refusal(self, said: str) -> None:
        if not self._looking:
            self._refusal = said
        elif not self._closed:
            self.close()
            self._refused(said)
            self._changed()

    def _take_end(self, status: int, said: str) -> None:
        """The process has ended by itself: what is known stays, and no more is found."""
        self._wanted = self._asked = None
        self.close()
        self._refused(f"no more beta* is found: {last_line(said, status)}")
        self._changed()

    def close(self) -> None:
        """End the process, its pipes and the threads."""
        self._closed = True
        self._wanted = None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._process is not None:
            self._process.close()
        for reading in self._threads.values():
            reading.join(END_SECONDS)
