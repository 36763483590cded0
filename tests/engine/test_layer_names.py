"""Layers have one name each, and the last one is the output wherever people read of it."""

from __future__ import annotations

import pytest

from ibtui_engine.layer_names import layer_name, layer_names, layer_number


@pytest.mark.parametrize("layers", [1, 2, 6, 12])
def test_the_last_layer_is_the_output_and_the_others_are_counted_from_the_input(layers: int) -> None:
    names = layer_names(layers)
    assert names == (*(f"T{k}" for k in range(1, layers)), "output")
    assert [layer_name(k + 1, layers) for k in range(layers)] == list(names)
    assert [layer_number(k + 1, layers) for k in range(layers)] == [name.removeprefix("T") for name in names]
