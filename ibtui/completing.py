"""What a path that is being typed could become."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from itertools import islice

from ibtui_engine.rules.names import COMPRESSED, MNIST_PREFIX, TABLE_PREFIX, TABLE_SUFFIXES

TABLES = (*TABLE_SUFFIXES, COMPRESSED)
"""Endings of the files that rules are read from."""
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


def rule_files(text: str) -> list[str] | None:
    """What the name of a rule could become that is made of a file or a directory; None where it begins otherwise."""
    for prefix, endings in ((TABLE_PREFIX, TABLES), (MNIST_PREFIX, ("/",))):
        if text.startswith(prefix):
            return [f"{prefix}{path}" for path in completions(text.removeprefix(prefix), endings)]
    return completions(text, TABLES) if "/" in text or text.startswith(".") else None


def completed(text: str, candidates: Sequence[str]) -> str:
    """The text with what all candidates that begin with it have in common; itself where there is no more."""
    fitting = [candidate for candidate in candidates if candidate.startswith(text)]
    if not fitting:
        return text
    first, last = min(fitting), max(fitting)  # whatever these share, those between them share
    common = (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1])
    return first[: next(common, len(first))]
