"""The axes of a map: what the ensembles of a grid differ in. Standard library only."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ibtui_engine.errors import InvalidValue, either
from ibtui_engine.experiment import Ensemble, Experiment, hidden_text
from ibtui_engine.rules.names import parse_rule_name
from ibtui_engine.settings import SETTINGS

HIDDEN = "hidden"


@dataclass(frozen=True)
class _Derived:
    label: str
    of: Callable[[Ensemble], int]


DERIVED: Mapping[str, _Derived] = MappingProxyType(
    {
        "depth": _Derived("Hidden layers", lambda one: len(one.hidden)),
        "width": _Derived("Units of the widest hidden layer", lambda one: max(one.hidden, default=0)),
    }
)
"""What stands for hidden layers where they differ in it: two axes in place of one."""


@dataclass(frozen=True)
class Axis:
    """One thing that ensembles differ in."""

    name: str
    """Of the setting, as `Experiment` has it, or of `DERIVED`."""
    values: tuple[Any, ...]
    """Numbers ascending, others in the experiment's order, behind them."""

    @property
    def label(self) -> str:
        """What it is called."""
        return DERIVED[self.name].label if self.name in DERIVED else SETTINGS[self.name].label

    @property
    def option(self) -> str:
        """As a command names it: `learning-rate`."""
        return self.name.replace("_", "-")

    def of(self, one: Ensemble) -> Any:
        """The value that an ensemble has."""
        return DERIVED[self.name].of(one) if self.name in DERIVED else getattr(one, self.name)

    def text(self, value: Any) -> str:
        """A value as people write it."""
        if self.name == HIDDEN:
            return hidden_text(value)
        if self.name == "rule":
            return parse_rule_name(value).short
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    def read(self, text: str) -> Any:
        """The value that people wrote.

        Raises:
            InvalidValue: the axis has no such value.
        """
        for value in self.values:
            if text.strip() in (self.text(value), str(value)):
                return value
        raise InvalidValue(f"{self.option} must be {either(map(self.text, self.values))}, got {text!r}")


def axes_of(experiment: Experiment) -> tuple[Axis, ...]:
    """What the ensembles of an experiment differ in, in the order of its grid. Hidden layers are depth and width where
    these two tell all of them apart, each depth with each width.
    """
    found = []
    for name in experiment.varied:
        values = getattr(experiment, name)
        if name == HIDDEN and (parts := _parts(values)):
            found += parts
        else:
            found.append(Axis(name, _sorted(values)))
    return tuple(found)


def is_map(experiment: Experiment) -> bool:
    """Whether its ensembles differ in two things or more: then results are kept as they finish."""
    return len(axes_of(experiment)) > 1


def _parts(hidden: Sequence[tuple[int, ...]]) -> list[Axis]:
    """Depth and width, those of both that differ; none where the layers differ in something else, too."""
    pairs = [(len(layers), max(layers, default=0)) for layers in hidden]
    axes = [Axis(name, _sorted(set(values))) for name, values in zip(DERIVED, zip(*pairs, strict=True), strict=True)]
    if len(set(pairs)) < len(pairs) or math.prod(len(axis.values) for axis in axes) != len(pairs):
        return []
    return [axis for axis in axes if len(axis.values) > 1]


def _sorted(values: Sequence[Any] | set[Any]) -> tuple[Any, ...]:
    numbers = sorted(value for value in values if isinstance(value, int | float))
    return (*numbers, *(value for value in values if not isinstance(value, int | float)))


@dataclass(frozen=True)
class Slice:
    """A map laid out on two axes, where all else that ensembles differ in has one value."""

    x: Axis
    y: Axis | None
    """None where ensembles differ in one thing alone."""
    fixed: tuple[tuple[Axis, Any], ...]
    places: tuple[tuple[int, ...], ...]
    """Indices of the ensembles, by y and x."""

    @property
    def title(self) -> str:
        """What is fixed; empty where nothing is."""
        return ", ".join(f"{axis.label.lower()} {axis.text(value)}" for axis, value in self.fixed)


def slices(
    experiment: Experiment, x: str | None = None, y: str | None = None, at: Mapping[str, str] | None = None
) -> tuple[Slice, ...]:
    """The maps of an experiment on two axes, one for each combination of what else its ensembles differ in.

    Args:
        experiment: a grid.
        x: name of the axis to the right; None takes the first that is not `y`.
        y: likewise upwards.
        at: values of further axes, as people write them: only combinations that have them.

    Raises:
        InvalidValue: the ensembles do not differ in that, or an axis has no such value.
    """
    axes = {axis.name: axis for axis in axes_of(experiment)}
    if not axes:
        raise InvalidValue("its ensembles differ in nothing: a map needs a setting with several values")
    names = [None if name is None else _known(name, axes) for name in (x, y)]
    if names[0] is not None and names[0] == names[1]:
        raise InvalidValue(f"x and y must be different, got {x!r} twice")
    free = [name for name in axes if name not in names]
    first = names[0] or free.pop(0)
    second = names[1] or (free.pop(0) if free else None)
    chosen = {_known(name, axes): text for name, text in (at or {}).items()}
    if of_axes := [name for name in chosen if name in (first, second)]:
        raise InvalidValue(f"{axes[of_axes[0]].option} is an axis of the map: it cannot be fixed, too")
    fixed = [[axes[name].read(chosen[name])] if name in chosen else list(axes[name].values) for name in free]
    by_values = {tuple(axis.of(one) for axis in axes.values()): one.index for one in experiment.ensembles}
    found = []
    for values in itertools.product(*fixed):
        rest = dict(zip(free, values, strict=True))

        def place(at_x: Any, at_y: Any, rest: Mapping[str, Any] = rest) -> int:
            every = {**rest, first: at_x} | ({second: at_y} if second else {})
            return by_values[tuple(every[name] for name in axes)]

        upwards = axes[second].values if second else (None,)
        places = tuple(tuple(place(at_x, at_y) for at_x in axes[first].values) for at_y in upwards)
        said = tuple((axes[name], value) for name, value in rest.items())
        found.append(Slice(axes[first], axes[second] if second else None, said, places))
    return tuple(found)


def _known(name: str, axes: Mapping[str, Axis]) -> str:
    written = name.strip().replace("-", "_")
    if written not in axes:
        raise InvalidValue(f"axis must be {either(axis.option for axis in axes.values())}, got {name!r}")
    return written
