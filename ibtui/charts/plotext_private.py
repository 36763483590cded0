"""The one module that uses names which plotext keeps to itself: a chart takes a third of the time with them.

They were seen in plotext 6.1.0, where tests/ibtui/charts/test_charts_canvas.py looks for them. Where one of them is
missing, charts are drawn with what plotext offers openly; the cells are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

SEEN_IN = "6.1.0"
SIGNAL_NAMES = ("_set_marker", "_set_xside", "_set_yside", "_append_point", "_set_connected")

Adder = Callable[[Any, Sequence[float], Sequence[float], Any, Sequence[int]], None]
"""Adds a signal to a figure: its points' x and y, its marker, and which points a line joins to the one before."""


def quick_adder(figure: Any) -> Adder | None:
    """Adds signals without plotext's cycler of colours, and points one by one; None where a name is missing."""
    try:
        from plotext._signal.signal import signal_class
    except ImportError:
        return None
    signals = getattr(figure, "_signals", None)
    if not hasattr(signals, "_add") or not all(hasattr(signal_class, name) for name in SIGNAL_NAMES):
        return None

    def add(figure: Any, x: Sequence[float], y: Sequence[float], marker: Any, joined: Sequence[int]) -> None:
        signal = signal_class(len(x))
        signal._set_marker(marker)._set_xside(0)._set_yside(0)
        for dot in zip(x, y, strict=True):
            signal._append_point(*dot, marker)
        for index in joined:
            signal._set_connected(index)
        figure._signals._add(signal)

    return add
