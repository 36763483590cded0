"""What the layers of a network are called, wherever people read of them: T1, T2, ... and the output.

The names of Shwartz-Ziv and Tishby (2017), T_i from the input on, but for the last layer, which is the prediction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ibtui_engine.errors import printable

OUTPUT = "output"
"""The last layer."""
SHORT = 16
"""Characters of a name in a chart; longer ones lose their middle."""
MOST_NAMED = 12
"""Layers that a chart marks by their names; of more, marks have numbers."""


def layer_name(layer: int, layers: int) -> str:
    """The name of a layer, counted from 1, of a network with `layers` of them, the output included."""
    return f"T{layer}" if layer < layers else OUTPUT


def layer_names(layers: int) -> tuple[str, ...]:
    """`T1`, `T2`, ..., and `output`."""
    return tuple(layer_name(layer, layers) for layer in range(1, layers + 1))


def layer_heading(name: str, layer: int, layers: int) -> str:
    """How a table heads a layer of that name: its number, and its name where it has one of its own: `1`, `2 conv2`."""
    number = layer_number(layer, layers)
    return number if name == layer_name(layer, layers) else f"{number} {name}"


def layer_number(layer: int, layers: int) -> str:
    """The name of a layer, counted from 1, where it is clear that layers are meant: `1`, `2`, ..., and `output`."""
    return str(layer) if layer < layers else OUTPUT


def called(names: Sequence[str] | None, layers: int) -> tuple[str, ...]:
    """What a chart calls so many layers: by `names`, shortened, or without them `T1`, `T2`, ..., and `output`."""
    return layer_names(layers) if names is None else short_names(names)


def headings(names: Sequence[str] | None, layers: int) -> tuple[str, ...]:
    """How the rows of a table are headed (`layer_heading`), with names shortened."""
    return tuple(layer_heading(name, k, layers) for k, name in enumerate(called(names, layers), start=1))


def marks(names: Sequence[str] | None, layers: int) -> tuple[str, ...]:
    """What stands beside a layer's dot: its number, and where few layers have names of their own these."""
    numbers = tuple(layer_number(layer, layers) for layer in range(1, layers + 1))
    if names is None or layers > MOST_NAMED:
        return numbers
    usual = layer_names(layers)
    pairs = zip(short_names(names), names, usual, numbers, strict=True)
    return tuple(number if name == its_usual else short for short, name, its_usual, number in pairs)


def short_names(names: Sequence[str], most: int = SHORT) -> tuple[str, ...]:
    """Names in at most `most` characters, all different where the names are: they lose their middle, and if that makes
    two the same, end in their number. What is not printable is written as code.
    """
    whole = [printable(name) for name in names]
    short = [_without_middle(name, most) for name in whole]
    times = Counter(short)
    for k, name in enumerate(short):
        if times[name] > 1:
            end = f"…{k + 1}"
            short[k] = f"{whole[k][: most - len(end)]}{end}"
    return tuple(short)


def _without_middle(name: str, most: int) -> str:
    if len(name) <= most:
        return name
    kept = most - 1
    return f"{name[: (kept + 1) // 2]}…{name[len(name) - kept // 2 :]}"
