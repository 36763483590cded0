"""What a session's screen shows side by side, in how many columns and rows: as much as fits, or what
somebody has chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

COMPARED = ("plane", "gradients", "snr", "learning")
"""The charts in which ensembles can be compared."""
CHARTS = (*COMPARED, "kept")
"""The charts of a session, in the order of their keys."""
TITLES = {
    "plane": "Plane",
    "gradients": "Gradients",
    "snr": "SNR",
    "learning": "Learning",
    "kept": "Kept",
    "bound": "Bound",
    "phases": "Phases",
    "layers": "Layers",
}
"""What can be chosen: the charts, the bound, what the phases are, and the table of the layers."""
WIDE, HUGE = 110, 170
"""Columns from which on there is room for two charts, and for four with the table."""
HIGH = 55
"""Rows from which on there is room for the bound under that table."""


@dataclass(frozen=True)
class Arrangement:
    """What was chosen so far."""

    layout: tuple[str, ...] = ()
    """To be beside one another; empty: as much as there is room for."""
    beside: str = "gradients"
    """What is beside the plane, where there is room for two."""
    fourth: str = "learning"
    """What is shown with the plane, the gradients and their SNR, where there is room for four."""

    def choosing(self, panel: str) -> Arrangement:
        """What was chosen last is shown with the plane, where there is room for more than one."""
        chosen = self if panel == "plane" else replace(self, beside=panel)
        return chosen if panel in CHARTS[:3] or panel == "layers" else replace(chosen, fourth=panel)

    def apart(self, width: int, height: int) -> bool:
        """Whether the bound has a place of its own beside the charts."""
        return width >= HUGE and height >= HIGH and "bound" not in self.layout

    def shown(self, panel: str, width: int, height: int) -> tuple[str, ...]:
        """What is shown beside one another, the chosen one among it."""
        if width < WIDE:
            return (panel,)
        bound_apart = self.apart(width, height)
        if self.layout:
            rows = 3 if height >= HIGH else 2 if height >= HIGH / 2 else 1
            first = self.layout[: 2 * rows]
            there = panel in first or (panel == "bound" and bound_apart)
            return first if there else (*first[: 2 * rows - 1], panel)
        if width < HUGE:
            return "plane", self.beside
        return (*CHARTS[:3], "learning" if bound_apart and self.fourth == "bound" else self.fourth)
