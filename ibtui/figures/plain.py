"""matplotlib as it ships: pictures depend on what is drawn, not on where a command runs or on anybody's settings.

Importing matplotlib reads a `matplotlibrc` in the current directory first, which can name programs to run, then the
user's. Every module here that needs matplotlib imports this one before it, and draws inside `style`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ibtui.surroundings import path_of_programs


def _imported_plainly() -> Any:
    """matplotlib, imported where its own `matplotlibrc` lies, which has all defaults, in place of any other."""
    spec = find_spec("matplotlib")
    if "matplotlib" not in sys.modules and spec is not None and spec.origin is not None:
        shipped = Path(spec.origin).resolve().parent / "mpl-data"
        here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
        before = {name: os.environ.get(name) for name in ("MPLBACKEND", "PATH")}
        os.environ |= {"MPLBACKEND": "agg", "PATH": path_of_programs()}  # it runs fc-list to look for fonts
        os.chdir(shipped)
        try:
            import matplotlib.font_manager
        finally:
            os.fchdir(here)
            os.close(here)
            for name, value in before.items():
                os.environ.pop(name)
                os.environ |= {} if value is None else {name: value}
    import matplotlib

    return matplotlib


mpl = _imported_plainly()


@contextmanager
def style(settings: Mapping[str, Any]) -> Iterator[None]:
    """Inside, matplotlib has these settings and else its own defaults; afterwards what it had."""
    defaults = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}  # none is asked for
    with mpl.rc_context({**defaults, **settings}):
        yield
