"""The home process's end of a Dask cluster: who is there, orders out, pieces in.

One coroutine for each worker, in the client's own event loop, looks at it, has its kernels compiled and then exchanges
with it about once a second. What they hear goes into a queue, which home works off in its thread. A worker that does
not answer for `SILENT_SECONDS` counts as gone until it answers again.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ibtui_engine.cluster import worker as far
from ibtui_engine.cluster.orders import Heard, Kit, Machine, Order, Piece, Said, Trial
from ibtui_engine.errors import ClusterError, EngineError, InvalidValue, printable
from ibtui_engine.logs import logger
from ibtui_engine.session.limits import CohortRow

if TYPE_CHECKING:
    from distributed import Client

_log = logger(__name__)
EXCHANGE_SECONDS = 0.5
"""Between two exchanges with a worker, where there are few."""
EXCHANGES = 400.0
"""A second, with all workers: an exchange takes home and the scheduler 1.3 ms."""
SILENT_SECONDS = 15.0
"""A worker that has not answered for so long counts as gone."""
LOOK_SECONDS = 0.5
"""Between two looks at who is there; longer where there are very many."""
PREPARING_SECONDS = 600.0
"""For compiling kernels on a worker, at most."""
ANSWER_SECONDS = 10.0
"""For a worker's answer to the first question, at most."""
MOST_PIECES = 100
"""In one exchange."""
MOST_BACKLOG = 2_000
"""Pieces that home has not worked off; above that, nothing more is fetched."""
MOST_TRIES = 5
"""To get a worker ready."""
GPU = "GPU"
"""What a worker with a graphics card has among its resources in Dask."""


@dataclass(frozen=True, eq=False)
class Joined:
    """A worker that can have orders."""

    address: str
    threads: int
    gpu: bool
    machine: Machine
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Left:
    """A worker that is gone, or silent."""

    address: str
    why: str


@dataclass(frozen=True)
class Refused:
    """A worker that cannot be used."""

    address: str
    why: str


@dataclass(frozen=True, eq=False)
class Arrived:
    """Pieces from a worker."""

    address: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Ended:
    """Dask is done with an order."""

    address: str
    order: int
    error: str
    """Why it did not come to its end; empty where it did."""
    at_fault: bool
    """Whether that is for a reason in what was computed: the worker is still there."""


@dataclass(frozen=True)
class Lost:
    """There is no scheduler any more."""

    why: str


def exchange_seconds(workers: int) -> float:
    """Between two exchanges with one of so many workers."""
    return max(EXCHANGE_SECONDS, workers / EXCHANGES)


Event = Joined | Left | Refused | Arrived | Ended | Lost


