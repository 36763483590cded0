"""What of the surroundings a command takes: programs in absolute directories, never in the current one, and a size of
the terminal that can be one.
"""

from __future__ import annotations

import os

LOG_FILE = "IBTUI_LOG"
"""The variable that names the file to log to (`ibtui.log`)."""
LOG_LEVEL = "IBTUI_LOG_LEVEL"
"""The variable that says from which level on."""
SIZES = {"COLUMNS": range(20, 1001), "LINES": range(5, 1001)}
"""What these variables may say; nothing can be shown in less."""


def settle() -> None:
    """For this process and those that it starts: leave out of the environment what it should not take from there."""
    os.environ["PATH"] = path_of_programs()
    for name, possible in SIZES.items():
        told = os.environ.get(name, "")
        if not (told.isascii() and told.isdecimal() and len(told) < 5 and int(told) in possible):
            os.environ.pop(name, None)


def path_of_programs() -> str:
    """`PATH` without entries that depend on the current directory (`.`, an empty one, any that is not absolute)."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.isabs(entry))
