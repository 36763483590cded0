"""Which cells of a map deserve more networks: where a claim is undecided, and where its verdict changes.

The rule, all of it: a cell is open while its verdict is undecided, or while a neighbour along an axis has another
verdict and fewer than all bootstrap samples agree with its own. In each round every open cell doubles its networks,
those with the smallest margin first, as long as the budget lasts; none gets more than `MOST_TIMES` as many as the map
began with.
It ends when no cell is open that may have more, or with the budget. A cell is so looked at up to four times, each time
at the level of one look: where its verdict comes with the last of them, errors of the first kind are up to as many
times as frequent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ibtui_engine.account.finding import UNDECIDED
from ibtui_engine.errors import InvalidValue
from ibtui_engine.maps.axes import axes_of
from ibtui_engine.maps.cells import judged
from ibtui_engine.maps.reading import KNOWN

if TYPE_CHECKING:
    from ibtui_engine.maps.cells import CellVerdict
    from ibtui_engine.maps.reading import Map

MOST_TIMES = 8
"""Networks that a cell may come to have, over those that the map began with."""


@dataclass(frozen=True)
class Round:
    """What a map needs next to settle a claim."""

    further: Mapping[int, int]
    """Networks to add, by the index of the ensemble."""
    open: int
    """Cells that are not settled."""

    @property
    def networks(self) -> int:
        """Networks to add in all."""
        return sum(self.further.values())


def require_claim(key: str) -> None:
    """Refuse a claim that no cell can be judged by: InvalidValue."""
    keys = [claim.key for claim in judged()]
    if key not in keys:
        raise InvalidValue(f"refine must be one of {', '.join(keys)}, got {key!r}")


def next_round(found: Map, claim: str, budget: int) -> Round:
    """The cells to give more networks, and how many each.

    Args:
        found: the map as it is.
        claim: key of a claim that single ensembles are judged by.
        budget: networks that may be added in all.
    """
    verdicts = {
        index: place.cell.verdicts[claim]
        for index, place in found.places.items()
        if place.state == KNOWN and place.cell is not None and claim in place.cell.verdicts
    }
    beside = _neighbours(found)
    unsettled = [index for index, one in verdicts.items() if _is_open(one, (verdicts.get(k) for k in beside[index]))]
    most = MOST_TIMES * found.summary.experiment.networks
    further: dict[int, int] = {}
    for index in sorted(unsettled, key=lambda index: (verdicts[index].margin, index)):
        has = found.places[index].ensemble.networks
        more = min(has, most - has, budget - sum(further.values()))
        if more > 0:
            further[index] = more
    return Round(further, len(unsettled))


def _is_open(one: CellVerdict, others: Iterator[CellVerdict | None]) -> bool:
    if one.verdict == UNDECIDED:
        return True
    return one.margin < 1 and any(other is not None and other.verdict != one.verdict for other in others)


def _neighbours(found: Map) -> dict[int, list[int]]:
    """The ensembles one step away along an axis, by the index of each."""
    axes = axes_of(found.summary.experiment)
    at: dict[tuple[int, ...], int] = {}
    for index, place in found.places.items():
        at[tuple(axis.values.index(axis.of(place.ensemble.settings)) for axis in axes)] = index
    found_beside: dict[int, list[int]] = {}
    for place_in, index in at.items():
        steps = (_step(place_in, axis, by) for axis in range(len(axes)) for by in (-1, 1))
        found_beside[index] = [at[one] for one in steps if one in at]
    return found_beside


def _step(place: tuple[int, ...], axis: int, by: int) -> tuple[Any, ...]:
    return (*place[:axis], place[axis] + by, *place[axis + 1 :])
