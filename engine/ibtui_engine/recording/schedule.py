"""Which epochs of a training loop are measured."""

from __future__ import annotations

import math
from collections.abc import Collection

from ibtui_engine.errors import InvalidValue, shown
from ibtui_engine.setting import is_whole

EACH_UP_TO = 20
"""By default every epoch up to this one is measured,"""
STEP = 1.05
"""and from there on about one for each step by this factor: 100 or so of the first 1000."""


class Schedule:
    """Says of an epoch whether it is to be measured, by its number alone: networks that are recorded one after another
    are measured at the same epochs.

    Raises:
        InvalidValue: `every` is no whole number from 1 on, `at` names what is no epoch, or both are given.
    """

    def __init__(self, every: int | None = None, at: Collection[int] | None = None) -> None:
        if every is not None and at is not None:
            raise InvalidValue("every and at both say which epochs are measured: give one of them")
        if every is not None and (not is_whole(every) or every < 1):
            raise InvalidValue(f"every must be a whole number from 1, got {shown(every)}")
        if at is not None and (wrong := [epoch for epoch in at if not is_whole(epoch) or epoch < 0]):
            raise InvalidValue(f"at must name whole numbers from 0, got {shown(wrong[0])}")
        self._every = every
        self._at = None if at is None else frozenset(at)

    def due(self, epoch: int) -> bool:
        """Whether this epoch is to be measured."""
        if self._at is not None:
            return epoch in self._at
        if self._every is not None:
            return epoch % self._every == 0
        return epoch <= EACH_UP_TO or _steps(epoch) > _steps(epoch - 1)


def _steps(epoch: int) -> int:
    return math.floor(math.log(epoch / EACH_UP_TO, STEP))
