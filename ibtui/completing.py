"""What a path that is being typed could become."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from itertools import islice

MOST_ENTRIES = 5000
"""Entries of a directory that are looked at: the form must not wait for more."""


def completions(text: str, endings: Collection[str] = ()) -> list[str]:
    """Paths that begin with `text`, by name: directories, with a slash behind, and files that end as one of `endings`
    (any, where none is named). Hidden ones only where a dot is typed; none that cannot be printed.
    """
    head, tail = os.path.split(text)
    found = []
    try:
        with os.scandir(head or ".") as entries:
            for entry in islice(entries, MOST_ENTRIES):
                name = entry.name
                if not name.startswith(tail) or (name.startswith(".") and not tail) or not name.isprintable():
                    continue
                if entry.is_dir():
                    found.append(f"{os.path.join(head, name)}/")
                elif not endings or name.lower().endswith(tuple(endings)):
                    found.append(os.path.join(head, name))
    except (OSError, ValueError):
        return []
    return sorted(found)


def completed(text: str, candidates: Sequence[str]) -> str:
    """The text with what all candidates that begin with it have in common; itself where there is no more."""
    fitting = [candidate for candidate in candidates if candidate.startswith(text)]
    if not fitting:
        return text
    first, last = min(fitting), max(fitting)  # whatever these share, those between them share
    common = (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1])
    return first[: next(common, len(first))]
