"""What was read from a table's file: one value, for messages, JSON and sessions. Standard library only."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, TypeVar

from ibtui_engine.errors import shown

MOST_LISTED = 2_000
"""Inputs and labels that a report names one by one."""


@dataclass(frozen=True)
class Input:
    """One input, as it stands in the file."""

    name: str
    least: float
    greatest: float


@dataclass(frozen=True)
class Label:
    """One value of the label column."""

    value: str
    count: float
    """Rows that have it; the sum of its probabilities where the file has probabilities."""


@dataclass(frozen=True)
class LeftOut:
    """A column of the file that is no input."""

    name: str
    why: str


@dataclass(frozen=True)
class Scaling:
    """What was done to the inputs: x becomes (x − offset) / divisor."""

    kind: str
    """`none`, `standard` or `unit`."""
    why: str
    """In a few words."""
    offset: tuple[float, ...] = ()
    """Of each input that is listed; empty where nothing was done."""
    divisor: tuple[float, ...] = ()
    kept_apart: tuple[str, ...] = ()
    """Inputs whose values lie so close together that single precision would merge patterns, and which are therefore
    moved apart by its smallest step."""


@dataclass(frozen=True)
class HeldOut:
    """Rows that no network trains on, which are measured separately."""

    file: str
    """The second file that they are from; empty where they are rows of the first."""
    seed: int
    """What they were drawn by, where they are rows of the first file."""
    rows: int
    distinct: int
    """Different patterns among them."""
    labels: tuple[Label, ...]
    trained: int
    """Rows among them whose pattern is trained on, too: 0 but for a second file."""


@dataclass(frozen=True)
class TableReport:
    """What was read from a table's file, and as what."""

    file: str
    format: str
    """Kind of file, and how it is written: separator, decimal sign, encoding."""
    header: str
    """Where the names of the columns stand: `line 1`, or `arrays`, `fields`, `schema`; empty where they have none."""
    patterns: int
    """Rows."""
    distinct: int
    """Different patterns among them."""
    inputs: int
    """How many each pattern has."""
    ranges: tuple[Input, ...]
    """Of the first `MOST_LISTED` inputs."""
    label: str
    """Name of the label column, or of several."""
    label_kind: str
    """`classes`, `one-hot`, `probabilities`, or `bins of equal mass`."""
    labels: tuple[Label, ...]
    left_out: tuple[LeftOut, ...]
    scaling: Scaling
    sample: bool
    """Whether every pattern has one label: then the rows are a sample, and p(y|x) is not known beyond them."""
    weight: str = ""
    """What p(x) is in proportion to: a column or an array; empty where rows are equally likely."""
    weights: tuple[float, ...] = ()
    """The least and the greatest of it above 0."""
    weightless: int = 0
    """Rows of weight 0, which are left out of all the rest."""
    held_out: HeldOut | None = None
    """Rows beside those that all the rest is of; None where there are none."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> TableReport:
        """The report of plain values.

        Raises:
            ValueError: they are none.
        """
        try:
            known: dict[str, Any] = {
                field.name: found[field.name] if field.default is MISSING else found.get(field.name, field.default)
                for field in fields(cls)
            }
            known["ranges"] = tuple(_made(Input, one) for one in known["ranges"])
            known["labels"] = tuple(_made(Label, one) for one in known["labels"])
            known["left_out"] = tuple(_made(LeftOut, one) for one in known["left_out"])
            known["scaling"] = _made(Scaling, known["scaling"])
            if (held := known["held_out"]) is not None:
                counted = tuple(_made(Label, one) for one in held["labels"])
                known["held_out"] = _made(HeldOut, {**held, "labels": counted})
            return _made(cls, known)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"what was read from its table is {shown(error)}") from error

    def lines(self) -> tuple[str, ...]:
        """What was read, in sentences for people; each is one line."""
        return (
            f"read {self.file}: {self.format}, {self._named()}",
            f"{self.patterns} patterns{self._repeated()} of {self.inputs} input{'s' * (self.inputs != 1)}: "
            f"{_some([_range(one) for one in self.ranges], self.inputs)}",
            f"label {self.label} ({self.label_kind}): {_some([f'{x.value} ({_count(x)})' for x in self.labels], 0)}",
            *((f"left out: {_some([f'{x.name} ({x.why})' for x in self.left_out], 0)}",) if self.left_out else ()),
            f"scaling: {self._scaled()}",
            *((f"p(x): {self._weighed()}",) if self.weight else ()),
            "p(y|x): a sample, every pattern has one label, so that I(X;Y) = H(Y)"
            if self.sample
            else "p(y|x): a rule, some patterns have more than one label",
            *((f"held out: {self._held(self.held_out)}",) if self.held_out is not None else ()),
        )

    def _weighed(self) -> str:
        least, greatest = self.weights
        none = f"; {self.weightless} row{'s' * (self.weightless != 1)} of weight 0 left out" if self.weightless else ""
        way_out = "" if self.header == "arrays" else "; --weight none takes it for an input"
        return f"in proportion to {self.weight}, {least:.6g} to {greatest:.6g}{none}{way_out}"

    def _held(self, held: HeldOut) -> str:
        of = f"of {held.file}, scaled like those that train"
        if not held.file:
            share = held.rows / (held.rows + self.patterns)
            of = f"({share:.3g} of the table), drawn by seed {held.seed} from each label"
        whole = "" if self.sample or held.file else ", whole patterns with their p(y|x)"
        both = f"; {held.trained} of them have a pattern that trains, too" if held.trained else ""
        counts = _some([f"{x.value} ({_count(x)})" for x in held.labels], 0)
        return f"{held.rows} rows {of}{whole}; no network trains on them: {counts}{both}"

    def _named(self) -> str:
        if not self.header:
            return "no header"
        return f"header in {self.header}" if self.header.startswith("line") else f"names from its {self.header}"

    def _repeated(self) -> str:
        return f" ({self.distinct} different)" if self.distinct < self.patterns else ""

    def _scaled(self) -> str:
        known = {
            "standard": "standard, each input has mean 0 and standard deviation 1",
            "unit": "unit, inputs lie in [0, 1]",
        }
        done = known.get(self.scaling.kind, self.scaling.kind)
        apart = self.scaling.kept_apart
        note = f"; kept apart beyond single precision: {_some(list(apart), 0)}" if apart else ""
        return f"{done} ({self.scaling.why}){note}" if self.scaling.why else f"{done}{note}"


Part = TypeVar("Part", Input, Label, LeftOut, Scaling, HeldOut, TableReport)


def _made(kind: type[Part], found: Mapping[str, Any]) -> Part:
    """A part of a report, of values that are of the types that it declares. Raises TypeError where they are not."""
    values = {}
    for field in fields(kind):
        value = found[field.name]
        match field.type:
            case "str":
                right = isinstance(value, str)
            case "bool":
                right = isinstance(value, bool)
            case "int":
                right = isinstance(value, int) and not isinstance(value, bool)
            case "float":
                right = isinstance(value, float | int) and abs(value) <= sys.float_info.max
            case "Scaling":
                right = isinstance(value, Scaling)
            case "HeldOut | None":
                right = value is None or isinstance(value, HeldOut)
            case _:
                value = tuple(value)
                allowed = {"tuple[float, ...]": (float, int), "tuple[str, ...]": (str,)}
                right = all(isinstance(one, allowed.get(str(field.type), (Input, Label, LeftOut))) for one in value)
        if not right:
            raise TypeError(f"{field.name} {shown(value)}")
        values[field.name] = value
    return kind(**values)


def _range(one: Input) -> str:
    return f"{one.name} {one.least:.10g} to {one.greatest:.10g}"


def _count(label: Label) -> str:
    return f"{label.count:.10g}"


def _some(texts: list[str], whole: int) -> str:
    """The first of a list, with how many there are where they are more."""
    most, many = 8, max(len(texts), whole)
    return ", ".join(texts[:most]) + (f", ... {many} in all" if many > most else "")
