"""How a viewer wants the charts over epochs: what the keys of a screen change, and what each chart makes of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ibtui.charts.display import Display

LOGARITHMIC = {"gradients": True, "snr": True, "learning": False}
"""The charts over epochs, and whether the y axis of each is logarithmic unless a viewer wants it otherwise."""


@dataclass(frozen=True)
class EpochDisplay:
    """What has been chosen for all charts over epochs."""

    other_scale: frozenset[str] = frozenset()
    """Charts whose y axis is linear instead of logarithmic, or the other way round."""
    smooth: bool = False
    singles: bool = False
    focus: int | None = None
    """The layer in colour, counted from 0; None: all, but for the gradients, which show the last hidden layer."""

    def rescaled(self, charts: Collection[str]) -> EpochDisplay:
        """With the other y axis in these charts."""
        return replace(self, other_scale=self.other_scale ^ (frozenset(charts) & LOGARITHMIC.keys()))

    def refocused(self, shown: Sequence[int]) -> EpochDisplay:
        """With the next of the shown layers in focus, after the last one none."""
        behind = [layer for layer in shown if self.focus is None or layer > self.focus]
        return replace(self, focus=behind[0] if behind else None)

    def of(self, chart: str, shown: Sequence[int], layers: int) -> Display:
        """How one of the charts is drawn, with these layers of `layers` shown."""
        own = LOGARITHMIC.get(chart)
        focus = self.focus if self.focus in shown else None
        if chart == "gradients" and focus is None:
            focus = max((layer for layer in shown if layer < layers - 1), default=None)
        log = not own if own is not None and chart in self.other_scale else None
        return Display(log=log, smooth=self.smooth, singles=self.singles, focus=focus)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "other_scale": sorted(self.other_scale),
            "smooth": self.smooth,
            "singles": self.singles,
            "focus": self.focus,
        }

    @classmethod
    def from_dict(cls, found: object) -> EpochDisplay:
        """From what was kept, perhaps by another version: what makes no sense is left out."""
        if not isinstance(found, Mapping):
            return cls()
        scales, focus = found.get("other_scale"), found.get("focus")
        names = [name for name in scales if isinstance(name, str)] if isinstance(scales, list | tuple) else []
        return cls(
            other_scale=frozenset(names) & LOGARITHMIC.keys(),
            smooth=found.get("smooth") is True,
            singles=found.get("singles") is True,
            focus=focus if type(focus) is int and focus >= 0 else None,
        )
