"""What Dask calls in a worker, by name: looking at the machine, taking a kit, carrying out orders, exchanging.

The functions that take `dask_worker` run in the worker's event loop and return at once; `carry_out` and `try_out` are
tasks and run in its threads. A worker keeps a bench for each run (`ibtui_engine.cluster.bench`).
"""

from __future__ import annotations

import logging
import platform
from typing import TYPE_CHECKING, Any

import numpy as np

from ibtui_engine.cluster.bench import Bench
from ibtui_engine.cluster.orders import Heard, Kit, Machine, Order, Said, Trial
from ibtui_engine.compiling.cache import processor
from ibtui_engine.compiling.store import digest_of_sources
from ibtui_engine.session.limits import CohortRow

# isort: split
import llvmlite
import numba

if TYPE_CHECKING:
    from distributed import Worker

_BENCHES = "ibtui_benches"
"""The attribute of Dask's worker object that holds its benches."""


def machine() -> Machine:
    """What this process computes with."""
    name, features = processor()
    versions = {
        "ibtui": _version(),
        "its sources": digest_of_sources()[:12],
        "Numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "NumPy": np.__version__,
    }
    return Machine(platform.node(), tuple(versions.items()), name, features)


def install(kit: Kit, dask_worker: Worker) -> None:
    """Take what is needed for a run's orders. Earlier runs of the same session are over."""
    benches = _benches(dask_worker)
    for run in [run for run, bench in benches.items() if bench.kit.session == kit.session]:
        benches.pop(run).dismiss()
    benches[kit.run] = Bench(kit, dask_worker.state.nthreads)
    logging.getLogger("distributed.worker").addFilter(_is_no_exchange)


def dismiss(run: str, dask_worker: Worker) -> None:
    """The run is over."""
    if (bench := _benches(dask_worker).pop(run, None)) is not None:
        bench.dismiss()


def exchange(run: str, said: Said, dask_worker: Worker) -> Heard:
    """Tell a worker what home wants, and fetch what it has ready."""
    bench = _benches(dask_worker).get(run)
    return Heard(0, dismissed=True) if bench is None else bench.exchange(said)


def try_out(run: str, rows: list[tuple[CohortRow, str, str]]) -> list[Trial]:
    """Compile the kernels that these cohorts need, and see how fast they are (`Bench.try_out`)."""
    bench = _bench(run)
    return [] if bench is None else bench.try_out(rows)


def carry_out(order: Order) -> None:
    """Train and measure what is ordered (`Bench.carry_out`)."""
    if (bench := _bench(order.run)) is not None:
        bench.carry_out(order)


def _bench(run: str) -> Bench | None:
    """That of the worker whose task calls."""
    from distributed import get_worker

    return _benches(get_worker()).get(run)


def _benches(worker: Worker) -> dict[str, Bench]:
    found: dict[str, Bench] = vars(worker).setdefault(_BENCHES, {})
    return found


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ibtui")
    except PackageNotFoundError:
        return "not installed"


def _is_no_exchange(record: logging.LogRecord) -> bool:
    """Whether a line of the worker's log is of something else: exchanges come every second."""
    args: Any = record.args
    return not (isinstance(args, tuple) and args == (exchange.__name__,))
