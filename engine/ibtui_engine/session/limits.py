"""What a session file may claim: limits, and the checks that what is read from one keeps them. Standard library only.

A session may come from anybody. Its texts, numbers and sizes are held against these limits where they are read, before
anything is computed or allocated from them, so that nothing behind has to ask again. A file that a run has written
keeps all of them; what does not is damaged, or made up. Those of settings are in `ibtui_engine.experiment`, those of
rules in `ibtui_engine.rules.limits`.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ibtui_engine.errors import shown
from ibtui_engine.experiment import GRID, MAX_NETWORKS, Ensemble, Experiment, plain_value
from ibtui_engine.session.columns import TOLERANCE
from ibtui_engine.session.format import count, number

LONGEST_TEXT = 5_000
"""Characters of a name or another short text."""
LONGEST_JSON = 4_000_000
"""Bytes of the experiment, the schedule or the rule's parameters."""
MOST_PARAMETERS = 100
"""Named numbers that a rule was made with."""
LATEST = 1e12
"""Seconds since 1970, before or after."""
LARGEST_WEIGHTS = 1_000_000_000
"""Bytes of all weights of a cohort at one epoch: SQLite holds no more in one value."""
MOST_WEIGHTS = 4_000_000_000
"""Bytes of all weights of an ensemble at one epoch."""
MOST_SPARSE = 20_000_000
"""Numbers of layers or networks by epoch where fewer than a tenth of them is recorded."""


class CohortRow(NamedTuple):
    """Networks `first`, `first` + 1, ... of an ensemble, and the epoch up to which they are trained."""

    id: int
    ensemble: int
    first: int
    networks: int
    epoch: int


@contextmanager
def short_texts(connection: sqlite3.Connection) -> Iterator[None]:
    """Inside, no value of more than `LONGEST_JSON` bytes is read: SQLite refuses it before it is in memory."""
    before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_JSON)
    try:
        yield
    finally:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def text(value: object, what: str) -> str:
    """A short text.

    Raises:
        ValueError: it is none, or longer than `LONGEST_TEXT`.
    """
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(f"its {what} is {shown(value)}; allowed is a text of up to {LONGEST_TEXT} characters")
    return value


def within(value: object, what: str, least: float, most: float) -> float:
    """A number in a range.

    Raises:
        ValueError: it is none, or outside.
    """
    found = number(value)
    if not least <= found <= most:
        raise ValueError(f"its {what} is {found:g}; allowed is {least:g} to {most:g}")
    return found


def parameters(found: object) -> dict[str, float]:
    """What a rule was made with, by name.

    Raises:
        ValueError: it is no such thing.
    """
    if not isinstance(found, dict) or len(found) > MOST_PARAMETERS:
        raise ValueError(f"its rule was made with {shown(found)}; allowed are up to {MOST_PARAMETERS} numbers by name")
    return {text(key, "rule's parameter"): number(value) for key, value in found.items()}


def information(h_x: object, i_xy: object, patterns: int, labels: int) -> tuple[float, float]:
    """H(X) and I(X;Y), bits, of a rule of that many patterns and labels.

    Raises:
        ValueError: they are none.
    """
    entropy = within(h_x, "H(X)", 0.0, math.log2(patterns) + TOLERANCE)
    return entropy, within(i_xy, "I(X;Y)", 0.0, min(entropy, math.log2(labels)) + TOLERANCE)


def in_grid(experiment: Experiment, index: int, row: Mapping[str, object], settings: str | None) -> Ensemble:
    """The ensemble that a session says it recorded as that number.

    Args:
        experiment: of the session.
        index: its place in the grid, from 0.
        row: its columns that are settings; None in those that an earlier version had not.
        settings: its column `settings`; None in earlier versions.

    Raises:
        ValueError: the experiment has no such ensemble there.
    """
    if index >= experiment.count:
        raise ValueError(f"its experiment has no ensemble {index}")
    ensemble = experiment.ensemble(index)
    said = [(name, value) for name, value in row.items() if value is not None or len(getattr(experiment, name)) > 1]
    if settings is not None:
        said += dict(json.loads(settings)).items()
    for name, value in said:
        if name not in GRID or plain_value(getattr(ensemble, name)) != value:
            raise ValueError(f"its ensemble {index} has {shown(name)} {shown(value)}, which is not in its experiment")
    return ensemble


def require_whole(cohorts: Sequence[CohortRow], listed: int, epochs: int) -> int:
    """How many networks the cohorts of an ensemble are, in order of their first network, of which `listed` have a row.

    Raises:
        ValueError: networks are missing or twice there, are too many, or are further than the experiment goes.
    """
    total = 0
    for cohort in cohorts:
        if cohort.networks < 1:
            raise ValueError(f"ensemble {cohort.ensemble} has a cohort without networks")
        if cohort.first != total:
            raise ValueError(f"ensemble {cohort.ensemble} has networks from {cohort.first} where {total} is the next")
        if cohort.epoch > epochs:
            raise ValueError(f"networks are trained to epoch {cohort.epoch}, and its experiment ends at {epochs}")
        total += cohort.networks
    if total != listed:
        raise ValueError(f"ensemble {cohorts[0].ensemble} has {listed} networks where {total} belong")
    if total > MAX_NETWORKS:
        raise ValueError(f"ensemble {cohorts[0].ensemble} has {total} networks; allowed are at most {MAX_NETWORKS}")
    return total


def cohort_row(row: Sequence[object]) -> CohortRow:
    """A row of cohorts.

    Raises:
        ValueError: it is none.
    """
    return CohortRow(*map(count, row))