class Link:
    """Speaks to the workers of a cluster on behalf of one run. `close` it in any case."""

    def __init__(self, client: Client, kit: Kit, kinds: Sequence[tuple[CohortRow, str, str]]) -> None:
        """`kinds`: one network of each kind of cohort, with trainer and device, for workers to try out."""
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._client: Any = client
        self._kit = kit
        self._kinds = list(kinds)
        self._own = far.machine()
        self._said: dict[str, Said] = {}
        self._hurry: dict[str, asyncio.Event] = {}
        self._attending: dict[str, asyncio.Task[None]] = {}
        self._hosts: dict[str, asyncio.Lock] = {}
        self._futures: dict[int, Any] = {}
        self._given: Counter[str] = Counter()
        """Orders of a worker that Dask is not done with."""
        self._backlog = 0
        self._closing = False
        self._change = threading.Lock()
        self._loop = self._client.loop.asyncio_loop
        self._watching = asyncio.run_coroutine_threadsafe(self._watch(), self._loop)

    # what home calls, in its thread

    def next(self, seconds: float) -> list[Event]:
        """What has happened, as soon as something has, within that time."""
        found: list[Event] = []
        with suppress(queue.Empty):
            found.append(self.events.get(timeout=seconds))
            while len(found) < 64:
                found.append(self.events.get_nowait())
        with self._change:
            self._backlog -= sum(len(event.pieces) for event in found if isinstance(event, Arrived))
        return found

    def send(self, address: str, order: Order, said: Said, *, gpu: bool) -> None:
        """Give a worker an order."""
        import dask

        self._said[address] = replace(said, taken=0)
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "100GB"}):
            try:
                future = self._client.submit(
                    far.carry_out,
                    order,
                    key=f"ibtui-{order.run}-{order.number}",
                    workers=[address],
                    resources={GPU: 1} if gpu else None,
                    pure=False,
                )
            except Exception as error:  # its connection is gone
                self.events.put(Lost(printable(str(error) or type(error).__name__)))
                return
        self._futures[order.number] = future
        with self._change:
            self._given[address] += 1
        future.add_done_callback(lambda done: self._done(address, order.number, done))

    def say(self, address: str, said: Said, *, now: bool = False) -> None:
        """Have a worker told what home wants, at the next exchange, or at once."""
        self._said[address] = replace(said, taken=0)
        if now:
            self._loop.call_soon_threadsafe(self._exchange_soon, address)

    def void(self, orders: Sequence[int]) -> None:
        """Take back orders, as far as nobody has begun them."""
        futures = [future for order in orders if (future := self._futures.pop(order, None)) is not None]
        if futures:
            asyncio.run_coroutine_threadsafe(self._cancel(futures), self._loop)

    def close(self) -> None:
        """Tell the workers that the run is over, as far as they can be reached within a second."""
        self._closing = True
        self._loop.call_soon_threadsafe(self._watching.cancel)
        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(self._dismiss(), self._loop).result(2.0)
        self._futures.clear()

    # what runs in the client's loop

    async def _dismiss(self) -> None:
        attending = list(self._attending.values())
        for task in attending:
            task.cancel()
        await asyncio.gather(*attending, return_exceptions=True)
        if self._client.status == "running":
            with suppress(Exception):
                await asyncio.wait_for(
                    self._client.run(far.dismiss, self._kit.run, workers=list(self._said), on_error="ignore"), 1.0
                )

    async def _cancel(self, futures: list[Any]) -> None:
        with suppress(Exception):
            await self._client.cancel(futures)

    def _exchange_soon(self, address: str) -> None:
        if address in self._hurry:
            self._hurry[address].set()

    def _done(self, address: str, order: int, future: Any) -> None:
        """Called by Dask, in a thread of its own."""
        if self._closing:
            return
        status: str = future.status or "lost"
        error, at_fault = "" if status == "finished" else status, False
        if status == "error":
            with suppress(Exception):
                found = future.exception(timeout=1)
                error, at_fault = f"{type(found).__name__}: {found}", type(found).__name__ != "KilledWorker"
        self._futures.pop(order, None)
        self.events.put(Ended(address, order, printable(error), at_fault))
        with self._change:
            self._given[address] -= 1
            idle = self._given[address] < 1
        if idle:  # else it has work until the next exchange
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._exchange_soon, address)

    async def _watch(self) -> None:
        """See who comes and goes."""
        away: float | None = None
        while True:
            there: dict[str, Any] | None = None
            with suppress(Exception):
                if self._client.status == "running":
                    found = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), SILENT_SECONDS)
                    there = found["workers"]
            if there is None:
                away = time.monotonic() if away is None else away
                if self._client.status == "closed" or time.monotonic() - away > SILENT_SECONDS:
                    self.events.put(Lost("its scheduler does not answer any more"))
                    return
            else:
                away = None
                for address in [known for known in self._attending if known not in there]:
                    self._attending.pop(address).cancel()
                    self._hurry.pop(address, None)
                    self.events.put(Left(address, "it is gone"))
                for address, facts in there.items():
                    if address not in self._attending and facts["status"] in ("running", "paused"):
                        self._hurry[address] = asyncio.Event()
                        self._attending[address] = asyncio.create_task(self._attend(address, facts))
            await asyncio.sleep(max(LOOK_SECONDS, len(self._attending) / 500))

    async def _attend(self, address: str, facts: dict[str, Any]) -> None:
        """Look at a worker, get it ready, and exchange with it for as long as it is there."""
        tries = 0
        while True:
            try:
                tries += 1
                joined = await self._prepare(address, facts)
                if joined is None:
                    return
                tries = 0
                await self._exchange(joined)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                _log.info("worker %s: %s", address, error)
                why = printable(str(error) or type(error).__name__)
                self.events.put(Left(address, why))
                if tries >= MOST_TRIES or isinstance(error, EngineError):
                    self.events.put(Refused(address, why))
                    return
            await asyncio.sleep(LOOK_SECONDS)

    async def _prepare(self, address: str, facts: dict[str, Any]) -> Joined | None:
        """Get a worker ready for orders; None where it must have none."""
        machine = await self._run(address, far.machine)
        if why := unlike(self._own, machine):
            self.events.put(Refused(address, why))
            return None
        await self._run(address, far.install, self._kit)
        gpu = facts["resources"].get(GPU, 0) >= 1
        kinds = [kind for kind in self._kinds if gpu or kind[2] in ("cpu", "mps")]
        first = machine.host not in self._hosts
        lock = self._hosts.setdefault(machine.host, asyncio.Lock())
        if first:  # the others find the kernels that it has compiled
            async with lock:
                trials = await self._try_out(address, kinds, gpu)
        else:
            async with lock:
                pass
            trials = await self._try_out(address, kinds, gpu)
        return Joined(address, facts["nthreads"], gpu, machine, tuple(trials))

    async def _try_out(self, address: str, kinds: list[tuple[CohortRow, str, str]], gpu: bool) -> list[Trial]:
        future = self._client.submit(
            far.try_out, self._kit.run, kinds, workers=[address], pure=False, resources={GPU: 1} if gpu else None
        )
        found: list[Trial] = await asyncio.wait_for(future, PREPARING_SECONDS)
        return found

    async def _exchange(self, joined: Joined) -> None:
        """Exchange with a worker until it knows nothing of the run any more."""
        address, taken, silent = joined.address, 0, False
        hurry = self._hurry[address]
        self.events.put(joined)
        heard = time.monotonic()
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(hurry.wait(), exchange_seconds(len(self._attending)))
            hurry.clear()
            most = MOST_PIECES if self._backlog < MOST_BACKLOG else 0
            said = replace(self._said.get(address, Said()), taken=taken, most=most)
            try:
                exchange = self._run(address, far.exchange, self._kit.run, said)
                found: Heard = await asyncio.wait_for(exchange, SILENT_SECONDS / 3)
            except Exception as error:
                _log.info("worker %s does not answer: %s", address, error)
                if not silent and time.monotonic() - heard > SILENT_SECONDS:
                    silent = True
                    self.events.put(Left(address, "it does not answer"))
                await asyncio.sleep(EXCHANGE_SECONDS)
                continue
            heard = time.monotonic()
            if found.dismissed:
                self.events.put(Left(address, "it has been started again"))
                return
            pieces = found.pieces[max(taken - found.first, 0) :]
            taken = found.first + len(found.pieces)
            if pieces:
                with self._change:
                    self._backlog += len(pieces)
                self.events.put(Arrived(address, pieces))
            if len(found.pieces) == MOST_PIECES:
                hurry.set()
            if silent:
                silent = False
                self.events.put(joined)

    async def _run(self, address: str, function: Any, *arguments: Any) -> Any:
        """Call a function in a worker, beside its tasks.

        Raises:
            Exception: what it raises, or the connection.
        """
        found = await self._client.run(function, *arguments, workers=[address])
        return found[address]


