"""What Dask loads in workers that a run has started on its own machine: Ctrl+C at the terminal is the run's affair.

The run asks its workers for what they have and ends them; where it is gone, they end by themselves.
"""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Called by Dask in the worker's main thread."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
