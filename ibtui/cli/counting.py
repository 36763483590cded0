"""How far a count has come, on stderr: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ibtui.cli.console import tell
from ibtui.ending import orderly
from ibtui.formatting import duration

LINE_SECONDS = 5.0
"""Between two plain lines, at least; work that takes less is not told."""


@contextmanager
def counting(what: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Call what this gives with how many are done, of how many. A signal takes back what is begun inside."""
    with orderly() as leave_if_asked, _shown(what, quiet) as count:

        def watch(done: int, total: int) -> None:
            leave_if_asked()
            count(done, total)

        yield watch


@contextmanager
def _shown(what: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    if quiet:
        yield lambda done, total: None
    elif not sys.stderr.isatty():
        yield _lines(what)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), MofNCompleteColumn())
        bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True, expand=True)
        with bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> Callable[[int, int], None]:
    began = told = time.monotonic()

    def tell_if_due(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > LINE_SECONDS and done < total:
            told = now
            tell(f"{what}: {done} of {total}, {duration((now - began) / done * (total - done))} left")

    return tell_if_due
