"""Where a view stands in a session: the playhead, and how it moves. Nothing here reaches the run.

The playhead is an epoch that was measured. While it follows the end, new snapshots carry it along (live); any move
back lets it stay where it is, until it is sent to the end again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Snapshots per second that playing can go at."""


@dataclass(frozen=True)
class Playback:
    """A playhead over measured epochs."""

    epochs: tuple[int, ...] = ()
    """Measured so far, ascending."""
    epoch: int = 0
    following: bool = True
    """Whether new snapshots carry the playhead along."""
    playing: bool = False
    speed: float = 10.0

    @property
    def index(self) -> int:
        """The playhead's place among the epochs; 0 where none is measured."""
        return max(bisect_right(self.epochs, self.epoch) - 1, 0)

    @property
    def at_end(self) -> bool:
        """Whether nothing measured lies after the playhead."""
        return not self.epochs or self.epoch >= self.epochs[-1]

    def grown(self, epochs: Sequence[int]) -> Playback:
        """With more epochs measured."""
        known = tuple(epochs)
        if not known:
            return replace(self, epochs=known)
        return replace(self, epochs=known, epoch=known[-1] if self.following else _nearest(known, self.epoch))

    def step(self, snapshots: int) -> Playback:
        """Forward or back by a number of snapshots."""
        if not self.epochs:
            return self
        return self.to_index(self.index + snapshots)

    def to_index(self, index: int) -> Playback:
        """To the snapshot of that number, as far as there are any."""
        if not self.epochs:
            return self
        place = min(max(index, 0), len(self.epochs) - 1)
        last = place == len(self.epochs) - 1
        return replace(self, epoch=self.epochs[place], following=False, playing=self.playing and not last)

    def to_epoch(self, epoch: int) -> Playback:
        """To the measured epoch nearest to one."""
        return replace(self, epoch=_nearest(self.epochs, epoch), following=False) if self.epochs else self

    def live(self) -> Playback:
        """To the end, and along with it from now on."""
        epoch = self.epochs[-1] if self.epochs else self.epoch
        return replace(self, epoch=epoch, following=True, playing=False)

    def toggled(self) -> Playback:
        """Playing, or no longer; from the beginning where the playhead is at the end."""
        if self.playing:
            return replace(self, playing=False)
        start = self.epochs[0] if self.at_end and self.epochs else self.epoch
        return replace(self, playing=True, following=False, epoch=start)

    def faster(self, steps: int) -> Playback:
        """At the next speed up (1) or down (−1)."""
        place = min(max(bisect_right(SPEEDS, self.speed) - 1 + steps, 0), len(SPEEDS) - 1)
        return replace(self, speed=SPEEDS[place])


def _nearest(epochs: Sequence[int], epoch: int) -> int:
    place = bisect_right(epochs, epoch)
    around = epochs[max(place - 1, 0) : place + 1]
    return min(around, key=lambda known: abs(known - epoch))
