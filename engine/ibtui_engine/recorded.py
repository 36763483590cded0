"""What a recording is of: what stands in it where a run has an experiment and its settings. Standard library only.

A recording is a session that a training loop of somebody's own has filled. Nothing is known of how its networks were
trained: settings of the grid have no values there, so that nobody can take a default for what was chosen.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ibtui_engine.errors import InvalidValue, either, shown
from ibtui_engine.estimation import Estimation, Further, estimator_names, further_estimations
from ibtui_engine.experiment import GRID, Ensemble, Experiment
from ibtui_engine.rules.names import RECORDING_PREFIX
from ibtui_engine.setting import is_whole
from ibtui_engine.settings import MAX_EPOCHS, NOT_ROUNDED

MOST_LAYERS = 10_000
"""Layers of a recorded network."""
LONGEST_NAME = 500
"""Characters of the name of a layer, of an ensemble or of the data."""
MOST_UNITS = 2**40
"""Units of a layer."""


class RecordedLayer(NamedTuple):
    """One layer of a recorded network."""

    name: str
    units: int
    weights: bool
    """Whether it has weights, and so may have gradients."""


@dataclass(frozen=True, kw_only=True)
class RecordedSettings(Ensemble):
    """An ensemble of a recording: its name and its layers. It has no settings."""

    name: str
    """As it was given; may be empty."""
    layers: tuple[RecordedLayer, ...]
    batches: int
    """Steps of the optimiser in an epoch, as far as gradients were recorded; 0 where none were."""

    @property
    def title(self) -> str:
        """What it is called: its name, or that of the data."""
        return self.name or self.rule.removeprefix(RECORDING_PREFIX)

    def told_apart(self, varied: Sequence[str]) -> str:
        """Its name: it has no settings."""
        return self.title

    @classmethod
    def make(cls, index: int, rule: str, name: str, layers: Iterable[RecordedLayer], batches: int) -> RecordedSettings:
        """With everything that a run would have absent."""
        absent: dict[str, Any] = dict.fromkeys(GRID) | {
            "hidden": (),
            "units": "",
            "activation": "",
            "optimizer": "",
            "labels": "",
            "sampling": "",
            "ib_method": "",
        }
        absent |= dict.fromkeys(
            ("fraction", "learning_rate", "momentum", "init_scale", "weight_decay", "dropout"), math.nan
        ) | {"batch": "full"}
        absent["activation_bits"] = NOT_ROUNDED
        absent["rule"] = rule
        return cls(index=index, name=name, layers=tuple(layers), batches=batches, **absent)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, "layers": [list(layer) for layer in self.layers]}

    def text(self) -> str:
        """As the session file keeps it."""
        return json.dumps(self.to_dict() | {"batches": self.batches})

    @classmethod
    def from_text(cls, index: int, rule: str, text: str) -> RecordedSettings:
        """The inverse of `text`.

        Raises:
            ValueError: it is none.
            TypeError: likewise.
            InvalidValue: a name in it is none.
        """
        plain = json.loads(text)
        if not isinstance(plain, dict) or set(plain) != {"name", "layers", "batches"}:
            raise ValueError("a recorded ensemble has no name, layers and batches")
        layers = [RecordedLayer(*layer) for layer in plain["layers"]]
        names = [require_name(layer.name) for layer in layers]
        units = [layer.units for layer in layers]
        if not 0 < len(layers) <= MOST_LAYERS or len(set(names)) < len(names):
            raise ValueError(f"a recorded ensemble has {len(layers)} layers with {len(set(names))} names")
        if not all(is_whole(one) and 0 < one <= MOST_UNITS for one in units):
            raise ValueError("a recorded layer has no units")
        if not is_whole(plain["batches"]) or not 0 <= plain["batches"] <= MAX_EPOCHS:
            raise ValueError("a recorded ensemble has no number of batches")
        return cls.make(index, rule, require_name(plain["name"], least=0), layers, plain["batches"])


@dataclass(frozen=True, kw_only=True)
class Recording(Experiment):
    """What a recording says of itself, in the place of the experiment of a run."""

    how: Estimation
    """The estimator with its settings."""
    also: tuple[Estimation, ...] = ()
    """Further ones, which measured the same layers."""
    chosen: int = 0
    """By which of them the numbers are that this stands beside: 0 is `how`."""
    planned: int | None = None
    """Epochs that were planned, where that was said; `epochs` has those that there are, where not."""

    def __post_init__(self) -> None:
        if self.planned is not None and (not is_whole(self.planned) or not 1 <= self.planned <= MAX_EPOCHS):
            raise InvalidValue(f"epochs must be a whole number from 1 to {MAX_EPOCHS}, got {self.planned!r}")

    @classmethod
    def make(cls, data: str, how: Estimation, planned: int | None = None, also: Further = ()) -> Recording:
        """A recording of networks that learn `data`, as people call it.

        Raises:
            InvalidValue: the name is empty or too long, `planned` is no number of epochs, or `also` are no further
                estimators.
        """
        absent: dict[str, Any] = dict.fromkeys(GRID, ()) | dict.fromkeys(("theta", "gamma", "i_xy"), (None,))
        absent["rule"] = (RECORDING_PREFIX + require_name(data),)
        return cls(
            how=how,
            also=further_estimations(how, also),
            planned=planned,
            estimator=how.estimator,
            bins=how.bins,
            noise=how.noise,
            networks=0,
            seed=0,
            epochs=planned or 1,
            weights=False,
            trainer="",
            device="",
            **absent,
        )

    @property
    def data(self) -> str:
        """What the networks learn."""
        return self.rule[0].removeprefix(RECORDING_PREFIX)

    @property
    def title(self) -> str:
        """The name of the data."""
        return self.data

    @property
    def estimation(self) -> Estimation:
        """The chosen estimator with its settings."""
        return self.estimations[self.chosen]

    @property
    def estimations(self) -> tuple[Estimation, ...]:
        """All estimators that it is measured by."""
        return (self.how, *self.also)

    @property
    def estimator_names(self) -> tuple[str, ...]:
        """What each is called: by its estimator; a second one of the same is `kde-2`."""
        return estimator_names(self.estimations)

    @property
    def chosen_name(self) -> str | None:
        """What the chosen one is called, where it is not the first."""
        return self.estimator_names[self.chosen] if self.chosen else None

    @property
    def other_names(self) -> tuple[str, ...]:
        """Those of the estimators that are not chosen."""
        return tuple(name for place, name in enumerate(self.estimator_names) if place != self.chosen)

    def place_of(self, name: str) -> int:
        """Which of `estimations` is called so.

        Raises:
            InvalidValue: none is.
        """
        names = self.estimator_names
        if name not in names:
            raise InvalidValue(f"by must be {either(names)}, as this recording is measured, got {shown(name)}")
        return names.index(name)

    def by(self, place: int) -> Recording:
        """The same where numbers are by another of its estimators."""
        how = self.estimations[place]
        return replace(self, chosen=place, estimator=how.estimator, bins=how.bins, noise=how.noise)

    def so_far(self, epoch: int, networks: int) -> Recording:
        """The same, with how far it has come."""
        return replace(self, epochs=max(self.planned or 1, epoch, 1), networks=networks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        others = [one.to_dict() for place, one in enumerate(self.estimations) if place != self.chosen]
        also = {"also": others} if others else {}
        return {"data": self.data, "epochs": self.planned, **also, **self.estimation.to_dict()}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Recording:
        """The inverse of `to_dict`.

        Raises:
            InvalidValue: it is none.
            TypeError: likewise.
        """
        rest = dict(settings)
        if not {"data", "epochs"} <= set(rest):
            raise InvalidValue("a recording says of what data it is, and how many epochs are planned")
        data, planned, also = str(rest.pop("data")), rest.pop("epochs"), rest.pop("also", [])
        return cls.make(data, Estimation(**rest), planned, also)


def require_name(name: object, *, least: int = 1) -> str:
    """A name of a layer, an ensemble or data.

    Raises:
        InvalidValue: it is none, or too long.
    """
    if not isinstance(name, str) or not least <= len(name) <= LONGEST_NAME:
        raise InvalidValue(f"a name must be {least} to {LONGEST_NAME} characters, got {name!r:.100}")
    return name
