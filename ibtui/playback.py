"""Where a view stands in a session: the playhead, and how it moves. Nothing here reaches the run.

The playhead is an epoch that was measured. While it follows a run, it is carried along to the end, snapshot by
snapshot, so that each of them is seen (live); any other move lets it stay where it is, until it is sent to the end
again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Snapshots per second that playing can go at."""
FOLLOWING = (10.0, 20.0)
"""Snapshots per second at which a run is followed: near its end, and when far behind it."""
FAR_BEHIND = 20
"""Snapshots behind the end from which on it is followed at full speed."""
MOST_BEHIND = 240
"""Snapshots that are shown one by one, in 12 s: of more, some are left out."""


@dataclass(frozen=True)
class Playback:
    """A playhead over measured epochs."""

    epochs: tuple[int, ...] = ()
    """Measured so far, ascending."""
    epoch: int = 0
    following: bool = True
    """Whether the playhead is carried along to the end."""
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

    @property
    def behind(self) -> int:
        """Snapshots between the playhead and the end, while it follows; else 0."""
        return len(self.epochs) - 1 - self.index if self.following and self.epochs else 0

    @property
    def pace(self) -> float | None:
        """Snapshots per second at which the playhead moves by itself; None where it does not."""
        if self.playing:
            return self.speed
        if not self.behind:
            return None
        slow, fast = FOLLOWING
        return slow + (fast - slow) * min(self.behind / FAR_BEHIND, 1.0)

    def carried(self, at_most: int = MOST_BEHIND) -> Playback:
        """A step towards the end that is followed: by one snapshot, or by more where `at_most` would be left behind."""
        if not self.behind:
            return self
        step = max(math.ceil(self.behind / max(at_most, 1)), 1)
        return replace(self, epoch=self.epochs[min(self.index + step, len(self.epochs) - 1)])

    def grown(self, epochs: Sequence[int]) -> Playback:
        """With more epochs measured. The playhead stays where it is, at the first epoch where there was none."""
        known = tuple(epochs)
        if not known:
            return replace(self, epochs=known)
        return replace(self, epochs=known, epoch=_nearest(known, self.epoch))

    def from_epoch(self, epoch: int) -> Playback:
        """Follow the end from the measured epoch nearest to one."""
        return replace(self, epoch=_nearest(self.epochs, epoch) if self.epochs else epoch, following=True)

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
        """Still where the playhead moves by itself, else playing; from the beginning where it is at the end."""
        if self.playing or self.behind:
            return replace(self, playing=False, following=False)
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
