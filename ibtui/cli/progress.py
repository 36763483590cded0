"""A run's progress on stderr: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ibtui.cli.console import tell
from ibtui.formatting import duration, printable

if TYPE_CHECKING:
    from ibtui_engine.progress import Progress

LINE_SECONDS = 10.0
"""Between two plain lines, at least; the tenths of a run are always told."""
PREPARING_SECONDS = 1.0
"""Preparation that takes longer than this is reported: it is the first run, which compiles the kernels."""


def describe(progress: Progress) -> str:
    """Which ensemble is at work."""
    if progress.ensemble is None:
        return ""
    where = progress.ensemble.told_apart(progress.varied)
    return where if progress.ensembles == 1 else f"{progress.ensemble.index + 1}/{progress.ensembles} {where}"


class PlainLines:
    """Lines that a log can keep."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._told = time.monotonic()
        self._tenth = 0
        self._timer = threading.Timer(PREPARING_SECONDS, self._compiling)
        self._timer.daemon = True

    def __enter__(self) -> PlainLines:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _compiling(self) -> None:
        tell(
            "preparing: the first run on a machine compiles its kernels, once, in about 10 s",
            quiet=self._quiet,
        )

    def __call__(self, progress: Progress) -> None:
        """Tell a tenth, or that time has passed."""
        if progress.note:
            tell(progress.note, quiet=self._quiet)
        if progress.status == "preparing" or progress.ensemble is None:
            return
        self._timer.cancel()
        if progress.status == "paused":
            tell("paused; `ibtui resume` continues it", quiet=self._quiet)
            return
        now = time.monotonic()
        tenth = int(progress.done * 10)
        if tenth > self._tenth or now - self._told > LINE_SECONDS:
            self._tenth = tenth
            self._told = now
            rate = f"{progress.rate:.0f} epochs/s, " if progress.rate else ""
            tell(
                f"{progress.done:4.0%}  {describe(progress)}: epoch {progress.epoch} of {progress.epochs}, {rate}"
                f"{duration(progress.remaining)} left",
                quiet=self._quiet,
            )


class LiveBar:
    """A bar that moves, with the ensemble, the epoch, epochs per second and the time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[figures]}", markup=False),
            console=Console(stderr=True),
            transient=True,
            expand=True,
        )
        self._task = self._bar.add_task("preparing (the first run compiles its kernels)", total=1.0, figures="")

    def __enter__(self) -> LiveBar:
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def __call__(self, progress: Progress) -> None:
        """Move the bar."""
        if progress.note:
            self._bar.console.print(printable(progress.note), markup=False, highlight=False, soft_wrap=True)
        if progress.ensemble is None:
            return
        rate = f"{progress.rate:.0f} epochs/s" if progress.rate else ""
        left = "paused" if progress.status == "paused" else f"{duration(progress.remaining)} left"
        self._bar.update(
            self._task,
            completed=progress.done,
            description=printable(describe(progress)),
            figures=f"epoch {progress.epoch}/{progress.epochs}  {rate}  {left}",
        )


def watcher(quiet: bool) -> Any:
    """What shows a run's progress here; a context manager that is called with each `Progress`."""
    return LiveBar() if sys.stderr.isatty() and not quiet else PlainLines(quiet)
