"""How a session is looked at: what the app remembers of it from one start to the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ibtui.epoch_display import EpochDisplay


@dataclass(frozen=True)
class SessionView:
    """A choice of charts, ensemble, layers and epoch."""

    panel: str = "plane"
    """The chosen chart."""
    beside: str = "gradients"
    """The chart beside the plane, where there is room for two."""
    points: bool = False
    """Whether every network is a point, instead of the mean over networks a path."""
    bound: bool = False
    """Whether the IB curve is drawn in the plane."""
    held_out: bool = False
    """Whether the plane is of the rows that are held out, where there are any."""
    ensemble: int = 0
    everything: bool = False
    """Whether all ensembles are side by side."""
    hidden: tuple[int, ...] = ()
    """Layers that are not drawn, counted from 1."""
    epoch: int | None = None
    """Of the playhead; None at the end."""
    following: bool = False
    """Whether the playhead was carried along by a run."""
    over_epochs: EpochDisplay = field(default_factory=EpochDisplay)
    """How the charts over epochs are drawn."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "over_epochs": self.over_epochs.to_dict()}

    @classmethod
    def from_dict(
        cls, found: Mapping[str, Any], *, panels: Collection[str], ensembles: int, first: int = 0
    ) -> SessionView:
        """From what was kept, perhaps by another version or of another session: what makes no sense is left out.

        `panels`: the names of the charts there are; `ensembles`: how many the session has; `first`: the one to begin
        with where none was chosen.
        """
        kept: dict[str, Any] = {"ensemble": first}
        for name in ("panel", "beside"):
            if isinstance(found.get(name), str) and found[name] in panels:
                kept[name] = found[name]
        for name in ("points", "bound", "held_out", "everything", "following"):
            kept[name] = found.get(name) is True
        kept["everything"] = kept["everything"] and ensembles > 1
        ensemble, hidden, epoch = found.get("ensemble"), found.get("hidden"), found.get("epoch")
        if type(ensemble) is int and 0 <= ensemble < ensembles:
            kept["ensemble"] = ensemble
        if isinstance(hidden, list | tuple) and all(type(layer) is int for layer in hidden):
            kept["hidden"] = tuple(sorted(set(hidden)))
        if type(epoch) is int:
            kept["epoch"] = epoch
        kept["over_epochs"] = EpochDisplay.from_dict(found.get("over_epochs"))
        return cls(**kept)
