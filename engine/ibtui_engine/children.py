"""Starting Python beside this process: the only place that knows how.

A child imports what this process would import, and nothing from the current directory. That directory is wherever the
user happens to work; it may hold an `engine.py`, a `json.py` or a `numpy.py` of their own. `-P` keeps Python from
adding the directory itself, but not from following a relative or empty entry of `PYTHONPATH`, so the import locations
are handed over explicitly.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def python_command(*arguments: str) -> list[str]:
    """The command that runs this Python with these arguments, such as `"-m", "ibtui", "list"`.

    Start it with `python_environment()`, or it may find other packages than this process, or none.
    """
    return [sys.executable, "-P", *arguments]


def python_environment() -> dict[str, str]:
    """This process's environment, with `PYTHONPATH` replaced by where it imports from, without the current directory.

    If this package, or `ibtui`, has itself been imported from the current directory (a checkout that is not
    installed), the child has to find it there: then the directory comes last, behind the standard library and all
    installed packages.
    """
    try:
        here = os.path.realpath(os.getcwd())
    except FileNotFoundError:  # it has been deleted: nothing can be found in it
        here = ""
    locations = (os.path.join(here, entry) for entry in sys.path if here or os.path.isabs(entry))
    places = [place for place in locations if os.path.realpath(place) != here]
    if here in _own_locations():
        places.append(here)
    return os.environ | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(places)), "PYTHONSAFEPATH": "1"}


def _own_locations() -> set[str]:
    """The directories that this product's two packages have been imported from."""
    loaded = (sys.modules.get(name) for name in ("ibtui_engine", "ibtui"))
    files = (getattr(module, "__file__", None) for module in loaded)
    return {os.path.realpath(Path(file).parents[1]) for file in files if file}
