"""From `local:4`, an address or a scheduler file to a connected client of Dask.

Dask unpickles what its peers send: whoever can reach a scheduler or a worker without TLS can run code there, and here.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ibtui_engine.errors import EngineError, InvalidValue, printable, shown
from ibtui_engine.packages import import_package, require_packages
from ibtui_engine.threads import usable_cores

if TYPE_CHECKING:
    from distributed import Client

ALLOWED = "local:N, tcp://HOST:PORT, tls://HOST:PORT or a scheduler file"
MOST_LOCAL = 1024
"""Workers on this machine."""
CONNECTING_SECONDS = 10.0
LARGEST_FILE = 1_000_000
"""Bytes of a scheduler file."""
_ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[^\[\]/:\s]+):(\d{1,5})")


@dataclass(frozen=True)
class Place:
    """Where a cluster is."""

    local: int = 0
    """Workers to start on this machine; 0: there is a scheduler."""
    address: str = ""
    """The scheduler's."""

    @property
    def encrypted(self) -> bool:
        """Whether what is sent is, and both ends show certificates."""
        return self.address.startswith("tls://")

    @property
    def on_this_machine(self) -> bool:
        """Whether the scheduler is on the loopback interface."""
        found = _ADDRESS.fullmatch(self.address)
        if found is None:
            return bool(self.local)
        host = found[2].strip("[]")
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def place_of(text: str) -> Place:
    """What `--cluster` says.

    Raises:
        InvalidValue: it says nothing that is allowed, or the scheduler file is missing or broken.
    """
    if text.startswith("local:"):
        number = text.removeprefix("local:")
        if not number.isdecimal() or len(number) > 5 or not 1 <= int(number) <= MOST_LOCAL:
            raise InvalidValue(f"cluster must be local:1 to local:{MOST_LOCAL}, got {shown(text)}")
        return Place(local=int(number))
    if "://" in text:
        return Place(address=_require_address(text, f"cluster must be {ALLOWED}, got {shown(text)}"))
    path = Path(text)
    if not text or not path.exists():
        raise InvalidValue(f"cluster must be {ALLOWED}, got {shown(text)}, and there is no such file")
    try:
        with path.open("rb") as file:
            address = json.loads(file.read(LARGEST_FILE))["address"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else "it has no address of a scheduler"
        raise InvalidValue(f"cluster: scheduler file {shown(text)} cannot be read: {why}") from None
    what = f"cluster: scheduler file {shown(text)} must have an address such as tcp://HOST:PORT, got {shown(address)}"
    return Place(address=_require_address(address, what))


def _require_address(text: object, sentence: str) -> str:
    found = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
    if found is None or not 1 <= int(found[3]) <= 65535:
        raise InvalidValue(sentence)
    return found[0]


@contextmanager
def connected(text: str, *, trusted: bool = False, threads: int | None = None) -> Iterator[Client]:
    """A client of the cluster that `text` names, whose workers have this process's versions; inside it is connected.

    Args:
        text: `local:N`, `tcp://HOST:PORT`, `tls://HOST:PORT` or the name of a scheduler file.
        trusted: whether to connect without TLS to another machine.
        threads: of each worker that is started here; None: they share the cores.

    Raises:
        InvalidValue: Dask is not installed, the place is none, nobody answers there, it is not encrypted and not
            trusted, or its workers have other versions.
        ClusterError: the workers do not answer.
    """
    place = place_of(text)
    if place.address and not (trusted or place.encrypted or place.on_this_machine):
        raise InvalidValue(
            f"cluster {place.address} is neither encrypted nor on this machine, and whoever can reach it can run code "
            "here: use tls://, or --trust-network if you trust everybody on that network"
        )
    if threads is not None and not place.local:
        raise InvalidValue(
            "threads can be given for the workers of local:N alone: others have as many as they were started with"
        )
    require_packages("a cluster needs", "dask", "distributed")
    _keep_quiet()
    import_package("a cluster needs", "distributed")
    from ibtui_engine.cluster.link import require_alike

    with _started(place.local, threads) if place.local else _reached(place.address) as client:
        require_alike(client)
        yield client


@contextmanager
def _reached(address: str) -> Iterator[Client]:
    from distributed import Client, Security

    try:
        security = Security()
        if address.startswith("tls://") and not security.tls_ca_file:
            raise InvalidValue(
                f"cluster {address} needs certificates: name them in DASK_DISTRIBUTED__COMM__TLS__CA_FILE and its like "
                "(https://distributed.dask.org/en/stable/tls.html)"
            )
        client = Client(address, timeout=CONNECTING_SECONDS, set_as_default=False, security=security)
    except InvalidValue:
        raise
    except Exception as error:  # among them OSError, TimeoutError, and what certificates are refused by
        raise InvalidValue(f"cluster: nobody can be reached at {address}: {_cause(error)}") from None
    try:
        yield client
    finally:
        client.close(timeout=1)


@contextmanager
def _started(workers: int, threads: int | None) -> Iterator[Client]:
    from distributed import Client, LocalCluster

    # a worker is a Python that must not import from the current directory
    os.environ["PYTHONSAFEPATH"] = "1"
    how: dict[str, Any] = {
        "n_workers": workers,
        "threads_per_worker": threads or max(usable_cores() // workers, 1),
        "dashboard_address": "127.0.0.1:0",  # without a port, it takes one that another may have
        "memory_limit": None,
        "silence_logs": logging.CRITICAL,
        "preload": "ibtui_engine.cluster.unattended",
    }
    try:
        cluster = LocalCluster(**how)
    except EngineError:
        raise
    except Exception as error:
        raise InvalidValue(f"cluster: {workers} workers cannot be started here: {_cause(error)}") from None
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


def _cause(error: BaseException) -> str:
    """The first line of what is at the bottom of an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return printable((str(error).strip() or type(error).__name__).splitlines()[0])


def _keep_quiet() -> None:
    """Have what Dask says of itself in the log alone, where there is one: it sets up printing where nothing is."""
    for name in ("distributed", "tornado"):
        log = logging.getLogger(name)
        log.addHandler(logging.NullHandler())
    import_package("a cluster needs", "distributed")
    for name in ("distributed", "distributed.client", "distributed.gc", "bokeh", "tornado", "tornado.application"):
        log = logging.getLogger(name)
        log.propagate = True
        for handler in [one for one in log.handlers if isinstance(one, logging.StreamHandler)]:
            log.removeHandler(handler)
        log.addHandler(logging.NullHandler())