def unlike(own: Machine, other: Machine) -> str:
    """Why a worker must not be used; empty where it may."""
    names = own.differing(other)
    if not names:
        return ""
    there, here = dict(other.versions), dict(own.versions)
    told = [f"{name} {there.get(name, 'unknown')} where this process has {here[name]}" for name in names]
    return f"on {other.host} it has {', '.join(told)}"


def require_alike(client: Client) -> None:
    """Refuse a cluster with a worker of other versions.

    Raises:
        InvalidValue: a worker has others, or none of what is needed.
        ClusterError: the scheduler does not answer.
    """
    if client.asynchronous:
        raise InvalidValue("cluster must be a Dask client that is not asynchronous")
    own = far.machine()

    async def ask(address: str) -> Any:
        try:
            found = await asyncio.wait_for(client.run(far.machine, workers=[address]), ANSWER_SECONDS)
            return found[address]
        except Exception as error:
            return error

    async def ask_all() -> dict[str, Any]:
        there: Any = client
        addresses = list((await there.scheduler.identity(n_workers=-1))["workers"])
        return dict(zip(addresses, await asyncio.gather(*map(ask, addresses)), strict=True))

    for address, machine in _in_loop(client, ask_all()).items():
        if isinstance(machine, OSError | asyncio.TimeoutError):
            continue  # it cannot be reached: should it be there again, it is asked before it gets anything to do
        if isinstance(machine, Exception):
            raise InvalidValue(
                f"cluster: worker {address} cannot be asked for its versions: {printable(str(machine))}; it needs this "
                "version of ibtui"
            )
        if why := unlike(own, machine):
            raise InvalidValue(f"cluster: worker {address} has other versions: {why}")


def _in_loop(client: Any, work: Coroutine[Any, Any, Any]) -> Any:
    """
    Raises:
        ClusterError: it could not be done.
    """
    try:
        return asyncio.run_coroutine_threadsafe(work, client.loop.asyncio_loop).result()
    except Exception as error:
        raise ClusterError(f"the cluster does not answer: {printable(str(error) or type(error).__name__)}") from error
