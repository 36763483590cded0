"""What the layers of a network are called, wherever people read of them: T1, T2, ... and the output.

The names of Shwartz-Ziv and Tishby (2017), T_i from the input on, but for the last layer, which is the prediction.
"""

from __future__ import annotations

OUTPUT = "output"
"""The last layer."""


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
