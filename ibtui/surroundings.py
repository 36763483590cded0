"""What of the surroundings a command trusts: programs in absolute directories alone, never in the current one."""

from __future__ import annotations

import os


def path_of_programs() -> str:
    """`PATH` without entries that depend on the current directory (`.`, an empty one, any that is not absolute)."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.isabs(entry))
