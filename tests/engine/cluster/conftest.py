"""A cluster of two workers in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """Of two workers of one thread each, in threads of this process."""
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "processes": False}
    with distributed.LocalCluster(**how) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client
