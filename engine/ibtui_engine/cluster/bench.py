"""Where a worker works off its orders, one after the other, and what it has ready for home: no Dask in here.

A cohort gets all threads of the worker, so that orders take turns. Between chunks of training the bench looks for what
home wants. What it has ready is kept until home says that it has arrived, and where much waits, training waits, too.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from ibtui_engine.cluster.orders import (
    CHECKPOINT_SECONDS,
    FAILED,
    FINISHED,
    RETURNED,
    STOPPED,
    Heard,
    Kit,
    Order,
    Piece,
    Said,
    Trial,
)
from ibtui_engine.cohort import Cohort
from ibtui_engine.errors import EngineError, TrainingError
from ibtui_engine.session.limits import CohortRow
from ibtui_engine.threads import Threads
from ibtui_engine.training.problem import TrainingState

LOOK_SECONDS = 0.1
"""Between two looks while it waits."""
SILENT_SECONDS = 60.0
"""Without a word from home for so long, an order is given up."""
MOST_BYTES = 256_000_000
"""Of pieces that wait for home."""


class Bench:
    """A worker's place for one run."""

    def __init__(self, kit: Kit, threads: int) -> None:
        self.kit = kit
        self._threads = Threads(threads)
        self._turn = threading.Lock()
        self._change = threading.Lock()
        self._waiting: deque[Piece] = deque()
        self._bytes = 0
        self._sent = 0
        """Pieces that home has."""
        self._said = Said()
        self._heard = time.monotonic()
        self._dismissed = False

    def dismiss(self) -> None:
        """Give up all orders: the run is over."""
        self._dismissed = True
        self._threads.close()

    def exchange(self, said: Said) -> Heard:
        """Take what home wants and hand over what is ready. Never waits."""
        with self._change:
            self._said = said
            self._heard = time.monotonic()
            while self._waiting and self._sent < said.taken:
                self._bytes -= _size(self._waiting.popleft())
                self._sent += 1
            pieces = tuple(piece for piece, _ in zip(self._waiting, range(said.most), strict=False))
            return Heard(self._sent, pieces)

    def try_out(self, rows: Iterable[tuple[CohortRow, str, str]]) -> list[Trial]:
        """Compile or load the kernels for cohorts of these kinds, and see how fast one network of each is.

        Args:
            rows: the row of a network, its trainer and its device.
        """
        with self._turn:
            return [self._try_out(*row) for row in rows]

    def _try_out(self, row: CohortRow, trainer: str, device: str) -> Trial:
        schedule = self.kit.schedule
        cohort = Cohort(self.kit.study, row, trainer, device, None, self._threads)
        try:
            took = pace = 0.0
            with suppress(TrainingError):  # whoever trains the networks in earnest says so
                cohort.snapshot()
                began = time.perf_counter()
                cohort.snapshot()
                took = time.perf_counter() - began
                for _ in range(3):
                    if cohort.epoch < schedule[-1]:
                        chunk = cohort.advance(schedule)
                        pace = cohort.seconds_per_epoch or chunk.seconds / chunk.epochs
            return Trial(pace, took)
        finally:
            cohort.close()

    def carry_out(self, order: Order) -> None:
        """Train and measure what is ordered; what comes of it goes to home by `exchange`."""
        with self._turn:
            if not self._wants(order.number):
                return
            if self._said.stopping or self._said.keep.get(order.number) == 0:
                self._put(Piece(order.number, order.row, end=RETURNED))
                return
            try:
                self._train(order)
            except EngineError as error:
                self._put(
                    Piece(order.number, order.row, end=FAILED, error=(type(error).__name__, str(error))), wait=False
                )

    def _train(self, order: Order) -> None:
        schedule = self.kit.schedule
        cohort = self._cohort(order, order.row, order.state)
        try:
            saved: float | None = time.monotonic()
            if cohort.fresh:
                first = cohort.snapshot()
                self._tell(order, cohort, measured=first.measured, state=first.state)
            while self._wants(order.number):
                if cohort.epoch >= schedule[-1]:
                    self._tell(order, cohort, end=FINISHED)
                    return
                if self._said.stopping:
                    self._tell(order, cohort, state=cohort.state(), end=STOPPED)
                    return
                if self._said.paused:
                    if saved is not None:
                        self._tell(order, cohort, state=cohort.state())
                        saved = None
                    time.sleep(LOOK_SECONDS)
                    continue
                keep = self._said.keep.get(order.number, cohort.row.networks)
                if 0 < keep < cohort.row.networks:
                    cohort = self._without(order, cohort, keep)
                chunk = cohort.advance(schedule)
                if chunk.snapshot is not None:
                    self._tell(order, cohort, measured=chunk.snapshot.measured, state=chunk.snapshot.state)
                elif saved is None or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._tell(order, cohort, state=cohort.state())
                else:
                    continue
                saved = time.monotonic()
        finally:
            cohort.close()

    def _cohort(self, order: Order, row: CohortRow, state: TrainingState | None) -> Cohort:
        return Cohort(self.kit.study, row, order.trainer, order.device, state, self._threads)

    def _without(self, order: Order, cohort: Cohort, keep: int) -> Cohort:
        """The cohort without the networks behind the first `keep`, whose state is handed over."""
        state = cohort.state()
        self._tell(order, cohort, state=state, kept=keep)
        rest = TrainingState(state.epoch, state.weights[:keep], state.slots[:, :keep])
        fewer = self._cohort(order, cohort.row._replace(networks=keep), rest)
        if cohort.seconds_per_epoch is not None:
            fewer.seconds_per_epoch = cohort.seconds_per_epoch * keep / cohort.row.networks
        cohort.close()
        return fewer

    def _tell(self, order: Order, cohort: Cohort, **what: object) -> None:
        row = cohort.row._replace(epoch=cohort.epoch)
        self._put(Piece(order.number, row, pace=cohort.seconds_per_epoch, **what))  # type: ignore[arg-type]

    def _wants(self, order: int) -> bool:
        """Whether home still waits for this order. One that home has just sent may be here before it is said."""
        if self._dismissed or time.monotonic() - self._heard > SILENT_SECONDS:
            return False
        return order in self._said.orders or order > self._said.latest

    def _put(self, piece: Piece, *, wait: bool = True) -> None:
        """Have a piece ready for home; waits while too much is waiting already."""
        size = _size(piece)
        while wait and self._bytes + size > MOST_BYTES and self._waiting and self._wants(piece.order):
            time.sleep(LOOK_SECONDS)
        with self._change:
            self._waiting.append(piece)
            self._bytes += size


def _size(piece: Piece) -> int:
    """Bytes that a piece takes, about."""
    state = piece.state.weights.nbytes + piece.state.slots.nbytes if piece.state is not None else 0
    return 1000 + state + (40 * piece.measured.weight_norm.nbytes if piece.measured is not None else 0)
